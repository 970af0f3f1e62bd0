"""Complete copies of the archive in other places.

A replica holds everything: packs, record, documents, format pages. It is written in the order in
which an archive is: what events name comes first, the commits last, so that a replica whose
making was interrupted is an older archive and never a broken one.
"""

import dataclasses
from pathlib import Path

from emeritus import canonical
from emeritus.archive import notes
from emeritus.archive.creation import DESCRIPTION, read_description
from emeritus.archive.handle import PRIMARY, REPLICA_MARK, STEWARD, Archive
from emeritus.errors import IntegrityError, UserError
from emeritus.record import checkpoint, tiles
from emeritus.record import format as record_format
from emeritus.record.events import ReplicaAdded, ReplicaSynced, WeightsPreserved
from emeritus.vault import LocalStore, Progress, Store, Vault

SHARDS_MARK = "shards.json"  # in a folder that holds shards instead of packs
MARKS = (REPLICA_MARK, SHARDS_MARK)
PARTS_OF_ITS_OWN = ("packs/", "shards/", "quarantine/")


@dataclasses.dataclass(frozen=True, slots=True)
class Replica:
    """One copy of the archive. `folder` is None when it is not reachable from this machine."""

    name: str
    place: str
    folder: Path | None

    @property
    def reachable(self) -> bool:
        """Whether its folder can be read now."""
        return self.folder is not None and self.folder.is_dir()


def replicas(archive: Archive) -> list[Replica]:
    """Return every replica on record, the archive itself first."""
    folders = notes.read(archive).replicas
    listed = []
    for entry in archive.history().all(ReplicaAdded):
        name = entry.event.replica
        noted = folders.get(name)
        folder = archive.root if name == archive.replica else Path(noted) if noted else None
        listed.append(Replica(name, entry.event.place, folder))
    return listed


def add_replica(
    archive: Archive, folder: Path, place: str, progress: Progress | None = None
) -> Replica:
    """Make `folder` a complete copy of the archive, kept at `place`; return it.

    May be repeated for the same folder. Raises `UserError` when the folder holds other things.
    """
    store = LocalStore(folder)
    _require_usable(archive, folder, store)
    name = _name(archive, folder, place)
    known = {replica.name for replica in replicas(archive)}
    if name not in known:
        archive.append(ReplicaAdded(replica=name, place=place), key=STEWARD)
    notes.note_replica(archive, name, folder)
    store.put(REPLICA_MARK, canonical.dumps({"archive": archive.id, "replica": name}))
    replica = Replica(name, place, folder)
    sync(archive, replica, progress)
    return replica


def sync(archive: Archive, replica: Replica, progress: Progress | None = None) -> None:
    """Bring `replica` up to the present; copies only what it lacks.

    Raises `IntegrityError` when it holds another history (a fork), which is never overwritten.
    """
    if replica.folder is None or not replica.reachable:
        raise UserError(f"the replica {replica.name} is not reachable from this machine")
    store = LocalStore(replica.folder)
    require_same_history(archive, store)
    packs = archive.vault.copy_to(Vault(store), progress=progress)
    copy_documents(archive.store, store)
    if packs or _is_news(archive, replica):
        event = ReplicaSynced(replica=replica.name, up_to=archive.record.sequence, packs=len(packs))
        archive.append(event)
    copy_commits(archive.store, store)


def copy_documents(source: Store, target: Store) -> None:
    """Copy what is neither a pack nor a commit nor about one copy only."""
    for name in source.list(""):
        if not name.startswith((*PARTS_OF_ITS_OWN, "record/")) and name not in MARKS:
            target.put(name, source.get(name))


def copy_commits(source: Store, target: Store) -> None:
    """Copy the signed history, in order: commits, then tiles, then the checkpoints over both."""
    later = (checkpoint.PREFIX, tiles.PREFIX)
    for name in sorted(
        source.list("record/"), key=lambda name: (*map(name.startswith, later), name)
    ):
        target.put(name, source.get(name))


def _is_news(archive: Archive, replica: Replica) -> bool:
    """Tell whether weights were recorded since the last word about this replica."""
    said = [
        entry.event.up_to
        for entry in archive.history().all(ReplicaSynced)
        if entry.event.replica == replica.name
    ]
    kept = archive.history().last(WeightsPreserved)
    return not said or (kept is not None and kept.place[0] > said[-1])


def require_same_history(archive: Archive, store: Store) -> None:
    """Raise `IntegrityError` (R013) when `store` holds another history: it is never overwritten."""
    for number, data in enumerate(archive.record.commits(), start=1):
        name = record_format.name_of(number)
        if store.exists(name) and store.get(name) != data:
            raise IntegrityError(
                f"the replica holds another commit {number} than the archive (R013); "
                "nothing was copied: run `emeritus verify` on both and decide which one is true"
            )


def _require_usable(archive: Archive, folder: Path, store: Store) -> None:
    if folder.exists() and folder.resolve() == archive.root.resolve():
        raise UserError(f"{folder} is the archive itself; a replica is another folder")
    if not folder.exists() or not any(folder.iterdir()) or store.exists(REPLICA_MARK):
        return
    if store.exists(DESCRIPTION) and read_description(folder, store).id == archive.id:
        return
    raise UserError(f"{folder} is not empty; name a new folder for the replica")


def _name(archive: Archive, folder: Path, place: str) -> str:
    """Return the replica's name: its place, with a number when the place has another already."""
    noted = {path: name for name, path in notes.read(archive).replicas.items()}
    if str(folder.absolute()) in noted:
        return noted[str(folder.absolute())]
    taken = {replica.name for replica in replicas(archive)} | {PRIMARY}
    number, name = 1, place
    while name in taken:
        number += 1
        name = f"{place}-{number}"
    return name
