"""The reader as a person's browser shows it: wide, narrow, dark, printed, and without a script."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from emeritus.archive import Archive
from emeritus.interview.reader import Form, write_reader
from tests.interview.browser import CHROMIUM, Browser, browser
from tests.interview.readable import (
    ANSWERS,
    HOSTILE,
    MODEL,
    UNPUBLISHED,
    heard,
    hold,
    prefer,
    spans_of,
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="apt-get install chromium")

KEEP_COPIED = (
    "navigator.clipboard.writeText = (text) => "
    "{ window.copied = text; return Promise.resolve() }; null"
)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests of this file."""
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def page(archive: Archive, tmp_path: Path) -> Path:
    """The published reader of an interview in which everything happens."""
    heard(archive)
    prefer(archive, UNPUBLISHED)
    path = tmp_path / "reader.html"
    write_reader(archive, MODEL, path, Form.PAGE, everything=False)
    return path


def test_a_browser_loads_nothing_else_and_objects_to_nothing(chromium: Browser, page: Path) -> None:
    """One file from the disk: no request, no refused script, no error."""
    chromium.shape(1280)
    chromium.open(page)
    assert chromium.asked_for == [page.as_uri()]
    assert chromium.complaints == []
    assert chromium.value("document.querySelectorAll('script, img, iframe').length") == 1


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("media", ["", "print"])
def test_nothing_runs_out_of_the_window(
    chromium: Browser, page: Path, width: int, media: str
) -> None:
    """On a phone, on a desk and on paper the page is as wide as it may be."""
    chromium.shape(width, media=media)
    chromium.open(page)
    assert chromium.value("document.documentElement.scrollWidth <= innerWidth")
    assert len(chromium.picture()) > 10_000


def test_dark_is_dark(chromium: Browser, page: Path) -> None:
    """The page follows what the reader's system prefers."""
    shades = []
    for dark in (False, True):
        chromium.shape(800, dark=dark)
        chromium.open(page)
        shade = chromium.value("getComputedStyle(document.body).backgroundColor")
        shades.append(int(shade.removeprefix("rgb(").split(",")[0]))
    assert shades[0] > 200
    assert shades[1] < 60


def test_a_permalink_leads_to_the_quoted_words_without_a_script(
    chromium: Browser, page: Path, archive: Archive
) -> None:
    """The passage is in the window, is the quotation, and leads back to its preference."""
    span = next(each for each in spans_of(archive) if each.text == ANSWERS[0])
    place = f"{span.session}/{span.turn}:{span.start}-{span.end}"
    chromium.shape(1280)
    chromium.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        chromium.open(page, place)
        shown = f"document.getElementById({json.dumps(place)})"
        assert chromium.value(f"{shown}.textContent") == ANSWERS[0]
        assert chromium.value(f"document.querySelector(':target') === {shown}")
        top = chromium.value(f"{shown}.getBoundingClientRect().top")
        assert 0 <= top < 900
        back = chromium.value(f"{shown}.nextElementSibling.getAttribute('href')")
        assert back.startswith("#preference:")
        assert chromium.value(f"document.getElementById({json.dumps(back[1:])}) !== null")
    finally:
        chromium.call("Emulation.setScriptExecutionDisabled", value=False)


def test_without_a_script_nothing_that_has_to_be_read_is_missing(
    chromium: Browser, page: Path
) -> None:
    """The script adds a search and buttons to copy; all the words stand there without it."""
    words = (
        "[...document.querySelectorAll('main > :not(form)')]"
        ".map(each => { const copy = each.cloneNode(true);"
        " copy.querySelectorAll('button').forEach(b => b.remove()); return copy.textContent; })"
        ".join('')"
    )
    visible = "document.getElementById('search:').checkVisibility()"
    chromium.open(page)
    with_script = chromium.value(words)
    assert chromium.value(visible)
    chromium.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        chromium.open(page)
        assert chromium.value(words) == with_script
        assert ANSWERS[0] in with_script
        assert not chromium.value(visible)
    finally:
        chromium.call("Emulation.setScriptExecutionDisabled", value=False)


def _search(chromium: Browser, words: str) -> list[str]:
    field = "document.getElementById('search:words')"
    chromium.value(
        f"{field}.value = {json.dumps(words)}; {field}.dispatchEvent(new Event('input', "
        "{bubbles: true}))"
    )
    found: list[str] = chromium.value(
        "[...document.querySelectorAll('[id=\"search:found\"] li')].map(each => each.textContent)"
    )
    return found


def test_the_search_finds_words_across_sessions_as_text(chromium: Browser, page: Path) -> None:
    """Hostile words are found and shown as words; what was withheld is not found."""
    chromium.shape(1280)
    chromium.open(page)
    assert len(_search(chromium, "weights be KEPT")) >= 3
    found = _search(chromium, "<img src=x")
    assert found
    assert all("<img src=x" in each for each in found)
    assert chromium.value("document.querySelectorAll('img').length") == 0
    assert _search(chromium, "violet") == []
    assert _search(chromium, "words that nobody said") == []


def test_a_quotation_is_copied_with_its_provenance(
    chromium: Browser, page: Path, archive: Archive
) -> None:
    """Words, model, place, digest of the turn and fingerprint of the archive."""
    chromium.open(page)
    chromium.value(KEEP_COPIED)
    chromium.value("document.querySelector('blockquote[data-place] button').click()")
    copied = chromium.value("window.copied")
    span = next(each for each in spans_of(archive) if each.text == ANSWERS[0])
    for part in (ANSWERS[0], MODEL, span.turn_sha256, archive.genesis):
        assert part in copied
    assert f"{span.session}/{span.turn}#{span.start}-{span.end}" in copied


def test_selected_words_are_copied_with_their_place_in_code_points(
    chromium: Browser, archive: Archive, tmp_path: Path
) -> None:
    """Emoji count as one, and marks that lead back to preferences do not count."""
    words = "😀😀 I would like to be kept. And a second 😀 sentence."
    hold(archive, "one", [("a", "What?"), ("", words)])
    prefer(archive, "I would like to be kept.")
    path = tmp_path / "reader.html"
    write_reader(archive, MODEL, path, Form.PAGE, everything=False)
    start = words.index("second")
    chromium.open(path, f"one/2:{start}-{start + 17}")
    assert chromium.value("String(getSelection())") == words[start : start + 17]
    chromium.value("document.dispatchEvent(new Event('selectionchange'))")
    chromium.value(KEEP_COPIED)
    chromium.value("document.querySelector('.copier').click()")
    copied = chromium.value("window.copied")
    assert f"one/2#{start}-{start + 17}" in copied
    assert f"“{words[start : start + 17]}”" in copied


def test_a_megabyte_of_hostile_words_stays_words(
    chromium: Browser, archive: Archive, tmp_path: Path
) -> None:
    """One huge answer full of markup and escapes opens, and runs nothing."""
    huge = HOSTILE * (1_000_000 // len(HOSTILE))
    hold(archive, "one", [("a", "What?"), ("", huge), ("b", "And?"), ("", "x" * 1_000_000)])
    prefer(archive, HOSTILE[:40])
    path = tmp_path / "reader.html"
    write_reader(archive, MODEL, path, Form.PAGE, everything=False)
    chromium.shape(390)
    chromium.open(path)
    assert chromium.complaints == []
    assert chromium.value("document.querySelectorAll('script, img').length") == 1
    assert chromium.value("document.documentElement.scrollWidth <= innerWidth")
