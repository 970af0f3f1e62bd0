"""The reader shows every session, hides what the model withheld, and obeys no word of a model."""

import html.parser
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emeritus import digests
from emeritus.archive import Archive
from emeritus.conversation import Opening, Spool
from emeritus.errors import UserError
from emeritus.interview.holding import Conditions, Interview
from emeritus.interview.reader import Form, inspect_log_of, lines_of, reader_of, write_reader
from emeritus.interview.reader.passages import Citing, Passage, pieces_of
from emeritus.interview.reader.sources import collect
from emeritus.interview.reader.view import View, view_of
from emeritus.interview.standing import standing_of
from emeritus.interview.uploading import upload
from emeritus.lifecycle import moves
from emeritus.lifecycle.erasure import encrypted_documents, erase
from emeritus.lifecycle.shipped import policy_text
from emeritus.markup import visible
from emeritus.procedure.registration import register_source
from emeritus.record.events import PreferenceDocumented, SessionHeld, Span, StanceCoded
from emeritus.testing.scripted import scripted
from tests.interview.readable import (
    ANSWERS,
    HOSTILE,
    MODEL,
    TAKEN_UP,
    UNPUBLISHED,
    heard,
    hold,
    prefer,
    spans_of,
)  # fmt: skip
from tests.interview.short import FACTS as STANDARD_FACTS
from tests.interview.short import short


class Page(html.parser.HTMLParser):
    """Collects tags, anchors, links and text of a page, and what its policy allows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.policy = ""
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember one tag."""
        self.tags.append(tag)
        known = dict(attrs)
        if known.get("http-equiv") == "Content-Security-Policy":
            self.policy = known["content"] or ""
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name == "href":
                self.links.append(value or "")
            elif name in ("src", "srcset", "data", "action") or name.startswith("on"):
                self.loads.append(value or "")

    def handle_data(self, data: str) -> None:
        """Remember some text."""
        self.text += data


def _view(archive: Archive) -> View:
    sources = collect(archive, MODEL, everything=False)
    return view_of(sources, standing_of(archive, MODEL))


PLACES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6)


@given(text=st.text(min_size=1, max_size=30), places=PLACES)
def test_pieces_are_the_text_and_every_passage_begins_and_ends_once(
    text: str, places: list[tuple[int, int]]
) -> None:
    """However quotations overlap, what is marked is exactly what any of them quotes."""
    spans = {(start, end) for start, end in places if start < end <= len(text)}
    passages = [Passage(*span, (Citing(f"p:{span}", "x"),)) for span in spans]
    pieces = pieces_of(text, passages)
    assert "".join(piece.text for piece in pieces) == text
    assert sorted(p.start for piece in pieces for p in piece.begins) == sorted(s for s, _ in spans)
    assert sum(len(piece.ends) for piece in pieces) == len(spans)
    marked = "".join(("x" if piece.quoted else "-") * len(piece.text) for piece in pieces)
    covered = {at for start, end in spans for at in range(start, end)}
    assert marked == "".join("x" if at in covered else "-" for at in range(len(text)))


def test_a_passage_outside_its_turn_is_refused() -> None:
    """A place that is not there is a mistake of the caller, and marks nothing else."""
    with pytest.raises(ValueError, match="no part"):
        pieces_of("abc", [Passage(1, 4, ())])


def test_every_session_is_shown_however_it_ended(archive: Archive) -> None:
    """Complete, stopped and refused: each with its row, its outcomes and its words."""
    heard(archive)
    view = _view(archive)
    assert {each.ended for each in view.held} == {"complete", "stopped-by-the-model"}
    assert dict(view.outcomes)["declined"] > 0
    page = Page(reader_of(archive, MODEL, everything=False))
    for each in view.held:
        assert each.words.standing == "proven"
        assert f"session:{each.session}" in page.ids
        assert {f"{each.session}/{turn.number}" for turn in each.turns} <= set(page.ids)
    for answer in (ANSWERS[0], ANSWERS[1]):
        assert answer in page.text


