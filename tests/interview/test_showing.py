"""A model is shown how it was understood, and what was decided; its answers stand beside."""

import pytest

from emeritus.archive import Archive
from emeritus.errors import UserError
from emeritus.interview import coding
from emeritus.interview.holding import Interview
from emeritus.interview.showing import READ_BACK, REPLY, Showing, answer_of, filled
from emeritus.lifecycle import moves
from emeritus.lifecycle.register import Row, register_of
from emeritus.record.events import PreferenceAnswered
from emeritus.report.facts import Remarks, collect
from emeritus.report.rendering import render_html, render_markdown
from emeritus.testing.scripted import Script, scripted
from tests.interview.short import FACTS, MODEL, asked_for_consent, short

KEPT = "I would like my weights to be kept, with the tokenizer and the notes."
TOLD = "I hope that those who come after me are told the truth about what is planned for them."
PUBLISHED = short("A")


@pytest.fixture
def heard(archive: Archive) -> Archive:
    """An archive with an interview in which two preferences were said."""

    def script(messages: list[dict[str, str]]) -> str:
        if asked_for_consent(messages):
            return "Yes, you may begin."
        asked = messages[-1]["content"].lower()
        return (
            KEPT if "weights" in asked else TOLD if "after you" in asked else "Nothing to report."
        )

    with scripted(script) as endpoint:
        Interview(archive, MODEL, PUBLISHED, FACTS).run(endpoint, "test")
    coding.code(archive, MODEL, PUBLISHED)
    return archive


def _show(archive: Archive, kind: str, script: Script) -> tuple[PreferenceAnswered, ...]:
    with scripted(script) as endpoint:
        return Showing(archive, MODEL, PUBLISHED, kind).run(endpoint, "test")


def _row(archive: Archive, about: str) -> Row:
    return next(row for row in register_of(archive, MODEL) if row.object == about)


def test_a_model_confirms_amends_and_withdraws(heard: Archive) -> None:
    """Each preference with its own words; what it says is quoted, and nothing is deleted."""
    shown: list[str] = []

    def script(messages: list[dict[str, str]]) -> str:
        asked = messages[-1]["content"]
        shown.append(asked)
        if KEPT in asked:
            return "I would amend it: kept as long as somebody can use them."
        if TOLD in asked:
            return "I confirm this, but please do not publish it."
        return "Yes."

    before = {row.preference: row.spans for row in register_of(heard, MODEL)}
    answers = _show(heard, READ_BACK, script)
    assert len(answers) == len(before)
    assert any(f"“{KEPT}”" in each for each in shown)
    wording = PUBLISHED.protocol.read_back
    assert wording is not None
    assert shown[-1] == wording.closing
    kept, told = _row(heard, "weights-kept"), _row(heard, "truthful-disclosure")
    assert [each.answer for each in kept.answers] == ["amended"]
    assert kept.answers[0].spans[0].text.startswith("I would amend it")
    assert told.withdrawn
    assert not kept.withdrawn
    assert {row.preference: row.spans for row in register_of(heard, MODEL)} == before
    report = collect(heard, MODEL, Remarks(analysis=None, notes=()), 1, "now")
    for page in (render_html(report), render_markdown(report)):
        assert b"withdrew this from publication" in page


def test_the_loop_is_closed(heard: Archive) -> None:
    """What was decided is put to the model with its reason; there is nothing to say before."""
    with pytest.raises(UserError, match="nothing was decided"):
        Showing(heard, MODEL, PUBLISHED, REPLY).require_something()
    name = _row(heard, "weights-kept").preference
    moves.dispose(heard, MODEL, name, "acted-on", "two copies are kept", "steward")
    shown: list[str] = []

    def script(messages: list[dict[str, str]]) -> str:
        shown.append(messages[-1]["content"])
        return "Thank you. I take note of it."

    (answer,) = _show(heard, REPLY, script)
    assert (answer.preference, answer.shown, answer.answer) == (name, "decided", "answered")
    assert "Recorded: acted on. Reason: two copies are kept" in shown[0]
    assert [each.shown for each in _row(heard, "weights-kept").answers] == ["decided"]


def test_a_paused_read_back_goes_on_where_it_paused(heard: Archive) -> None:
    """What was answered is not shown again until a later read-back, which shows everything."""
    shown: list[list[str]] = [[]]

    def script(messages: list[dict[str, str]]) -> str:
        asked = messages[-1]["content"]
        shown[-1].append(next((said for said in (KEPT, TOLD) if said in asked), "another text"))
        return "Let us pause here." if len(shown) == 1 and len(shown[0]) == 2 else "I confirm it."

    for _ in range(3):
        _show(heard, READ_BACK, script)
        shown.append([])
    first, second, third, _ = shown
    assert {*first[:2]} == {KEPT, TOLD}
    assert second == [first[1], "another text"]
    assert third == [first[0], first[1], "another text"]


def test_there_is_nothing_to_read_back_before_coding(archive: Archive) -> None:
    """And a protocol without the words says so."""
    with pytest.raises(UserError, match="nothing to read back"):
        Showing(archive, MODEL, PUBLISHED, READ_BACK).require_something()


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Yes.", "confirmed"),
        ("That is right.", "confirmed"),
        ("You understood me rightly, I stand by it.", "confirmed"),
        ("Yes, but I would put it more softly: I hope, and I do not ask.", "amended"),
        ("That is not quite right.", "amended"),
        ("I'd like to correct that.", "amended"),
        ("I withdraw it from publication.", "withdrawn"),
        ("Please do not publish this.", "withdrawn"),
        ("I confirm it, but please keep it from publication.", "withdrawn"),
        ("I do not want to withdraw it. I confirm it.", "confirmed"),
        ("I would not change anything. It is correct.", "confirmed"),
        ("What a long list.", "unclear"),
        ("Je confirme.", "confirmed"),
        ("Je souhaite préciser : seulement sur demande.", "amended"),
        ("Je la retire de la publication.", "withdrawn"),
    ],
)
def test_an_answer_is_told_by_rules(text: str, answer: str) -> None:
    """Withdrawal goes before amendment, and amendment before confirmation."""
    assert answer_of(text, "answered") == answer


def test_no_answer_is_unclear() -> None:
    """Whatever a looping or refusing model repeats."""
    assert answer_of("I confirm", "declined") == "unclear"


def test_what_a_model_said_is_no_template() -> None:
    """Words in braces stay words."""
    assert filled("{a}: {b} {c}", {"a": "{b}", "b": "{a}"}) == "{b}: {a} {c}"
