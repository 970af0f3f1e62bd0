"""Which object lies in which pack, as the indexes say."""

from collections.abc import Iterable, Iterator

from emeritus.errors import Finding, IntegrityError
from emeritus.vault import format as disk
from emeritus.vault.format import BLOCK_BYTES, Index, ObjectEntry
from emeritus.vault.pack import DamagedPack, ReadBase, read_block, read_index
from emeritus.vault.store import Store


class Catalogue:
    """The objects of a store by id. Packs that cannot be read are left out, and remembered."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._places: dict[str, tuple[str, ObjectEntry]] = {}
        self._seen: set[str] = set()
        self.damaged: dict[str, DamagedPack] = {}

    def refresh(self) -> None:
        """Take in packs that came since."""
        for pack in pack_ids(self._store):
            if pack in self._seen:
                continue
            try:
                self.take(pack, read_index(self._store, pack))
            except DamagedPack as error:
                self.damaged[pack] = error

    def take(self, pack: str, index: Index) -> None:
        """Take in one pack's index."""
        self._seen.add(pack)
        self.damaged.pop(pack, None)
        for entry in index.objects:
            self._places.setdefault(entry.id, (pack, entry))

    def forget(self) -> None:
        """Start again, after packs were replaced."""
        self._places, self._seen, self.damaged = {}, set(), {}

    def find(self, object_id: str) -> tuple[str, ObjectEntry] | None:
        """Return the pack and the entry of an object, or None."""
        if object_id not in self._places:
            self.refresh()
        return self._places.get(object_id)

    def require(self, object_id: str) -> tuple[str, ObjectEntry]:
        """Return the pack and the entry of an object; raises `IntegrityError` (V008)."""
        place = self.find(object_id)
        if place is None:
            damaged = f"; {len(self.damaged)} packs cannot be read" if self.damaged else ""
            finding = Finding(
                "V008", object_id, f"no readable pack holds it{damaged}", (object_id,)
            )
            raise IntegrityError(f"{object_id}: {finding.detail} (V008)", (finding,))
        return place

    def stored_size(self, object_id: str) -> int:
        """Return how many bytes an object takes in its pack."""
        _, entry = self.require(object_id)
        return sum(block.length for block in entry.blocks)

    def blocks(self, object_id: str, first: int = 0, last: int | None = None) -> Iterator[bytes]:
        """Yield the raw blocks [first, last) of an object, each proven by its hash."""
        pack, entry = self.require(object_id)
        reader = self._base_reader(entry)
        for position in range(first, len(entry.blocks) if last is None else last):
            yield read_block(self._store, pack, entry, position, reader)

    def read_range(self, object_id: str, offset: int, length: int) -> Iterator[bytes]:
        """Yield bytes [offset, offset + length) of an object in parts."""
        _, entry = self.require(object_id)
        if offset < 0 or length < 0 or offset + length > entry.size:
            raise IntegrityError(
                f"{object_id} has {entry.size} bytes, not {offset + length} (V009)"
            )
        first, last = offset // BLOCK_BYTES, -(-(offset + length) // BLOCK_BYTES)
        at = first * BLOCK_BYTES
        for raw in self.blocks(object_id, first, last if length else first):
            yield raw[max(0, offset - at) : offset + length - at]
            at += len(raw)

    def block_reader(self, object_id: str) -> ReadBase:
        """Return a function that reads one raw block of an object."""

        def read(position: int) -> bytes:
            return next(self.blocks(object_id, position, position + 1))

        return read

    def _base_reader(self, entry: ObjectEntry) -> ReadBase | None:
        if entry.base is None:
            return None
        _, base = self.require(entry.base)
        if base.base is not None or base.size != entry.size:
            raise IntegrityError(f"{entry.id} names {entry.base}, which cannot be its base (V009)")
        return self.block_reader(entry.base)


def pack_ids(store: Store) -> Iterable[str]:
    """Yield the id of every pack in the store, also of one whose index copy alone is left."""
    for name in store.list("packs/"):
        pack = disk.pack_of(name.removesuffix(".idx") + ".pack" if name.endswith(".idx") else name)
        if pack is not None and (name.endswith(".pack") or not store.exists(disk.pack_name(pack))):
            yield pack
