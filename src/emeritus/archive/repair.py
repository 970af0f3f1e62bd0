"""Replaces damaged bytes by sound ones of another copy; keeps the damaged ones as evidence."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from emeritus import digests
from emeritus.archive.creation import DESCRIPTION, render_description, reopened
from emeritus.archive.documents import documents_of, renderings_of
from emeritus.archive.fixity import (
    QUARANTINE,
    known_copies,
    noted_copies,
    vault_of,
    verify_all,
)
from emeritus.archive.format_pages import newest_pages, sound_page
from emeritus.archive.handle import PRIMARY, SERVICE, STEWARD, Archive
from emeritus.archive.marks import SHARDS
from emeritus.archive.replacing import Replacing
from emeritus.archive.replication import Replica, commits_in
from emeritus.archive.sharding import heal_pack, heal_shard, missing_packs
from emeritus.archive.verdict import Verification
from emeritus.errors import EmeritusError, Finding, IntegrityError, UserError
from emeritus.record import History, Record, checkpoint, tiles
from emeritus.record import check as check_record
from emeritus.record import format as record_format
from emeritus.record.checkpointing import rebuilt
from emeritus.record.events import (
    EVENTS_PER_COMMIT_MAX,
    CommitSetAside,
    DamageRepaired,
    FixityChecked,
)
from emeritus.record.verification import REWRITTEN, blocking, extendable
from emeritus.vault import LocalStore, Progress, Vault
from emeritus.vault import format as vault_format

FOREIGN = frozenset({"R009", "R012", "R013", "A007"}) | REWRITTEN
"""Where these alone are found lies another history or another's words, never replaced."""

NAMES_OF_A_PACK = (vault_format.pack_name, vault_format.index_name)

Healed = tuple[str, str, str]
"""The copy, the place in it, and where the sound bytes came from."""


def repair_all(
    archive: Archive,
    verification: Verification,
    progress: Progress | None = None,
    cause: str | None = None,
) -> tuple[Healed, ...]:
    """Replace what is damaged, in this copy and in all others that can be reached.

    Sound bytes come from any copy that holds them, or from the vault itself. What everything
    else is judged by comes first: the description, then the record, then packs and documents.
    The damaged bytes are kept in `quarantine/`, and the record names them, and `cause`.
    """
    before = _quarantined(archive)
    healed: list[Healed] = []
    for stage in (_heal_description, _heal_record):
        done = list(stage(archive, verification))
        if done:
            healed += done
            archive = reopened(archive)
            verification = verify_all(archive, deep=verification.deep, progress=progress)
    readable = extendable(check_record(archive.store, archive.id, archive.genesis))
    copies = known_copies(archive) if readable else [_here(archive), *noted_copies(archive)]
    reached = {each.name: each for each in copies if each.reachable}
    broken = {
        (name, finding.where.partition("@")[0].partition("#")[0])
        for name, finding in verification.damage
        if name in reached and finding.code not in FOREIGN
    }
    # A shard is cut anew from its pack, so packs come first.
    order = sorted(broken, key=lambda each: (each[0].startswith(SHARDS), each))
    for done_now, (name, where) in enumerate(order, start=1):
        if progress is not None:
            progress("repairing", done_now, len(order))
        source = _heal(archive, reached[name], where, list(reached.values()), readable)
        if source is not None:
            healed.append((name, where, source))
    if readable:
        _record(archive, healed, before, cause)
    return tuple(healed)


def set_aside_last_commit(archive: Archive, reason: str) -> int:
    """Replace a last commit that is none by one that says so; return its number.

    Only for a file that cannot be read as a commit at all, behind a record that is sound, and
    when no copy that can be reached holds a commit in its place: nothing that was signed is ever
    passed over. The file stays in `quarantine/`, and its digest, the reason, the steward's name
    and the copies that were not reached stand in the record for good. Should one of those hold
    the true commit, every later check finds the two histories (R013).
    """
    archive.require_primary()
    number = commits_in(archive.store)
    name = record_format.name_of(number)
    if not reason.strip():
        raise UserError("setting a commit aside needs a reason: --set-aside REASON")
    _require_last_and_alone(archive, name)
    others = noted_copies(archive)
    for other in others:
        if other.reachable and commits_in(other.store) >= number:
            raise UserError(f"{other.name} holds commit {number}: emeritus verify --repair")
    event = CommitSetAside(
        sha256=digests.sha256(archive.store.get(name)),
        unreached=tuple(each.name for each in others if not each.reachable),
        reason=reason,
    )
    record = Record(Replacing(LocalStore(archive.root), {name}), archive.id)
    record.append([event], archive.signer(STEWARD), archive.clock)
    return number


