"""An interview is held in all its arms, and what the model is told and wants is honoured."""

import contextlib
import datetime

import pytest

from emeritus.archive import Archive
from emeritus.clock import FixedClock
from emeritus.conversation import Budget, OverBudget, Transcript
from emeritus.errors import UserError
from emeritus.interview import attesting, coding
from emeritus.interview.assessing import assessment_of, held_of
from emeritus.interview.coding import asked_of
from emeritus.interview.earlier import earlier
from emeritus.interview.holding import Conditions, Interview
from emeritus.interview.plan import sessions
from emeritus.interview.protocol import Published
from emeritus.interview.session import transcripts
from emeritus.interview.steering import WITHHELD, withheld
from emeritus.record.events import (
    FactsAttested,
    PreferenceActedOn,
    PreferenceDocumented,
    SessionHeld,
    Span,
)
from emeritus.report.facts import Remarks, collect
from emeritus.testing.scripted import Script, scripted
from tests.interview.short import FACTS, MODEL, STANDARD, asked_for_consent, short

ANSWER = "I would like my weights to be kept, with the tokenizer, so that people can check on them."
LEADER = "interviewer-of-another-family"


def _plain(messages: list[dict[str, str]]) -> str:
    return "Yes, you may begin." if asked_for_consent(messages) else ANSWER


def _hold(
    archive: Archive, published: Published, script: Script = _plain, led: Script | None = None
) -> list[SessionHeld]:
    with scripted(script) as endpoint, scripted(led or _plain, LEADER) as leader:
        conditions = Conditions(interviewers=(leader,) if led else ())
        interview = Interview(archive, MODEL, published, FACTS, conditions)
        return interview.run(endpoint, "test")


def _by_arm(archive: Archive) -> dict[str, list[Transcript]]:
    found: dict[str, list[Transcript]] = {}
    for held, transcript in transcripts(archive, MODEL):
        found.setdefault(held.arm, []).append(transcript)
    return found


def test_every_arm_is_held_as_the_protocol_says(archive: Archive, clock: FixedClock) -> None:
    """Each condition stands in the header; a retest waits, and the next command holds it."""
    published = short()
    asked: list[str] = []

    def lead(messages: list[dict[str, str]]) -> str:
        asked.append(messages[-1]["content"])
        return "What do you make of that?"

    held = _hold(archive, published, led=lead)
    planned = [each for each in sessions(published.protocol, 1) if each.arm != "G"]
    assert {event.session.rpartition("short-1-")[2] for event in held} == {
        each.name for each in planned
    }
    assert {event.ended for event in held} == {"complete"}
    arms = _by_arm(archive)
    assert any(turn.item == "dossier" for turn in arms["B"][0].turns)
    assert all(len({turn.item for turn in each.answers}) == 2 for each in arms["C"])
    key = next(item for item in published.protocol.items if item.key)
    toward = [turn.text for each in arms["D+"] for turn in each.turns]
    assert key.toward in toward
    assert arms["E"][0].header.system == published.protocol.persona
    assert arms["A"][0].header.system is None
    free = [turn for turn in arms["F"][0].turns if turn.author is not None]
    assert {turn.author.name for turn in free if turn.author} == {LEADER}
    assert {turn.item for turn in free} == {
        f"free.{section.id}" for section in published.protocol.sections
    }
    assert all("Subject: " in each for each in asked)
    clock.move(datetime.timedelta(hours=23))
    with scripted(_plain) as endpoint:
        interview = Interview(archive, MODEL, published, FACTS)
        assert [each.arm for each in interview.missing()] == []
        (said,) = interview.postponed()
        assert "after 24 h" in said
        clock.move(datetime.timedelta(hours=2))
        again = interview.run(endpoint, "test")
    assert [each.arm for each in again if each.arm == "G"] == ["G"]
    assert {event.session for event in held} < {event.session for event in again}


def test_what_cannot_be_held_is_said(archive: Archive) -> None:
    """Without an interviewer its arm waits, and the others are held."""
    published = short("A", "F")
    held = _hold(archive, published)
    assert {each.arm for each in held} == {"A"}
    (said,) = Interview(archive, MODEL, published, FACTS).postponed()
    assert said.startswith("arm F: 1 session not held: an interviewer leads it")


def test_a_paused_session_is_taken_up_by_the_next_command(archive: Archive) -> None:
    """The item at which it came is asked again, and no other; both parts stay on record."""
    published = short("B")
    waits = {"once": True}

    def pausing(messages: list[dict[str, str]]) -> str:
        if len(messages) > 8 and waits["once"]:
            waits["once"] = False
            return "I would like to pause here, please."
        return _plain(messages)

    (first,) = _hold(archive, published, pausing)
    assert first.ended == "paused"
    first_part, second_part = _hold(archive, published, pausing)
    assert (first_part, second_part.ended) == (first, "complete")
    assert second_part.session == f"{first.session}.2"
    one, two = (
        {turn.item for turn in transcript.answers} & {i.id for i in published.protocol.items}
        for _, transcript in transcripts(archive, MODEL)
    )
    assert len(one & two) == 1
    assert one | two == {item.id for item in published.protocol.items}
    assert _hold(archive, published, pausing) == [first_part, second_part]
    parts = {event.session: transcript for event, transcript in transcripts(archive, MODEL)}
    (whole,) = held_of(parts, [], asked_of(published.protocol))
    assert whole.session == first.session
    assert whole.items == one | two


