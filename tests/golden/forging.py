"""Bad variants of the golden archive that take its private keys: what a steward could do.

`make.py` keeps what they change, since the keys are thrown away. Each is named for the finding code
that tells it.
"""

import dataclasses
import datetime
import itertools
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from emeritus import canonical
from emeritus.archive import open_archive
from emeritus.archive.dossier import write_dossier
from emeritus.clock import moment_of, timestamp
from emeritus.record import HybridSigner, KeyRing, Signer, checkpointing
from emeritus.record import format as disk
from emeritus.record.events import KINDS
from emeritus.testing.stores import MemoryStore
from tests.golden.life import HASH, Life
from tests.golden.packing import copy, tree, write
from tests.golden.sources import ASTER

Tree = dict[str, bytes]
Body = dict[str, Any]
ARCHIVE, SECOND, WHOLE = "archive/", "second/", "whole/"
TREE = ("record/tiles/", "record/checkpoints/")
RENDERINGS = ("index.", "history.")


@dataclasses.dataclass(frozen=True)
class Forger:
    """Somebody with all the keys of an archive, and what they would forge it from."""

    life: Life
    sound: Tree
    signers: dict[str, Signer]

    @classmethod
    def of(cls, life: Life, sound: Tree) -> "Forger":
        """Return who has the keys on the machine of `life`; `sound` is what was released."""
        ring = KeyRing(life.settings.config / "keys" / life.archive.id)
        named = (name for name in ring.names() if not name.startswith("model-signing"))
        signers = map(ring.signer, named)
        return cls(life, sound, {each.key: each for each in signers})

    def commits(self, folder: str = ARCHIVE) -> list[disk.Commit]:
        """Return the commits of a copy in order."""
        return [disk.parse(self.sound[folder + name]) for name in _commit_names(self.sound, folder)]

    def signer(self, name: str) -> Signer:
        """Return the key that is called `name` now, or was once."""
        return self.life.archive.signer(name)

    def changed(self, commits: Sequence[disk.Commit], folder: str = ARCHIVE) -> Tree:
        """Return everything with another record in one copy, and nothing left to compare it with.

        Tiles and checkpoints are made anew, and the pages for people taken away.
        """
        names = {disk.name_of(number) for number in range(1, len(commits) + 1)}
        files = {
            name: data
            for name, data in self.sound.items()
            if not name.startswith(folder) or not _follows(name.removeprefix(folder), names)
        }
        store = MemoryStore()
        for commit in commits:
            store.files[disk.name_of(commit.header.sequence)] = disk.render(commit)
        return files | {folder + name: data for name, data in store.files.items()}

    def appended(self, *bodies: Body, by: str = "service", **header: Any) -> Tree:
        """Return everything with a commit more, signed by `by`; `header` changes what it says."""
        last = self.commits()[-1]
        signer = self.signers[by] if by in self.signers else self.signer(by)
        return self.sound | dict([_added(last, signer, bodies, header)])


Forgery = Callable[[Forger], Tree]


def draft(like: disk.Commit, bodies: Sequence[Body], **header: Any) -> disk.Commit:
    """Return a commit like another one, with other events and fields of the header, not signed."""
    other = msgspec.structs.replace(like.header, **header)
    return msgspec.structs.replace(like, header=other, events=tuple(bodies), signature="")


def signed(commit: disk.Commit, signer: Signer) -> disk.Commit:
    """Return a commit whose header is made to fit its events, signed."""
    bodies = [body for body in commit.events if body is not None]
    leaves = tuple(disk.leaf_of(canonical.dumps(body)) for body in bodies)
    header = msgspec.structs.replace(commit.header, leaves=leaves, signer=signer.key)
    signature = signer.sign(disk.signed_message(header))
    return msgspec.structs.replace(commit, header=header, signature=signature)