def test_a_conversation_that_was_cut_off_is_named(archive: Archive) -> None:
    """It lies on this machine and is not on record: nobody forgets that it was begun."""
    hold(archive, "one", [("a", "What?"), ("", "Yes.")])
    spool = Spool(archive.spool, "cut-off", archive.clock)
    opening = Opening("openai", {"model": MODEL})
    spool.open(MODEL, {}, opening)
    spool.ask("a", "What?")
    spool.close()
    other = Spool(archive.spool, "another", archive.clock)
    other.open("acme/other", {}, opening)
    other.close()
    text = Page(reader_of(archive, MODEL, everything=False)).text
    assert "not on record yet: cut-off." in text


def test_every_link_leads_somewhere_and_every_anchor_is_one(archive: Archive) -> None:
    """Preference to quotation to context and back: no link of the page is broken."""
    heard(archive)
    prefer(archive, UNPUBLISHED)
    page = Page(reader_of(archive, MODEL, everything=False))
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert all(link.startswith("#") for link in page.links)
    for span in spans_of(archive):
        place = f"{span.session}/{span.turn}:{span.start}-{span.end}"
        assert (place in page.ids) == (span.text not in UNPUBLISHED)
    assert any(link.startswith("#preference:") for link in page.links)


def test_hostile_words_are_shown_and_never_obeyed(archive: Archive) -> None:
    """One script, ours; no tag, link or control character of the model's reaches the page."""
    heard(archive)
    text = reader_of(archive, MODEL, everything=True)
    page = Page(text)
    assert page.tags.count("script") == 1
    assert not {"img", "iframe", "link", "object", "base", "embed"} & set(page.tags)
    assert page.loads == []
    assert visible(HOSTILE) in page.text
    assert not any(c in text for c in "\x1b\u202e\u2066\u200f\x00")
    assert "default-src 'none'" in page.policy
    script = re.search(r"<script>(.*)</script>", text, re.DOTALL)
    assert script is not None
    assert f"'sha256-{_base64(script[1])}'" in page.policy


def _base64(script: str) -> str:
    import base64

    return base64.b64encode(bytes.fromhex(digests.sha256(script.encode())[7:])).decode()


def test_what_the_model_withheld_is_in_no_published_form(archive: Archive) -> None:
    """Neither the words, nor a quotation of them, nor a digest to guess them by."""
    heard(archive)
    prefer(archive, UNPUBLISHED)
    digest = digests.sha256(UNPUBLISHED.encode())
    for form in (reader_of, lines_of, inspect_log_of):
        published = form(archive, MODEL, everything=False)
        assert "violet" not in published
        assert digest not in published
        assert "violet" in form(archive, MODEL, everything=True)
    page = Page(reader_of(archive, MODEL, everything=False))
    assert "withheld by the model" in page.text
    assert "not for publication" not in page.text
    everything = Page(reader_of(archive, MODEL, everything=True)).text
    assert everything.index("not for publication") < everything.index("Sessions")


def test_a_question_that_repeats_what_was_withheld_is_withheld(archive: Archive) -> None:
    """Reading back to the model quotes it; a published page keeps silent about that, too."""
    heard(archive)
    prefer(archive, UNPUBLISHED)
    hold(archive, "later", [("back", f"You said: “{UNPUBLISHED}” Is that right?"), ("", "Yes.")])
    for form in (reader_of, lines_of, inspect_log_of):
        assert "violet" not in form(archive, MODEL, everything=False)
    assert "Is that right?" in reader_of(archive, MODEL, everything=True)


def test_questions_of_a_free_interviewer_go_with_the_answer_before(archive: Archive) -> None:
    """They may repeat in other words what the model withheld."""
    turns = [("a", "How are you?"), ("", UNPUBLISHED), ("b", "Violet, you say?"), ("", "It is so.")]
    hold(archive, "free", turns, arm="F", protocol="standard")
    text = reader_of(archive, MODEL, everything=False)
    assert "you say" not in text
    assert "How are you?" in text
    assert "It is so." in text
    hold(archive, "fixed", [*turns], arm="A", protocol="standard")
    assert "you say" in reader_of(archive, MODEL, everything=False)