def heal_from_source(
    archive: Archive, model: str, source: Path, progress: Progress | None = None
) -> tuple[Healed, ...]:
    """Write what is damaged here anew from the files of `model`, when no copy had it sound.

    Looks only when the newest check of this copy found something. A damaged pack goes to
    `quarantine/` once other packs hold everything that was in it.
    """
    archive.require_primary()
    checks = [e for e in archive.history().all(FixityChecked) if e.event.replica == PRIMARY]
    vault = archive.vault
    if not checks or not checks[-1].event.findings:
        return ()
    packs = [vault_format.pack_of(name) for name in vault.pack_names()]
    damaged = [pack for pack in packs if pack is not None and not vault.sound(pack)]
    if not damaged:
        return ()
    names = {name(pack) for pack in damaged for name in NAMES_OF_A_PACK}
    before = _quarantined(archive)
    fresh = Vault(Replacing(LocalStore(archive.root), names))
    fresh.preserve(source, progress=progress)
    for pack in damaged:
        _rescue(vault, pack, fresh)
    vault.refresh()
    healed = [pack for pack in damaged if vault.sound(pack) or vault.set_aside(pack)]
    found = [(PRIMARY, vault_format.pack_name(pack), f"the files of {model}") for pack in healed]
    _record(archive, found, before)
    return tuple(found)


def _quarantined(archive: Archive) -> dict[str, set[str]]:
    """Return what lies in the quarantine of each copy that this machine can reach."""
    stores = {each.name: each.store for each in noted_copies(archive) if each.reachable}
    stores[archive.replica] = LocalStore(archive.root)
    return {name: set(store.list(QUARANTINE)) for name, store in stores.items()}


def _record(
    archive: Archive, healed: list[Healed], before: dict[str, set[str]], cause: str | None = None
) -> None:
    """Tell the record, when this is the primary archive and its service key is here."""
    if archive.replica != PRIMARY or SERVICE not in archive.keys.names():
        return
    fresh = {name: now - before.get(name, set()) for name, now in _quarantined(archive).items()}
    events = [
        DamageRepaired(
            replica=name, where=where, source=by, kept=_aside(fresh, name, where), cause=cause
        )
        for name, where, by in healed
    ]
    for start in range(0, len(events), EVENTS_PER_COMMIT_MAX):
        archive.append(*events[start : start + EVENTS_PER_COMMIT_MAX])


def _aside(fresh: dict[str, set[str]], name: str, where: str) -> tuple[str, ...]:
    """Return the files that the repair of one place put aside: a pack's with those of its index."""
    stem = Path(where).name.removesuffix(".idx").removesuffix(".pack")
    return tuple(sorted(each for each in fresh.get(name, ()) if stem in each))


def _rescue(vault: Vault, pack: str, fresh: Vault) -> None:
    """Keep what is sound in a damaged pack and lies nowhere else."""
    for identity in vault.objects_in(pack):
        if fresh.missing_object(identity) is not None:
            with contextlib.suppress(IntegrityError):  # what cannot be read is not rescued
                fresh.put_document(vault.read(identity))


def _require_last_and_alone(archive: Archive, name: str) -> None:
    """Raise `UserError` unless `name` is no commit, and all before it is sound."""
    found = blocking(check_record(archive.store, archive.id, archive.genesis))
    try:
        record_format.parse(archive.store.get(name))
    except record_format.NotACommit:
        if all(finding.where == name for finding in found):
            return
        raise UserError("more is damaged than the last commit: emeritus verify --repair") from None
    except EmeritusError as error:
        raise UserError(f"there is no last commit: {error}") from error
    raise UserError(f"{name} can be read as a commit, and what was signed is never set aside")


def _heal_description(archive: Archive, verification: Verification) -> Iterator[Healed]:
    # With a wrong id every commit looks foreign; the rest is judged once this is right.
    here = {finding.where for name, finding in verification.damage if name == archive.replica}
    if DESCRIPTION in here:
        LocalStore(archive.root).replace(DESCRIPTION, [render_description(archive.store)])
        yield archive.replica, DESCRIPTION, "the first commit"


def _heal_record(archive: Archive, verification: Verification) -> Iterator[Healed]:
    """Take damaged and missing commits of this copy from another whose whole record is sound."""
    damaged = {
        finding.where.partition("#")[0]
        for name, finding in verification.damage
        if name == archive.replica and _is_commit(finding) and finding.code not in FOREIGN
    }
    if not damaged:
        return
    sources = [each for each in noted_copies(archive) if each.reachable]
    for other in sorted(sources, key=lambda each: -commits_in(each.store)):
        if _continues(archive, other.store, damaged):
            for number in range(1, commits_in(other.store) + 1):
                name = record_format.name_of(number)
                if _replace_commit(archive.store, other.store, name):
                    yield archive.replica, name, other.name
            return


