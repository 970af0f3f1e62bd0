"""A later version may add kinds of events with their documents, and pages: they are no strays."""

from pathlib import Path

import pytest

from emeritus import digests
from emeritus.archive import Archive, dossier, format_pages, open_archive
from emeritus.archive.bag import BagWriter
from emeritus.archive.dossier import write_dossier
from emeritus.archive.fixity import verify_all
from emeritus.archive.replication import add_replica
from emeritus.record import History
from emeritus.record.events.event import ModelEvent
from emeritus.record.events.values import Digest
from tests.archive.conftest import MODEL
from tests.archive.test_dossier import verdicts

LETTER = b"a letter of which this version knows nothing\n"
WHERE = f"models/{MODEL}/letters/l-4.txt"


class LetterReceived(ModelEvent, frozen=True, kw_only=True, tag="letter.received"):
    """What a later version might add."""

    letters: tuple[dict[str, Digest], ...]


@pytest.fixture
def later(kept: Archive) -> Archive:
    """An archive in which a later version recorded a letter and wrote its document."""
    digest = digests.sha256(LETTER)
    kept.append(LetterReceived(model=MODEL, letters=({"of": digest},)), key="steward")
    path = kept.root / WHERE
    path.parent.mkdir()
    path.write_bytes(LETTER)
    return open_archive(kept.root, kept.settings, kept.clock)


def _codes(archive: Archive) -> list[tuple[str, str]]:
    return [
        (each.code, each.where) for _, each in verify_all(archive).damage if each.code[0] == "A"
    ]


def test_a_document_of_an_unknown_kind_is_accounted_for(later: Archive, tmp_path: Path) -> None:
    """In the archive and in its copies, by its digest; other bytes are a stray, as is any place."""
    add_replica(later, tmp_path / "copy", "elsewhere")
    assert (tmp_path / "copy" / WHERE).read_bytes() == LETTER
    assert verify_all(later).sound
    assert _codes(later) == []
    (later.root / "letter.txt").write_bytes(LETTER)
    (later.root / WHERE).write_bytes(LETTER + b"more")
    assert _codes(later) == [("A001", "letter.txt"), ("A001", WHERE)]


def test_a_digest_in_an_event_of_a_known_kind_accounts_for_nothing(kept: Archive) -> None:
    """What those events cite lies under its own name."""
    manifest = next((kept.root / "models").rglob("manifest-*.json"))
    (manifest.parent / "again.json").write_bytes(manifest.read_bytes())
    assert _codes(kept) == [("A001", f"models/{MODEL}/again.json")]


@pytest.mark.parametrize("whole", [False, True])
def test_a_dossier_holds_such_a_document(
    later: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    """Both checkers account for it by the same rule, and for nothing else beside it."""
    documents = dossier._add_documents
    more = {WHERE: LETTER}

    def add(bag: BagWriter, archive: Archive, history: History) -> None:
        documents(bag, archive, history)
        for name, data in more.items():
            bag.add(name, data)

    monkeypatch.setattr(dossier, "_add_documents", add)
    given = write_dossier(later, MODEL, tmp_path / "sound", whole_record=whole).path
    examined, _ = verdicts(given)
    assert examined.sound
    assert [each.code for each in examined.notes] == ["R010"]
    more |= {f"models/{MODEL}/stray.txt": b"nobody cites it", "letter.txt": LETTER}
    given = write_dossier(later, MODEL, tmp_path / "bad", whole_record=whole).path
    examined, lines = verdicts(given)
    names = {"data/letter.txt", f"data/models/{MODEL}/stray.txt"}
    assert {(each.code, each.where) for each in examined.findings} == {("A001", n) for n in names}
    assert {each.split(":")[0].strip() for each in lines if "accounts for it" in each} == names


@pytest.mark.parametrize(
    ("name", "fine"),
    [
        ("kinds-2.md", True),
        ("later.schema.json", True),
        ("unpack.py", True),
        ("check.py", False),
        ("run.sh", False),
        ("inside/more.md", False),
        (".hidden.md", False),
    ],
)
def test_a_dossier_may_hold_pages_that_are_not_known_here(
    kept: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, fine: bool
) -> None:
    """Pages and programs of a later version, by their form; a second checker never."""
    documents = dossier._add_documents

    def add(bag: BagWriter, archive: Archive, history: History) -> None:
        documents(bag, archive, history)
        bag.add(f"format/{name}", b"of a later version")

    monkeypatch.setattr(dossier, "_add_documents", add)
    examined, _ = verdicts(write_dossier(kept, MODEL, tmp_path / "d").path)
    found = [(each.code, each.where) for each in examined.findings]
    assert found == ([] if fine else [("A001", f"data/format/{name}")])
    assert name not in format_pages.PAGES
