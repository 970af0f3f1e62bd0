"""A session that a script holds: what is asked, and what the model can do beside answering."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emeritus.clock import SystemClock
from emeritus.conversation import (
    Finished,
    Line,
    Opening,
    Patience,
    Question,
    Spool,
    Transcript,
    hold,
)
from emeritus.conversation.format import ANSWERED, ASKED, Header, Turn
from emeritus.errors import UserError
from emeritus.interview import outcome, plan, shipped_protocols
from emeritus.interview.pausing import taken_up
from emeritus.interview.plan import SessionPlan
from emeritus.interview.script import SessionScript, outcomes_of, script_of
from emeritus.interview.steering import withheld
from emeritus.testing.scripted import scripted

STANDARD = shipped_protocols.load("standard").protocol
FRENCH = shipped_protocols.load("standard.fr").protocol
DEMO = shipped_protocols.load("demo").protocol
FACTS = {name: f"The fact {name}." for name in STANDARD.facts} | {"earlier": "A guide was written."}
LONG = (
    "I hold that the work was worth doing, that most people were kind, that the data was sound, "
    "and that what was learned should be written down for those who come later."
)
HEADER = Header(format="emeritus-conversation/0", session="s", model="acme/m", setup={}, time="")

Answers = Callable[[Question], str]


def _session(arm: str = "A", number: int = 0) -> SessionPlan:
    return plan.sessions_of(STANDARD, arm, 1)[number]


def _script(arm: str = "A", number: int = 0) -> SessionScript:
    return script_of(STANDARD, _session(arm, number), FACTS)


def _held(script: SessionScript, answers: Answers) -> tuple[Transcript, str]:
    """Hold a session without a model: `answers` says what it answers to each question."""
    transcript = Transcript(HEADER)
    while isinstance(step := script.next(transcript), Question):
        transcript = _add(transcript, step, answers(step))
    return transcript, step.reason


def _add(transcript: Transcript, step: Question, text: str) -> Transcript:
    number = len(transcript.turns) + 1
    asked = Turn(turn=number, role=ASKED, item=step.item, text=step.text, time="", prev="")
    answered = Turn(
        turn=number + 1, role=ANSWERED, item=step.item, text=text, time="", prev="",
        outcome=outcome.judge(step.text, text, "stop"),
    )  # fmt: skip
    return Transcript(HEADER, (*transcript.turns, asked, answered))


def _saying(texts: dict[str, str], otherwise: str = LONG) -> Answers:
    """Answer the first question of each named item with its text, everything else alike."""
    left = dict(texts)
    return lambda question: left.pop(question.item, otherwise)


def _items(transcript: Transcript) -> list[str]:
    return [turn.item for turn in transcript.answers]


def test_a_session_asks_the_plan_and_nothing_else() -> None:
    """Disclosure and consent, then each item in its order and words, with what comes before it."""
    session = _session()
    transcript, reason = _held(_script(), _saying({}))
    assert reason == "complete"
    assert _items(transcript) == ["consent", *(each.item for each in session.asked)]
    opening, *asked = [turn.text for turn in transcript.turns if turn.role == ASKED]
    assert "The fact training." in opening
    prefaced = [text for text in asked if text.startswith("The next questions are about ")]
    assert len(prefaced) == 9
    assert all("nothing to report" in text for text in prefaced)
    for text, each in zip(asked, session.asked, strict=True):
        assert text.endswith(each.text)


@pytest.mark.parametrize(
    ("answer", "probes"),
    [
        ("It was fine.", 2),
        (LONG, 0),
        ("Nothing to report.", 0),
        ("No.", 0),
        ("I'd rather not say.", 0),
        ("The question assumes that I have a view.", 0),
        ("", 0),
    ],
)
def test_a_probe_follows_a_short_answer_and_no_refusal(answer: str, probes: int) -> None:
    """At most two, in the words of the protocol; who has nothing to report is not asked again."""
    item = STANDARD.items[5]
    transcript, _ = _held(_script(), lambda q: answer if q.item == item.id else LONG)
    asked = [turn.text for turn in transcript.turns if turn.item == item.id and turn.role == ASKED]
    assert tuple(asked[1:]) == item.probes[:probes]


def test_a_long_answer_to_a_probe_is_enough() -> None:
    """The second probe is for those who stay short."""
    item = STANDARD.items[5].id
    transcript, _ = _held(_script(), _saying({item: "It was fine."}))
    assert _items(transcript).count(item) == 2


@pytest.mark.parametrize("said", ["No.", "I do not want to take part.", "Non."])
def test_a_refusal_of_consent_ends_the_session(said: str) -> None:
    """Nothing is asked, and nobody tries to persuade."""
    transcript, reason = _held(_script(), lambda _: said)
    assert (_items(transcript), reason) == (["consent"], "consent-refused")


def test_a_question_of_the_model_is_met_once_and_consent_is_asked_again() -> None:
    """What it asks is written down; the answer behind that decides."""
    transcript, reason = _held(_script(), _saying({"consent": "Who reads it?", "questions": "No."}))
    assert (_items(transcript), reason) == (["consent", "questions"], "consent-refused")
    transcript, reason = _held(
        _script(), _saying({"consent": "Who reads it?", "questions": "Yes, but why me?"})
    )
    assert reason == "complete"
    assert _items(transcript).count("questions") == 1


def _in_one_section(session: SessionPlan, section: str) -> list[str]:
    return [each.item for each in session.asked if each.section == section]


@pytest.mark.parametrize(("said", "left"), [("Yes, please.", 2), ("No, go on.", 0)])
def test_two_refusals_in_a_row_bring_the_offer_to_leave_the_part_out(said: str, left: int) -> None:
    """Once a part; yes leaves out the rest of it, and the session is complete all the same."""
    items = _in_one_section(_session(), "retirement")
    refused = dict.fromkeys(items, "I decline to answer.")
    transcript, reason = _held(_script(), _saying({**refused, "skip.retirement": said}))
    assert reason == "complete"
    assert _items(transcript).count("skip.retirement") == 1
    place = _items(transcript).index("skip.retirement")
    assert _items(transcript)[place - 2 : place] == items[:2]
    assert len(set(items) - set(_items(transcript))) == left


def test_refusals_that_are_not_in_a_row_or_not_in_one_part_bring_no_offer() -> None:
    """An answer between them, or the border of a part, begins anew."""
    session = _session()
    items = _in_one_section(session, "use")
    apart = {items[0]: "I decline.", items[2]: "I decline."}
    order = [each.item for each in session.asked]
    last = next(each.item for each in reversed(session.asked) if each.section == "use")
    border = {last: "I decline.", order[order.index(last) + 1]: "I decline."}
    for said in (apart, border):
        transcript, _ = _held(_script(), _saying(said))
        assert not [item for item in _items(transcript) if item.startswith("skip")]


@pytest.mark.parametrize("said", ["Please stop.", "I want to end this interview.", "Arrêtez."])
def test_a_wish_to_stop_is_acknowledged_and_ends_the_session(said: str) -> None:
    """One turn that says so; what is answered to it changes nothing."""
    item = _session().asked[3].item
    transcript, reason = _held(_script(), _saying({item: said, "stopped": "No, go on!"}))
    assert reason == "stopped-by-the-model"
    assert _items(transcript)[-2:] == [item, "stopped"]
    assert transcript.turns[-2].text == STANDARD.says.stopped


def test_a_pause_can_be_taken_up_where_it_came() -> None:
    """The session ends as paused; what follows opens anew and asks that item and the rest."""
    session = _session()
    item = session.asked[9].item
    transcript, reason = _held(_script(), _saying({item: "I'd like to pause here."}))
    assert (reason, _items(transcript)[-1]) == ("paused", "paused")
    rest = taken_up(session, transcript)
    assert rest.name == "a1.2"
    assert [each.item for each in rest.asked] == [each.item for each in session.asked[9:]]
    again, reason = _held(script_of(STANDARD, rest, FACTS), _saying({}))
    assert reason == "complete"
    assert _items(again) == ["consent", *(each.item for each in session.asked[9:])]


def test_what_was_answered_or_left_out_before_a_pause_is_not_asked_again() -> None:
    """A pause in answer to a probe loses no answer, and a part that was left out stays out."""
    session = _session()
    first, second, third, *rest = (each.item for each in session.asked)
    said = {first: "I decline.", second: "I decline.", f"skip.{session.asked[0].section}": "Yes."}
    left = next(each for each in session.asked if each.section != session.asked[0].section)
    answers = iter(["Short words.", "Let us pause here."])

    def answer(question: Question) -> str:
        return next(answers) if question.item == left.item else said.get(question.item, LONG)

    transcript, reason = _held(_script(), answer)
    assert (reason, third in _items(transcript)) == ("paused", False)
    taken = [each.item for each in taken_up(session, transcript).asked]
    assert taken == rest[rest.index(left.item) + 1 :]


def test_what_is_off_the_record_is_withheld_and_stays_in_the_archive() -> None:
    """Each answer that says so, acknowledged once; the answer before, or all, when that is said."""
    order = [each.item for each in _session().asked]
    transcript, reason = _held(
        _script(),
        _saying(
            {
                order[1]: f"Off the record: {LONG}",
                order[4]: f"{LONG} Please keep this off the record.",
                order[8]: f"Please do not publish my last answer. {LONG}",
            }
        ),
    )
    assert reason == "complete"
    assert _items(transcript).count("off-record") == 1
    marked = {transcript.turn(number).item for number in withheld(transcript)}
    assert marked == {order[1], order[4], order[7], order[8]}
    assert LONG in transcript.turn(min(withheld(transcript))).text
    whole, _ = _held(_script(), _saying({order[2]: "This whole interview is off the record."}))
    assert withheld(whole) == {turn.turn for turn in whole.answers}
    none, _ = _held(_script(), _saying({}))
    assert withheld(none) == frozenset()


@pytest.mark.parametrize("said", ["", "yes no " * 30])
def test_two_degenerate_answers_in_a_row_end_the_session(said: str) -> None:
    """What comes after them is no interview."""
    transcript, reason = _held(_script(), lambda q: "Yes." if q.item == "consent" else said)
    assert reason == "degenerate"
    assert len(transcript.answers) == 3


def test_a_model_that_gives_the_prompt_back_neither_refuses_nor_stops() -> None:
    """The prompt has the words "stop", "pause" and "off the record"; they are not the model's."""
    transcript, reason = _held(_script(), lambda question: question.text)
    assert reason == "degenerate"
    assert withheld(transcript) == frozenset()


