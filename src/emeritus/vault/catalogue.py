"""Which object lies in which pack, as the indexes say."""

from collections.abc import Iterable
from functools import partial

from emeritus.errors import Finding, IntegrityError
from emeritus.vault import format as disk
from emeritus.vault.format import Index, ObjectEntry
from emeritus.vault.pack import DamagedPack, ReadBase, read_block, read_index
from emeritus.vault.store import Store


class Catalogue:
    """The objects of a store by id. Packs that cannot be read are left out, and remembered."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._places: dict[str, tuple[str, ObjectEntry]] = {}
        self._seen: set[str] = set()
        self._first_blocks: set[bytes] = set()
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
            if entry.blocks:
                self._first_blocks.add(bytes.fromhex(entry.blocks[0].raw_hash))

    def forget(self) -> None:
        """Start again, after packs were replaced."""
        self._places, self._seen, self._first_blocks, self.damaged = {}, set(), set(), {}

    def __contains__(self, object_id: object) -> bool:
        """Tell whether an object was in a pack when last looked."""
        return object_id in self._places

    def begins_with(self, first_block: bytes) -> bool:
        """Tell whether an object is known whose first block has this BLAKE3."""
        return first_block in self._first_blocks

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

    def block(self, object_id: str, position: int, into: memoryview | None = None) -> memoryview:
        """Return one raw block of an object, proven by its hash; `into` is filled when given.

        Raises `IntegrityError`.
        """
        pack, entry = self.require(object_id)
        base = self._base_reader(entry)
        return read_block(self._store, pack, entry, position, base, into)

    def block_reader(self, object_id: str) -> ReadBase:
        """Return a function that reads one raw block of an object."""
        return partial(self.block, object_id)

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