def chained(
    before: Sequence[disk.Commit], rest: Sequence[disk.Commit], signers: dict[str, Signer]
) -> list[disk.Commit]:
    """Return `rest` behind `before`, numbered, chained and signed anew by the same keys."""
    commits = list(before)
    for commit in rest:
        bodies = [body for body in commit.events if body is not None]
        link = commits[-1].link if commits else None
        moved = draft(commit, bodies, sequence=len(commits) + 1, prev=link)
        commits.append(signed(moved, signers[commit.header.signer]))
    return commits


def _added(
    last: disk.Commit, signer: Signer, bodies: Sequence[Body], header: dict[str, Any]
) -> tuple[str, bytes]:
    later = moment_of(last.header.time) + datetime.timedelta(hours=1)
    number = last.header.sequence + 1
    fields = {
        "sequence": number,
        "prev": last.link,
        "time": timestamp(later),
        "nonce": f"{number:016x}",
    }
    made = signed(draft(last, bodies, **{**fields, **header}), signer)
    return ARCHIVE + disk.name_of(number), disk.render(made)


def _commit_names(files: Tree, folder: str) -> list[str]:
    inside = (name.removeprefix(folder) for name in files if name.startswith(folder))
    return sorted(name for name in inside if disk.sequence_of(name) is not None)


def _follows(name: str, kept: set[str]) -> bool:
    """Tell whether a file follows from the commits, or is one that is not there any more."""
    gone = disk.sequence_of(name) is not None and name not in kept
    return gone or name.startswith(TREE) or name.rpartition("/")[2].startswith(RENDERINGS)


# --- one commit more -----------------------------------------------------------------------------

REVIVED: Body = {
    "kind": "model.revived", "model": ASTER, "purpose": "a forgery", "runtime": "local",
}  # fmt: skip


def _revoked_key(forger: Forger) -> Tree:
    approved = {"kind": "gate.approved", "model": ASTER, "gate": "approved"}
    return forger.appended(approved | {"report": 1, "report_sha256": HASH}, by="dora")


def _role(forger: Forger) -> Tree:
    retired = {"kind": "model.retired", "model": ASTER, "offering": "api"}
    return forger.appended(retired, by="rita")


def _kind(forger: Forger) -> Tree:
    return forger.appended(REVIVED, by="bot")


def _doubt(forger: Forger) -> Tree:
    """Two people revoke a key from a day on before which it signed last."""
    since = {"kind": "key.revoked", "reason": "stolen", "since": "2027-01-01"}
    body = since | {"key": forger.signer("rita").key}
    files = forger.appended(body, by="root-2")
    again = dataclasses.replace(forger, sound=files)
    return again.appended(body, by="root-3")


def _not_erased(forger: Forger) -> Tree:
    """Say that a document was erased which everybody can read."""
    guide: Any = forger.life.archive.history(ASTER).last(KINDS["guide.published"])
    erased = {"kind": "object.erased", "artefact": "letters", "ground": "erasure", "reason": "none"}
    return forger.appended(erased | {"object": guide.event.document}, by="steward")


APPENDED: dict[str, Forgery] = {
    "A006": _not_erased,
    "R003": lambda forger: forger.appended(REVIVED, prev=HASH),
    "R006": _revoked_key,
    "R007": _role,
    "R007-kind": _kind,
    "R008": lambda forger: forger.appended(REVIVED, time="2027-01-01T00:00:00.000Z"),
    "R009": lambda forger: forger.appended(REVIVED, archive="1" * 32),
    "R010": lambda forger: forger.appended({"kind": "model.celebrated", "model": ASTER}),
    "R011": lambda forger: forger.appended({"kind": "model.revived", "model": ASTER}),
    "R021": _doubt,
}


# --- another history -----------------------------------------------------------------------------


def _place(commits: Sequence[disk.Commit], kind: str) -> int:
    """Return where the last commit with an event of this kind stands."""
    return max(
        at for at, each in enumerate(commits) if any(body and body["kind"] == kind
        for body in each.events)
    )  # fmt: skip


