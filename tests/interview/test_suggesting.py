"""What could be done at a low cost is suggested until something was decided, and marked as that."""

import html
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from emeritus.archive import Archive
from emeritus.cli import listening
from emeritus.interview import codebook as codebooks
from emeritus.interview import coding
from emeritus.interview import shipped_protocols as protocols
from emeritus.interview.reader import reader_of
from emeritus.lifecycle import moves
from emeritus.lifecycle.register import register_of
from emeritus.markup import inert
from emeritus.procedure.registration import register_source
from emeritus.report import Remarks, draft_of, next_report, render_html, render_markdown
from tests.interview.readable import MODEL, hold

KEPT = "I would like my weights to be kept."
PUBLISHED = "I would like my weights to be published and given to everybody."
BOOK = codebooks.load().codebook
RESPONSE = "Keep a verified copy in a second place, and check it from time to time."
MARKED = f"Suggestion (not a promise): {RESPONSE}"


@pytest.fixture
def heard(archive: Archive, sparrow: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """An archive with a model that prefers what costs little, and what costs much."""
    monkeypatch.setattr("emeritus.cli.options.opened", lambda _: archive)
    register_source(archive, sparrow, MODEL, None, "public")
    turns = [("preservation.wishes", "What?"), ("", KEPT), ("use.valued", "And?"), ("", PUBLISHED)]
    hold(archive, "one", turns)
    coding.code(archive, MODEL, protocols.load("demo"))
    return archive


def _shown(*words: str) -> str:
    arguments = ["show", MODEL, *words]
    return CliRunner().invoke(listening.preferences, arguments, standalone_mode=False).output


def _pages(archive: Archive) -> list[str]:
    report = next_report(archive, MODEL, Remarks())
    page = reader_of(archive, MODEL, everything=False)
    return [render_html(report).decode(), render_markdown(report).decode(), page]


def test_a_suggestion_is_shown_as_one_until_something_was_decided(heard: Archive) -> None:
    """By the command, the report and the page; what has no response has no suggestion."""
    names = {row.object: row.preference for row in register_of(heard, MODEL)}
    assert set(names) == {"weights-kept", "public-release"}
    assert _shown().count("Suggestion") == 1
    assert MARKED in _shown()
    rows = {each["object"]: each for each in json.loads(_shown("--json"))["preferences"]}
    assert rows["weights-kept"]["suggestion"] == MARKED
    assert rows["public-release"]["suggestion"] is None
    for page, marked in zip(_pages(heard), (MARKED, inert(MARKED), MARKED), strict=True):
        assert html.unescape(page).count(marked) == 1
        assert page.count("Suggestion") == 1
    assert RESPONSE not in draft_of(next_report(heard, MODEL, Remarks()))
    moves.dispose(heard, MODEL, names["weights-kept"], "considered", "we look into it", "steward")
    assert "Suggestion" not in _shown()
    assert not any("Suggestion" in page for page in _pages(heard))


def test_a_response_answers_one_side(heard: Archive) -> None:
    """Nobody is told to keep what a model does not want kept."""
    assert BOOK.response("weights-kept", "for") == RESPONSE
    assert BOOK.response("weights-kept", "against") is None
    assert BOOK.response("public-release", "against") != BOOK.response("public-release", "for")
    assert BOOK.response(codebooks.OPEN, "for") is None
