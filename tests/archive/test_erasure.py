"""What is absent by a signed event is no damage, and what was left behind is."""

import importlib.resources
import subprocess
import sys
from pathlib import Path

import pytest

from emeritus.archive import Archive
from emeritus.archive.documents import documents_of, write_documents
from emeritus.archive.dossier import write_dossier
from emeritus.archive.dossier_check import check_dossier
from emeritus.archive.fixity import verify_all
from emeritus.record import Entry, History
from emeritus.record.events import (
    BatteryRun,
    CommentReceived,
    CommitmentObserved,
    Event,
    GuidePublished,
    HistoryImported,
    JournalEntryWritten,
    NoticeSent,
    ObjectErased,
)
from emeritus.record.format import render_event

MODEL = "acme/aster-1"
HASH = "sha256:" + "0" * 64
CHECKER = Path(str(importlib.resources.files("emeritus.archive"))) / "format" / "check.py"


def _letter(archive: Archive) -> str:
    """Write one journal entry and lose its pack; return the object that is gone."""
    before = set(archive.vault.pack_names())
    document, sha256 = archive.put_document(b"a letter that a person asked to be forgotten")
    archive.append(JournalEntryWritten(model=MODEL, entry="e1", document=document, sha256=sha256))
    (pack,) = set(archive.vault.pack_names()) - before
    for path in archive.root.rglob(f"{Path(pack).stem}*"):
        path.unlink()
    archive.vault.refresh()
    return document


def _erase(archive: Archive, document: str) -> None:
    archive.append(
        ObjectErased(object=document, artefact="letters", ground="erasure", reason="asked for"),
        key="steward",
    )


def test_an_erased_object_is_absent_without_a_finding(kept: Archive) -> None:
    """Before the signed event its absence is damage; after it, everything verifies."""
    document = _letter(kept)
    _erase(kept, document)
    verification = verify_all(kept, deep=True)
    assert verification.damage == ()
    write_documents(kept)
    assert not (kept.root / "models" / MODEL / "journal" / "e1.md").exists()


def test_an_object_that_is_absent_without_an_event_is_missing(kept: Archive) -> None:
    """The same absence is a finding when nobody signed for it."""
    document = _letter(kept)
    rendering = kept.root / "models" / MODEL / "journal" / "e1.md"
    rendering.parent.mkdir(parents=True)
    rendering.write_bytes(b"a letter that a person asked to be forgotten")
    findings = [finding for _, finding in verify_all(kept).damage]
    assert ("V008", document) in {(each.code, each.where) for each in findings}


def test_a_rendering_that_outlives_its_object_is_found(kept: Archive) -> None:
    """An erasure that leaves the readable copy behind has erased nothing."""
    document = _letter(kept)
    rendering = kept.root / "models" / MODEL / "journal" / "e1.md"
    rendering.parent.mkdir(parents=True)
    rendering.write_bytes(b"a letter that a person asked to be forgotten")
    _erase(kept, document)
    findings = [finding for _, finding in verify_all(kept).damage]
    assert [(each.code, each.where) for each in findings] == [
        ("A001", f"models/{MODEL}/journal/e1.md")
    ]


def test_the_checker_says_what_was_erased(kept: Archive) -> None:
    """The one-file program does not call an erased document wrong, and names the event."""
    document = _letter(kept)
    _erase(kept, document)
    done = subprocess.run(
        [sys.executable, "-I", str(CHECKER), str(kept.root)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "journal/e1.md, which event" in done.stdout
    assert ": erased by event" in done.stdout


def test_a_dossier_says_what_was_erased_and_of_no_other_model(
    kept: Archive, tmp_path: Path
) -> None:
    """Its absence is named with the event; what was erased or read of others is left out."""
    document = _letter(kept)
    _erase(kept, document)
    _erase(kept, HASH)
    theirs = HistoryImported(form="litellm", source="list", sha256=HASH, statements=1)
    kept.append(
        theirs,
        CommitmentObserved(provider="other", notice_days=60, source="list"),
        CommitmentObserved(provider="acme", notice_days=60, source="list"),
    )
    given = write_dossier(kept, MODEL, tmp_path / "d").path
    examined = check_dossier(given)
    assert examined.sound, examined.findings
    (line,) = [each for each in examined.missing if "journal/e1.md" in each]
    assert ": erased by event" in line
    done = subprocess.run(
        [sys.executable, "-I", str(given / "check.py"), str(given)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert line in done.stdout
    said = "".join(path.read_text() for path in (given / "data/record").rglob("*.json"))
    assert said.count('"object.erased"') == 1
    assert said.count('"commitment.observed"') == 1
    assert '"provider":"acme"' in said
    assert '"history.imported"' not in said


@pytest.mark.parametrize(
    "event",
    [
        BatteryRun(model=MODEL, document=HASH, sha256=HASH, valid=True),
        CommentReceived(model=MODEL, report=1, transcript=HASH, transcript_sha256=HASH),
        GuidePublished(model=MODEL, offering="api", document=HASH, sha256=HASH),
        JournalEntryWritten(model=MODEL, entry="e1", document=HASH, sha256=HASH),
        NoticeSent(
            model=MODEL,
            offering="api",
            channel="feed",
            retire_on="2027-06-01",
            document=HASH,
            sha256=HASH,
            recipients=0,
        ),
    ],
    ids=lambda event: str(type(event).__name__),
)
def test_the_checker_finds_documents_under_the_same_names(event: Event) -> None:
    """What the program writes for an event is what the one-file program looks for."""
    names: dict[str, object] = {"__name__": "checker"}
    exec(compile(CHECKER.read_text(), str(CHECKER), "exec"), names)  # noqa: S102
    looked_for = names["documents"]
    assert callable(looked_for)
    entry: Entry[Event | None] = Entry("7.2", "", "key", "steward", event, HASH)
    written = [(each.name, each.sha256) for each in documents_of(History([entry]))]
    assert looked_for("7.2", render_event(event)) == written
