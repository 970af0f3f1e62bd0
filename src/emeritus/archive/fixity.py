"""Checks the archive and every copy of it that can be reached, and tells the record."""

import contextlib
import dataclasses
from collections.abc import Iterator

from emeritus import digests
from emeritus.archive import notes
from emeritus.archive.creation import DESCRIPTION, render_description
from emeritus.archive.documents import (
    check_documents,
    check_erasures,
    check_renderings,
    documents_of,
    renderings_of,
    write_documents,
)
from emeritus.archive.format_pages import check_descriptions, check_format_pages, ever_described
from emeritus.archive.handle import PRIMARY, SERVICE, Archive
from emeritus.archive.marks import MARKS, SHARDS
from emeritus.archive.preservation import preserved
from emeritus.archive.replication import (
    Replica,
    commits_in,
    copy_at,
    differing_commit,
    replicas,
)
from emeritus.archive.sharding import check_place, placement_of
from emeritus.archive.unknown import digests_in_unknown, unaccounted
from emeritus.archive.verdict import Checked, Verification
from emeritus.errors import EmeritusError, Finding, IntegrityError, UserError
from emeritus.record import check as check_record
from emeritus.record import format as record_format
from emeritus.record.audit import Old
from emeritus.record.events import (
    CommitSetAside,
    DamageFound,
    FixityChecked,
    ModelRegistered,
    WeightsPreserved,
)
from emeritus.record.verification import NOT_BLOCKING, REWRITTEN, blocking, foldable
from emeritus.vault import Progress, Vault, parts_of

QUARANTINE = "quarantine/"
ACCOUNTED = ("record/", QUARANTINE)
FINDINGS_RECORDED_MAX = 200
FORK = "R013"


def verify_all(
    archive: Archive,
    *,
    deep: bool = False,
    trust: str | None = None,
    against: tuple[Old, ...] = (),
    progress: Progress | None = None,
) -> Verification:
    """Check the archive and every copy that can be reached; record the result where possible.

    The record is also held `against` old checkpoints.

    Each finding names the models, files and tensors that it affects, as far as the record can
    still be read. A fingerprint in `trust` that is another one is a finding (R012), and is not
    recorded: it says nothing about what is stored.
    """
    own = [
        *_check_description(archive),
        *check_record(archive.store, archive.id, archive.genesis, against),
    ]
    readable = foldable(own)
    # What others record from now on is for the next check: its pages may not be written yet.
    known = commits_in(archive.store)
    if readable and archive.replica == PRIMARY:
        # A run that was killed behind its commit leaves a rendering to be written. A folder that
        # cannot be written to can still be checked.
        with contextlib.suppress(UserError):
            write_documents(archive, foreign=False)
    damage = [(archive.replica, finding) for finding in own]
    copies = []
    for copy in known_copies(archive) if readable else _unread_copies(archive):
        if not copy.reachable:
            last = _last_read(archive, copy.name) if readable else None
            copies.append(Checked(copy.name, obstacle=copy.obstacle, last_read=last))
            continue
        checked, found = _check_copy(archive, copy, known, deep, readable, progress)
        if readable:
            found = [_explained(archive, finding) for finding in found]
        damage += [(copy.name, finding) for finding in found]
        copies.append(checked)
    longest = max((each for each in copies if each.reached), key=lambda each: each.commits)
    if archive.replica == PRIMARY:
        here = dataclasses.replace(copies[0], commits=commits_in(archive.store))
        damage += [(PRIMARY, finding) for finding in _lost_commits(here, longest)]
    else:
        ahead = longest.commits - copies[0].commits
        copies[0] = dataclasses.replace(copies[0], behind=ahead)
    verification = Verification(tuple(damage), tuple(copies), deep)
    said = _record(archive, verification) if readable else "the record is damaged"
    asides = _set_aside(archive) if readable else ()
    if readable:
        # What this machine remembers is told and proves nothing, so it does not go on record.
        damage += [(archive.replica, finding) for finding in _check_remembered(archive)]
    if trust is not None and trust != archive.genesis:
        finding = Finding(
            "R012", record_format.name_of(1), f"its fingerprint is {archive.genesis}, not {trust}"
        )
        damage.insert(0, (archive.replica, finding))
    return dataclasses.replace(
        verification, damage=tuple(damage), unrecorded=said, set_aside=asides
    )


def known_copies(archive: Archive) -> list[Replica]:
    """Return this copy, the other replicas, and the places of shards."""
    placement = placement_of(archive)
    places = list(placement.at.values()) if placement else []
    # A place of shards that is opened by itself stands once, as what it is.
    return [*replicas(archive), *(each for each in places if each.name != archive.replica)]