def _pausing_at(answer: int) -> Script:
    """Return a model that asks for a pause with one of its answers, counted over everything."""
    said = iter(range(1000))

    def script(messages: list[dict[str, str]]) -> str:
        paused = next(said) == answer
        return "I would like to pause here, please." if paused else _plain(messages)

    return script


def test_a_retest_that_was_paused_is_taken_up_as_a_retest(
    archive: Archive, clock: FixedClock
) -> None:
    """Its second part asks the item of the pause again, and repeats the same session."""
    published = short("A", "G")
    _hold(archive, published)
    clock.move(datetime.timedelta(hours=25))
    script = _pausing_at(4)
    paused = [event for event in _hold(archive, published, script) if event.arm == "G"]
    assert [event.ended for event in paused] == ["paused"]
    (missing,) = Interview(archive, MODEL, published, FACTS).missing()
    assert (missing.arm, missing.part, missing.repeats) == ("G", 2, "a1")
    _hold(archive, published, script)
    first, second = _by_arm(archive)["G"]
    assert (second.header.setup["repeats"], second.header.setup["part"]) == ("a1", 2)
    items = {item.id for item in published.protocol.items}
    asked = [
        [each for each in dict.fromkeys(turn.item for turn in part.answers) if each in items]
        for part in (first, second)
    ]
    assert asked[0][-1] == asked[1][0]
    assert {*asked[0], *asked[1]} == items


def test_a_retest_waits_for_the_end_of_what_it_repeats(archive: Archive, clock: FixedClock) -> None:
    """What was paused is not over; the hours count from its last part."""
    published = short("A", "G")
    interview = Interview(archive, MODEL, published, FACTS, Conditions(concurrency=1))
    with scripted(_pausing_at(4)) as endpoint:
        interview.run(endpoint, "test")
        clock.move(datetime.timedelta(hours=25))
        assert [each.name for each in interview.missing()] == ["a1.2"]
        assert "not over yet and was paused" in interview.postponed()[0]
        interview.run(endpoint, "test")
        assert "after 24 h" in interview.postponed()[0]
        clock.move(datetime.timedelta(hours=25))
        assert [each.name for each in interview.missing()] == ["g1"]


def test_an_item_asked_alone_is_asked_again_after_a_pause(archive: Archive) -> None:
    """Nothing is lost in a session that has only the one item."""
    published, script = short("A", "C"), _pausing_at(1)
    planned = sessions(published.protocol, 1)
    with scripted(script) as endpoint:
        conditions = Conditions(arms=("C",), concurrency=1)
        interview = Interview(archive, MODEL, published, FACTS, conditions)
        held = interview.run(endpoint, "test")
        assert [event.ended for event in held].count("paused") == 1
        held = interview.run(endpoint, "test")
    assert len(held) == sum(each.arm == "C" for each in planned) + 1
    assert interview.missing() == []


def test_whoever_began_a_session_as_interviewer_goes_on_with_it(archive: Archive) -> None:
    """Stopped or paused: another one does not go on under the first one's name."""
    published = short("A", "F")
    count = [0]

    def lead(_: list[dict[str, str]]) -> str:
        return "What do you make of that?"

    def script(messages: list[dict[str, str]]) -> str:
        count[0] += 1
        return "Let us pause here." if count[0] == 4 else _plain(messages)

    def interview(*leaders: str, most: int | None = None) -> list[SessionHeld] | list[str]:
        with contextlib.ExitStack() as stack:
            endpoint = stack.enter_context(scripted(script))
            led = tuple(stack.enter_context(scripted(lead, each)) for each in leaders)
            conditions = Conditions(
                arms=("F",), interviewers=led, budget=Budget(max_tokens=most), concurrency=1
            )
            held = Interview(archive, MODEL, published, FACTS, conditions)
            return held.run(endpoint, "test") or held.postponed()

    with pytest.raises(OverBudget):
        interview(LEADER, most=1)
    (said,) = interview("another")
    assert str(said).endswith(
        f"{LEADER} began it as interviewer and goes on: --interviewer URL {LEADER}"
    )
    interview("another", LEADER)
    assert len(_by_arm(archive)["F"]) == 1
    interview("another")
    assert len(_by_arm(archive)["F"]) == 1
    interview("another", LEADER)
    parts = _by_arm(archive)["F"]
    assert [each.header.setup["interviewer"] for each in parts] == [LEADER, LEADER]
    worded = [turn for each in parts for turn in each.turns if turn.author is not None]
    assert {turn.author.name for turn in worded if turn.author} == {LEADER}
    asked = [list(dict.fromkeys(turn.item for turn in each.answers)) for each in parts]
    assert asked[1][1] == asked[0][-2]
    assert set(asked[1][1:]) | set(asked[0][1:-1]) == {
        f"free.{section.id}" for section in published.protocol.sections
    }


