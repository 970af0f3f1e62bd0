"""Shards of the packs in several places: the loss of any one of them is survived.

Each place also holds the record, the documents and the format pages, so that the folders of enough
places are an archive without any other copy. Compared with replicas the bytes are fewer (1.5 times
instead of 2 or 3), and no place can read a model alone.
"""

import contextlib
import dataclasses
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from emeritus.archive import notes
from emeritus.archive.creation import read_description, require_outside
from emeritus.archive.documents import documents_of, write_documents
from emeritus.archive.handle import STEWARD, Archive
from emeritus.archive.marks import SHARDS, SHARDS_MARK, Mark, read_mark, require_place
from emeritus.archive.replication import (
    Copied,
    Replica,
    commits_in,
    copy_at,
    copy_commits,
    copy_documents,
    require_same_history,
    require_still_there,
    said_after,
)
from emeritus.errors import Finding, IntegrityError, UserError
from emeritus.record.events import ShardsPlaced, ShardsWritten, WeightsPreserved
from emeritus.vault import LocalStore, Progress, Store, Vault, erasure, shards
from emeritus.vault.format import pack_of

REBUILT = "rebuilt"  # begins the name of an archive that was put together from shards


@dataclasses.dataclass(frozen=True, slots=True)
class Placement:
    """The scheme, and what lies in each place, in the order in which shards are dealt to them."""

    scheme: erasure.Scheme
    at: dict[str, Replica]

    @property
    def places(self) -> list[str]:
        """The places, in the order in which shards are dealt to them."""
        return list(self.at)

    def numbers_at(self, place: str) -> list[int]:
        """Return the numbers of the shards that a place holds of every pack."""
        at = self.places.index(place)
        return list(range(at, self.scheme.total, len(self.at)))

    def stores(self) -> dict[str, LocalStore]:
        """Return the stores that can be reached, by place."""
        return {place: copy.store for place, copy in self.at.items() if copy.reachable}


def placement_of(archive: Archive) -> Placement | None:
    """Return where the shards are, or None when there are none."""
    placed = archive.history().last(ShardsPlaced)
    if placed is None:
        return None
    noted = notes.read(archive).shards
    at = {}
    for place in placed.event.places:
        name = SHARDS + place
        here = Replica(name, place, archive.root)
        away = copy_at(archive, name, place, noted.get(place))
        at[place] = here if name == archive.replica else away
    return Placement(erasure.Scheme(placed.event.data, placed.event.parity), at)


def place_shards(
    archive: Archive,
    folders: dict[str, Path],
    scheme: erasure.Scheme,
    progress: Progress | None = None,
) -> Placement:
    """Cut every pack into shards over `folders` by place. May be repeated for the same places.

    Raises `UserError` when a place would hold more shards than may be lost.
    """
    archive.require_primary()
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
    if len({folder.resolve() for folder in folders.values()}) < len(folders):
        raise UserError("two places name one folder, and would be lost together")
    for place, folder in folders.items():
        require_place(place)
        _require_usable(archive, place, folder)
    claimed = [_claim(archive, place, folder) for place, folder in folders.items()]
    if known is None or any(claimed):
        # Said again when a place is made anew: what was read there before is not there any more.
        event = ShardsPlaced(data=scheme.data, parity=scheme.parity, places=tuple(folders))
        archive.append(event, key=STEWARD)
    notes.note_shards(archive, folders)
    at = {place: Replica(SHARDS + place, place, folder) for place, folder in folders.items()}
    placement = Placement(scheme, at)
    sync_shards(archive, placement, progress)
    return placement


def sync_shards(
    archive: Archive, placement: Placement, progress: Progress | None = None
) -> dict[str, Copied]:
    """Bring the shards up to the present, in every place that can be reached.

    Returns what each of them lacked; `packs` counts shards. Nothing is written where something
    else lies at the path of a place.
    """
    archive.require_primary()
    write_documents(archive)  # a run that was killed may have left one to be written
    stores = placement.stores()
    for place, store in stores.items():
        require_same_history(archive, store, SHARDS + place)
    before = {place: (_shard_count(store), commits_in(store)) for place, store in stores.items()}
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
    for place, store in stores.items():
        copy_documents(archive.store, store, archive.history())
        copy_commits(archive.store, store, last)
        require_still_there(SHARDS + place, store)
    written = archive.history().last(ShardsWritten)
    news = written is None or written.event.packs != len(packs)
    if news and len(stores) == len(placement.places):
        last = said_after(last, archive.append(ShardsWritten(up_to=last, packs=len(packs))))
        for store in stores.values():
            copy_commits(archive.store, store, last)
    return {
        place: Copied(_shard_count(store) - before[place][0], commits_in(store) - before[place][1])
        for place, store in stores.items()
    }