def noted_copies(archive: Archive) -> list[Replica]:
    """Return the copies that this machine knows of, for when the record cannot be read."""
    noted = notes.read(archive)
    named = {**noted.replicas, **{SHARDS + place: path for place, path in noted.shards.items()}}
    return [copy_at(archive, name, "", path) for name, path in named.items()]


def vault_of(archive: Archive, copy: Replica) -> Vault:
    """Return the vault of a copy that can be reached."""
    return archive.vault if copy.name == archive.replica else Vault(copy.store)


def _unread_copies(archive: Archive) -> list[Replica]:
    """Return this copy, and the others as not looked at: what they must hold is not known."""
    waiting = "not looked at while the record here is damaged"
    others = [dataclasses.replace(each, obstacle=waiting) for each in noted_copies(archive)]
    return [Replica(archive.replica, "", archive.root), *others]


def _check_copy(
    archive: Archive,
    copy: Replica,
    last: int,
    deep: bool,
    readable: bool,
    progress: Progress | None,
) -> tuple[Checked, list[Finding]]:
    """Read one copy through, and judge it by the commits that it holds, up to commit `last`."""
    here = copy.name == archive.replica
    commits = last if here else commits_in(copy.store)
    found: list[Finding] = [] if here or not commits else list(_check_history(archive, copy))
    forks = [int(record_format.sequence_of(each.where) or 0) for each in found if each.code == FORK]
    up_to = min(commits, last, *(number - 1 for number in forks))
    if copy.name.startswith(SHARDS):
        placement = placement_of(archive) if readable else None
        packs = 0
        if placement is not None:
            place = copy.name.removeprefix(SHARDS)
            packs, findings = check_place(archive, placement, place, up_to)
            found += findings
    else:
        vault = vault_of(archive, copy)
        stored = list(vault.check(deep, progress))
        packs = len(vault.pack_names())
        if readable:
            told = {each for finding in stored for each in finding.affects}
            stored += [each for each in _missing(archive, vault, up_to) if each.where not in told]
        found += stored
    if readable and commits:
        found += _check_folder(archive, copy, up_to)
    if readable and 0 < commits <= last:  # what later commits cite and tell is not known here
        found += check_renderings(archive.history(), copy.store)
        found += _check_strangers(archive, copy)
    return Checked(copy.name, packs, commits, 0 if forks else last - up_to), found


def _check_history(archive: Archive, copy: Replica) -> Iterator[Finding]:
    """Check the record of another copy, and that it is the same history as ours.

    Not asked of a copy without any commit: its making was stopped before the record came.
    """
    found = list(check_record(copy.store, archive.id, archive.genesis))
    yield from found
    number = differing_commit(archive, copy.store)
    if number is not None and not blocking(found):
        detail = f"its commit {number} is signed and is not the one of the archive: a fork"
        yield Finding(FORK, record_format.name_of(number), detail)


def _lost_commits(here: Checked, longest: Checked) -> Iterator[Finding]:
    """Yield a finding when a copy holds more of the history than the primary archive does."""
    if longest.commits > here.commits:
        last = f" to {longest.commits}" if longest.commits > here.commits + 1 else ""
        detail = f"commit {here.commits + 1}{last} is missing; {longest.name} holds it"
        yield Finding("R001", record_format.name_of(here.commits + 1), detail)


def _check_description(archive: Archive) -> Iterator[Finding]:
    """Compare `archive.json` with the first commit, from which all of it follows."""
    try:
        expected = render_description(archive.store)
    except (EmeritusError, ValueError):
        return  # what is wrong with the commit is a finding of its own
    if archive.store.get(DESCRIPTION, 0, len(expected) + 1) != expected:
        yield Finding("A002", DESCRIPTION, "it does not agree with the first commit")


def _check_remembered(archive: Archive) -> Iterator[Finding]:
    """Say when the record ended elsewhere the last time that this machine read it."""
    lost = archive.record.lost()
    known = {entry.place[0] for entry in archive.history().all(CommitSetAside)}
    if lost is not None and lost[0] not in known:
        detail = (
            f"commit {lost[0]} had the link {lost[1]} when this machine read it; look for it in "
            "the copies, or delete `records` in this machine's cache if an older one is meant"
        )
        yield Finding("R022", "record/", detail)  # no place to repair: people decide what is true


