"""Packs: sealed containers of objects.

    header (4 KiB) | blocks, each at a multiple of 4 KiB | index (zstd frame) | footer (64 bytes)

The id of a pack is the SHA-256 of its index, which holds a hash of everything else.
"""

import hashlib
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

import msgspec
import zstandard
from blake3 import blake3

from emeritus import canonical
from emeritus.errors import Finding, IntegrityError
from emeritus.safetensors import WIDTHS
from emeritus.vault import codec
from emeritus.vault import format as disk
from emeritus.vault.format import Block, Index, ObjectEntry
from emeritus.vault.objects import object_id as disk_id
from emeritus.vault.store import NotStored, Store, Writer

ReadBase = Callable[[int], bytes]
"""Gives the raw bytes of one block of the base object."""


class DamagedPack(ValueError):
    """A pack that cannot be read; `code` is the finding's code."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class PackWriter:
    """Writes packs one after another, and seals each when it is full or at the end.

    An object is durable when the pack that holds it is sealed; `sealed` lists the packs so far.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._writer: Writer | None = None
        self._offset = 0
        self._objects: list[ObjectEntry] = []
        self.sealed: list[tuple[str, Index]] = []

    def add(
        self,
        object_id: str,
        size: int,
        blocks: Iterable[bytes],
        dtype: str = "U8",
        base: tuple[str, ReadBase] | None = None,
    ) -> int:
        """Store one object from its raw blocks; return how many bytes it takes.

        With `base`, segments are stored as differences to that object, which MUST have the same
        size and itself be stored without differences. Raises `ValueError` when the bytes are not
        those of `object_id`: the source changed after it was hashed.
        """
        if self._offset + size > disk.PACK_BYTES_MAX - disk.INDEX_BYTES_MAX // 4:
            self.seal()
        stored = []
        hashes = []
        for position, raw in enumerate(blocks):
            hashes.append(blake3(raw).digest())
            stored.append(self._add_block(raw, dtype, base[1](position) if base else None))
        if disk_id(size, hashes) != object_id:
            raise ValueError("the bytes changed while they were read")
        entry = ObjectEntry(object_id, size, tuple(stored), dtype, base[0] if base else None)
        self._objects.append(entry)
        return sum(block.length for block in stored)

    def seal(self) -> None:
        """Write index and footer and make the pack durable under its id."""
        if self._writer is None:
            return
        raw, framed = render_index(Index(disk.PACK_FORMAT, tuple(self._objects)))
        pack = hashlib.sha256(raw).hexdigest()
        self._write(framed, aligned=True)
        self._writer.write(render_footer(self._offset - _padded(len(framed)), framed, raw))
        self._writer.commit(disk.pack_name(pack))
        # The copy last: an index without its pack can only mean that the pack was lost.
        self._store.put(disk.index_name(pack), framed)
        self.sealed.append((pack, Index(disk.PACK_FORMAT, tuple(self._objects))))
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # What was written is whole objects; sealing it now spares the next run the work.
        if kind is not None and self._objects and not isinstance(error, OSError):
            self.seal()
        self._close()

    def _add_block(self, raw: bytes, dtype: str, base: bytes | None) -> Block:
        segments, planes = [], []
        for start in range(0, len(raw), disk.SEGMENT_BYTES):
            part = raw[start : start + disk.SEGMENT_BYTES]
            chosen, stored = codec.encode(part, dtype)
            if base is not None and len(part) % WIDTHS[dtype] == 0:
                change = codec.encode_delta(part, base[start : start + len(part)], dtype)
                if sum(map(len, change)) < sum(map(len, stored)):
                    chosen, stored = disk.DELTA, change
            segments.append((chosen, tuple(len(plane) for plane in stored)))
            planes += stored
        body = b"".join(planes)
        offset = self._write(body, aligned=True)
        return Block(
            offset,
            len(body),
            blake3(body).hexdigest(),
            blake3(raw).hexdigest(),
            tuple(segments),
        )

    def _write(self, data: bytes, *, aligned: bool) -> int:
        if self._writer is None:
            self._writer = self._store.writer()
            self._writer.write(disk.HEADER)
            self._offset = len(disk.HEADER)
        offset = self._offset
        self._writer.write(data)
        padding = _padded(len(data)) - len(data) if aligned else 0
        self._writer.write(bytes(padding))
        self._offset += len(data) + padding
        return offset

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.__exit__()
        self._writer, self._objects, self._offset = None, [], 0


def render_index(index: Index) -> tuple[bytes, bytes]:
    """Return the index as canonical JSON, and as the zstd frame that is stored."""
    raw = canonical.dumps(msgspec.to_builtins(index))
    return raw, zstandard.ZstdCompressor(level=3).compress(raw)


def render_footer(offset: int, framed: bytes, raw: bytes) -> bytes:
    """Return the last 64 bytes of a pack."""
    numbers = (offset, len(framed), len(raw))
    body = b"".join(number.to_bytes(8, "little") for number in numbers)
    return disk.FOOTER_MAGIC + body + hashlib.sha256(raw).digest()


