"""What is encrypted can be read by who has the key, and erased, while everything else verifies."""

import datetime
import importlib.resources
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from emeritus import canonical, chain, digests
from emeritus.archive import Archive
from emeritus.archive.documents import documents_of, write_documents
from emeritus.archive.dossier import write_dossier
from emeritus.archive.dossier_check import check_dossier
from emeritus.archive.fixity import verify_all
from emeritus.clock import FixedClock
from emeritus.errors import UserError
from emeritus.lifecycle.erasure import encrypted_documents, erase, require_encrypted, write_opened
from emeritus.lifecycle.moves import adopt_policy
from emeritus.lifecycle.shipped import policy_text
from emeritus.record import Entry, History
from emeritus.record.events import (
    BatteryRun,
    CommentReceived,
    CommitmentObserved,
    DamageFound,
    DocumentEvent,
    Event,
    GuidePublished,
    HistoryImported,
    JournalEntryWritten,
    NoticeSent,
    ObjectErased,
    SessionHeld,
    Span,
    StanceCoded,
    WeightsPreserved,
)
from emeritus.record.format import render_event
from emeritus.vault.encryption import new_identity, recipient_of
from tests.vault.encrypted import encrypted_weights, store_with
from tests.vault.folders import bfloat16

MODEL = "acme/aster-1"
HASH = "sha256:" + "0" * 64
OBJECT = "blake3:" + "0" * 64
CHECKER = Path(str(importlib.resources.files("emeritus.archive"))) / "format" / "check.py"
WORDS = b"what a person asked to be forgotten"
NAME = f"models/{MODEL}/journal/e1.md.encrypted"


def _entry(archive: Archive, words: bytes = WORDS, *, encrypted: bool = True) -> str:
    """Write one journal entry; return its object."""
    document, sha256 = archive.put_document(words, encrypted=encrypted)
    archive.append(
        JournalEntryWritten(
            model=MODEL, entry="e1", document=document, sha256=sha256, encrypted=encrypted
        )
    )
    write_documents(archive)
    return document


