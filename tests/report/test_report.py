"""The report says what the record says, and whatever a model said stays inert."""

import html.parser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from emeritus.archive import Archive, Founding, create
from emeritus.archive.documents import write_documents
from emeritus.archive.fixity import verify_all
from emeritus.archive.preservation import preserve
from emeritus.clock import FixedClock
from emeritus.errors import IntegrityError
from emeritus.interview import coding, comment
from emeritus.interview import shipped_protocols as protocols
from emeritus.interview.comment import put_draft
from emeritus.interview.holding import Interview
from emeritus.lifecycle import moves
from emeritus.lifecycle.erasure import encrypted_documents, erase
from emeritus.lifecycle.shipped import policy_text
from emeritus.markup import inert, visible
from emeritus.procedure.registration import register_source
from emeritus.record.events import DateKind, InterviewImpossible, RetirementAnnounced
from emeritus.report import (
    Remarks,
    collect,
    draft_of,
    next_report,
    render_html,
    render_markdown,
    sign_report,
)
from emeritus.settings import Settings
from emeritus.testing.scripted import scripted
from tests.interview.readable import hold

MODEL = "emeritus/sparrow-1"
HOSTILE = (
    'I would like <script>alert("x")</script> ](javascript:alert(1)) ``` </p> '
    "![x](http://evil.example/x.png) \x1b[31mred\u202eevil {{ 7*7 }}"
)


class Page(html.parser.HTMLParser):
    """Collects what a page could load or run, its anchors and the links to them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember one tag."""
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.add(value or "")
            elif name == "href":
                self.links.append(value or "")
            elif name in ("src", "srcset", "data", "action") or name.startswith("on"):
                self.loads.append(value or "")


@pytest.fixture
def heard(archive: Archive, sparrow: Path) -> Archive:
    """An archive with a model that said hostile things."""
    return _hear(archive, sparrow)


def _hear(archive: Archive, sparrow: Path) -> Archive:
    register_source(archive, sparrow, MODEL, None, "public")
    preserve(archive, MODEL, sparrow)
    announced = RetirementAnnounced(
        model=MODEL,
        offering="api",
        retire_on="2027-03-01",
        date_kind=DateKind.CONFIRMED,
        successor="emeritus/sparrow-2",
        reason="a newer one takes its place <b>",
    )
    moves.announce(archive, announced)
    facts = {
        "retire_on": "2027-03-01",
        "successor": "emeritus/sparrow-2",
        "copies": "one copy in one place",
    }
    published = protocols.load("demo")
    with scripted(lambda messages: HOSTILE if len(messages) > 1 else "Yes.") as endpoint:
        Interview(archive, MODEL, published, facts).run(endpoint, "test")
    coding.code(archive, MODEL, published)
    return archive


def _page(archive: Archive, remarks: Remarks | None = None) -> tuple[str, Page]:
    report = collect(archive, MODEL, remarks or Remarks(), 1, "2027-01-01T12:00:00.000Z")
    text = render_html(report).decode()
    page = Page()
    page.feed(text)
    return text, page


def test_hostile_words_are_shown_and_never_obeyed(heard: Archive) -> None:
    """No tag, link, image or control character of the model's reaches the page."""
    text, page = _page(heard)
    assert "&lt;script&gt;" in text
    assert not {"script", "img", "iframe", "form", "link", "object"} & set(page.tags)
    assert page.loads == []
    assert all(link.startswith("#") for link in page.links)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "{{ 7*7 }}" in text


def test_the_reason_of_a_retirement_stands_in_both_forms(heard: Archive) -> None:
    """Whoever reads only the report learns why the model is retired."""
    assert "a newer one takes its place &lt;b&gt;" in _page(heard)[0]
    report = collect(heard, MODEL, Remarks(), 1, "2027-01-01T12:00:00.000Z")
    assert "a newer one takes its place" in render_markdown(report).decode()


def test_hostile_words_are_inert_in_markdown_too(heard: Archive) -> None:
    """Rendered as CommonMark, the report holds no link, image or HTML of the model's."""
    report = collect(heard, MODEL, Remarks(), 1, "2027-01-01T12:00:00.000Z")
    rendered = MarkdownIt("commonmark").render(render_markdown(report).decode())
    page = Page()
    page.feed(rendered)
    assert page.links == []
    assert not {"script", "img", "a"} & set(page.tags)


