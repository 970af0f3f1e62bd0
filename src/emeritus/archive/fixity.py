"""Checks every replica that can be reached, tells the record, and repairs one from another."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emeritus.archive import notes
from emeritus.archive.creation import DESCRIPTION, render_description
from emeritus.archive.documents import (
    check_documents,
    documents_of,
    erasures,
    write_documents,
)
from emeritus.archive.format_pages import check_format_pages, format_pages
from emeritus.archive.handle import PRIMARY, SERVICE, Archive
from emeritus.archive.preservation import preserved
from emeritus.archive.replication import Replica, replicas
from emeritus.archive.sharding import (
    PREFIX,
    check_shards,
    heal_pack,
    heal_shard,
    missing_packs,
)
from emeritus.errors import EmeritusError, Finding, IntegrityError, UserError
from emeritus.record import check as check_record
from emeritus.record import tiles
from emeritus.record.audit import Old
from emeritus.record.checkpointing import rebuilt
from emeritus.record.events import (
    DamageFound,
    DamageRepaired,
    FixityChecked,
    ModelRegistered,
    WeightsPreserved,
)
from emeritus.record.verification import NOT_BLOCKING, foldable
from emeritus.vault import LocalStore, Progress, Vault
from emeritus.vault import format as vault_format

ACCOUNTED = ("packs/", "record/", "format/", "models/", "protocols/", "quarantine/")
ACCOUNTED_FILES = frozenset({"README.txt", "archive.json", "replica.json", "shards.json"})


@dataclasses.dataclass(frozen=True, slots=True)
class Verification:
    """What a check found: damage by replica, packs read by replica, commits read."""

    damage: tuple[tuple[str, Finding], ...]
    packs: dict[str, int]
    commits: int
    deep: bool

    @property
    def sound(self) -> bool:
        """Whether nothing is broken; a clock that went back is told and breaks nothing."""
        return all(finding.code in NOT_BLOCKING for _, finding in self.damage)

    def as_document(self, healed: tuple[tuple[str, str, str], ...] = ()) -> dict[str, Any]:
        """Return the result for programs."""
        return {
            "sound": self.sound,
            "deep": self.deep,
            "commits": self.commits,
            "packs": self.packs,
            "findings": [
                {"replica": name, **dataclasses.asdict(finding)} for name, finding in self.damage
            ],
            "repaired": [
                {"replica": name, "where": where, "from": source} for name, where, source in healed
            ],
        }


def verify_all(
    archive: Archive,
    *,
    deep: bool = False,
    trust: str | None = None,
    against: tuple[Old, ...] = (),
    progress: Progress | None = None,
) -> Verification:
    """Check the archive and every reachable replica; record the result where that is possible.

    The record is also held `against` old checkpoints.

    Each finding names the models, files and tensors that it affects, as far as the record can
    still be read.
    """
    damage: list[tuple[str, Finding]] = []
    packs: dict[str, int] = {}
    commits = [
        *_check_description(archive),
        *check_record(archive.store, archive.id, trust or archive.genesis, against),
    ]
    damage += [(archive.replica, finding) for finding in commits]
    readable = foldable(commits)
    if readable and archive.replica == PRIMARY:
        # A run that was killed behind its commit leaves a rendering to be written.
        write_documents(archive)
    listed = replicas(archive) if readable else [Replica(archive.replica, "", archive.root)]
    for replica in listed:
        if replica.folder is None or not replica.reachable:
            continue
        vault = vault_of(archive, replica)
        found = list(vault.check(deep, progress))
        if readable:
            told = {each for finding in found for each in finding.affects}
            found += [each for each in _missing(archive, vault) if each.where not in told]
        if replica.name != archive.replica:
            found += check_record(vault.store, archive.id, archive.genesis)
        elif readable:
            found += [*check_documents(archive), *_check_folder(archive)]
        if readable:
            found = [_explained(archive, finding) for finding in found]
        damage += [(replica.name, finding) for finding in found]
        packs[replica.name] = len(vault.pack_names())
    for place, count, found in check_shards(archive) if readable else ():
        damage += [(place, finding) for finding in found]
        packs[place] = count
    verification = Verification(tuple(damage), packs, _commit_count(archive), deep)
    if not readable:
        return verification
    # What this machine remembers is told and proves nothing, so it does not go on record.
    remembered = tuple((archive.replica, finding) for finding in _check_remembered(archive))
    _record(archive, verification)
    return dataclasses.replace(verification, damage=(*damage, *remembered))


def repair_all(
    archive: Archive, verification: Verification, progress: Progress | None = None
) -> tuple[tuple[str, str, str], ...]:
    """Replace damaged packs, commits and documents; return (replica, place, source) of each.

    Sound bytes come from any reachable replica that holds them, or from the vault itself; the
    damaged ones are kept in `quarantine/`.
    """
    if any(finding.where == DESCRIPTION for _, finding in verification.damage):
        # With a wrong id every commit looks foreign; the rest is judged once this is right.
        source = _rewrite_page(archive.vault, DESCRIPTION)
        return ((archive.replica, DESCRIPTION, source),) if source else ()
    reachable = [each for each in _reachable(archive, verification) if each.folder is not None]
    healed = []
    broken = {
        (name, finding.where.partition("@")[0])
        for name, finding in verification.damage
        if finding.code not in NOT_BLOCKING
    }
    # A shard is cut anew from its pack, so packs come first.
    order = sorted(broken, key=lambda each: (each[0].startswith(PREFIX), each))
    for done, (name, where) in enumerate(order, start=1):
        if progress is not None:
            progress("repairing", done, len(broken))
        if name.startswith(PREFIX):
            source = heal_shard(archive, name.removeprefix(PREFIX), where)
        else:
            target = next(each for each in reachable if each.name == name)
            source = _heal(archive, target, where.partition("#")[0], reachable)
        if source is not None:
            healed.append((name, where, source))
    if healed and archive.replica == PRIMARY:
        archive.append(*(DamageRepaired(replica=name, where=w, source=s) for name, w, s in healed))
    return tuple(healed)


def _check_description(archive: Archive) -> Iterator[Finding]:
    """Compare `archive.json` with the first commit, from which all of it follows."""
    try:
        expected = render_description(archive.store)
    except (EmeritusError, ValueError):
        return  # what is wrong with the commit is a finding of its own
    if archive.store.get(DESCRIPTION) != expected:
        yield Finding("A002", DESCRIPTION, "it does not agree with the first commit")


def _check_remembered(archive: Archive) -> Iterator[Finding]:
    """Say when the record ended elsewhere the last time that this machine read it."""
    lost = archive.record.lost()
    if lost is not None:
        yield Finding(
            "R022",
            "record/",  # no place that can be repaired: people decide which history is true
            f"commit {lost[0]} had the link {lost[1]} when this machine read it; look for it in "
            "the replicas. If an older copy was put here on purpose, delete the folder `records` "
            "of this machine's cache",
        )


def _missing(archive: Archive, vault: Vault) -> Iterator[Finding]:
    """Yield what is on record and in no pack: a pack may vanish together with its index.

    What is absent by a signed event (`object.erased`) is not missing.
    """
    erased = erasures(archive.history())
    manifests = {each.event.manifest: None for each in archive.history().all(WeightsPreserved)}
    documents = {document.object: None for document in documents_of(archive.history())}
    seen: set[str] = set()
    for finding in (
        *(each for manifest in manifests for each in vault.missing(manifest)),
        *(vault.missing_object(each) for each in documents),
    ):
        if finding is not None and finding.where not in seen and finding.where not in erased:
            seen.add(finding.where)
            yield finding


def vault_of(archive: Archive, replica: Replica) -> Vault:
    """Return the vault of a reachable replica."""
    if replica.name == archive.replica:
        return archive.vault
    if replica.folder is None:
        raise UserError(f"the replica {replica.name} is not reachable from this machine")
    return Vault(LocalStore(replica.folder))


def _heal(archive: Archive, target: Replica, where: str, reachable: list[Replica]) -> str | None:
    """Repair one place; return where the sound bytes came from, or None when there are none."""
    vault = vault_of(archive, target)
    if where.startswith("blake3:"):
        return _fetch(archive, vault, where, reachable)
    pack = vault_format.pack_of(where.removesuffix(".idx") + ".pack" if ".idx" in where else where)
    for other in reachable:
        if other.name == target.name:
            continue
        if pack is not None and vault.replace_pack(pack, vault_of(archive, other)):
            return other.name
        if where.startswith("record/") and _replace_commit(archive, target, other, where):
            return other.name
    if pack is not None:
        return heal_pack(archive, vault, pack)
    if where.startswith(tiles.PREFIX):
        return _rewrite_tile(archive, _store(target), where)
    return _rewrite_page(vault, where) or _rewrite_document(archive, vault, where)


def _fetch(archive: Archive, vault: Vault, identity: str, reachable: list[Replica]) -> str | None:
    """Take the pack that holds a missing object from a replica that has a sound one."""
    vault.refresh()
    if vault.missing_object(identity) is None:
        return None  # it came with a pack that was taken before
    for other in reachable:
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


def _replace_commit(archive: Archive, target: Replica, source: Replica, name: str) -> bool:
    """Take a file of the record from a replica whose whole record is sound and is this one."""
    store, other = _store(target), _store(source)
    if any(check_record(other, archive.id, archive.genesis)) or not other.exists(name):
        return False
    store.replace(name, [other.get(name)])
    return True


def _rewrite_tile(archive: Archive, store: LocalStore, name: str) -> str | None:
    """Write a tile anew from the commits, when these are sound."""
    if not foldable(check_record(store, archive.id, archive.genesis)):
        return None
    data = rebuilt(store, name)
    if data is None:
        return None
    store.replace(name, [data])
    return "the commits"


def _rewrite_page(vault: Vault, where: str) -> str | None:
    """Write anew what follows from this version, or from the record."""
    if not isinstance(vault.store, LocalStore):
        return None
    if where == DESCRIPTION:
        vault.store.replace(where, [render_description(vault.store)])
        return "the first commit"
    page = format_pages().get(where)
    if page is None:
        return None
    vault.store.replace(where, [page])
    return "this version of Emeritus"


def _rewrite_document(archive: Archive, vault: Vault, where: str) -> str | None:
    store = vault.store
    if not isinstance(store, LocalStore) or vault is not archive.vault:
        return None
    for document in documents_of(archive.history()):
        if document.name == where:
            try:
                data = archive.read_document(document.object, document.sha256)
            except IntegrityError:
                return None
            store.replace(where, [data])
            return "the vault"
    return None


def _explained(archive: Archive, finding: Finding) -> Finding:
    """Say which models, files and tensors the objects of a finding belong to."""
    hit = [each for each in finding.affects if each.startswith("blake3:")]
    if not hit:
        return finding
    named: list[str] = []
    for entry in archive.history().all(ModelRegistered):
        model = entry.event.model
        kept = preserved(archive, model)
        if kept is None:
            continue
        try:
            names = archive.vault.names_of(hit, kept.event.manifest)
        except IntegrityError as error:
            names = [f"its manifest ({error})"] if kept.event.manifest in hit else []
        named += [f"{name} of {model}" for name in names]
    named += [
        document.name for document in documents_of(archive.history()) if document.object in hit
    ]
    return dataclasses.replace(finding, affects=tuple(dict.fromkeys(named)) or finding.affects)


def _check_folder(archive: Archive) -> Iterator[Finding]:
    """Check the format pages, and that nothing lies in the folder that has no business there."""
    yield from check_format_pages(archive.store)
    known = {document.name for document in documents_of(archive.history())}
    for name in archive.store.list(""):
        if name in ACCOUNTED_FILES or (name.startswith(ACCOUNTED) and not _readable(name)):
            continue
        if name not in known:
            yield Finding("A001", name, "nothing on record accounts for it")


def _readable(name: str) -> bool:
    return name.startswith(("models/", "protocols/"))


def _record(archive: Archive, verification: Verification) -> None:
    """Tell the record, when this is the primary archive and its service key is here."""
    if archive.replica != PRIMARY or SERVICE not in archive.keys.names():
        return
    known = {
        (entry.event.replica, entry.event.code, entry.event.where)
        for entry in archive.history().all(DamageFound)
    }
    events = [
        DamageFound(
            replica=name,
            code=finding.code,
            where=finding.where,
            detail=finding.detail,
            affects=finding.affects[:16],
        )
        for name, finding in verification.damage[:200]
        if (name, finding.code, finding.where) not in known
    ]
    counts = {
        name: sum(1 for each, finding in verification.damage if each == name)
        for name in verification.packs
    }
    checks = [
        FixityChecked(replica=name, deep=verification.deep, packs=packs, findings=counts[name])
        for name, packs in verification.packs.items()
    ]
    archive.append(*events, *checks)


def _reachable(archive: Archive, verification: Verification) -> list[Replica]:
    record = [f for name, f in verification.damage if (name, f.code[0]) == (archive.replica, "R")]
    if foldable(record):
        return [each for each in replicas(archive) if each.reachable]
    # The record cannot be folded while it is damaged, but this machine knows where copies lie.
    noted = notes.read(archive).replicas
    folders = [Replica(name, "", Path(path)) for name, path in noted.items()]
    here = Replica(archive.replica, "", archive.root)
    return [here, *(each for each in folders if each.reachable)]


def _commit_count(archive: Archive) -> int:
    return sum(1 for _ in archive.record.commits())


def _store(replica: Replica) -> LocalStore:
    if replica.folder is None:
        raise UserError(f"the replica {replica.name} is not reachable from this machine")
    return LocalStore(replica.folder)