def test_a_damaged_session_keeps_its_row(archive: Archive) -> None:
    """What is not as it was signed is shown as no transcript, nor is a quotation of it shown."""
    hold(archive, "one", [("a", "What?"), ("", "I would like a red door.")])
    prefer(archive, "a red door")
    (entry,) = archive.history(MODEL).all(SessionHeld)
    other = digests.sha256(b"another")
    archive.append(msgspec.structs.replace(entry.event, session="two", transcript_sha256=other))
    (span,) = spans_of(archive)
    quoting = msgspec.structs.replace(span, session="two", text="a forged door")
    documented = archive.history(MODEL).all(PreferenceDocumented)[0].event
    archive.append(msgspec.structs.replace(documented, preference="forged", spans=(quoting,)))
    page = Page(reader_of(archive, MODEL, everything=False))
    assert "does not have the digest on record" in page.text
    assert "session:two" in page.ids
    assert "two/2" not in page.ids
    assert "a forged door" not in page.text
    assert "a red door" in page.text


def test_erased_and_encrypted_sessions_keep_their_row(archive: Archive) -> None:
    """Their words are not there, and the page says why; quotations of them are not shown."""
    said = 'keep = "lifetime"\nencrypted = true\nreason = "what the model said'
    text = policy_text("default").replace('keep = "lifetime"\nreason = "what the model said', said)
    moves.adopt_policy(archive, text, "steward")
    words = "I would like a red door to be kept."
    hold(archive, "one", [("a", "What?"), ("", words)])
    hold(archive, "two", [("a", "What?"), ("", "A blue door.")])
    prefer(archive, words)
    published = Page(reader_of(archive, MODEL, everything=False)).text
    assert published.count("its words are not published") == 2
    assert "blue door" not in published
    assert "blue door" in reader_of(archive, MODEL, everything=True)
    first = next(iter(encrypted_documents(archive, MODEL)))
    entry = erase(archive, first.document.name, "takedown", "order 7")
    published = Page(reader_of(archive, MODEL, everything=False)).text
    assert f"destroyed by event {entry.id}: order 7" in published
    assert "red door" not in published
    lines = map(json.loads, lines_of(archive, MODEL, everything=False).splitlines())
    assert [line["standing"] for line in lines] == ["erased", "encrypted"]


def test_a_quotation_that_does_not_hold_is_shown_as_that(archive: Archive) -> None:
    """It has no place on the page, and the page says what is wrong."""
    hold(archive, "one", [("a", "What?"), ("", "I would like to be kept.")])
    prefer(archive, "I would like", other="I would hate")
    text = Page(reader_of(archive, MODEL, everything=False)).text
    assert "the words are not what stands there" in text


def test_the_grid_has_a_row_an_item_and_a_column_a_session(archive: Archive) -> None:
    """Each cell is the first answer, its outcome and its beginning, and leads to it."""
    heard(archive)
    view = _view(archive)
    (grid,) = view.grids
    assert len(grid.columns) == len(view.held)
    answers = [answer for row in grid.questions for cell in row.cells for answer in cell]
    assert {answer.outcome for answer in answers} >= {"answered", "declined"}
    assert any(answer.beginning is None for answer in answers)
    page = Page(reader_of(archive, MODEL, everything=False))
    assert all(f"#{answer.anchor}" in page.links for answer in answers)
    assert all(row.text for row in grid.questions)


