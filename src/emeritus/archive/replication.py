"""Complete copies of the archive in other places.

A replica holds everything: packs, record, documents, format pages. It is written in the order in
which an archive is: what events name comes first, the commits last, so that a replica whose
making was interrupted is an older archive and never a broken one.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from emeritus import canonical
from emeritus.archive import notes
from emeritus.archive.creation import DESCRIPTION, read_description
from emeritus.archive.handle import PRIMARY, REPLICA_MARK, STEWARD, Archive
from emeritus.errors import Finding, IntegrityError, UserError
from emeritus.record import Entry, History
from emeritus.record import check as check_record
from emeritus.record import format as record_format
from emeritus.record.events import Event, ReplicaAdded, ReplicaSynced, WeightsPreserved
from emeritus.vault import LocalStore, Progress, Store, Vault, copy

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

    Raises `IntegrityError` when it holds another history (a fork), which is never overwritten,
    and `UserError` when its folder is there and the replica is not, as when a disk is missing.
    """
    if replica.folder is None or not replica.reachable:
        raise UserError(f"the replica {replica.name} is not reachable from this machine")
    store = LocalStore(replica.folder)
    _require_there(replica, store)
    require_same_history(archive, store)
    archive.history()
    last = archive.record.sequence  # what others record from now on may name packs that come later
    packs = archive.vault.copy_to(Vault(store), progress=progress)
    copy_documents(archive.store, store)
    copy_commits(archive.store, store, last)
    _require_there(replica, store)  # still: a disk may have gone while it was written to
    if packs or _is_news(archive, replica):
        event = ReplicaSynced(replica=replica.name, up_to=last, packs=len(packs))
        copy_commits(archive.store, store, said_after(last, archive.append(event)))


def _require_there(replica: Replica, store: Store) -> None:
    if not store.exists(REPLICA_MARK):
        raise UserError(
            f"{replica.folder} does not hold the replica {replica.name} (it has no "
            f"{REPLICA_MARK}); see whether its disk is there, and run the command again"
        )


def copy_documents(source: Store, target: Store) -> None:
    """Copy what is neither a pack nor a commit nor about one copy only."""
    for name in source.list(""):
        if not name.startswith((*PARTS_OF_ITS_OWN, "record/")) and name not in MARKS:
            copy(source, target, name)


def copy_commits(source: Store, target: Store, last: int | None = None) -> None:
    """Copy the signed history in order, up to commit `last`: all that it names was copied."""
    for name in source.list("record/"):
        number = record_format.sequence_of(name)
        if number is not None and (last is None or number <= last):
            copy(source, target, name)


def said_after(last: int, said: Sequence[Entry[Event | None]]) -> int:
    """Return the last commit that a copy may hold: the word about it, when nothing came between."""
    return said[-1].place[0] if said[-1].place[0] == last + 1 else last


def synced_to(history: History, replica: Replica) -> int:
    """Return the last commit that a replica was synced to, as the record says; 0 for never."""
    synced = [each.event for each in history.all(ReplicaSynced)]
    return max((each.up_to for each in synced if each.replica == replica.name), default=0)


def check_copied(archive: Archive, store: Store, last: int) -> Iterator[Finding]:
    """Check the record of a replica: it may be older than ours, but not than commit `last`."""
    names = [name for name in store.list("record/") if record_format.sequence_of(name)]
    wrong = list(check_record(store, archive.id, archive.genesis)) if names or last else []
    yield from wrong
    for number in range(len(names) + 1, last + 1) if not wrong else ():
        yield Finding("R001", record_format.name_of(number), "it was synced, and is not here now")
    for name in names if not wrong else ():
        if archive.store.exists(name) and not _same(archive.store, store, name):
            yield Finding("R013", name, "another commit than ours, and as whole: one is a fork")


def lost_commits(archive: Archive, copy: Replica) -> Iterator[Finding]:
    """Yield a finding (R001) for every commit that a copy holds and the archive lost."""
    if archive.replica != PRIMARY or copy.folder is None or copy.folder == archive.root:
        return
    for name in LocalStore(copy.folder).list("record/"):
        if record_format.sequence_of(name) and not archive.store.exists(name):
            yield Finding("R001", name, f"missing here, and {copy.name} holds it")


def _same(one: Store, other: Store, name: str) -> bool:
    return one.size(name) == other.size(name) and one.get(name) == other.get(name)


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
        if store.exists(name) and store.get(name, 0, len(data) + 1) != data:
            raise IntegrityError(
                f"the replica holds another commit {number} than the archive (R013); "
                "nothing was copied: run `emeritus verify` on both and decide which one is true"
            )


def _require_usable(archive: Archive, folder: Path, store: LocalStore) -> None:
    if folder.exists() and folder.resolve() == archive.root.resolve():
        raise UserError(f"{folder} is the archive itself; a replica is another folder")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; name a folder for the replica")
    if store.is_vacant() or store.exists(REPLICA_MARK):
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