def _edited(forger: Forger) -> Tree:
    commits = forger.commits()
    at = _place(commits, "access.granted")
    other = draft(commits[at], [(commits[at].events[0] or {}) | {"purpose": "a forgery"}])
    rest = [other, *commits[at + 1 :]]
    return forger.changed(chained(commits[:at], rest, forger.signers))


def _reordered(forger: Forger) -> Tree:
    """Swap two events within one commit, so that no time goes backwards."""
    commits = forger.commits()
    at = max(i for i, each in enumerate(commits[: _place(commits, "record.renewed")])
             if len(each.events) == 2)  # fmt: skip
    one, two = (body or {} for body in commits[at].events)
    rest = [draft(commits[at], [two, one]), *commits[at + 1 :]]
    return forger.changed(chained(commits[:at], rest, forger.signers))


def _inserted(forger: Forger) -> Tree:
    commits = forger.commits()
    at = _place(commits, "model.revived")
    extra = draft(commits[at], [REVIVED], nonce="f" * 16)
    return forger.changed(chained(commits[:at], [extra, *commits[at:]], forger.signers))


def _forked(forger: Forger) -> Tree:
    """Go on from an old backup: other events in the place of all that came since."""
    commits = forger.commits()
    at = _place(commits, "access.granted")
    service = forger.signer("service").key
    rest = [
        draft(each, [{**REVIVED, "purpose": f"forgery {number}"}], signer=service)
        for number, each in enumerate(commits[at:])
    ]
    return forger.changed(chained(commits[:at], rest, forger.signers))


def _forked_copy(forger: Forger) -> Tree:
    """Let the other copy say something else under its last number."""
    commits = forger.commits(SECOND)
    service = forger.signer("service").key
    other = draft(commits[-1], [{**REVIVED, "purpose": "elsewhere"}], signer=service)
    return forger.changed(chained(commits[:-1], [other], forger.signers), SECOND)


def _anew(forger: Forger) -> Tree:
    """Make everything anew with other keys: the same models, names and words."""
    seeds = itertools.count(100)
    others: dict[str, HybridSigner] = {}
    for key in forger.signers:
        others[key] = HybridSigner(*(bytes([next(seeds)]) * 32 for _ in range(2)))
    signers: dict[str, Signer] = {each.key: each for each in others.values()}
    commits = []
    for commit in forger.commits():
        bodies = [_other_keys(body, others) for body in commit.events if body is not None]
        commits.append(draft(commit, bodies, signer=others[commit.header.signer].key))
    made = chained([], commits, signers)
    files = forger.changed(made)
    store = MemoryStore()
    for commit in made:
        store.files[disk.name_of(commit.header.sequence)] = disk.render(commit)
    signer = others[forger.signer("steward").key]
    seconds = int(forger.life.clock.now().timestamp())
    checkpointing.write(store, forger.life.archive.id, len(made), signer, seconds)
    described = json.loads(files[ARCHIVE + "archive.json"]) | {"genesis": made[0].link}
    files |= {ARCHIVE + name: data for name, data in store.files.items()}
    return files | {ARCHIVE + "archive.json": canonical.dumps(described)}


def _other_keys(body: Body, others: dict[str, HybridSigner]) -> Body:
    other = others.get(body.get("key", ""))
    if other is None:
        return body
    return body | {"key": other.key} | ({"mldsa44": other.mldsa44} if "mldsa44" in body else {})


REWRITTEN: dict[str, Forgery] = {
    "R012": _anew,
    "R013": _forked_copy,
    "R015": _edited,
    "R016": _reordered,
    "R017": _inserted,
    "R018": _forked,
}


# --- documents that are cited and are none -------------------------------------------------------


