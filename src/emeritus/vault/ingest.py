"""Takes the files of a model into packs.

Each file is read once: hashed, cut into objects, and what the vault does not hold yet is encoded
on the way. An object whose first block is known already is only hashed; it is read again in the
one case that it turns out to be another.
"""

import dataclasses
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import msgspec
from blake3 import blake3

from emeritus import digests
from emeritus.errors import UserError
from emeritus.safetensors import TensorRange
from emeritus.vault import codec, kernels
from emeritus.vault import manifest as manifests
from emeritus.vault.catalogue import Catalogue
from emeritus.vault.format import (
    BLOCK_BYTES,
    EXPONENT_BITS,
    GAP_BYTES_MAX,
    MANIFEST_FORMAT,
    object_bytes_max,
)
from emeritus.vault.journal import Journal
from emeritus.vault.lineage import BaseTensors
from emeritus.vault.manifest import File, Folder, Manifest, Part, Tensor
from emeritus.vault.objects import id_of, object_id
from emeritus.vault.pack import PackWriter
from emeritus.vault.parallel import Lane
from emeritus.vault.source import SourceFile, list_source
from emeritus.vault.tensor_files import tensors_of


class Progress(Protocol):
    """Told how far some work has come."""

    def __call__(
        self, label: str, done: int, total: int, unit: str = "", stored: int | None = None
    ) -> None:
        """Take that `done` of `total` is done; `unit` is `B` when these are bytes.

        `stored` is how many bytes the work has written for those that are done.
        """
        ...


TRIALS: Final = 4  # samples of a tensor that decide whether its difference to the base is smaller


