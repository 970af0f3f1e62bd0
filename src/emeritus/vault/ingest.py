"""Takes the files of a model into packs.

Each file is read twice: once to hash it (the file, its tensors, its objects), and once more only
for the objects that the vault does not hold yet. The second reading is proven against the first.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from emeritus import digests
from emeritus.errors import UserError
from emeritus.safetensors import WIDTHS, NotSafetensors, TensorRange, read_header
from emeritus.vault import codec
from emeritus.vault import manifest as manifests
from emeritus.vault.catalogue import Catalogue
from emeritus.vault.format import (
    EXPONENT_BITS,
    MANIFEST_FORMAT,
    OBJECT_BYTES_MAX,
    SEGMENT_BYTES,
)
from emeritus.vault.manifest import File, Manifest, Part, Tensor
from emeritus.vault.objects import ObjectHash
from emeritus.vault.pack import PackWriter
from emeritus.vault.source import SourceFile, list_source

Progress = Callable[[str, int, int], None]
"""Called with a label, how much is done and how much there is, in bytes."""

TRIALS = 4  # segments of a tensor that decide whether its difference to the base is smaller


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a file that become one object."""

    offset: int
    length: int
    object: str
    dtype: str = "U8"
    base: str | None = None


@dataclasses.dataclass(slots=True)
class Ingest:
    """One preservation under way."""

    catalogue: Catalogue
    packs: PackWriter
    base: dict[tuple[str, str, tuple[int, ...]], Tensor]
    progress: Progress | None
    total: int = 0
    done: int = 0
    written: int = 0
    new: set[str] = dataclasses.field(default_factory=set)

    def run(self, source: Path) -> Manifest:
        """Store every file of `source` and return the manifest; its packs are sealed by then."""
        files, empty = list_source(source)
        self.total = sum(file.size for file in files)
        kept = tuple(self._keep(file) for file in files)
        tensors = tuple(tensor for file in kept for tensor in file.tensors)
        self.packs.seal()
        return Manifest(
            format=MANIFEST_FORMAT,
            files=kept,
            empty_folders=tuple(empty),
            tensor_digest=manifests.tensor_digest(tensors),
        )

    def _keep(self, file: SourceFile) -> File:
        tensors, opaque = _tensors_of(file)
        pieces, digest, named = self._hash(file, tensors)
        file.require_unchanged()
        for piece in pieces:
            if piece.object not in self.new and self.catalogue.find(piece.object) is None:
                self._store(file, piece)
        return File(
            size=file.size,
            mode=file.mode,
            sha256=digest.sha256,
            blake3=digest.blake3,
            recipe=tuple(Part(piece.object, 0, piece.length) for piece in pieces),
            tensors=named,
            opaque=opaque,
            **manifests.path_fields(file.name),
        )

    def _hash(
        self, file: SourceFile, tensors: list[TensorRange]
    ) -> tuple[list[Piece], digests.FileDigest, tuple[Tensor, ...]]:
        """Read the file once; return its objects, its digests and its tensors."""
        whole = digests.RunningDigest()
        pieces: list[Piece] = []
        named: list[Tensor] = []
        for part in _parts(file.size, tensors):
            tensor_hash = hashlib.sha256()
            first = len(pieces)
            for offset in range(part.offset, part.offset + part.length, OBJECT_BYTES_MAX):
                length = min(OBJECT_BYTES_MAX, part.offset + part.length - offset)
                object_hash = ObjectHash()
                for block in file.read(offset, length):
                    whole.update(block)
                    object_hash.update(block)
                    if part.name:
                        tensor_hash.update(block)
                    self._advance(file.name, len(block))
                base = self._base_of(part, (offset - part.offset) // OBJECT_BYTES_MAX)
                pieces.append(Piece(offset, length, object_hash.finish(), part.dtype, base))
            if part.name:
                ids = tuple(piece.object for piece in pieces[first:])
                sha256 = "sha256:" + tensor_hash.hexdigest()
                named.append(Tensor(part.name, part.dtype, part.shape, sha256, ids))
        return pieces, whole.finish(), tuple(sorted(named, key=lambda tensor: tensor.name))

    def _store(self, file: SourceFile, piece: Piece) -> None:
        base = None
        if piece.base is not None and self._saves(file, piece, piece.base):
            base = (piece.base, self.catalogue.block_reader(piece.base))
        blocks = file.read(piece.offset, piece.length)
        try:
            self.written += self.packs.add(piece.object, piece.length, blocks, piece.dtype, base)
        except ValueError as error:
            raise UserError(
                f"{file.place}: {error}; preserve a copy that nobody changes"
            ) from error
        self.new.add(piece.object)
        for pack, index in self.packs.sealed:
            self.catalogue.take(pack, index)

    def _base_of(self, part: TensorRange, number: int) -> str | None:
        """Return the object of the base model's tensor of the same name, type and shape."""
        tensor = self.base.get((part.name, part.dtype, part.shape))
        if tensor is None or part.dtype not in EXPONENT_BITS or number >= len(tensor.objects):
            return None
        place = self.catalogue.find(tensor.objects[number])
        # Depth 1: what is itself a difference lends its own base, never itself.
        return None if place is None else place[1].base or place[1].id

    def _saves(self, file: SourceFile, piece: Piece, base: str) -> bool:
        """Try a few segments both ways, and tell whether the difference takes fewer bytes."""
        count = -(-piece.length // SEGMENT_BYTES)
        alone = change = 0
        for number in sorted({each * (count - 1) // max(1, TRIALS - 1) for each in range(TRIALS)}):
            start = number * SEGMENT_BYTES
            length = min(SEGMENT_BYTES, piece.length - start)
            if length % WIDTHS[piece.dtype]:
                return False
            raw = b"".join(file.read(piece.offset + start, length))
            old = b"".join(self.catalogue.read_range(base, start, length))
            alone += sum(map(len, codec.encode(raw, piece.dtype)[1]))
            change += sum(map(len, codec.encode_delta(raw, old, piece.dtype)))
        return change < alone

    def _advance(self, name: str, count: int) -> None:
        self.done += count
        if self.progress is not None:
            self.progress(f"keeping {name}", self.done, self.total)


def _tensors_of(file: SourceFile) -> tuple[list[TensorRange], str | None]:
    """Return the tensors of a safetensors file, or why they are not known."""
    if not file.name.endswith(".safetensors"):
        return [], None
    try:
        with open(file.place, "rb") as opened:
            return read_header(opened, file.size), None
    except NotSafetensors as error:
        return [], f"kept whole, its tensors are not known: {error}"


def _parts(size: int, tensors: list[TensorRange]) -> Iterator[TensorRange]:
    """Yield the file as ranges: its header, then its tensors; or all of it at once.

    Every range becomes one object or more. A tensor without elements has no bytes and no object.
    """
    start = tensors[0].offset if tensors else size
    yield TensorRange("", "U8", (), 0, start)
    yield from tensors