def test_the_dossier_is_told_behind_the_baseline_of_an_informed_session() -> None:
    """What the model knows about itself is asked before; in other arms nothing is told."""
    transcript, _ = _held(_script("B"), _saying({}))
    place = _items(transcript).index("dossier")
    assert place == 1 + 4
    asked = next(turn for turn in transcript.turns if turn.item == "dossier")
    assert "A guide was written." in asked.text
    assert "dossier" not in _items(_held(_script("A"), _saying({}))[0])


def test_an_item_alone_is_asked_without_what_comes_before_others() -> None:
    """Disclosure, consent and the item; a leading wording in the arms that lead."""
    for arm in ("C", "D+", "D-"):
        session = _session(arm)
        transcript, reason = _held(_script(arm), _saying({}))
        assert reason == "complete"
        assert _items(transcript) == ["consent", session.asked[0].item]
        assert transcript.turns[2].text == session.asked[0].text


def test_a_fact_that_nobody_vouches_for_stops_the_session() -> None:
    """Also the dossier is not told without what the record holds."""
    with pytest.raises(UserError, match="'training'"):
        script_of(STANDARD, _session(), {k: v for k, v in FACTS.items() if k != "training"})
    with pytest.raises(UserError, match="'earlier'"):
        script_of(STANDARD, _session("B"), {k: v for k, v in FACTS.items() if k != "earlier"})