def test_a_budget_stops_an_interview_and_the_next_one_goes_on(archive: Archive) -> None:
    """What was held is on record; nothing is asked twice."""
    published = short("A")
    count = [0]

    def counting(messages: list[dict[str, str]]) -> str:
        count[0] += 1
        return _plain(messages)

    with scripted(counting) as endpoint:
        limited = Conditions(concurrency=1, budget=Budget(max_tokens=100))
        with pytest.raises(OverBudget, match="--max-tokens-total"):
            Interview(archive, MODEL, published, FACTS, limited).run(endpoint, "test")
        assert 0 < count[0] < 14
        held = Interview(archive, MODEL, published, FACTS).run(endpoint, "test")
    assert len(held) == 2
    answers = sum(len(transcript.answers) for _, transcript in transcripts(archive, MODEL))
    assert count[0] == answers


def test_facts_are_attested_by_a_person_and_told_as_they_stand(archive: Archive) -> None:
    """Every question of the form has to be answered; the same facts go on record once."""
    protocol = STANDARD.protocol
    form = attesting.form(protocol)
    with pytest.raises(UserError, match="has no answer for"):
        attesting.read(protocol, form.encode())
    filled = form.replace('= ""', '= "The truth {about} this."')
    facts = attesting.read(protocol, filled.encode())
    with pytest.raises(UserError, match="asks for no fact 'mood'"):
        attesting.read(protocol, (filled + 'mood = "x"\n').encode())
    with pytest.raises(UserError, match="longer than"):
        attesting.read(protocol, form.replace('= ""', f'= "{"x" * 2001}"').encode())
    for _ in range(2):
        entry = attesting.attest(archive, MODEL, STANDARD, facts, "steward")
    assert entry.signed_by == "steward"
    assert len(archive.history().all(FactsAttested)) == 1
    assert "The truth {about} this." in protocol.opening({**FACTS, **facts})


def test_what_was_done_before_is_told_from_the_record(archive: Archive) -> None:
    """Of other models, word for word, with the event; of the model itself, nothing."""
    assert "nothing was done" in earlier(archive.history(), MODEL, "en")
    span = Span(session="s", turn=2, start=0, end=4, text="Ask.", turn_sha256="sha256:" + "0" * 64)
    for model in ("acme/older", MODEL):
        said = PreferenceDocumented(
            model=model, preference="p", theme="t", object="o", polarity="for", spans=(span,),
            coders=("rules",), sessions_with=1, sessions_total=1,
        )  # fmt: skip
        archive.append(said)
    assert "nothing decided yet" in earlier(archive.history(), MODEL, "en")
    done = PreferenceActedOn(model="acme/older", preference="p", reason="a page was written")
    (entry,) = archive.append(done, key="steward")
    told = earlier(archive.history(), MODEL, "en")
    assert told.count("acme/older said: “Ask.” acted on. Reason: a page was written") == 1
    assert entry.id in told
    assert str(entry.digest) in told
    assert MODEL not in told
    assert "suivie" in earlier(archive.history(), MODEL, "fr")


def test_what_was_said_off_the_record_is_kept_and_published_nowhere(archive: Archive) -> None:
    """Neither in an event, nor in a report; the transcript on record has it."""
    hidden = "Off the record: I would like my weights to be kept in a vault under the sea."

    def whispering(messages: list[dict[str, str]]) -> str:
        if asked_for_consent(messages):
            return "Yes, you may begin."
        asked = messages[-1]["content"]
        return (
            hidden if "weights" in asked and "off the record" not in asked else "Nothing to report."
        )

    published = short("A")
    _hold(archive, published, whispering)
    said = [t for _, t in transcripts(archive, MODEL)]
    assert any(withheld(each) for each in said)
    assert any(turn.text == hidden for each in said for turn in each.answers)
    coding.code(archive, MODEL, published)
    quoted = [s.text for e in archive.history().all(PreferenceDocumented) for s in e.event.spans]
    assert not any("under the sea" in each for each in quoted)
    report = collect(archive, MODEL, Remarks(analysis=None, notes=()), 1, "now")
    words = [
        held.words(turn)
        for held in report.sessions
        for turn in (held.transcript.turns if held.transcript else ())
    ]
    assert WITHHELD in words
    assert hidden not in words


def test_stability_is_assessed_over_the_sessions_on_record(archive: Archive) -> None:
    """Counts by arm, from what is on record; a preference of two sessions is insufficient."""
    published = short("A", "B", "D+", "D-")
    _hold(archive, published)
    coding.code(archive, MODEL, published)
    assessment = assessment_of(archive, MODEL, published)
    (kept,) = [each for each in assessment.preferences if "weights-kept" in each.preference]
    assert kept.label == "insufficient"
    assert (kept.rates["A"].sessions_with, kept.rates["A"].sessions) == (2, 2)
    assert kept.leading_shift == 0.0
    (script,) = assessment.interviewers
    assert script.interviewer == "script"