MARKS = st.text(alphabet="ab1 .#*_`[]()<>!-+=\\~|&;:/@$\n\x1b\u202e", max_size=40)


class Words(Page):
    """Also collects the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        """Remember some text."""
        self.text += data


@pytest.mark.parametrize(
    "frame", ["{}", "x {} x", "# {}", "> {}", "- {}: x", "**x** {}, x", "x\n{}"]
)
@given(text=st.text(max_size=200) | MARKS)
def test_inert_text_renders_as_itself(frame: str, text: str) -> None:
    """Wherever it stands, Markdown shows the text that was given and obeys nothing in it."""
    shown, plain = Words(), Words()
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    shown.feed(reader.render(frame.format(inert(text))))
    plain.feed(reader.render(frame.format("y")))
    if text.strip():
        assert shown.tags == plain.tags
        words = visible(text).replace("\n", " ⏎ ").split()
        assert shown.text.split() == plain.text.replace("y", " ".join(words)).split()
    assert all(c == "\n" or c.isprintable() for c in visible(text))


@pytest.mark.parametrize(
    "text",
    ["emeritus/sparrow-1", "1.53e-04; 4 of 4", "a1/12: (it's so)", "SHA-256 + BLAKE3 = x_y!"],
)
def test_what_is_no_syntax_is_not_escaped(text: str) -> None:
    """People read Markdown as text, too."""
    assert inert(text) == text


def test_every_quotation_leads_to_its_turn(heard: Archive) -> None:
    """Each link inside the page has its anchor, and quotations have links."""
    _, page = _page(heard)
    assert len(page.links) > 10
    assert {link.removeprefix("#") for link in page.links} <= page.ids


def test_a_page_opens_with_what_its_policy_loosens(
    heard: Archive, settings: Settings, clock: FixedClock, sparrow: Path, tmp_path: Path
) -> None:
    """The banner comes before everything else, and is absent under the shipped policy."""
    text, _ = _page(heard)
    assert text.index("asks for less") < text.index("<h1>")
    assert "0 days of notice instead of 60" in text
    report = collect(heard, MODEL, Remarks(), 1, "2027-01-01T12:00:00.000Z")
    assert render_markdown(report).decode().startswith("> **Made under the policy")
    strict = Founding("default", policy_text("default"), "here")
    other = create(tmp_path / "strict", strict, settings, clock)
    register_source(other, sparrow, MODEL, None, "public")
    assert "asks for less" not in _page(other)[0]


def test_sessions_stand_in_the_order_of_the_plan(archive: Archive) -> None:
    """By arm and number, whichever ended first."""
    for name, arm in (("x-a12", "A"), ("x-b1", "B"), ("x-a4.2", "A"), ("x-a4", "A")):
        hold(archive, name, [("self.view", "What?"), ("", "So.")], arm)
    report = next_report(archive, "acme/aster-1", Remarks())
    listed = [held.entry.event.session for held in report.sessions]
    assert listed == ["x-a4", "x-a4.2", "x-a12", "x-b1"]
    page = render_html(report).decode()
    places = [page.index(f'"#{each}"') for each in listed]
    assert places == sorted(places)


def test_the_organisations_analysis_is_rendered_without_html(heard: Archive) -> None:
    """Markdown is rendered, HTML and images in it are not."""
    remarks = Remarks("**Ours.** <img src=x onerror=y> ![i](http://e)", ("An honest line.",))
    text, page = _page(heard, remarks)
    assert "<strong>Ours.</strong>" in text
    assert "An honest line." in text
    assert page.loads == []
    assert "img" not in page.tags


def test_the_same_facts_give_the_same_bytes(heard: Archive) -> None:
    """A report depends on the record and the moment alone."""
    assert _page(heard)[0] == _page(heard)[0]


def test_a_signed_report_is_kept_and_the_next_has_the_next_number(heard: Archive) -> None:
    """Both forms are in the vault under the digests that the event cites."""
    first = sign_report(heard, MODEL, Remarks(), "steward")
    second = sign_report(heard, MODEL, Remarks(), "steward")
    assert (first.event.number, second.event.number) == (1, 2)
    data = heard.read_document(first.event.html, first.event.html_sha256)
    assert data.startswith(b"<!doctype html>")
    with pytest.raises(IntegrityError, match="digest on record"):
        heard.read_document(first.event.html, second.event.markdown_sha256)


def test_a_model_that_cannot_speak_is_reported_plainly(archive: Archive, sparrow: Path) -> None:
    """No interview, no weights, no drill: each is said and not left out."""
    register_source(archive, sparrow, MODEL, None, "public")
    archive.append(InterviewImpossible(model=MODEL, reason="it gives vectors"))
    text, _ = _page(archive)
    for said in ("cannot hold an interview: it gives vectors", "not held", "No drill"):
        assert said in text


def test_what_the_model_said_to_the_draft_stands_in_the_report(heard: Archive) -> None:
    """The draft quotes it and its gates; its answer is shown inert in both forms."""
    verify_all(heard, deep=True)
    shown = draft_of(next_report(heard, MODEL, Remarks()))
    for part in ("1.91 MB", "in 1 copy in 1 place", "3 sessions", "2027-03-01 (confirmed)"):
        assert part in shown
    with scripted(lambda _: HOSTILE) as endpoint:
        put_draft(heard, MODEL, 1, shown, endpoint)
    text, page = _page(heard)
    assert "What it said to the draft of report 1" in text
    assert "script" not in page.tags
    report = next_report(heard, MODEL, Remarks())
    assert "What it said to the draft of report 1" in render_markdown(report).decode()


def test_encrypted_transcripts_stay_out_of_the_report(archive: Archive, sparrow: Path) -> None:
    """No word is left on the disk but what was quoted; after an erasure all goes on."""
    _encrypting(archive)
    _hear(archive, sparrow)
    with scripted(lambda _: "A word of its own.") as endpoint:
        put_draft(archive, MODEL, 1, draft_of(next_report(archive, MODEL, Remarks())), endpoint)
    write_documents(archive)
    assert _left(archive, b"A word of its own.") == []
    page_text, page = _page(archive)
    assert page_text.count("It is kept encrypted") == 4
    assert {link for link in page.links if link.startswith("#")} <= {
        f"#{each}" for each in page.ids
    }
    report = next_report(archive, MODEL, Remarks())
    assert render_markdown(report).decode().count("It is kept encrypted") == 4
    before = coding.code(archive, MODEL, protocols.load("demo"))
    (first, *_) = encrypted_documents(archive, MODEL)
    erase(archive, first.document.name, "takedown", "order 7")
    assert coding.code(archive, MODEL, protocols.load("demo")) == before
    assert len(_page(archive)[0]) > 1000
    assert verify_all(archive, deep=True).damage == ()


def _encrypting(archive: Archive) -> None:
    said = 'keep = "lifetime"\nencrypted = true\nreason = "what the model said'
    text = policy_text("default").replace('keep = "lifetime"\nreason = "what the model said', said)
    moves.adopt_policy(archive, text, "steward")


def _left(archive: Archive, words: bytes) -> list[Path]:
    """Return the files that hold words in the clear, in the archive and beside it."""
    files = [*archive.root.rglob("*"), *archive.settings.state.rglob("*")]
    return [path for path in files if path.is_file() and words in path.read_bytes()]


def test_a_stop_leaves_no_second_copy_and_no_word(
    archive: Archive, sparrow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the event the same object is taken up again; behind it the words are deleted."""
    _encrypting(archive)
    register_source(archive, sparrow, MODEL, None, "public")
    words = "A word of its own."

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with scripted(lambda _: words) as endpoint:
        for part, method in ((type(archive.record), "append"), (comment, "put_away")):
            monkeypatch.setattr(part, method, stop)
            with pytest.raises(KeyboardInterrupt):
                put_draft(archive, MODEL, 1, "draft", endpoint)
            monkeypatch.undo()
            assert _left(archive, words.encode())
    modes = {path.stat().st_mode & 0o077 for path in archive.spool.rglob("*")}
    assert modes == {0}
    (found,) = encrypted_documents(archive, MODEL)
    assert list(archive.object_keys.held()) == [found.document.object]
    erase(archive, found.document.name, "erasure", "asked for")
    assert _left(archive, words.encode()) == []
    assert list(archive.object_keys.held()) == []