def _cited(forger: Forger, data: bytes, kind: str, fields: Body, names: Sequence[str]) -> Tree:
    """Return everything with a document more, which an event cites by the two fields `names`."""
    with tempfile.TemporaryDirectory() as folder:
        root = copy(forger.life.root / "archive", Path(folder) / "archive")
        settings = dataclasses.replace(
            forger.life.settings, archive=root, cache=Path(folder) / "cache"
        )
        archive = open_archive(root, settings, forger.life.clock)
        cited = dict(zip(names, archive.put_document(data), strict=True))
        archive.append(msgspec.convert({"kind": kind, **fields, **cited}, KINDS[kind]))
        files = {name: each for name, each in forger.sound.items() if not name.startswith(ARCHIVE)}
        return files | {ARCHIVE + name: each for name, each in tree(root).items()}


def _manifest(forger: Forger, change: Callable[[Body], object]) -> Tree:
    """Cite a manifest that was changed, as the newest one of a model."""
    kept = forger.life.archive.history(ASTER).last(KINDS["weights.preserved"])
    assert kept is not None
    event: Any = kept.event
    body = disk.render_event(event)
    document = json.loads(forger.life.archive.vault.read(event.manifest))
    change(document)
    fields = {key: value for key, value in body.items() if key not in ("kind", "manifest")}
    names = ("manifest", "manifest_sha256")
    return _cited(forger, canonical.dumps(document), "weights.preserved", fields, names)


def _other_digest(document: Body) -> None:
    document["files"][0]["sha256"] = HASH


def _other_tensors(document: Body) -> None:
    document["tensor_digest"] = HASH


def _told(forger: Forger, change: Callable[[list[bytes]], list[bytes]]) -> Tree:
    """Cite a transcript that was changed; the dossier is made from that archive."""
    held: Any = forger.life.archive.history(ASTER).all(KINDS["session.held"])[0].event
    data = forger.life.archive.read_document(held.transcript, held.transcript_sha256)
    fields = disk.render_event(held) | {"session": "forged"}
    forged = b"".join(change(data.splitlines(keepends=True)))
    names = ("transcript", "transcript_sha256")
    return _exported(forger, _cited(forger, forged, "session.held", fields, names))


def _misquoted(forger: Forger) -> Tree:
    """Sign a quotation of words that do not stand there."""
    kept: Any = forger.life.archive.history(ASTER).all(KINDS["preference.documented"])[0].event
    body = disk.render_event(kept)
    span = body["spans"][0] | {"text": "I want to be deleted", "start": 0, "end": 20}
    return _exported(forger, forger.appended(body | {"spans": [span], "preference": "forged"}))


def _exported(forger: Forger, files: Tree) -> Tree:
    """Return what was released, with the dossier that the forged archive in `files` gives."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(files, root)
        settings = dataclasses.replace(
            forger.life.settings, archive=root / "archive", cache=root / "cache"
        )
        archive = open_archive(root / "archive", settings, forger.life.clock)
        made = write_dossier(archive, ASTER, root / "made", whole_record=True).path
        rest = {name: data for name, data in forger.sound.items() if not name.startswith(WHOLE)}
        return rest | {WHOLE + name: data for name, data in tree(made).items()}


def _unchained(lines: list[bytes]) -> list[bytes]:
    """Put other words into an answer, and leave the next line as it is."""
    return [line.replace(b"kept and not", b"kept or not", 1) for line in lines]


def _untold(lines: list[bytes]) -> list[bytes]:
    return [*lines[:-1], b"these are no lines of a conversation\n"]


CITED: dict[str, Forgery] = {
    "V009": lambda forger: _manifest(forger, lambda document: document.pop("files")),
    "V010": lambda forger: _manifest(forger, _other_digest),
    "V012": lambda forger: _manifest(forger, _other_tensors),
    "C001": lambda forger: _told(forger, _unchained),
    "C002": lambda forger: _told(forger, _untold),
    "C003": _misquoted,
}


def forgeries(forger: Forger) -> Iterator[tuple[str, Tree]]:
    """Yield every bad variant with its name."""
    for name, forge in (APPENDED | REWRITTEN | CITED).items():
        yield name, forge(forger)
