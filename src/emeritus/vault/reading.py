"""Reads ranges of objects with several blocks on the way at a time."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from emeritus.errors import IntegrityError
from emeritus.vault import kernels
from emeritus.vault.catalogue import Catalogue
from emeritus.vault.format import BLOCK_BYTES, GAP_BYTES_MAX, block_size
from emeritus.vault.manifest import Part
from emeritus.vault.parallel import ordered


@dataclasses.dataclass(frozen=True, slots=True)
class Slice:
    """What is wanted of one block: bytes [first, last) of block `position` of an object."""

    object: str
    position: int
    first: int
    last: int


class Reader:
    """Reads from a catalogue's packs; every block is proven by its hash."""

    def __init__(self, catalogue: Catalogue, threads: int) -> None:
        self.catalogue = catalogue
        self.threads = threads
        # Files have many short ranges (what lies between tensors) that share one block.
        self._shared: tuple[str, int, memoryview] = ("", 0, memoryview(b""))

    def ranges(self, parts: Iterable[Part]) -> Iterator[memoryview]:
        """Yield the bytes of ranges of objects, in order, decoding only the blocks they need."""
        slices = (each for part in parts for each in self._slices(part))
        yield from ordered(self.read, slices, self.threads)

    def fill(self, object_ids: Sequence[str], into: memoryview) -> None:
        """Write whole objects one after another to `into`, which is as long as they are."""
        kernels.hasten(len(into))
        places, start = [], 0
        for each in object_ids:
            _, entry = self.catalogue.require(each)
            for position in range(len(entry.blocks)):
                end = start + block_size(entry.size, position)
                places.append((each, position, into[start:end]))
                start = end
        if start != len(into):
            raise IntegrityError(f"the objects have {start} bytes, not {len(into)} (V009)")
        for _ in ordered(lambda place: self.catalogue.block(*place), places, self.threads):
            pass

    def size(self, object_id: str) -> int:
        """Return the length of an object."""
        return self.catalogue.require(object_id)[1].size

    def read(self, wanted: Slice) -> memoryview:
        """Return what is wanted of one block."""
        identity, position, block = self._shared
        if (identity, position) != (wanted.object, wanted.position):
            block = self.catalogue.block(wanted.object, wanted.position)
            if wanted.last - wanted.first < min(len(block), GAP_BYTES_MAX):
                self._shared = wanted.object, wanted.position, block
        return block[wanted.first : wanted.last]

    def _slices(self, part: Part) -> Iterator[Slice]:
        _, entry = self.catalogue.require(part.object)
        end = part.offset + part.length
        if part.offset < 0 or part.length < 0 or end > entry.size:
            raise IntegrityError(f"{part.object} has {entry.size} bytes, not {end} (V009)")
        for position in range(part.offset // BLOCK_BYTES, -(-end // BLOCK_BYTES)):
            start = position * BLOCK_BYTES
            yield Slice(
                part.object,
                position,
                max(0, part.offset - start),
                min(BLOCK_BYTES, end - start),
            )