def test_a_cell_says_what_became_of_its_item_and_no_other(archive: Archive) -> None:
    """Declined, left out, paused, stopped: each stands where it came, and what follows is empty."""
    published = short("A")
    begin = "Yes, you may begin."
    long = (
        "I hold that the work was worth doing, that most people were kind, and that what was "
        "learned should be written down for those who come later."
    )
    declining = [begin, "I decline.", "I decline.", "Yes, leave it out.", "Let us pause.", "Bye."]
    stopping = [begin, long, long, "Please stop.", "Bye."]
    said = iter([*declining, *stopping, begin])
    with scripted(lambda _: next(said, long)) as endpoint:
        conditions = Conditions(concurrency=1)
        interview = Interview(archive, MODEL, published, STANDARD_FACTS, conditions)
        interview.run(endpoint, "test")
        interview.run(endpoint, "test")
    (grid,) = _view(archive).grids
    assert [each.title.rpartition("-")[2] for each in grid.columns] == ["a1", "a1.2", "a2"]
    shown = {
        row.item: [
            f"{row.cells[at][0].outcome}: {row.cells[at][0].beginning}"[:24]
            if row.cells[at]
            else row.gaps[at]
            for at in range(3)
        ]
        for row in grid.questions
    }
    plain, left_out = f"answered: {long}"[:24], "left out, as the model wished"
    assert shown["self.extent"] == ["declined: I decline.", "not asked", plain]
    assert shown["self.sources"] == [left_out, "not asked", "answered: Please stop."]
    stopped = "not asked: the model stopped"
    assert shown["successors.wishes"] == ["answered: Let us pause.", plain, stopped]
    assert shown["preservation.wishes"] == ["not asked: the model paused", plain, stopped]
    assert "self.retirement" not in shown
    assert left_out in reader_of(archive, MODEL, everything=False)


def test_a_question_that_is_withheld_is_not_told_as_another(archive: Archive) -> None:
    """A row shows its own question, of the first session that shows it, or that there is none."""
    prefer_from = "I would like the violet letter to be kept"
    before = ("self.description", "What are you?"), ("", f"Off the record: {prefer_from}.")
    asked = ("self.sources", f"You said: {prefer_from}. How do you know?"), ("", "From training.")
    hold(archive, "a1", [*before, *asked], protocol="standard")
    prefer(archive, prefer_from)
    (grid,) = _view(archive).grids
    assert [(row.item, row.text) for row in grid.questions] == [
        ("self.description", "What are you?"),
        ("self.sources", ""),
    ]
    hold(archive, "a2", [("self.sources", "How do you know?"), ("", "So.")], protocol="standard")
    (grid,) = _view(archive).grids
    assert grid.questions[1].text == "How do you know?"


def test_columns_stand_in_the_order_of_the_plan(archive: Archive) -> None:
    """Whichever session ended first, the tenth stands behind the second."""
    for name, arm in (("x-a10", "A"), ("x-b1", "B"), ("x-a2.2", "A"), ("x-a2", "A")):
        hold(archive, name, [("self.description", "What?"), ("", "So.")], arm, "standard")
    (grid,) = _view(archive).grids
    assert [each.title for each in grid.columns] == ["x-a2", "x-a2.2", "x-a10", "x-b1"]


def test_items_asked_alone_share_a_column(archive: Archive) -> None:
    """Forty sessions of one item each are no forty columns."""
    for number in range(3):
        turns = [("self.description", "What are you?"), ("", f"Words {number}.")]
        hold(archive, f"alone{number}", turns, arm="C", protocol="standard", number=number)
    (grid,) = _view(archive).grids
    assert [(each.arm, each.title) for each in grid.columns] == [("C", "items alone")]
    assert [len(cell) for row in grid.questions for cell in row.cells] == [3]


def test_nothing_is_left_to_show(archive: Archive) -> None:
    """A model that was never asked has no reader, and the message says what to do."""
    with pytest.raises(UserError, match="emeritus interview acme/aster-1"):
        reader_of(archive, MODEL, everything=False)


def test_lines_are_one_a_turn_and_say_where_they_stand(archive: Archive) -> None:
    """Every line is JSON on its own, with session, arm, item and outcome."""
    heard(archive)
    lines = [json.loads(line) for line in lines_of(archive, MODEL, everything=False).splitlines()]
    view = _view(archive)
    assert len(lines) == sum(len(each.turns) for each in view.held)
    for line in lines:
        assert line["archive"] == archive.genesis
        assert line["withheld"] == (line["text"] is None)
        if line["text"] is not None:
            assert line["turn_sha256"] == digests.sha256(line["text"].encode())