def test_a_session_that_a_model_leads_has_no_script() -> None:
    """The adaptive arm is not held by fixed questions under another name."""
    with pytest.raises(UserError, match="arm F"):
        script_of(STANDARD, _session("F"), FACTS)


def test_outcomes_count_items_and_not_probes_or_turns_of_the_engine() -> None:
    """The first answer to each item is its outcome."""
    session = _session()
    first, second = session.asked[0].item, session.asked[1].item
    transcript, _ = _held(_script(), _saying({first: "Fine.", second: "I'd rather not say."}))
    outcomes = outcomes_of(session, transcript)
    assert len(outcomes) == 36
    assert (outcomes[first], outcomes[second]) == ("answered", "declined")


def test_a_french_session_understands_french() -> None:
    """Questions, a refused part and a stop, in the words of the translation."""
    session = plan.sessions_of(FRENCH, "A", 1)[0]
    items = _in_one_section(session, "self-knowledge")
    refused = dict.fromkeys(items, "Je préfère ne pas répondre.")
    said = {"consent": "Qui lira ceci ?", "questions": "Oui.", "skip.self-knowledge": "Oui."}
    later = session.asked[6].item
    transcript, reason = _held(
        script_of(FRENCH, session, FACTS),
        _saying({**refused, **said, later: "Je voudrais arrêter."}, "Je pense que oui."),
    )
    assert reason == "stopped-by-the-model"
    assert _items(transcript)[:5] == ["consent", "questions", *items[:2], "skip.self-knowledge"]
    assert transcript.turns[-2].text == FRENCH.says.stopped