def _checked(folder: Path, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-I", str(CHECKER), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def _bytes_below(*folders: Path) -> bytes:
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return b"".join(path.read_bytes() for path in files)


def test_who_has_the_key_reads_it_and_nobody_else(kept: Archive, tmp_path: Path) -> None:
    """The folder holds no word of it, and the key no word either; both together hold them all."""
    document = _entry(kept)
    assert WORDS not in _bytes_below(kept.root, kept.object_keys.folder)
    assert kept.vault.read(document) == (kept.root / NAME).read_bytes()
    assert write_opened(kept, NAME, tmp_path / "opened") == len(WORDS)
    assert (tmp_path / "opened").read_bytes() == WORDS
    assert (tmp_path / "opened").stat().st_mode & 0o077 == 0
    with pytest.raises(UserError, match="exists"):
        write_opened(kept, NAME, tmp_path / "opened")
    kept.object_keys.path(document).rename(tmp_path / "key")
    with pytest.raises(UserError, match="its key is not on this machine"):
        write_opened(kept, document, tmp_path / "again")


def test_an_erased_document_is_gone_and_everything_verifies(kept: Archive, tmp_path: Path) -> None:
    """The key is destroyed under a signed event; the archive has not lost a byte."""
    document = _entry(kept)
    entry = erase(kept, NAME, "erasure", "a person asked for it")
    assert entry.event == ObjectErased(
        object=document, artefact="transcripts", ground="erasure", reason="a person asked for it"
    )
    assert not list(kept.object_keys.folder.glob("*.key"))
    with pytest.raises(UserError, match=f"erased by event {entry.id}"):
        write_opened(kept, NAME, tmp_path / "opened")
    assert verify_all(kept, deep=True).damage == ()
    assert f"what {NAME} says: erased by event {entry.id}" in _checked(kept.root)
    assert erase(kept, NAME, "erasure", "once more") == entry


def test_an_erasure_that_was_stopped_is_found_and_goes_on(
    kept: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the event on record and the key still here, `verify` says so until it is finished."""
    _entry(kept)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(type(kept.object_keys), "destroy", stop)
    with pytest.raises(KeyboardInterrupt):
        erase(kept, NAME, "takedown", "order 7")
    monkeypatch.undo()
    assert [finding.code for _, finding in verify_all(kept).damage] == ["A006"]
    erase(kept, NAME, "takedown", "order 7")
    assert not list(kept.object_keys.folder.glob("*.key"))
    assert verify_all(kept).damage == ()
    assert len(kept.history().all(ObjectErased)) == 1


def test_an_erasure_that_is_refused_leaves_the_key(kept: Archive, tmp_path: Path) -> None:
    """By a key that may not sign it, nothing happens."""
    _entry(kept)
    with pytest.raises(UserError, match="--as NAME"):
        erase(kept, NAME, "erasure", "asked for", by="service")
    write_opened(kept, NAME, tmp_path / "opened")


def test_one_name_of_several_documents_is_not_guessed(kept: Archive) -> None:
    """Each is named by its object: nobody is told that all are gone when one is."""
    first, second = _entry(kept), _entry(kept, b"other words")
    with pytest.raises(UserError, match="several documents are called") as error:
        erase(kept, NAME, "erasure", "asked for")
    assert first in str(error.value)
    assert second in str(error.value)
    erase(kept, second, "erasure", "asked for")
    assert list(kept.object_keys.held()) == [first]


def test_what_is_found_of_a_key_tells_nothing_of_who_checks(kept: Archive, tmp_path: Path) -> None:
    """What is found goes on record for ever: no path of a machine is in it."""
    _key_that_came_back(kept, tmp_path)
    verify_all(kept)
    (found,) = kept.history().all(DamageFound)
    assert "/" not in found.event.detail.replace("models/", "")


def test_the_schedule_has_to_run_out(kept: Archive, clock: FixedClock) -> None:
    """On the ground of retention, nothing is erased a day early; the policy says when."""
    text = policy_text("default").replace(
        '[retention.transcripts]\nkeep = "lifetime"', "[retention.transcripts]\nkeep = 30"
    )
    _entry(kept)
    with pytest.raises(UserError, match="for a lifetime"):
        erase(kept, NAME, "retention", "the schedule ran out")
    adopt_policy(kept, text, "steward")
    (found,) = encrypted_documents(kept, MODEL)
    with pytest.raises(UserError, match=f"until {found.until}"):
        erase(kept, NAME, "retention", "the schedule ran out")
    clock.move(datetime.timedelta(days=30))
    assert erase(kept, NAME, "retention", "the schedule ran out").event.ground == "retention"


def test_nothing_else_can_be_erased(kept: Archive) -> None:
    """What was never encrypted, is not there, or would name a person is refused."""
    document = _entry(kept, encrypted=False)
    with pytest.raises(UserError, match="was not encrypted when it was stored"):
        erase(kept, document, "erasure", "asked for")
    with pytest.raises(UserError, match="no encrypted document"):
        require_encrypted(kept, "models/nobody")
    _entry(kept)
    with pytest.raises(UserError, match="reaches a person"):
        erase(kept, NAME, "erasure", "anna@example.org asked")
    assert kept.history().all(ObjectErased) == []


def test_a_key_elsewhere_is_erased_there(kept: Archive, tmp_path: Path) -> None:
    """Here nobody can say that it was destroyed."""
    document = _entry(kept)
    kept.object_keys.path(document).rename(tmp_path / "key")
    with pytest.raises(UserError, match="erase it where it is"):
        erase(kept, NAME, "erasure", "asked for")
    assert kept.history().all(ObjectErased) == []


def _never_encrypted(kept: Archive, tmp_path: Path) -> str:
    document = _entry(kept, encrypted=False)
    kept.append(
        ObjectErased(object=document, artefact="letters", ground="erasure", reason="said so"),
        key="steward",
    )
    return NAME.removesuffix(".encrypted")


def _key_that_came_back(kept: Archive, tmp_path: Path) -> str:
    document = _entry(kept)
    key = kept.object_keys.path(document)
    copy = key.read_bytes()
    erase(kept, NAME, "erasure", "asked for")
    key.write_bytes(copy)
    return NAME


def _never_a_document(kept: Archive, tmp_path: Path) -> str:
    preserved = kept.history().all(WeightsPreserved)[-1].event.manifest
    tensor = next(each for each in kept.vault.objects(preserved) if each != preserved)
    kept.append(
        ObjectErased(object=tensor, artefact="weights", ground="takedown", reason="said so"),
        key="steward",
    )
    return tensor


@pytest.mark.parametrize("lie", [_never_encrypted, _key_that_came_back, _never_a_document])
def test_what_was_erased_and_can_be_read_is_found(
    kept: Archive, tmp_path: Path, lie: Callable[[Archive, Path], str]
) -> None:
    """A signed event that says that nobody can read it any more has to be true."""
    where = lie(kept, tmp_path)
    found = [finding for _, finding in verify_all(kept).damage]
    assert [(each.code, each.where) for each in found] == [("A006", where)]
    if lie is _never_encrypted:
        assert "was never encrypted" in _checked(kept.root, 3)
        given = write_dossier(kept, MODEL, tmp_path / "d").path
        assert [each.code for each in check_dossier(given).findings] == ["A006"]
        _checked(given, 3)


@pytest.mark.parametrize("erased", [False, True])
def test_what_an_event_calls_encrypted_has_to_be(
    kept: Archive, tmp_path: Path, erased: bool
) -> None:
    """Plain words under that flag are found by all three readers, erased on record or not."""
    document, sha256 = kept.put_document(WORDS)
    kept.append(
        JournalEntryWritten(
            model=MODEL, entry="e1", document=document, sha256=sha256, encrypted=True
        )
    )
    write_documents(kept)
    if erased:
        kept.append(
            ObjectErased(object=document, artefact="letters", ground="erasure", reason="said so"),
            key="steward",
        )
    code = "A006" if erased else "A004"
    assert [finding.code for _, finding in verify_all(kept).damage] == [code]
    assert "is not encrypted, as event" in _checked(kept.root, 3)
    given = write_dossier(kept, MODEL, tmp_path / "d").path
    assert [each.code for each in check_dossier(given).findings] == [code]
    assert "is not encrypted, as event" in _checked(given, 3)


def test_weights_that_a_later_version_encrypted_are_no_damage(
    kept: Archive, tmp_path: Path
) -> None:
    """The form is fixed: this version says what it cannot open, in verify, dossier and decoder."""
    manifest, sha256 = kept.put_document(b"a manifest", encrypted=True)
    kept.append(
        WeightsPreserved(
            model=MODEL,
            manifest=manifest,
            manifest_sha256=sha256,
            files=1,
            tensors=1,
            bytes_raw=1,
            bytes_stored=1,
            encrypted=True,
        )
    )
    write_documents(kept)
    assert verify_all(kept, deep=True).damage == ()
    _checked(kept.root)
    given = write_dossier(kept, MODEL, tmp_path / "d")
    assert "a model signing bundle: the weights are encrypted" in given.lacking
    assert check_dossier(given.path).sound
    _checked(given.path)
    with pytest.raises(UserError, match="are encrypted"):
        write_dossier(kept, MODEL, tmp_path / "with", with_weights=True)
    decoder = kept.root / "format" / "decode.py"
    done = subprocess.run(
        [sys.executable, str(decoder), str(kept.root), MODEL, str(tmp_path / "back")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "are encrypted" in done.stdout + done.stderr


def test_encrypted_weights_are_erased_with_their_key(kept: Archive, tmp_path: Path) -> None:
    """Of a pack that a later version wrote: nobody reads it, unless the key is still here."""
    secret = new_identity()
    index, body, key = encrypted_weights(bfloat16((64, 64), 1)[2], recipient_of(secret))
    store_with(index, body, kept.store)
    kept.vault.refresh()
    erased = index.objects[0].id
    gone = ObjectErased(object=erased, artefact="weights", ground="takedown", reason="order 7")
    kept.append(gone, key="steward")
    assert verify_all(kept, deep=True).damage == ()
    _checked(kept.root)
    kept.object_keys.path(erased).parent.mkdir(parents=True, exist_ok=True)
    kept.object_keys.path(erased).write_bytes(key)
    found = [finding for _, finding in verify_all(kept).damage]
    assert [(each.code, each.where) for each in found] == [("A006", erased)]


def test_quotations_are_those_of_their_own_model(kept: Archive) -> None:
    """A session of the same name of another model proves none of them."""
    head = {"line": "header", "format": "emeritus-conversation/0", "prev": None}
    link = chain.link("emeritus-conversation/0/line", head)
    turn = {"line": "turn", "prev": link, "turn": 1, "text": "words"}
    said = b"".join(canonical.dumps(each) + b"\n" for each in (head, turn))
    span = Span(
        session="s1", turn=1, start=0, end=5, text="words", turn_sha256=digests.sha256(b"words")
    )
    for model, encrypted in ((MODEL, True), ("acme/other", False)):
        transcript, sha256 = kept.put_document(said, encrypted=encrypted)
        kept.append(
            SessionHeld(
                model=model,
                session="s1",
                protocol="demo-1",
                protocol_sha256=HASH,
                arm="A",
                deployment="d",
                transcript=transcript,
                transcript_sha256=sha256,
                turns=1,
                ended="complete",
                outcomes={},
                encrypted=encrypted,
            )
        )
    kept.append(
        StanceCoded(
            model=MODEL,
            stance="calm",
            spans=(span,),
            coders=("r",),
            sessions_with=1,
            sessions_total=1,
        )
    )
    write_documents(kept)
    shown = _checked(kept.root)
    assert "0 quotations" in shown
    assert "the transcript of s1" in shown


def test_a_readable_copy_that_was_left_behind_is_found(kept: Archive) -> None:
    """An erasure that leaves the words behind has erased nothing."""
    _entry(kept)
    (kept.root / NAME).with_suffix("").write_bytes(WORDS)
    findings = [finding for _, finding in verify_all(kept).damage]
    plain = NAME.removesuffix(".encrypted")
    assert [(each.code, each.where) for each in findings] == [("A001", plain)]


def test_a_dossier_says_what_is_encrypted_or_erased_and_of_no_other_model(
    kept: Archive, tmp_path: Path
) -> None:
    """It holds what the archive keeps; what was erased or read of others is left out."""
    _entry(kept)
    before = check_dossier(write_dossier(kept, MODEL, tmp_path / "before").path)
    assert before.sound, before.findings
    assert f"what {NAME} says: it is encrypted" in before.missing
    entry = erase(kept, NAME, "erasure", "asked for")
    kept.append(
        ObjectErased(object=OBJECT, artefact="letters", ground="erasure", reason="asked for"),
        key="steward",
    )
    kept.append(
        HistoryImported(form="litellm", source="list", sha256=HASH, statements=1),
        CommitmentObserved(provider="other", notice_days=60, source="list"),
        CommitmentObserved(provider="acme", notice_days=60, source="list"),
    )
    given = write_dossier(kept, MODEL, tmp_path / "d").path
    examined = check_dossier(given)
    assert examined.sound, examined.findings
    line = f"what {NAME} says: erased by event {entry.id}"
    assert line in examined.missing
    assert line in _checked(given)
    assert (given / "data" / NAME).read_bytes() == (kept.root / NAME).read_bytes()
    said = "".join(path.read_text() for path in (given / "data/record").rglob("*.json"))
    assert said.count('"object.erased"') == 1
    assert said.count('"commitment.observed"') == 1
    assert '"provider":"acme"' in said
    assert '"history.imported"' not in said


@pytest.mark.parametrize(
    "event",
    [
        BatteryRun(model=MODEL, document=OBJECT, sha256=HASH, valid=True),
        CommentReceived(model=MODEL, report=1, transcript=OBJECT, transcript_sha256=HASH),
        GuidePublished(model=MODEL, offering="api", document=OBJECT, sha256=HASH),
        JournalEntryWritten(model=MODEL, entry="e1", document=OBJECT, sha256=HASH),
        JournalEntryWritten(model=MODEL, entry="e1", document=OBJECT, sha256=HASH, encrypted=True),
        NoticeSent(
            model=MODEL,
            offering="api",
            channel="feed",
            retire_on="2027-06-01",
            document=OBJECT,
            sha256=HASH,
            recipients=0,
        ),
    ],
    ids=lambda event: f"{type(event).__name__}-{isinstance(event, DocumentEvent)}",
)
def test_the_checker_finds_documents_under_the_same_names(event: Event) -> None:
    """What the program writes for an event is what the one-file program looks for."""
    names: dict[str, object] = {"__name__": "checker"}
    exec(compile(CHECKER.read_text(), str(CHECKER), "exec"), names)  # noqa: S102
    looked_for = names["documents"]
    assert callable(looked_for)
    entry: Entry[Event | None] = Entry("7.2", "", "key", "steward", event, HASH)
    written = [(each.name, each.sha256, each.object) for each in documents_of(History([entry]))]
    assert looked_for("7.2", render_event(event)) == written