def read_index(store: Store, pack: str) -> Index:
    """Return the index of a pack, from its copy when that is sound, else from the pack itself.

    Raises `DamagedPack` when neither is.
    """
    try:
        return parse_index(store.get(disk.index_name(pack)), pack)
    except (DamagedPack, NotStored):
        return index_inside(store, pack)


def index_inside(store: Store, pack: str) -> Index:
    """Return the index that stands in the pack itself. Raises `DamagedPack`."""
    name = disk.pack_name(pack)
    try:
        size = store.size(name)
    except NotStored:
        raise DamagedPack("V001", "the pack is missing") from None
    if size < len(disk.HEADER) + disk.FOOTER_BYTES:
        raise DamagedPack("V002", f"only {size} bytes are left of it")
    if store.get(name, 0, len(disk.HEADER)) != disk.HEADER:
        raise DamagedPack("V003", "its header is damaged")
    footer = store.get(name, size - disk.FOOTER_BYTES, disk.FOOTER_BYTES)
    if footer[:8] != disk.FOOTER_MAGIC or footer[32:] != bytes.fromhex(pack):
        raise DamagedPack("V003", "its footer is damaged, or its end is missing")
    offset, stored, raw = (int.from_bytes(footer[at : at + 8], "little") for at in (8, 16, 24))
    if raw > disk.INDEX_BYTES_MAX or offset + _padded(stored) + disk.FOOTER_BYTES != size:
        raise DamagedPack("V002", f"its footer describes another length than {size} bytes")
    return parse_index(store.get(name, offset, stored), pack, raw)


def parse_index(framed: bytes, pack: str, size: int | None = None) -> Index:
    """Read a stored index. Raises `DamagedPack` when it is not the one that `pack` names."""
    try:
        claimed = zstandard.frame_content_size(framed)
        if not 0 < claimed <= disk.INDEX_BYTES_MAX or size not in (None, claimed):
            raise DamagedPack("V004", f"its index claims {claimed} bytes")
        raw = zstandard.ZstdDecompressor().decompress(framed, max_output_size=claimed)
        if hashlib.sha256(raw).hexdigest() != pack:
            raise DamagedPack("V004", "its index is not the one that it is named for")
        index = msgspec.convert(canonical.loads(raw), Index)
    except (zstandard.ZstdError, canonical.NotCanonical, msgspec.ValidationError) as error:
        raise DamagedPack("V004", f"its index cannot be read: {error}") from error
    if index.format != disk.PACK_FORMAT:
        raise DamagedPack("V004", f"its format is {index.format!r}")
    return index


def read_block(
    store: Store, pack: str, entry: ObjectEntry, position: int, read_base: ReadBase | None
) -> bytes:
    """Return the raw bytes of one block, proven by its hash.

    Raises `IntegrityError` with the finding when they are not what was stored.
    """
    block = entry.blocks[position]
    size = disk.block_size(entry.size, position)
    where = f"{disk.pack_name(pack)}@{block.offset}"
    try:
        stored = store.get(disk.pack_name(pack), block.offset, block.length)
    except NotStored:
        raise _damage("V001", disk.pack_name(pack), "the pack is missing", entry.id) from None
    if blake3(stored).hexdigest() != block.stored_hash:
        raise _damage("V005", where, f"block {position} is not what was stored", entry.id)
    base = read_base(position) if read_base else None
    try:
        raw = decode_block(stored, block, size, entry.dtype, base)
    except codec.NotDecodable as error:
        raise _damage("V006", where, f"block {position}: {error}", entry.id) from error
    if blake3(raw).hexdigest() != block.raw_hash:
        raise _damage("V007", where, f"block {position} decodes to other bytes", entry.id)
    return raw


def decode_block(stored: bytes, block: Block, size: int, dtype: str, base: bytes | None) -> bytes:
    """Return the raw bytes of a block. Raises `codec.NotDecodable`."""
    view, parts, at = memoryview(stored), [], 0
    for number, (chosen, lengths) in enumerate(block.segments):
        start = number * disk.SEGMENT_BYTES
        length = min(disk.SEGMENT_BYTES, size - start)
        if length <= 0:
            raise codec.NotDecodable("a block has more segments than bytes")
        planes = []
        for plane in lengths:
            planes.append(view[at : at + plane])
            at += plane
        reference = base[start : start + length] if base is not None else None
        parts.append(codec.decode(chosen, planes, length, dtype, reference))
    raw = b"".join(parts)
    if len(raw) != size or at != len(stored):
        raise codec.NotDecodable(f"a block of {size} bytes decodes to {len(raw)}")
    return raw


def _damage(code: str, where: str, detail: str, affects: str) -> IntegrityError:
    finding = Finding(code, where, detail, (affects,))
    return IntegrityError(f"{where}: {detail} ({code})", (finding,))


def _padded(length: int) -> int:
    return -(-length // disk.ALIGNMENT) * disk.ALIGNMENT
