"""Packs cut into shards for several places, so that each place holds only a part of the bytes.

    header (4 KiB) | payload | BLAKE3 of both (32 bytes)

The header says all that is needed to put a pack together again; see docs/formats/shards.md.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from blake3 import blake3

from emeritus import canonical
from emeritus.errors import Finding, IntegrityError, UserError
from emeritus.vault.erasure import Bytes, Scheme, combine
from emeritus.vault.format import ALIGNMENT, pack_name
from emeritus.vault.pack import DamagedPack, check_stored, index_inside
from emeritus.vault.store import NotStored, Store, parts_of

SHARD_FORMAT: Final = "emeritus-shard/1"
STRIPE_BYTES: Final = 512 * 1024  # of each shard, worked on at a time
HASH_BYTES: Final = 32

_NAME = re.compile(r"shards/([0-9a-f]{2})/(\1[0-9a-f]{62})\.(\d{3})\Z")


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a shard says of itself. `length` is that of its payload, zeros at the end included."""

    format: str
    pack: str
    size: int
    data: int
    parity: int
    number: int
    length: int

    def render(self) -> bytes:
        """Return the first 4 KiB of the shard."""
        return canonical.dumps(msgspec.to_builtins(self)).ljust(ALIGNMENT, b"\0")


def shard_name(pack: str, number: int) -> str:
    """Return where a shard lies in the folder of its place."""
    return f"shards/{pack[:2]}/{pack}.{number:03d}"


def packs_in(store: Store) -> dict[str, list[int]]:
    """Return the numbers of the shards that a folder holds, by pack."""
    found: dict[str, list[int]] = {}
    for name in store.list("shards/"):
        match = _NAME.match(name)
        if match:
            found.setdefault(match[2], []).append(int(match[3]))
    return found


def write_shards(store: Store, pack: str, scheme: Scheme, targets: Mapping[int, Store]) -> None:
    """Write those shards of a pack that are in `targets`, each to its folder, in one pass."""
    missing = {
        number: target
        for number, target in targets.items()
        if not target.exists(shard_name(pack, number))
    }
    if not missing:
        return
    writers = {number: target.writer() for number, target in missing.items()}
    try:
        hashes = {number: blake3() for number in missing}
        for number, data in _pieces(store, pack, scheme, set(missing)):
            hashes[number].update(data)
            writers[number].write(data)
        for number, writer in writers.items():
            writer.write(hashes[number].digest())
            writer.commit(shard_name(pack, number))
    finally:
        for writer in writers.values():
            writer.__exit__()


def shard_parts(store: Store, pack: str, scheme: Scheme, number: int) -> Iterator[bytes]:
    """Yield one shard, computed anew from the pack."""
    hasher = blake3()
    for _, data in _pieces(store, pack, scheme, {number}):
        hasher.update(data)
        yield data
    yield hasher.digest()


def check_shard(store: Store, pack: str, number: int) -> Finding | None:
    """Return a finding (V013) when a shard is missing, or not what was stored."""
    name = shard_name(pack, number)
    try:
        header = read_header(store, pack, number)
        hasher = blake3(header.render())
        for at in range(0, header.length, STRIPE_BYTES):
            hasher.update(_payload(store, header, at))
        end = ALIGNMENT + header.length
        if store.get(name, end) != hasher.digest():
            return Finding("V013", name, "the shard is not what was stored", (pack_name(pack),))
    except NotStored:
        return Finding("V013", name, "the shard is missing", (pack_name(pack),))
    except IntegrityError as error:
        return error.findings[0]
    return None


def read_header(store: Store, pack: str, number: int) -> Header:
    """Return the header of a shard. Raises `NotStored`, and `IntegrityError` when it is damaged."""
    name = shard_name(pack, number)
    data = store.get(name, 0, ALIGNMENT)
    try:
        header = msgspec.json.decode(data.rstrip(b"\0"), type=Header)
        known = header.format == SHARD_FORMAT and (header.pack, header.number) == (pack, number)
        if not known or data != header.render():
            raise ValueError("it does not say what it should")
        scheme = Scheme(header.data, header.parity)
        if header.length != _length(header.size, scheme) or number >= scheme.total:
            raise ValueError("its numbers contradict each other")
        if store.size(name) != ALIGNMENT + header.length + HASH_BYTES:
            raise ValueError("its length is another one")
    except (msgspec.DecodeError, ValueError, RecursionError, UserError) as error:
        finding = Finding("V013", name, f"its header is damaged: {error}", (pack_name(pack),))
        raise IntegrityError(f"{name}: {finding.detail} (V013)", (finding,)) from error
    return header


