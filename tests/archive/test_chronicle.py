"""The pages that tell people what the record says: always true to it, never taken for it."""

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from emeritus.archive import Archive, open_archive
from emeritus.archive.documents import renderings_of, write_documents
from emeritus.archive.fixity import verify_all
from emeritus.archive.repair import repair_all
from emeritus.archive.replication import add_replica, replicas, sync
from emeritus.clock import FixedClock
from emeritus.record import Entry, History
from emeritus.record.events import (
    DateKind,
    Event,
    GateWaived,
    ModelRegistered,
    ModelRetired,
    OfferingOpened,
    PreferenceDocumented,
    RetirementAnnounced,
    Span,
)
from emeritus.settings import Settings
from tests.report.test_report import MARKS, Words

MODEL = "acme/aster-1"
HISTORY = f"models/{MODEL}/history"
ENDED = (
    RetirementAnnounced(
        model=MODEL, offering="api", retire_on="2027-01-01", date_kind=DateKind.CONFIRMED,
        successor="acme/aster-2", reason="a newer one is better",
    ),
    GateWaived(model=MODEL, gate="guided", reason="no users"),
    ModelRetired(model=MODEL, offering="api", emergency=True, owed=("revival",), reason="it leaks"),
)  # fmt: skip


@pytest.fixture
def ended(kept: Archive) -> Archive:
    """An archive in which a model was retired."""
    kept.append(*ENDED, key="steward")
    write_documents(kept)
    return kept


def _text(archive: Archive, name: str) -> str:
    return (archive.root / name).read_text()


def test_the_history_says_that_the_model_was_retired_and_why(ended: Archive) -> None:
    """Both forms tell time, event, signer, reason, what was promised and what is owed."""
    for form in ("html", "md"):
        text = _text(ended, f"{HISTORY}.{form}")
        place = ended.history().all(ModelRetired)[-1].id
        for said in (
            f"retired on 2027-01-01 ({place})", "it leaks", "a newer one is better", "steward",
            "api: confirmed to end on 2027-01-01", "were open: revival", "2027-01-01 12:00:00",
            "the gate guided was waived by steward: no users", "model retired",
        ):  # fmt: skip
            assert said in text, said
    assert "retired on 2027-01-01" in _text(ended, "index.md")
    assert f'href="{HISTORY}.html"' in _text(ended, "index.html")


def test_every_link_of_a_rendering_leads_somewhere(ended: Archive) -> None:
    """The index leads to the histories, and a history to the documents of its model."""
    for name in ("index.html", f"{HISTORY}.html"):
        page = Words()
        page.feed(_text(ended, name))
        assert page.links
        for target in page.links:
            assert ((ended.root / name).parent / target).is_file(), target


def test_a_stale_rendering_is_rewritten_and_is_no_damage(
    kept: Archive, settings: Settings, clock: FixedClock
) -> None:
    """What was true of a shorter record is not broken; it is brought up to date."""
    before = _text(kept, f"{HISTORY}.md")
    kept.append(*ENDED, key="steward")
    assert _text(kept, f"{HISTORY}.md") == before
    assert verify_all(kept).sound
    assert "retired on" in _text(kept, f"{HISTORY}.md")
    (kept.root / "index.html").unlink()
    assert verify_all(open_archive(kept.root, settings, clock)).sound
    assert (kept.root / "index.html").exists()
    assert not (kept.root / "quarantine").exists()


@pytest.mark.parametrize(
    ("before", "after"), [("retired on", "renewed on"), ("commit 4", "commit 3")]
)
def test_an_edited_rendering_is_a_finding_and_is_healed(
    ended: Archive, before: str, after: str
) -> None:
    """Nobody can tell another history by editing the page that people read."""
    path = ended.root / f"{HISTORY}.md"
    whole = path.read_text()
    assert before in whole
    path.chmod(0o644)
    path.write_text(whole.replace(before, after))
    found = verify_all(ended)
    assert [(each.code, each.where) for _, each in found.damage] == [("A004", f"{HISTORY}.md")]
    assert repair_all(ended, found)[0][2] == "the record"
    assert path.read_text() == whole
    assert verify_all(ended).sound


def test_a_rendering_of_no_model_is_a_stray_file(ended: Archive) -> None:
    """The name alone accounts for nothing."""
    (ended.root / "models" / "nobody").mkdir()
    (ended.root / "models" / "nobody" / "history.md").write_text("x")
    assert {each.code for _, each in verify_all(ended).damage} == {"A001"}


def test_a_replica_gets_the_newest_renderings(
    kept: Archive, tmp_path: Path, settings: Settings, clock: FixedClock
) -> None:
    """They follow the commits, and a copy is sound by itself."""
    add_replica(kept, tmp_path / "second", "basel")
    kept.append(*ENDED, key="steward")
    sync(kept, replicas(kept)[1])
    name = f"{HISTORY}.html"
    assert (tmp_path / "second" / name).read_bytes() == (kept.root / name).read_bytes()
    assert verify_all(open_archive(tmp_path / "second", settings, clock)).sound
    shutil.rmtree(tmp_path / "second")


def _said(text: str) -> History:
    span = Span(session=text, turn=2, start=0, end=len(text), text=text, turn_sha256="sha256:0")
    events: list[Event] = [
        ModelRegistered(model=MODEL, form=text, architecture=text, parameters=1),
        OfferingOpened(model=MODEL, offering="api"),
        PreferenceDocumented(
            model=MODEL, preference=text, theme=text, object=text, polarity="for", spans=(span,),
            coders=(text,), sessions_with=1, sessions_total=1,
        ),
        GateWaived(model=MODEL, gate="guided", reason=text),
    ]  # fmt: skip
    return History(
        Entry(f"{number}.0", "2027-01-01T12:00:00.000Z", "key", text, event, "sha256:0")
        for number, event in enumerate(events, start=1)
    )


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(text=st.text(max_size=60) | MARKS)
def test_nothing_that_was_said_breaks_out_of_a_rendering(text: str) -> None:
    """No tag, link or control character of anybody's reaches a page, in either form."""
    plain = {page.name: page for page in renderings_of(_said("y"))}
    for page in renderings_of(_said(text)):
        data = page.data.decode()
        assert all(c == "\n" or c.isprintable() for c in data)
        shown, expected = Words(), Words()
        other = plain[page.name].data.decode()
        if page.name.endswith(".md"):
            reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
            data, other = reader.render(data), reader.render(other)
        shown.feed(data)
        expected.feed(other)
        assert shown.tags == expected.tags
        assert shown.links == expected.links
        assert shown.loads == []
