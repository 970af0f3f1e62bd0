"""Packs: sealed containers of objects.

    header (4 KiB) | blocks | index (canonical JSON) | footer (64 bytes)

The id of a pack is the SHA-256 of its index, which holds a hash of everything else.
"""

import contextlib
import dataclasses
import hashlib
from collections.abc import Callable
from types import TracebackType
from typing import Self

import msgspec
from blake3 import blake3

from emeritus import canonical
from emeritus.errors import EmeritusError, Finding, IntegrityError, UserError
from emeritus.vault import codec
from emeritus.vault import format as disk
from emeritus.vault.format import Block, Index, ObjectEntry
from emeritus.vault.objects import object_id
from emeritus.vault.parallel import Lane
from emeritus.vault.planes import Plane
from emeritus.vault.store import NotStored, Readable, Store, Writer

ReadBase = Callable[[int], memoryview]
"""Gives the raw bytes of one block of the base object."""


class DamagedPack(ValueError):
    """A pack that cannot be read; `code` is the finding's code."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclasses.dataclass(frozen=True, slots=True)
class Encoded:
    """A block on its way into a pack."""

    codec: int
    planes: list[Plane]
    stored_hash: str
    raw_hash: str


@dataclasses.dataclass(slots=True)
class _Open:
    """The object that is being written."""

    dtype: str
    base: tuple[str, ReadBase] | None
    size: int = 0
    hashes: list[bytes] = dataclasses.field(default_factory=list)


class PackWriter:
    """Writes packs one after another, and seals each when it is full or at the end.

    Blocks are encoded in threads and written in order. An object is durable when the pack that
    holds it is sealed; `on_sealed` is told then.
    """

    def __init__(
        self, store: Store, on_sealed: Callable[[str, Index], None], threads: int = 1
    ) -> None:
        self._store = store
        self._on_sealed = on_sealed
        self._lane = Lane[Callable[[], None]](lambda write: write(), threads)
        self._open: _Open | None = None
        self._writer: Writer | None = None
        self._offset = 0
        self._blocks: list[Block] = []
        self._objects: list[ObjectEntry] = []
        self._entries = 0
        self._sealing = False  # stays true when sealing failed: then there is nothing to save
        self.written = 0

    def begin(self, size: int, dtype: str = "U8", base: tuple[str, ReadBase] | None = None) -> None:
        """Begin an object of about `size` bytes.

        With `base`, blocks may be stored as differences to that object, which MUST have the same
        size and itself be stored without differences.
        """
        self._open = _Open(dtype, base)
        self._later(lambda: self._make_room(size))

    def add(self, raw: bytes | memoryview, raw_hash: bytes) -> None:
        """Add the next block, 4 MiB but for the last one, with its BLAKE3."""
        opened = self._require_open()
        position, base = len(opened.hashes), opened.base
        layout = codec.Layout(opened.dtype, opened.size)
        opened.hashes.append(raw_hash)
        opened.size += len(raw)

        def work() -> Callable[[], None]:
            encoded = _encode(raw, raw_hash, layout, base[1](position) if base else None)
            return lambda: self._write_block(encoded)

        self._lane.put(work)

    def end(self) -> str:
        """End the object and return its id."""
        opened = self._require_open()
        identity = object_id(opened.size, opened.hashes)
        base = opened.base[0] if opened.base else None
        self._later(lambda: self._close_object(identity, opened.size, opened.dtype, base))
        self._open = None
        return identity

    def put(self, data: bytes) -> str:
        """Add an object that is in memory and return its id."""
        self.begin(len(data))
        for at in range(0, len(data), disk.BLOCK_BYTES):
            raw = memoryview(data)[at : at + disk.BLOCK_BYTES]
            self.add(raw, blake3(raw).digest())
        return self.end()

    def seal(self) -> None:
        """Write what is pending, index and footer, and make the pack durable under its id."""
        self._lane.flush()
        self._seal()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is not None and not (self._lane.broken or self._sealing):
                # Spares the next run the work; where writing fails, it cannot be had.
                with contextlib.suppress(EmeritusError, OSError):
                    self._seal_what_is_there()
        finally:
            self._lane.__exit__(kind, error, trace)
            self._discard()

    def _seal_what_is_there(self) -> None:
        """Seal all whole blocks; what there is of an unfinished object is an object too."""
        self._lane.flush()
        if self._open is not None and self._open.hashes:
            self.end()
            self._lane.flush()
        self._seal()

    def _later(self, write: Callable[[], None]) -> None:
        self._lane.put(lambda: write)

    def _require_open(self) -> _Open:
        if self._open is None:
            raise RuntimeError("no object was begun")
        return self._open

    def _make_room(self, size: int) -> None:
        full = self._offset + size > disk.PACK_BYTES_MAX - disk.INDEX_BYTES_MAX
        if full or self._entries > disk.INDEX_ENTRIES_MAX:
            self._seal()

    def _close_object(self, identity: str, size: int, dtype: str, base: str | None) -> None:
        self._objects.append(ObjectEntry(identity, size, tuple(self._blocks), dtype, base))
        self._entries += 1 + len(self._blocks)
        self._blocks = []
        self._started()

    def _write_block(self, encoded: Encoded) -> None:
        length = codec.total(encoded.planes)
        if length > disk.UNALIGNED_BYTES_MAX:
            self._pad()
        self._started()
        offset = self._offset
        for plane in encoded.planes:
            self._write(plane)
        self.written += length
        planes = tuple(map(len, encoded.planes))
        hashes = encoded.stored_hash, encoded.raw_hash
        self._blocks.append(Block(offset, length, *hashes, encoded.codec, planes))

    def _seal(self) -> None:
        if not self._objects:
            return
        self._sealing = True
        index = Index(disk.PACK_FORMAT, tuple(self._objects))
        raw = render_index(index)
        pack = hashlib.sha256(raw).hexdigest()
        self._pad()
        offset = self._offset
        self._write(raw)
        self._pad()
        self._write(render_footer(offset, raw))
        self._started().commit(disk.pack_name(pack))
        # The copy last: an index without its pack can only mean that the pack was lost.
        self._store.put(disk.index_name(pack), raw)
        self._discard()
        self._sealing = False
        self._on_sealed(pack, index)

    def _started(self) -> Writer:
        if self._writer is None:
            self._writer = self._store.writer()
            self._offset = 0
            self._write(disk.HEADER)
        return self._writer

    def _write(self, data: Plane) -> None:
        self._started().write(data)
        self._offset += len(data)

    def _pad(self) -> None:
        self._write(bytes(-self._offset % disk.ALIGNMENT))

    def _discard(self) -> None:
        if self._writer is not None:
            self._writer.__exit__()
        self._writer, self._objects, self._blocks, self._offset = None, [], [], 0
        self._entries = 0


def _encode(raw: Plane, raw_hash: bytes, layout: codec.Layout, base: Plane | None) -> Encoded:
    chosen, planes = codec.encode(raw, layout, base)
    stored = blake3()
    for plane in planes:
        stored.update(plane)
    return Encoded(chosen, planes, stored.hexdigest(), raw_hash.hex())


def render_index(index: Index) -> bytes:
    """Return the index as it is stored: canonical JSON, so that no bit of it is without meaning."""
    return canonical.dumps(msgspec.to_builtins(index))


def render_footer(offset: int, index: bytes) -> bytes:
    """Return the last 64 bytes of a pack."""
    numbers = b"".join(number.to_bytes(8, "little") for number in (offset, len(index), 0))
    return disk.FOOTER_MAGIC + numbers + hashlib.sha256(index).digest()


def read_index(store: Store, pack: str) -> Index:
    """Return the index of a pack, from its copy when that is sound, else from the pack itself.

    Raises `DamagedPack` when neither is.
    """
    try:
        return parse_index(store.get(disk.index_name(pack), 0, disk.INDEX_BYTES_MAX + 1), pack)
    except (DamagedPack, NotStored):
        return index_inside(store, pack)


def index_inside(store: Readable, pack: str) -> Index:
    """Return the index that stands in the pack itself. Raises `DamagedPack`."""
    offset, length = index_place(store, pack)
    return parse_index(store.get(disk.pack_name(pack), offset, length), pack)


def index_place(store: Readable, pack: str) -> tuple[int, int]:
    """Return offset and length of the index in a pack. Raises `DamagedPack`."""
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
    if footer[:8] != disk.FOOTER_MAGIC or footer[32:] != bytes.fromhex(pack) or any(footer[24:32]):
        raise DamagedPack("V003", "its footer is damaged, or its end is missing")
    offset, length = (int.from_bytes(footer[at : at + 8], "little") for at in (8, 16))
    if length > disk.INDEX_BYTES_MAX or offset + _padded(length) + disk.FOOTER_BYTES != size:
        raise DamagedPack("V002", f"its footer describes another length than {size} bytes")
    return offset, length


def parse_index(raw: bytes, pack: str) -> Index:
    """Read a stored index. Raises `DamagedPack` when it is not the one that `pack` names."""
    if hashlib.sha256(raw).hexdigest() != pack:
        raise DamagedPack("V004", "its index is not the one that it is named for")
    try:
        index = msgspec.json.decode(raw, type=Index)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedPack("V004", f"its index cannot be read: {error}") from error
    if index.format != disk.PACK_FORMAT:
        raise DamagedPack("V004", f"its format is {index.format!r}")
    for entry in index.objects:
        _require_consistent(entry)
    return index


def _require_consistent(entry: ObjectEntry) -> None:
    """Refuse numbers that no writer wrote, and an id that is not the hash of the blocks.

    Whoever makes a pack gives it its id: without this it could offer other bytes as an object
    that the record cites.
    """
    count = -(-entry.size // disk.BLOCK_BYTES)
    if not 0 <= entry.size <= disk.OBJECT_BYTES_MAX or count != len(entry.blocks):
        raise DamagedPack("V004", f"its index lies about the size of {entry.id[:80]}")
    for position, block in enumerate(entry.blocks):
        size = disk.block_size(entry.size, position)
        most = disk.stored_bytes_max(size, encrypted=entry.encrypted)
        if block.offset < 0 or not 0 <= block.length <= most:
            raise DamagedPack("V004", f"its index lies about where {entry.id[:80]} is")
    try:
        hashes = [bytes.fromhex(block.raw_hash) for block in entry.blocks]
    except ValueError:
        hashes = []
    if object_id(entry.size, hashes) != entry.id:
        raise DamagedPack("V004", f"its index offers other bytes as {entry.id[:80]}")


def read_block(
    store: Store,
    pack: str,
    entry: ObjectEntry,
    position: int,
    read_base: ReadBase | None = None,
    into: memoryview | None = None,
) -> memoryview:
    """Return the raw bytes of one block, proven by its hash; `into` is filled when given.

    Raises `IntegrityError` with the finding when they are not what was stored, and `UserError` when
    they are encrypted.
    """
    if entry.encrypted:
        raise UserError(f"{entry.id} is encrypted; this version opens no encrypted weights")
    block = entry.blocks[position]
    size = disk.block_size(entry.size, position)
    where = f"{disk.pack_name(pack)}@{block.offset}"
    stored = _stored(store, pack, entry, position)
    base = read_base(position) if read_base else None
    layout = codec.Layout(entry.dtype, position * disk.BLOCK_BYTES)
    try:
        raw = codec.decode(stored, (block.codec, block.planes), size, layout, base, into)
    except codec.NotDecodable as error:
        require_stored(stored, pack, entry, position)
        raise _damage("V006", where, f"block {position}: {error}", entry.id) from error
    if blake3(raw).hexdigest() != block.raw_hash:
        # What was stored is looked at only now: the raw hash proves it in every other case.
        require_stored(stored, pack, entry, position)
        raise _damage("V007", where, f"block {position} decodes to other bytes", entry.id)
    return raw


def check_stored(store: Readable, pack: str, entry: ObjectEntry, position: int) -> None:
    """Compare the stored bytes of one block with their hash; raises `IntegrityError`."""
    require_stored(_stored(store, pack, entry, position), pack, entry, position)


def _stored(store: Readable, pack: str, entry: ObjectEntry, position: int) -> bytes:
    block, name = entry.blocks[position], disk.pack_name(pack)
    try:
        return store.get(name, block.offset, block.length)
    except NotStored:
        raise _damage("V001", name, "the pack is missing", entry.id) from None


def require_stored(stored: Plane, pack: str, entry: ObjectEntry, position: int) -> None:
    """Compare the stored bytes of one block with their hash; raises `IntegrityError` (V005)."""
    block = entry.blocks[position]
    if blake3(stored).hexdigest() != block.stored_hash:
        where = f"{disk.pack_name(pack)}@{block.offset}"
        raise _damage("V005", where, f"block {position} is not what was stored", entry.id)


def _damage(code: str, where: str, detail: str, affects: str) -> IntegrityError:
    finding = Finding(code, where, detail, (affects,))
    return IntegrityError(f"{where}: {detail} ({code})", (finding,))


def _padded(length: int) -> int:
    return -(-length // disk.ALIGNMENT) * disk.ALIGNMENT