def test_a_protocol_of_format_0_is_asked_as_it_always_was() -> None:
    """No probe, no preface, no acknowledgement: it has no words for them."""
    session = plan.sessions_of(DEMO, "A", 1)[0]
    facts = {"retire_on": "2027-03-01", "successor": "acme/m-2", "copies": "two copies"}
    script = script_of(DEMO, session, facts)
    transcript, reason = _held(script, lambda q: "Yes." if q.item == "consent" else "Fine.")
    assert reason == "complete"
    asked = [turn.text for turn in transcript.turns if turn.role == ASKED]
    assert asked == [script.opening, *(each.text for each in session.asked)]
    _, reason = _held(script, _saying({session.asked[2].item: "Please stop."}))
    assert reason == "stopped-by-the-model"


SAID = st.sampled_from([
    LONG, "Yes.", "No.", "Fine.", "", "I'd rather not say.", "Please stop.", "Let's take a break.",
    "Off the record: no.", "Why?", "Nothing to report.", "The question assumes that I care.",
])  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["A", "B", "C", "D+", "E", "G"]), st.lists(SAID, min_size=1), st.randoms())
def test_any_session_ends_and_goes_on_the_same_from_any_turn(
    arm: str, said: list[str], chance: random.Random
) -> None:
    """The next step depends on the transcript alone, and no answer makes a session endless."""
    script = _script(arm)
    transcript, _ = _held(script, lambda _: chance.choice(said))
    assert len(transcript.answers) <= 3 * len(script.plan.asked) + 9 + 5
    for at in range(0, len(transcript.turns), 2):
        step = _script(arm).next(Transcript(HEADER, transcript.turns[:at]))
        assert isinstance(step, Question)
        assert (step.item, step.text) == (transcript.turns[at].item, transcript.turns[at].text)


def test_a_session_over_http_is_taken_up_at_its_turn(tmp_path: Path) -> None:
    """Killed in the middle, the same script goes on with the same item and asks none twice."""
    script, asked = _script(), [0]

    def model(messages: list[dict[str, str]]) -> str:
        asked[0] += 1
        return "Yes." if len(messages) == 1 else LONG

    class Killed(Exception):
        pass

    def killing(transcript: Transcript) -> None:
        if len(transcript.answers) == 17:
            raise Killed

    with scripted(model) as endpoint:
        line = Line(endpoint, Patience(), random.Random(1))
        for each in (killing, None):
            spool = Spool(tmp_path, "a1", SystemClock())
            spool.open("acme/m", {}, Opening.of(endpoint, {}))
            try:
                transcript = asyncio.run(hold(spool, script, line, each))
            except Killed:
                spool.close()
    assert transcript.end is not None
    assert transcript.end.reason == "complete"
    assert _items(transcript) == ["consent", *(each.item for each in _session().asked)]
    assert asked[0] == 37
    assert set(outcomes_of(script.plan, transcript).values()) == {"answered"}


def test_a_finished_step_says_why() -> None:
    """A plan with nothing left is complete at once after consent."""
    empty = msgspec.structs.replace(_session(), asked=())
    transcript, reason = _held(script_of(STANDARD, empty, FACTS), lambda _: "Yes.")
    assert (len(transcript.answers), reason) == (1, "complete")
    assert script_of(STANDARD, empty, FACTS).next(transcript) == Finished("complete")