class Joined:
    """A pack as any shards that are enough show it: it can be read, and is not written anywhere.

    Raises `IntegrityError` (V013) when too few of them are sound.
    """

    def __init__(self, pack: str, sources: Sequence[Store]) -> None:
        self._found: dict[int, tuple[Store, Header]] = {}
        for store in sources:
            for number in packs_in(store).get(pack, []):
                if number not in self._found and check_shard(store, pack, number) is None:
                    self._found[number] = store, read_header(store, pack, number)
        kinds = {(each.data, each.parity, each.size) for _, each in self._found.values()}
        if len(kinds) != 1 or len(self._found) < next(iter(kinds))[0]:
            detail = f"only {len(self._found)} sound shards are left, which are not enough"
            raise _damage(pack, detail)
        data, parity, self._size = next(iter(kinds))
        scheme = Scheme(data, parity)
        self._length = _length(self._size, scheme)
        # The lowest numbers: those that are data need no arithmetic.
        self._chosen = sorted(self._found)[:data]
        self._rows = scheme.coefficients(self._chosen)

    def size(self, _: str) -> int:
        """Return the length of the pack."""
        return self._size

    def get(self, _: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return bytes of the pack."""
        end = self._size if length is None else min(self._size, offset + length)
        pieces = []
        while offset < end:
            part, at = divmod(offset, self._length)
            width = min(STRIPE_BYTES, self._length - at, end - offset)
            pieces.append(self._piece(part, at, width))
            offset += width
        return b"".join(pieces)

    def _piece(self, part: int, at: int, width: int) -> bytes:
        if part in self._chosen:
            return self._payload(part, at, width)
        pieces = [np.frombuffer(self._payload(n, at, width), np.uint8) for n in self._chosen]
        return combine([self._rows[part]], pieces)[0].tobytes()

    def _payload(self, number: int, at: int, width: int) -> bytes:
        store, header = self._found[number]
        return store.get(shard_name(header.pack, number), ALIGNMENT + at, width)


def rebuild(pack: str, sources: Sequence[Store], target: Store) -> None:
    """Put a pack together from any shards that are enough, and store it in `target`.

    Raises `IntegrityError` (V013) when too few of them are sound.
    """
    with target.writer() as writer:
        for part in rebuilt(pack, sources):
            writer.write(part)
        writer.commit(pack_name(pack))


def rebuilt(pack: str, sources: Sequence[Store]) -> Iterator[bytes]:
    """Yield a pack, put together from any shards that are enough; raises as `rebuild` does.

    It is read through first: whoever changes a shard can compute its hash again, but not the id
    of the pack, so what does not have it is never given out.
    """
    joined = Joined(pack, sources)
    try:
        for entry in index_inside(joined, pack).objects:
            for position in range(len(entry.blocks)):
                check_stored(joined, pack, entry, position)
    except (DamagedPack, IntegrityError) as error:
        raise _damage(pack, f"its shards give another pack: {error}") from error
    yield from parts_of(joined, pack_name(pack))


def _pieces(
    store: Store, pack: str, scheme: Scheme, wanted: set[int]
) -> Iterator[tuple[int, bytes]]:
    """Yield (number, bytes) of the wanted shards, stripe by stripe, their headers first."""
    name = pack_name(pack)
    size = store.size(name)
    length = _length(size, scheme)
    for number in wanted:
        numbers = (scheme.data, scheme.parity, number, length)
        yield number, Header(SHARD_FORMAT, pack, size, *numbers).render()
    for at in range(0, length, STRIPE_BYTES):
        width = min(STRIPE_BYTES, length - at)
        parts: list[Bytes] = []
        for part in range(scheme.data):
            data = store.get(name, min(size, part * length + at), width)
            data = data[: max(0, size - part * length - at)]
            parts.append(np.frombuffer(data.ljust(width, b"\0"), np.uint8))
        if max(wanted) >= scheme.data:
            parts += scheme.parity_of(parts)
        for number in wanted:
            yield number, parts[number].tobytes()


def _payload(store: Store, header: Header, at: int) -> bytes:
    name = shard_name(header.pack, header.number)
    return store.get(name, ALIGNMENT + at, min(STRIPE_BYTES, header.length - at))


def _damage(pack: str, detail: str) -> IntegrityError:
    finding = Finding("V013", pack_name(pack), detail, (pack_name(pack),))
    return IntegrityError(f"{pack_name(pack)}: {detail} (V013)", (finding,))


def _length(size: int, scheme: Scheme) -> int:
    return -(-size // scheme.data)
