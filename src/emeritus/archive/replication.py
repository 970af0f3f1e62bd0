"""Complete copies of the archive in other places.

A replica holds everything: packs, record, documents, format pages. It is written in the order in
which an archive is: what events name comes first, the commits last, so that a replica whose
making was interrupted is an older archive and never a broken one.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from emeritus.archive import notes
from emeritus.archive.chronicle import is_rendering, tells_more
from emeritus.archive.creation import DESCRIPTION, read_description, require_outside
from emeritus.archive.documents import write_documents
from emeritus.archive.format_pages import copy_format_pages
from emeritus.archive.handle import PRIMARY, STEWARD, Archive
from emeritus.archive.marks import SHARDS, Mark, read_mark, require_place
from emeritus.errors import EmeritusError, IntegrityError, UserError
from emeritus.record import Entry, History, checkpoint, tiles
from emeritus.record import format as record_format
from emeritus.record.events import (
    Event,
    ReplicaAdded,
    ReplicaSynced,
    ReplicaWithdrawn,
    WeightsPreserved,
)
from emeritus.record.replicas import standing_replicas
from emeritus.vault import LocalStore, Progress, Store, Vault, copy

PAGES = "format/"
READABLE = ("models/", "protocols/")
README = "README.txt"
UNKNOWN = "this machine does not know where it lies"


@dataclasses.dataclass(frozen=True, slots=True)
class Replica:
    """One copy of the archive. `obstacle` says why it cannot be read now; empty when it can."""

    name: str
    place: str
    folder: Path | None
    obstacle: str = ""

    @property
    def reachable(self) -> bool:
        """Whether its folder can be read now, and is marked as this copy."""
        return not self.obstacle

    @property
    def supplanted(self) -> bool:
        """Whether something else lies where it used to: it must not be written to."""
        return bool(self.obstacle) and self.folder is not None and self.folder.exists()

    @property
    def store(self) -> LocalStore:
        """The store of its folder. Raises `UserError` when it cannot be read now."""
        if self.folder is None or self.obstacle:
            raise UserError(f"{self.name} is not reached: {self.obstacle}")
        return LocalStore(self.folder)


@dataclasses.dataclass(frozen=True, slots=True)
class Copied:
    """What a copy lacked and has now."""

    packs: int
    commits: int


def replicas(archive: Archive) -> list[Replica]:
    """Return this copy of the archive and every other replica that stands, this one first."""
    noted = notes.read(archive).replicas
    here, others = Replica(archive.replica, "", archive.root), []
    for entry in standing_replicas(archive.history()):
        name, place = entry.event.replica, entry.event.place
        if name == archive.replica:
            here = Replica(name, place, archive.root)
        else:
            others.append(copy_at(archive, name, place, noted.get(name)))
    return [here, *others]


def copy_at(archive: Archive, name: str, place: str, noted: str | None) -> Replica:
    """Return the copy called `name` that should lie at the path `noted`, judged by its mark."""
    folder = Path(noted) if noted else None
    return Replica(name, place, folder, _obstacle(archive, name, folder))


def add_replica(
    archive: Archive, folder: Path, place: str, progress: Progress | None = None, name: str = ""
) -> Replica:
    """Make `folder` a complete copy of the archive, kept at `place`; return it.

    It is called for its place, or `name`. A folder that is a replica already stays the same one,
    wherever it was moved to. Raises `UserError` when the folder holds other things, or is a second
    copy of a replica.
    """
    archive.require_primary()
    require_place(place)
    store = LocalStore(folder)
    _require_usable(archive, folder, store)
    name, events = _identity(archive, folder, place, name or place)
    with store.writer():
        pass  # where nothing can be written, nothing is recorded either
    notes.note_replica(archive, name, folder)
    if events:
        archive.append(*events, key=STEWARD)
    store.put(*_mark(archive, name))
    replica = Replica(name, place, folder)
    sync(archive, replica, progress)
    return replica


def withdraw_replica(archive: Archive, name: str, reason: str) -> Replica:
    """Put on record that a replica is not counted on any more; return it. No folder is touched."""
    standing = {each.name: each for each in replicas(archive) if each.name != archive.replica}
    if name not in standing:
        listed = ", ".join(standing) or "none"
        raise UserError(f"no replica {name!r} that could be removed (there is: {listed})")
    if not reason.strip():
        raise UserError("removing a replica needs a reason: --reason TEXT")
    archive.append(ReplicaWithdrawn(replica=name, reason=reason), key=STEWARD)
    notes.forget_replica(archive, name)
    return standing[name]


def sync(archive: Archive, replica: Replica, progress: Progress | None = None) -> Copied:
    """Bring `replica` up to the present; copies only what it lacks, and returns how much.

    Raises `UserError` when it cannot be reached or something else lies at its path, and
    `IntegrityError` when it holds another history (a fork), which is never overwritten.
    """
    archive.require_primary()
    if not replica.reachable:
        raise UserError(f"{replica.name} is not reached: {advice_on(replica)}")
    write_documents(archive)  # a run that was killed may have left one to be written
    store = replica.store
    require_same_history(archive, store, replica.name)
    before = commits_in(store)
    archive.history()
    last = archive.record.sequence  # what others record from now on may name packs that come later
    packs = archive.vault.copy_to(Vault(store), progress=progress)
    copy_documents(archive.store, store, archive.history())
    copy_commits(archive.store, store, last)
    require_still_there(replica.name, store)
    if packs or _is_news(archive, replica):
        event = ReplicaSynced(replica=replica.name, up_to=last, packs=len(packs))
        copy_commits(archive.store, store, said_after(last, archive.append(event)))
    return Copied(len(packs), commits_in(store) - before)


def require_still_there(name: str, store: Store) -> None:
    """Raise `UserError` when the mark of a copy is gone: its disk went while it was written to."""
    if read_mark(store) is None:
        raise UserError(
            f"{name} is not there any more; see whether its disk is, and run the command again"
        )


def advice_on(copy: Replica) -> str:
    """Say why a copy is not reached, and what to do where something else lies at its path."""
    if not copy.supplanted:
        return copy.obstacle
    again = (
        f"emeritus shards place with {copy.place}={copy.folder} among its places"
        if copy.name.startswith(SHARDS)
        else f"emeritus replica add {copy.folder} --place {copy.place}"
    )
    return (
        f"{copy.obstacle}, so nothing was written there; put its disc in place, "
        f"or if the copy is lost, make it anew with: {again}"
    )


def copy_rendering(source: Store, target: LocalStore, name: str) -> None:
    """Copy a rendering in the place of an older one, and of none that tells of more."""
    data = source.get(name)
    if target.put(name, data):
        return
    there = target.get(name)
    if there != data and not tells_more(there, data):
        target.rewrite(name, data)


def copy_documents(source: Store, target: LocalStore, history: History | None = None) -> None:
    """Copy what people read: pages, documents, the description. Strange files stay behind.

    Without a `history` that says which pages are the newest, those that lie there are copied.
    """
    if history is not None:
        copy_format_pages(source, target, history)
    for name in source.list(""):
        if is_rendering(name):
            continue  # it is written behind the commits that it tells of
        page = name.startswith(PAGES) or name == README
        if name.startswith(READABLE) or name == DESCRIPTION or (page and history is None):
            copy(source, target, name)


def said_after(last: int, said: Sequence[Entry[Event | None]]) -> int:
    """Return the last commit that a copy may hold: the word about it, when nothing came between."""
    return said[-1].place[0] if said[-1].place[0] == last + 1 else last


def copy_commits(source: Store, target: LocalStore, last: int | None = None) -> None:
    """Copy the signed history in order, up to commit `last`: all that it names was copied.

    Then the tiles, the checkpoints over both, and what is written from the record for people.
    """
    later = (checkpoint.PREFIX, tiles.PREFIX)
    names = sorted(source.list("record/"), key=lambda name: (*map(name.startswith, later), name))
    # A checkpoint over commits that are not copied would call this copy truncated.
    stays = later if last is not None and source.exists(record_format.name_of(last + 1)) else ()
    for name in names:
        if name.startswith(stays):
            continue
        number = record_format.sequence_of(name)
        if number is None or last is None or number <= last:
            copy(source, target, name)
    for name in (each for prefix in ("index.", "models/") for each in source.list(prefix)):
        if is_rendering(name):
            copy_rendering(source, target, name)


def commits_in(store: Store) -> int:
    """Return the number of the last commit in a store; 0 when there is none."""
    numbers = map(record_format.sequence_of, store.list("record/"))
    return max((number for number in numbers if number is not None), default=0)


def differing_commit(archive: Archive, store: Store) -> int | None:
    """Return the number of the first commit that `store` holds with other bytes, or None."""
    for number, data in enumerate(archive.record.commits(), start=1):
        name = record_format.name_of(number)
        if store.exists(name) and store.get(name) != data:
            return number
    return None


def require_same_history(archive: Archive, store: Store, copy: str) -> None:
    """Raise `IntegrityError` when a copy holds another history, or more of it, than the archive.

    Neither is ever overwritten.
    """
    number = differing_commit(archive, store)
    if number is not None:
        raise IntegrityError(
            f"{copy} holds another commit {number} than the archive (R013); nothing was copied. "
            "`emeritus verify` tells whether it is damaged, which --repair heals, or another "
            "history: then keep it as evidence and make a new copy in another folder"
        )
    held, here = commits_in(store), commits_in(archive.store)
    if held > here:
        raise IntegrityError(
            f"{copy} holds {held} commits and the archive only {here} (R001); nothing was copied: "
            "get back what is missing with: emeritus verify --repair"
        )


def _is_news(archive: Archive, replica: Replica) -> bool:
    """Tell whether weights were recorded since the last word about this replica."""
    said = [
        entry.event.up_to
        for entry in archive.history().all(ReplicaSynced)
        if entry.event.replica == replica.name
    ]
    kept = archive.history().last(WeightsPreserved)
    return not said or (kept is not None and kept.place[0] > said[-1])


def _require_usable(archive: Archive, folder: Path, store: Store) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; name a folder for the replica")
    if folder.exists() and folder.samefile(archive.root):
        raise UserError(f"{folder} is the archive itself; a replica is another folder")
    require_outside(folder)
    if LocalStore(folder).is_vacant():
        return  # also where a replica was begun and the power went before it had its mark
    mark = read_mark(store)
    if mark is not None and mark.archive == archive.id and not mark.copy.startswith(SHARDS):
        return
    if mark is not None:
        kind = "shards" if mark.copy.startswith(SHARDS) else "a replica of another archive"
        raise UserError(f"{folder} holds {kind}; name another folder for the replica")
    if store.exists(DESCRIPTION) and read_description(folder, store).id == archive.id:
        return
    raise UserError(f"{folder} is not empty; name a new folder for the replica")


def _identity(
    archive: Archive, folder: Path, place: str, wanted: str
) -> tuple[str, list[ReplicaAdded | ReplicaWithdrawn]]:
    """Return which replica a folder is, and what the record has to be told of it."""
    mark = read_mark(LocalStore(folder))
    standing = {replica.name: replica for replica in replicas(archive)}
    noted = {path: name for name, path in notes.read(archive).replicas.items()}
    name = mark.copy if mark else noted.get(str(folder.absolute()))
    if name is None:
        name = _free_name(set(standing) | set(noted.values()), wanted)
    known = standing.get(name)
    added = ReplicaAdded(replica=name, place=place)
    if known is None:
        return name, [added]
    if known.place != place:
        raise UserError(
            f"{folder} is the replica {name}, which is kept in {known.place}; if it was moved to "
            f"{place}, say so first: emeritus replica remove {name} --reason TEXT"
        )
    if mark is None:
        return name, [ReplicaWithdrawn(replica=name, reason="lost, and made anew"), added]
    if known.folder is not None and known.reachable and not known.folder.samefile(folder):
        raise UserError(
            f"{folder} is a second copy of the replica {name}, which lies at {known.folder}; "
            "name a new folder for another replica"
        )
    return name, []


def _mark(archive: Archive, name: str) -> tuple[str, bytes]:
    mark = Mark(archive.id, name)
    return mark.name, mark.render()


def _free_name(taken: set[str], wanted: str) -> str:
    """Return a name for a new replica: the one that is wanted, with a number when it is taken."""
    number, name = 1, wanted
    while name in {*taken, PRIMARY}:
        number += 1
        name = f"{wanted}-{number}"
    return name


def _obstacle(archive: Archive, name: str, folder: Path | None) -> str:
    """Return why a copy cannot be read now, or nothing."""
    if folder is None:
        return UNKNOWN
    try:
        if not folder.is_dir():
            return f"no folder lies at {folder}"
        mark = read_mark(LocalStore(folder))
    except OSError as error:
        return f"{folder} cannot be read: {error.strerror}"
    except EmeritusError as error:
        return f"{folder}: {error}"
    if mark is None:
        return f"{folder} is not marked as a copy of this archive"
    if mark != Mark(archive.id, name):
        return f"{folder} is marked as {mark.copy} of archive {mark.archive[:8]}…"
    return ""
