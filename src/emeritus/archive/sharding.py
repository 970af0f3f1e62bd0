"""Shards of the packs in several places: the loss of any one of them is survived.

Each place also holds the record, the documents and the format pages, so that the folders of enough
places are an archive without any other copy. Compared with replicas the bytes are fewer (1.5 times
instead of 2 or 3), and no place can read a model alone.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from emeritus import canonical
from emeritus.archive import notes
from emeritus.archive.documents import documents_of
from emeritus.archive.handle import STEWARD, Archive
from emeritus.archive.replication import (
    SHARDS_MARK,
    copy_commits,
    copy_documents,
    require_same_history,
    said_after,
)
from emeritus.errors import Finding, IntegrityError, UserError
from emeritus.record import History
from emeritus.record.events import ShardsPlaced, ShardsWritten, WeightsPreserved
from emeritus.vault import LocalStore, Progress, Vault, erasure, shards
from emeritus.vault.format import pack_of

PREFIX = "shards/"  # of the names under which places stand in fixity checks


@dataclasses.dataclass(frozen=True, slots=True)
class Placement:
    """The scheme, and the folder of each place, in order; None where it is not reachable."""

    scheme: erasure.Scheme
    folders: dict[str, Path | None]

    @property
    def places(self) -> list[str]:
        """The places, in the order in which shards are dealt to them."""
        return list(self.folders)

    def numbers_at(self, place: str) -> list[int]:
        """Return the numbers of the shards that a place holds of every pack."""
        at = self.places.index(place)
        return list(range(at, self.scheme.total, len(self.folders)))

    def stores(self) -> dict[str, LocalStore]:
        """Return the stores that can be reached, by place."""
        reachable = {name: path for name, path in self.folders.items() if path and path.is_dir()}
        return {name: LocalStore(path) for name, path in reachable.items()}


def placement_of(archive: Archive) -> Placement | None:
    """Return where the shards are, or None when there are none."""
    placed = archive.history().last(ShardsPlaced)
    if placed is None:
        return None
    noted = notes.read(archive).shards
    folders = {
        place: Path(noted[place]) if place in noted else None for place in placed.event.places
    }
    return Placement(erasure.Scheme(placed.event.data, placed.event.parity), folders)


def place_shards(
    archive: Archive,
    folders: dict[str, Path],
    scheme: erasure.Scheme,
    progress: Progress | None = None,
) -> Placement:
    """Cut every pack into shards over `folders` by place. May be repeated for the same places.

    Raises `UserError` when a place would hold more shards than may be lost.
    """
    most = -(-scheme.total // len(folders)) if folders else scheme.total
    if most > scheme.parity:
        needed = -(-scheme.total // scheme.parity)
        raise UserError(
            f"over {len(folders)} places a place would hold {most} of the {scheme} shards, and "
            f"only {scheme.parity} may be lost; name at least {needed} places, or another scheme"
        )
    known = placement_of(archive)
    if known is not None and (str(known.scheme), known.places) != (str(scheme), list(folders)):
        raise UserError(
            f"this archive has {known.scheme} shards in {', '.join(known.places)} already; "
            "they cannot be dealt anew: bring them up to date with: emeritus shards sync"
        )
    for place, folder in folders.items():
        _claim(archive, place, folder)
    if known is None:
        event = ShardsPlaced(data=scheme.data, parity=scheme.parity, places=tuple(folders))
        archive.append(event, key=STEWARD)
    notes.note_shards(archive, folders)
    placement = Placement(scheme, dict(folders))
    sync_shards(archive, placement, progress)
    return placement


def sync_shards(archive: Archive, placement: Placement, progress: Progress | None = None) -> None:
    """Bring the shards up to the present, in every place that can be reached."""
    stores = placement.stores()
    for store in stores.values():
        _require_there(store)
        require_same_history(archive, store)
    targets = {
        number: store for place, store in stores.items() for number in placement.numbers_at(place)
    }
    archive.history()
    last = archive.record.sequence
    packs = [str(pack_of(name)) for name in archive.vault.pack_names()]
    for done, pack in enumerate(packs, start=1):
        if not archive.vault.sound(pack):
            raise IntegrityError(f"the pack {pack} is damaged; run: emeritus verify --repair")
        shards.write_shards(archive.store, pack, placement.scheme, targets)
        if progress is not None:
            progress("writing shards", done, len(packs))
    for store in stores.values():
        copy_documents(archive.store, store)
        copy_commits(archive.store, store, last)
        _require_there(store)  # still: a disk may have gone while it was written to
    written = archive.history().last(ShardsWritten)
    news = written is None or written.event.packs != len(packs)
    if news and len(stores) == len(placement.folders):
        event = ShardsWritten(up_to=last, packs=len(packs))
        last = said_after(last, archive.append(event))
        for store in stores.values():
            copy_commits(archive.store, store, last)


def check_shards(archive: Archive) -> Iterator[tuple[str, int, list[Finding]]]:
    """Yield for each place that can be reached its name in the record, its packs, its findings.

    Packs that came since the last sync wait for the next one, and what they lack is no finding.
    """
    placement = placement_of(archive)
    if placement is None:
        return
    stores = placement.stores()
    packs = {pack for store in stores.values() for pack in shards.packs_in(store)}
    waiting = _waiting(archive)
    for place, store in stores.items():
        found = [
            shards.check_shard(store, pack, number)
            for pack in sorted(packs)
            for number in placement.numbers_at(place)
            if pack not in waiting or store.exists(shards.shard_name(pack, number))
        ]
        yield PREFIX + place, len(packs), [finding for finding in found if finding is not None]


def _waiting(archive: Archive) -> set[str]:
    """Return the packs here that nothing refers to which the record had when shards were written.

    Their shards are not promised yet. Where that cannot be told, every pack's are.
    """
    written = archive.history().last(ShardsWritten)
    last = written.event.up_to if written else 0
    history = History(entry for entry in archive.history() if entry.place[0] <= last)
    vault = archive.vault
    try:
        manifests = {entry.event.manifest for entry in history.all(WeightsPreserved)}
        needed = {each for manifest in manifests for each in vault.objects(manifest)}
    except IntegrityError:
        return set()
    needed |= {document.object for document in documents_of(history)}
    packs = {str(pack_of(name)) for name in vault.pack_names()}
    return packs - {vault.pack_of(each) for each in needed}


def heal_shard(archive: Archive, place: str, where: str) -> str | None:
    """Write a damaged shard anew from its pack; return where the bytes came from."""
    placement = placement_of(archive)
    store = placement.stores().get(place) if placement else None
    name, _, number = where.rpartition(".")
    pack = name.rpartition("/")[2]
    if placement is None or store is None or not archive.vault.sound(pack):
        return None
    store.replace(where, shards.shard_parts(archive.store, pack, placement.scheme, int(number)))
    return "the pack"


def heal_pack(archive: Archive, vault: Vault, pack: str) -> str | None:
    """Put a damaged pack together from shards; return where the bytes came from."""
    placement = placement_of(archive)
    if placement is None:
        return None
    stores = placement.stores()
    try:
        vault.replace_with(pack, shards.rebuilt(pack, list(stores.values())))
    except IntegrityError:
        return None
    return f"the shards in {', '.join(stores)}"


def missing_packs(archive: Archive, vault: Vault) -> list[str]:
    """Return the packs that shards have and the vault does not."""
    placement = placement_of(archive)
    stores = placement.stores().values() if placement else ()
    packs = {pack for store in stores for pack in shards.packs_in(store)}
    return sorted(packs - {str(pack_of(name)) for name in vault.pack_names()})


def rebuild_archive(folders: Sequence[Path], dest: Path, progress: Progress | None = None) -> int:
    """Make a complete archive in the new folder `dest` from shards alone; return its packs.

    Raises `IntegrityError` (V013) when they are not enough. May be repeated: what is there stays.
    """
    sources = [LocalStore(folder) for folder in folders]
    for folder, store in zip(folders, sources, strict=True):
        if not store.exists(SHARDS_MARK):
            raise UserError(f"{folder} holds no shards: it has no {SHARDS_MARK}")
    target = LocalStore(dest)
    packs = sorted({pack for store in sources for pack in shards.packs_in(store)})
    for done, pack in enumerate(packs, start=1):
        if not Vault(target).sound(pack):
            shards.rebuild(pack, sources, target)
        if progress is not None:
            progress("putting packs together", done, len(packs))
    newest = max(sources, key=lambda store: sum(1 for _ in store.list("record/")))
    copy_documents(newest, target)
    copy_commits(newest, target)
    return len(packs)


def _require_there(store: LocalStore) -> None:
    if not store.exists(SHARDS_MARK):
        raise UserError(
            f"{store.root} does not hold the shards that belong there (it has no {SHARDS_MARK}); "
            "see whether its disk is there, and run the command again"
        )


def _claim(archive: Archive, place: str, folder: Path) -> None:
    store = LocalStore(folder)
    mark = canonical.dumps({"archive": archive.id, "place": place})
    if store.exists(SHARDS_MARK) and store.get(SHARDS_MARK) == mark:
        return
    if folder.exists() and not (folder.is_dir() and store.is_vacant()):
        raise UserError(f"{folder} is not empty; name a new folder for the shards in {place}")
    store.put(SHARDS_MARK, mark)
