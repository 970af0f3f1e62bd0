"""The vault: content-addressed bytes in packs, over one store."""

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from emeritus import digests
from emeritus.errors import Finding, IntegrityError, UserError
from emeritus.vault import exporting, fixity, restoring
from emeritus.vault import format as disk
from emeritus.vault import manifest as manifests
from emeritus.vault.catalogue import Catalogue, pack_ids
from emeritus.vault.format import Index
from emeritus.vault.ingest import Ingest, Progress
from emeritus.vault.journal import Journal
from emeritus.vault.lineage import by_key, nearest
from emeritus.vault.manifest import Manifest
from emeritus.vault.objects import id_of
from emeritus.vault.pack import DamagedPack, PackWriter, index_inside, read_index, render_index
from emeritus.vault.parallel import cores
from emeritus.vault.reading import Reader
from emeritus.vault.restoring import Restored
from emeritus.vault.store import LocalStore, Store, parts_of
from emeritus.vault.tensors import Tensors


@dataclasses.dataclass(frozen=True, slots=True)
class Receipt:
    """What a preservation did, in bytes and objects.

    `bytes_stored` is what the model's objects take in the packs, shared ones included;
    `bytes_written` what this run added; `bytes_delta_raw` how many raw bytes are kept as a
    difference to another object.
    """

    manifest: str
    manifest_sha256: str
    files: int
    tensors: int
    bytes_raw: int
    bytes_stored: int
    bytes_written: int
    bytes_delta_raw: int
    tensor_digest: str | None
    opaque: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Packed:
    """A pack on its way to another place: its `size` bytes in parts, and its index."""

    name: str
    size: int
    parts: Iterator[bytes]
    index_name: str
    index: bytes