def _missing(archive: Archive, vault: Vault, up_to: int) -> Iterator[Finding]:
    """Yield what the commits up to `up_to` name and no pack holds.

    A pack may vanish together with its index. What only later commits name is not missing. What an
    encrypted manifest lists is not known here, and not looked for.
    """
    history = archive.history()
    manifests = {
        each.event.manifest: None
        for each in history.all(WeightsPreserved)
        if each.place[0] <= up_to and not each.event.encrypted
    }
    documents = {each.object: None for each in documents_of(history) if each.commit <= up_to}
    seen: set[str] = set()
    for finding in (
        *(each for manifest in manifests for each in vault.missing(manifest)),
        *(vault.missing_object(each) for each in documents),
    ):
        if finding is not None and finding.where not in seen:
            seen.add(finding.where)
            yield finding


def _check_manifests(archive: Archive, up_to: int) -> Iterator[Finding]:
    """Compare what each manifest says with its form, and its tensors with their digests."""
    for kept in archive.history().all(WeightsPreserved):
        event = kept.event
        if event.encrypted or kept.place[0] > up_to:
            continue
        try:
            manifest = archive.vault.manifest(event.manifest)
        except IntegrityError as error:
            # What the packs lost or cannot give is a finding there.
            yield from (each for each in error.findings if each.code == "V009")
            continue
        said = {event.tensor_digest, manifest.tensor_digest, manifest.computed_tensor_digest}
        if len(said) > 1:
            where = f"models/{event.model}/manifest-{kept.place[0]}.json"
            yield Finding("V012", where, "manifest, event and tensors disagree", (event.model,))


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


def _check_folder(archive: Archive, copy: Replica, up_to: int) -> Iterator[Finding]:
    """Check what people read in a copy: the description, the pages, the documents."""
    store = copy.store
    described = store.exists(DESCRIPTION) and store.get(DESCRIPTION)
    if copy.name != archive.replica and described != archive.store.get(DESCRIPTION):
        yield Finding("A002", DESCRIPTION, "it is not the one of the archive")
    yield from check_format_pages(store, archive.history(), up_to)
    cited = (each for each in documents_of(archive.history()) if each.commit <= up_to)
    yield from check_documents(cited, store)
    if copy.name == archive.replica:
        yield from check_descriptions(archive.history())
        yield from check_erasures(archive)
        yield from _check_manifests(archive, up_to)


def _check_strangers(archive: Archive, copy: Replica) -> Iterator[Finding]:
    """Check that nothing lies in a copy that has no business there."""
    for name in copy.store.special():
        if not name.startswith(QUARANTINE):
            yield Finding("A005", name, "it is no regular file")
    names = list(copy.store.list(""))  # first: a document is on record before it is written
    known = {document.name for document in documents_of(archive.history())}
    known |= {page.name for page in renderings_of(archive.history())}
    known |= {*ever_described(archive.history()), DESCRIPTION, *MARKS}
    accounted = (SHARDS if copy.name.startswith(SHARDS) else "packs/", *ACCOUNTED)
    strange = (each for each in names if each not in known and not each.startswith(accounted))

    def cited() -> frozenset[str]:
        return digests_in_unknown(archive.store, archive.history())

    def digest(name: str) -> str:
        return digests.of_chunks(parts_of(copy.store, name)).sha256

    for name in unaccounted(strange, cited, digest):
        detail = "nothing on record accounts for it; move it out of the archive"
        yield Finding("A001", name, detail)


def _last_read(archive: Archive, copy: str) -> str | None:
    checks = archive.history().all(FixityChecked)
    return next((each.time for each in reversed(checks) if each.event.replica == copy), None)


def _set_aside(archive: Archive) -> tuple[str, ...]:
    return tuple(
        f"commit {entry.place[0]} stands where a file could not be read (SHA-256 "
        f"{entry.event.sha256.removeprefix('sha256:')[:16]}…, in quarantine/); "
        f"set aside by {entry.signed_by} on {entry.time[:10]}: {entry.event.reason}"
        for entry in archive.history().all(CommitSetAside)
    )


def _record(archive: Archive, verification: Verification) -> str:
    """Tell the record; return why that was not done, or nothing."""
    damage = [each for each in verification.damage if each[1].code not in NOT_BLOCKING]
    if archive.replica != PRIMARY:
        return f"{archive.replica} is a copy, and only the primary archive is written to"
    if SERVICE not in archive.keys.names():
        return "the service key is not on this machine"
    if {finding.code for name, finding in damage if name == PRIMARY} & {"R001", *REWRITTEN}:
        return "commits are missing or changed here, and a new one would be a fork"
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
        for name, finding in damage[:FINDINGS_RECORDED_MAX]
        if (name, finding.code, finding.where) not in known
    ]
    checks = [
        FixityChecked(
            replica=each.name,
            deep=verification.deep,
            packs=each.packs,
            findings=sum(1 for name, _ in damage if name == each.name),
            up_to=each.commits,
        )
        for each in verification.copies
        if each.reached
    ]
    archive.append(*events, *checks)
    return ""