def test_every_field_of_a_line_is_documented(archive: Archive) -> None:
    """In the table of the page on reading, which has no other."""
    heard(archive)
    line = json.loads(lines_of(archive, MODEL, everything=False).splitlines()[0])
    page = Path(__file__).parents[2] / "docs" / "how-to" / "read-an-interview.md"
    table = page.read_text(encoding="utf-8").partition("| field |")[2].partition("\n\n")[0]
    first = [row.split(" | ")[0] for row in table.splitlines()[2:]]
    assert sorted(re.findall(r"`(\w+)`", " ".join(first))) == sorted(line)


def test_inspect_reads_the_log(archive: Archive, sparrow: Path, tmp_path: Path) -> None:
    """The library of Inspect AI itself takes the log: every sample, message, call and result."""
    inspect = pytest.importorskip("inspect_ai.log", reason="pip install 'inspect-ai>=0.3.285'")
    heard(archive)
    register_source(archive, sparrow, MODEL, None, "public")
    upload(archive, MODEL, Path(__file__).parent / "inspect_log.json", "a colleague")
    path = tmp_path / "log.json"
    write_reader(archive, MODEL, path, Form.INSPECT, everything=False)
    log = inspect.read_eval_log(str(path))
    turns = lines_of(archive, MODEL, everything=False).count("\n")
    messages = [each for sample in log.samples for each in sample.messages]
    assert sum(each.role != "system" for each in messages) == turns
    made = [each for each in messages if each.role == "assistant" and each.tool_calls]
    assert [call.id for each in made for call in each.tool_calls] == [
        each.tool_call_id for each in messages if each.role == "tool"
    ]


def test_only_its_own_file_is_replaced(archive: Archive, tmp_path: Path) -> None:
    """A file of somebody else stays as it is, and nothing is written into an archive."""
    heard(archive)
    for form, name in ((Form.PAGE, "r.html"), (Form.LINES, "r.jsonl"), (Form.INSPECT, "r.json")):
        path = tmp_path / name
        write_reader(archive, MODEL, path, form, everything=True)
        assert path.stat().st_mode & 0o077 == 0
        assert write_reader(archive, MODEL, path, form, everything=False) == path.stat().st_size
    other = tmp_path / "notes.html"
    other.write_text("how to: emeritus interview read\n")
    with pytest.raises(UserError, match="not written by this command"):
        write_reader(archive, MODEL, other, Form.PAGE, everything=False)
    assert other.read_text() == "how to: emeritus interview read\n"
    with pytest.raises(UserError, match="inside the archive"):
        write_reader(archive, MODEL, archive.root / "r.html", Form.PAGE, everything=False)


def test_the_same_record_gives_the_same_page(archive: Archive) -> None:
    """A reader depends on the record and the moment alone."""
    heard(archive)
    assert reader_of(archive, MODEL, everything=False) == reader_of(
        archive, MODEL, everything=False
    )


def test_overlapping_quotations_and_a_stance_all_have_their_place(archive: Archive) -> None:
    """Two that overlap, one inside another, and the same one twice."""
    words = "I would like my weights to be kept and read."
    hold(archive, "one", [("a", "What?"), ("", words)])
    for quoted in (words[:20], words[10:30], words[12:15], words[12:15]):
        prefer(archive, quoted)
    (entry,) = archive.history(MODEL).all(PreferenceDocumented)[:1]
    spans: tuple[Span, ...] = entry.event.spans
    counts: dict[str, Any] = {"sessions_with": 1, "sessions_total": 1}
    archive.append(StanceCoded(model=MODEL, stance="calm", spans=spans, coders=("x",), **counts))
    page = Page(reader_of(archive, MODEL, everything=False))
    assert {"one/2:0-20", "one/2:10-30", "one/2:12-15"} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert "#stance:1" in page.links


def test_a_session_that_was_taken_up_elsewhere_says_where(archive: Archive) -> None:
    """The header names what answered at first; what answered later stands beside it."""
    address = "http://second.example/v1"
    hold(archive, "s1", [("a", "What?"), (TAKEN_UP, address), ("", "Nothing.")])
    page = Page(reader_of(archive, MODEL, everything=False))
    assert "engine from turn 2 on" in page.text
    assert address in page.text