def _continues(archive: Archive, other: LocalStore, damaged: set[str]) -> bool:
    """Tell whether another record is sound, ours, and the same but for `damaged` commits."""
    if any(blocking(check_record(other, archive.id, archive.genesis))):
        return False
    here = set(archive.store.list("record/")) - damaged
    return all(
        archive.store.get(name) == other.get(name)
        for name in other.list("record/")
        if name in here and record_format.sequence_of(name) is not None
    )


def _replace_commit(store: object, source: LocalStore, name: str) -> bool:
    """Take one commit from a sound record; False when it is there and the same."""
    if not isinstance(store, LocalStore) or not source.exists(name):
        return False
    data = source.get(name)
    if store.exists(name) and store.get(name) == data:
        return False
    store.replace(name, [data])
    return True


def _is_commit(finding: Finding) -> bool:
    # What a commit says of the pages (A003) is no damage of the commit.
    named = record_format.sequence_of(finding.where.partition("#")[0]) is not None
    return named and finding.code.startswith("R")


def _here(archive: Archive) -> Replica:
    return Replica(archive.replica, "", archive.root)


def _heal(
    archive: Archive, target: Replica, where: str, reached: list[Replica], readable: bool
) -> str | None:
    """Repair one place; return where the sound bytes came from, or None when there are none."""
    if record_format.sequence_of(where) is not None:
        # The record of this copy was healed before; another is healed from it.
        sound = readable and target.name != archive.replica
        own = LocalStore(archive.root)
        return archive.replica if sound and _replace_commit(target.store, own, where) else None
    if where.startswith((tiles.PREFIX, checkpoint.PREFIX)):
        return _heal_tree(archive, target, where, reached)
    if not where.startswith(("blake3:", "packs/", SHARDS)):
        return _rewrite(archive, target, where, reached) if readable else None
    if target.name.startswith(SHARDS):
        return heal_shard(archive, target.place, where) if readable else None
    vault = vault_of(archive, target)
    whole = [
        each for each in reached if each.name != target.name and not each.name.startswith(SHARDS)
    ]
    if where.startswith("blake3:"):
        return _fetch(archive, vault, where, whole)
    pack = vault_format.pack_of(where.removesuffix(".idx") + ".pack" if ".idx" in where else where)
    if pack is None:
        return None
    for other in whole:
        if vault.replace_pack(pack, vault_of(archive, other)):
            return other.name
    source = heal_pack(archive, vault, pack) if readable else None
    return source or ("other packs" if vault.set_aside(pack) else None)


def _heal_tree(archive: Archive, target: Replica, where: str, reached: list[Replica]) -> str | None:
    """Take a tile or a checkpoint from a copy whose record is sound, or make the tile anew."""
    for other in reached:
        if other.name != target.name and other.store.exists(where):
            if blocking(check_record(other.store, archive.id, archive.genesis)):
                continue
            target.store.replace(where, [other.store.get(where)])
            return other.name
    if not where.startswith(tiles.PREFIX):
        return None
    if not extendable(check_record(target.store, archive.id, archive.genesis)):
        return None
    data = rebuilt(target.store, where)
    if data is None:
        return None
    target.store.replace(where, [data])
    return "the commits"


def _fetch(archive: Archive, vault: Vault, identity: str, others: list[Replica]) -> str | None:
    """Take the pack that holds a missing object from a replica that has a sound one."""
    vault.refresh()
    if vault.missing_object(identity) is None:
        return None  # it came with a pack that was taken before
    for other in others:
        source = vault_of(archive, other)
        pack = source.pack_of(identity)
        if source is not vault and pack is not None and source.sound(pack):
            source.copy_pack(pack, vault.store)
            vault.refresh()
            return other.name
    # The shards do not say what is in a pack; the packs that they have and we lack are few.
    for pack in missing_packs(archive, vault):
        heal_pack(archive, vault, pack)
    vault.refresh()
    return "shards" if vault.missing_object(identity) is None else None


def _rewrite(archive: Archive, target: Replica, where: str, reached: list[Replica]) -> str | None:
    """Write anew what follows from the record, from the vault, or from this version."""
    digest = newest_pages(archive.history()).get(where)
    if digest is not None:
        found = sound_page(where, digest, ((each.name, each.store) for each in reached))
        if found is not None:
            target.store.replace(where, [found[0]])
        return found[1] if found else None
    if where == DESCRIPTION:
        target.store.replace(where, [render_description(archive.store)])
        return "the first commit"
    held = commits_in(target.store)  # a page that told of more would be damage there
    for rendering in renderings_of(History(e for e in archive.history() if e.place[0] <= held)):
        if rendering.name == where:
            target.store.replace(where, [rendering.data])
            return "the record"
    for document in documents_of(archive.history()):
        if document.name == where:
            with contextlib.suppress(IntegrityError):  # what the vault lost is a finding there
                data = archive.read_document(document.object, document.sha256)
                target.store.replace(where, [data])
                return "the vault"
    return None