def check_place(
    archive: Archive, placement: Placement, place: str, up_to: int
) -> tuple[int, Iterator[Finding]]:
    """Return of how many packs a place must hold shards, and what is wrong with them.

    A place that holds the commits up to `up_to` must hold the packs that these name. What it or
    another place holds beyond that waits for the next sync, and is read when it is there.
    """
    store = placement.stores()[place]
    held = shards.packs_in(store)
    needed = _packs_named(archive, up_to)
    if up_to >= archive.record.sequence:
        needed |= {pack for each in placement.stores().values() for pack in shards.packs_in(each)}
    checks = (
        shards.check_shard(store, pack, number)
        for pack in sorted({*held, *needed})
        for number in placement.numbers_at(place)
        if pack in needed or number in held[pack]
    )
    return len(needed), (finding for finding in checks if finding is not None)


def _packs_named(archive: Archive, up_to: int) -> set[str]:
    """Return the packs of what the commits up to `up_to` name, as far as the vault has them."""
    history = archive.history()
    named = {each.object for each in documents_of(history) if each.commit <= up_to}
    for entry in history.all(WeightsPreserved):
        if entry.place[0] <= up_to and not any(archive.vault.missing(entry.event.manifest)):
            with contextlib.suppress(IntegrityError):  # what is damaged has findings of its own
                named |= set(archive.vault.objects(entry.event.manifest))
    packs = {archive.vault.pack_of(each) for each in named}
    return {pack for pack in packs if pack is not None}


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

    It is marked as a replica: nothing can be recorded in it until its mark is deleted. May be
    repeated: what is there stays. Raises `IntegrityError` (V013) when the shards are not enough.
    """
    sources = [LocalStore(folder) for folder in folders]
    for folder, store in zip(folders, sources, strict=True):
        if not store.exists(SHARDS_MARK):
            raise UserError(f"{folder} holds no shards: it has no {SHARDS_MARK}")
    require_outside(dest)
    newest = max(sources, key=commits_in)
    target = LocalStore(dest)
    if read_mark(target) is None:
        if dest.exists() and (not dest.is_dir() or any(dest.iterdir())):
            raise UserError(f"{dest} is not empty; name a new folder for the archive")
        # A copy until a person says that it is the primary one: the original may still live.
        identity = read_description(newest.root, newest).id
        mark = Mark(identity, f"{REBUILT}-{secrets.token_hex(3)}")
        target.put(mark.name, mark.render())
    packs = sorted({pack for store in sources for pack in shards.packs_in(store)})
    for done, pack in enumerate(packs, start=1):
        if not Vault(target).sound(pack):
            shards.rebuild(pack, sources, target)
        if progress is not None:
            progress("putting packs together", done, len(packs))
    copy_documents(newest, target)
    copy_commits(newest, target)
    return len(packs)


def _require_usable(archive: Archive, place: str, folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; name a folder for the shards in {place}")
    if folder.exists() and folder.samefile(archive.root):
        raise UserError(f"{folder} is the archive itself; shards lie in other folders")
    require_outside(folder)
    store = LocalStore(folder)
    if store.is_vacant():
        return  # also where a place was begun and the power went before it had its mark
    mark = read_mark(store)
    if mark is None:
        raise UserError(f"{folder} is not empty; name a new folder for the shards in {place}")
    if mark != Mark(archive.id, SHARDS + place):
        raise UserError(
            f"{folder} is marked as {mark.copy} of archive {mark.archive[:8]}…; "
            f"name another folder for the shards in {place}"
        )


def _claim(archive: Archive, place: str, folder: Path) -> bool:
    """Mark a folder as a place; False when it was marked before."""
    mark = Mark(archive.id, SHARDS + place)
    return LocalStore(folder).put(mark.name, mark.render())


def _shard_count(store: Store) -> int:
    return sum(map(len, shards.packs_in(store).values()))