@dataclasses.dataclass(slots=True)
class Ingest:
    """One preservation under way."""

    catalogue: Catalogue
    packs: PackWriter
    base: BaseTensors
    journal: Journal
    progress: Progress | None
    total: int = 0
    done: int = 0
    coming: set[str] = dataclasses.field(default_factory=set)
    first_blocks: set[bytes] = dataclasses.field(default_factory=set)

    def run(self, source: Path) -> Manifest:
        """Store every file of `source` and return the manifest; its packs are sealed by then."""
        files, empty = list_source(source)
        self.total = sum(file.size for file in files)
        kernels.hasten(self.total)
        kept = tuple(self._keep(file) for file in files)
        self.packs.seal()
        manifest = Manifest(
            format=MANIFEST_FORMAT,
            files=kept,
            empty_folders=tuple(Folder(**manifests.path_fields(each)) for each in empty),
        )
        return msgspec.structs.replace(manifest, tensor_digest=manifest.computed_tensor_digest)

    def _keep(self, file: SourceFile) -> File:
        known = self.journal.find(file)
        if known is not None and all(self.catalogue.find(each) for each in known.objects):
            self._advance(file.name, file.size)
            return known
        tensors, opaque = tensors_of(file.place, file.size)
        reading = _Reading(self, file)
        with reading.hashing:
            for part in _parts(file.size, tensors):
                reading.take(part)
            reading.end_gap()
            reading.hashing.flush()
        file.require_unchanged()
        digest = reading.digest.finish()
        kept = File(
            size=file.size,
            mode=file.mode,
            sha256=digest.sha256,
            blake3=digest.blake3,
            recipe=tuple(reading.recipe),
            tensors=tuple(sorted(reading.tensors, key=lambda tensor: tensor.name)),
            opaque=opaque,
            **manifests.path_fields(file.name),
        )
        self.journal.note(file, kept)
        return kept

    def base_of(self, part: TensorRange, number: int) -> str | None:
        """Return the object of the base model's tensor of the same name, type and shape."""
        tensor = self.base.get((part.name, part.dtype, part.shape))
        if tensor is None or part.dtype not in EXPONENT_BITS or number >= len(tensor.objects):
            return None
        place = self.catalogue.find(tensor.objects[number])
        # Depth 1: what is itself a difference lends its own base, never itself.
        return None if place is None else place[1].base or place[1].id

    def saves(self, file: SourceFile, part: TensorRange, base: str) -> bool:
        """Try a few samples both ways, and tell whether the difference takes fewer bytes."""
        count = -(-part.length // codec.SAMPLE_BYTES)
        alone = change = 0
        layout = codec.Layout(part.dtype)
        for number in sorted({each * (count - 1) // max(1, TRIALS - 1) for each in range(TRIALS)}):
            start = number * codec.SAMPLE_BYTES
            length = min(codec.SAMPLE_BYTES, part.length - start)
            raw = b"".join(file.read(part.offset + start, length))
            block = self.catalogue.block(base, start // BLOCK_BYTES)
            old = block[start % BLOCK_BYTES :][:length]
            alone += codec.total(codec.encode(raw, layout)[1])
            change += codec.total(codec.encode(raw, layout, old)[1])
        return change < alone

    def holds(self, identity: str) -> bool:
        """Tell whether an object is stored, or will be when its pack is sealed."""
        return identity in self.coming or self.catalogue.find(identity) is not None

    def begins_like_another(self, first_block: bytes) -> bool:
        """Tell whether an object is known whose first block has this BLAKE3."""
        return first_block in self.first_blocks or self.catalogue.begins_with(first_block)

    def expect(self, identity: str, first_block: bytes) -> None:
        """Count on an object that was given to the packs."""
        self.coming.add(identity)
        self.first_blocks.add(first_block)

    def _advance(self, name: str, count: int) -> None:
        self.done += count
        if self.progress is not None:
            self.progress(f"keeping {name}", self.done, self.total, "B", self.packs.written)

    def advanced(self, name: str, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield `blocks`, showing progress."""
        for block in blocks:
            self._advance(name, len(block))
            yield block


class _Reading:
    """One file on its way: what is known of it so far."""

    def __init__(self, ingest: Ingest, file: SourceFile) -> None:
        self._ingest = ingest
        self._file = file
        self._gap = bytearray()
        self._gap_places: list[int] = []
        self.digest = digests.RunningDigest()
        # Both digests of the file need its bytes in order: they have a thread of their own.
        self.hashing = Lane[None](lambda _: None, threads=1)
        self.recipe: list[Part] = []
        self.tensors: list[Tensor] = []

    def take(self, part: TensorRange) -> None:
        """Take the next range of the file, a tensor or what lies between."""
        if not part.name and part.length < GAP_BYTES_MAX:
            self._take_gap(part)
            return
        ids = []
        step = object_bytes_max(part.dtype)
        for number, offset in enumerate(range(0, part.length, step)):
            length = min(step, part.length - offset)
            cut = dataclasses.replace(part, offset=part.offset + offset, length=length)
            ids.append(self._take_object(cut, self._ingest.base_of(part, number)))
            self.recipe.append(Part(ids[-1], 0, length))
        if part.name:
            size = part.length
            self.tensors.append(Tensor(part.name, part.dtype, part.shape, size, tuple(ids)))

    def end_gap(self) -> None:
        """Make an object of the short ranges so far, each of which stands in the recipe."""
        if self._gap:
            data = bytes(self._gap)
            identity = id_of(data)
            if not self._ingest.holds(identity):
                self._ingest.packs.put(data)
                self._ingest.coming.add(identity)
            for place in self._gap_places:
                part = self.recipe[place]
                self.recipe[place] = Part(identity, part.offset, part.length)
        self._gap, self._gap_places = bytearray(), []

    def _take_gap(self, part: TensorRange) -> None:
        if not part.length:
            return
        self._gap_places.append(len(self.recipe))
        self.recipe.append(Part("", len(self._gap), part.length))
        for block in self._blocks(part):
            self._gap += block
        if len(self._gap) > BLOCK_BYTES:
            self.end_gap()

    def _take_object(self, part: TensorRange, base: str | None) -> str:
        """Return the id of an object that the vault holds, or will when its pack is sealed."""
        ingest = self._ingest
        blocks = self._blocks(part)
        first = next(blocks)
        digest = blake3(first).digest()
        known = None
        if ingest.begins_like_another(digest):
            known = object_id(part.length, [digest, *(blake3(each).digest() for each in blocks)])
            if ingest.holds(known):
                return known
            blocks = self._file.read(part.offset + len(first), part.length - len(first))
        lent = None
        if base is not None and ingest.saves(self._file, part, base):
            lent = base, ingest.catalogue.block_reader(base)
        ingest.packs.begin(part.length, part.dtype, lent)
        ingest.packs.add(first, digest)
        for block in blocks:
            ingest.packs.add(block, blake3(block).digest())
        identity = ingest.packs.end()
        if known not in (None, identity):
            raise UserError(self._file.changed())
        ingest.expect(identity, digest)
        return identity

    def _blocks(self, part: TensorRange) -> Iterator[bytes]:
        """Yield the blocks of a range, which the file's digests take in, too."""
        blocks = self._file.read(part.offset, part.length)
        for block in self._ingest.advanced(self._file.name, blocks):
            self.hashing.put(partial(self.digest.update, block))
            yield block


def _parts(size: int, tensors: list[TensorRange]) -> Iterator[TensorRange]:
    """Yield the file as ranges without gaps: its tensors, and without names what lies between."""
    at = 0
    for tensor in tensors:
        yield TensorRange("", "U8", (), at, tensor.offset - at)
        yield tensor
        at = tensor.offset + tensor.length
    yield TensorRange("", "U8", (), at, size - at)