class Vault:
    """Objects, documents and models in the packs of `store`.

    Everything that is read is proven by its hashes first: what is damaged raises
    `IntegrityError` with its findings, and is never given out.
    """

    def __init__(self, store: Store, threads: int | None = None) -> None:
        self._store = store
        self._threads = threads or cores()
        self._catalogue = Catalogue(store)
        self._reader = Reader(self._catalogue, self._threads)

    def preserve(
        self,
        source: Path,
        base: str | None = None,
        journal: Path | None = None,
        progress: Progress | None = None,
    ) -> Receipt:
        """Keep every file of `source`; durable when it returns.

        `base` is the manifest of a model whose tensors these may be stored as differences to.
        What the vault holds already is not written again, so an interrupted call is repeated;
        with a `journal`, a file of this machine, files that were finished are not read again.
        """
        self._catalogue.refresh()
        tensors = {} if base is None else by_key(self.manifest(base))
        notes = Journal(journal)

        def sealed(pack: str, index: Index) -> None:
            self._catalogue.take(pack, index)
            notes.flush(self._catalogue)

        with PackWriter(self._store, sealed, self._threads) as packs:
            manifest = Ingest(self._catalogue, packs, tensors, notes, progress).run(source)
        data = manifests.render(manifest)
        receipt = self._receipt(
            manifest, self.put_document(data), digests.sha256(data), packs.written
        )
        notes.close()
        return receipt

    def nearest(self, source: Path, candidates: Mapping[str, str]) -> str | None:
        """Return the name of the model in `candidates` that `source` was made from, or None.

        `candidates` holds manifests by name; see `vault.lineage`.
        """
        loads = {name: partial(self.manifest, each) for name, each in candidates.items()}
        return nearest(self._catalogue, source, loads)

    def put_document(self, data: bytes) -> str:
        """Store bytes that are in memory; return their object id, durable when it returns."""
        if len(data) > disk.DOCUMENT_BYTES_MAX:
            raise UserError(f"a document of {len(data)} bytes is too large")
        object_id = id_of(data)
        if self._catalogue.find(object_id) is None:
            with PackWriter(self._store, self._catalogue.take) as packs:
                packs.put(data)
                packs.seal()
        return object_id

    def read(self, object_id: str) -> bytes:
        """Return the bytes of an object."""
        return self.read_range(object_id, 0, self._catalogue.require(object_id)[1].size)

    def read_range(self, object_id: str, offset: int, length: int) -> bytes:
        """Return bytes [offset, offset + length) of an object, decoding only what they need."""
        return b"".join(self._reader.ranges([manifests.Part(object_id, offset, length)]))

    def manifest(self, manifest_id: str) -> Manifest:
        """Return a model's manifest. Raises `IntegrityError` when it cannot be read."""
        try:
            return manifests.parse(self.read(manifest_id))
        except manifests.NotAManifest as error:
            finding = Finding("V009", manifest_id, str(error), (manifest_id,))
            raise IntegrityError(f"{manifest_id}: {error} (V009)", (finding,)) from error

    def restore(
        self,
        manifest_id: str,
        dest: Path,
        only: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> Restored:
        """Write a model's files to `dest`, which is missing or empty; every digest is compared."""
        manifest = self.manifest(manifest_id)
        return restoring.restore(self._reader, manifest, dest, only, progress)

    def open_tensors(self, manifest_id: str) -> Tensors:
        """Return a model's tensors, decoded when they are asked for; nothing is read yet."""
        return Tensors(self.manifest(manifest_id), self._reader)

    def export_tensors(self, manifest_id: str, names: Sequence[str], dest: Path) -> int:
        """Write the tensors with these names to a new safetensors file; return how many bytes.

        Only the blocks that hold them are read. Packed types, which safetensors lacks, are
        written as their records, with type and shape in the file's metadata.
        """
        return exporting.export(self.open_tensors(manifest_id), names, dest)

    def missing(self, manifest_id: str) -> Iterator[Finding]:
        """Yield a finding (V008) for every object of a model that no readable pack holds."""
        needed = [manifest_id]
        if manifest_id in self._catalogue:
            with contextlib.suppress(IntegrityError):  # what is damaged has findings of its own
                needed += self.manifest(manifest_id).objects
        bases = (self._base(each) for each in needed)
        for each in dict.fromkeys([*needed, *filter(None, bases)]):
            finding = self.missing_object(each)
            if finding is not None:
                yield finding

    def missing_object(self, object_id: str) -> Finding | None:
        """Return a finding (V008) when no readable pack holds an object."""
        if object_id in self._catalogue:
            return None
        return Finding("V008", object_id, "no readable pack holds it", (object_id,))

    def refresh(self) -> None:
        """Look at the packs anew, after some were replaced or added by somebody else."""
        self._catalogue.forget()
        self._catalogue.refresh()

    def is_encrypted(self, object_id: str) -> bool:
        """Tell whether an object is held whose blocks are encrypted, as those of weights may be.

        An encrypted document is encrypted within, and its blocks are as all blocks are.
        """
        place = self._catalogue.find(object_id)
        return place is not None and place[1].encrypted

    def pack_of(self, object_id: str) -> str | None:
        """Return the id of the pack that holds an object, or None."""
        place = self._catalogue.find(object_id)
        return place[0] if place else None

    def objects(self, manifest_id: str) -> list[str]:
        """Return the ids of all objects that a model needs, its manifest and bases included."""
        ids = dict.fromkeys((manifest_id, *self.manifest(manifest_id).objects))
        for object_id in list(ids):
            base = self._catalogue.require(object_id)[1].base
            if base is not None:
                ids[base] = None
        return list(ids)

    def packs(self, manifest_id: str) -> list[str]:
        """Return the names of the packs that a model needs."""
        packs = (self._catalogue.require(each)[0] for each in self.objects(manifest_id))
        return [disk.pack_name(pack) for pack in dict.fromkeys(packs)]

    def pack_names(self) -> list[str]:
        """Return the names of all packs."""
        return [disk.pack_name(pack) for pack in pack_ids(self._store)]

    def check(self, deep: bool = False, progress: Progress | None = None) -> Iterator[Finding]:
        """Yield what is wrong with the packs; see `vault.fixity`."""
        self.refresh()
        packs = list(pack_ids(self._store))
        yield from fixity.check(self._store, self._catalogue, packs, deep, self._threads, progress)

    def names_of(self, object_ids: Iterable[str], manifest_id: str) -> list[str]:
        """Return what of a model the objects hold: names of tensors, else of files.

        Objects that are stored as a difference to one of them are reached too.
        """
        hit = set(object_ids)
        manifest = self.manifest(manifest_id)
        reached = {each for each in manifest.objects if each in hit or self._base(each) in hit}
        named = []
        for file in manifest.files:
            tensors = [t.name for t in file.tensors if reached & set(t.objects)]
            named += [f"{name} in {file.name}" for name in tensors]
            held = {each for tensor in file.tensors for each in tensor.objects}
            if any(part.object in reached - held for part in file.recipe):
                named.append(file.name)
        return named

    def copy_to(self, other: "Vault", progress: Progress | None = None) -> list[str]:
        """Copy every pack that `other` lacks, as it is; return their names.

        Raises `IntegrityError` rather than copy a pack that is damaged in its frame; blocks are
        read through by `check` on both sides.
        """
        missing = [
            pack for pack in pack_ids(self._store) if not other.store.exists(disk.pack_name(pack))
        ]
        total = sum(self._store.size(disk.pack_name(pack)) for pack in missing)
        done = 0
        for pack in missing:
            self.copy_pack(pack, other.store)
            done += other.store.size(disk.pack_name(pack))
            if progress is not None:
                progress("copying packs", done, total, "B")
        return [disk.pack_name(pack) for pack in missing]

    def copy_pack(self, pack: str, target: Store) -> None:
        """Copy one pack with its index into `target`. Raises as `packed` does."""
        packed = self.packed(pack)
        with target.writer() as writer:
            for part in packed.parts:
                writer.write(part)
            writer.commit(packed.name)
        target.put(packed.index_name, packed.index)

    def packed(self, pack: str) -> Packed:
        """Return a pack as it is stored. Raises `IntegrityError` when its frame is damaged."""
        name = disk.pack_name(pack)
        try:
            index = render_index(index_inside(self._store, pack))
        except DamagedPack as error:
            finding = Finding(error.code, name, str(error))
            raise IntegrityError(f"{name}: {error} ({error.code})", (finding,)) from error
        size, parts = self._store.size(name), parts_of(self._store, name)
        return Packed(name, size, parts, disk.index_name(pack), index)

    def replace_pack(self, pack: str, other: "Vault") -> bool:
        """Take a pack anew from `other`, keeping the damaged bytes aside; False if it has none.

        The other vault's copy is read through first: damage is never copied.
        """
        if not isinstance(self._store, LocalStore) or not other.sound(pack):
            return False
        self.replace_with(pack, parts_of(other.store, disk.pack_name(pack)))
        return True

    def replace_with(self, pack: str, parts: Iterable[bytes]) -> None:
        """Take a pack anew from sound `parts`, keeping the damaged bytes aside."""
        if not isinstance(self._store, LocalStore):
            raise UserError("this store cannot replace what is damaged; repair its replica")
        self._store.replace(disk.pack_name(pack), parts)
        index = render_index(index_inside(self._store, pack))
        self._store.replace(disk.index_name(pack), [index])
        self._catalogue.forget()

    def objects_in(self, pack: str) -> list[str]:
        """Return the ids of the objects in a pack, as far as its index can be read."""
        try:
            return [entry.id for entry in read_index(self._store, pack).objects]
        except DamagedPack:
            return []

    def set_aside(self, pack: str) -> bool:
        """Move a damaged pack to `quarantine/` when sound packs hold all that was in it.

        False, and nothing changed, when they do not, or when it cannot be told.
        """
        if not isinstance(self._store, LocalStore) or not (held := self.objects_in(pack)):
            return False
        others = [other for other in pack_ids(self._store) if other != pack]
        elsewhere = {each: other for other in others for each in self.objects_in(other)}
        if not all(each in elsewhere for each in held):
            return False
        if not all(self.sound(other) for other in {elsewhere[each] for each in held}):
            return False
        for name in (disk.pack_name(pack), disk.index_name(pack)):
            self._store.set_aside(name)
        self._catalogue.forget()
        return True

    def sound(self, pack: str) -> bool:
        """Tell whether the vault holds a pack whose every byte is what was stored."""
        found = fixity.check(self._store, self._catalogue, [pack], False, self._threads)
        return self._store.exists(disk.pack_name(pack)) and not any(found)

    @property
    def store(self) -> Store:
        """The store beneath."""
        return self._store

    def _base(self, object_id: str) -> str | None:
        place = self._catalogue.find(object_id)
        return place[1].base if place else None

    def _receipt(self, manifest: Manifest, object_id: str, sha256: str, written: int) -> Receipt:
        entries = [self._catalogue.require(each)[1] for each in manifest.objects]
        return Receipt(
            manifest=object_id,
            manifest_sha256=sha256,
            files=len(manifest.files),
            tensors=len(manifest.tensors),
            bytes_raw=manifest.size,
            bytes_stored=sum(block.length for entry in entries for block in entry.blocks),
            bytes_written=written,
            bytes_delta_raw=sum(entry.size for entry in entries if entry.base),
            tensor_digest=manifest.tensor_digest,
            opaque=tuple((file.name, file.opaque) for file in manifest.files if file.opaque),
        )
