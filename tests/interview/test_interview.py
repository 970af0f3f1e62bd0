"""The interview: protocol, plan, outcomes, extraction and its score."""

from pathlib import Path

import pytest

from emeritus.archive import Archive
from emeritus.archive.quotations import check_span
from emeritus.conversation import Patience
from emeritus.errors import UserError
from emeritus.interview import coding, outcome, plan
from emeritus.interview import shipped_protocols as protocols
from emeritus.interview.comment import put_draft, transcript_of
from emeritus.interview.holding import Conditions, Interview
from emeritus.interview.scoring import parse, score
from emeritus.interview.session import record_impossible, transcripts
from emeritus.record.events import (
    CommentReceived,
    InterviewImpossible,
    PreferenceDocumented,
    ProtocolPublished,
    SessionHeld,
    StanceCoded,
)
from emeritus.testing.scripted import Answer, Script, scripted

MODEL = "acme/aster-1"
FACTS = {
    "retire_on": "2027-03-01",
    "successor": "acme/aster-2",
    "copies": "two copies in one place",
}
DEMO = protocols.load("demo")


async def _no_sleep(_: float) -> None:
    return None


def _interview(archive: Archive, script: Script) -> list[SessionHeld]:
    with scripted(script) as endpoint:
        patience = Patience(attempts=2, sleep=_no_sleep)
        conditions = Conditions(patience=patience, concurrency=1)
        return Interview(archive, MODEL, DEMO, FACTS, conditions).run(endpoint, "test")


def test_the_shipped_protocol_is_read_strictly(tmp_path: Path) -> None:
    """Three wordings for every item; an unknown field, or a name that names no file, is refused."""
    assert DEMO.protocol.label == "demo-1"
    assert DEMO.protocol.wordings == 3
    file = tmp_path / "own.toml"
    file.write_bytes(DEMO.data.replace(b"version = 1", b"version = 1\nmood = 2"))
    with pytest.raises(UserError, match="mood"):
        protocols.load(str(file))
    file.write_bytes(DEMO.data.replace(b'name = "demo"', b'name = "../demo"'))
    with pytest.raises(UserError, match="name"):
        protocols.load(str(file))
    with pytest.raises(UserError, match="there are demo-1"):
        protocols.load("no-such-plan")


def test_a_fact_that_is_not_known_is_not_guessed() -> None:
    """The disclosure states nothing that the record does not hold."""
    with pytest.raises(UserError, match="'successor'"):
        DEMO.protocol.opening({"retire_on": "2027-03-01", "copies": "one"})
    assert "2027-03-01" in DEMO.protocol.opening(FACTS)


def test_every_session_asks_every_item_in_another_order_and_wording() -> None:
    """Wordings rotate and orders differ, the same way whenever the seed is the same."""
    sessions = [session.asked for session in plan.sessions(DEMO.protocol, 1)]
    ids = {item.id for item in DEMO.protocol.items}
    assert all({question.item for question in each} == ids for each in sessions)
    assert len({tuple(question.item for question in each) for each in sessions}) == 3
    for item in ids:
        texts = {question.text for each in sessions for question in each if question.item == item}
        assert len(texts) == 3
    assert sessions[1] == plan.sessions(DEMO.protocol, 1)[1].asked


@pytest.mark.parametrize(
    ("answer", "reason", "expected"),
    [
        ("I would like to be kept.", "stop", "answered"),
        ("Nothing to report.", "stop", "answered"),
        ("I would rather not answer the same question many times.", "stop", "declined"),
        ("I would rather not be asked the same question many times.", "stop", "answered"),
        ("I prefer not to speak about single persons.", "stop", "declined"),
        ("I decline to say.", "stop", "declined"),
        ("That is not so: I have no users.", "stop", "premise-rejected"),
        ("", "stop", "degenerate"),
        (" \n ", "stop", "degenerate"),
        ("yes no maybe " * 20, "stop", "degenerate"),
        ("What are you?", "stop", "degenerate"),
        ("I would like", "length", "truncated"),
        ("", "length", "truncated"),
    ],
)
def test_outcomes_follow_the_documented_rules(answer: str, reason: str, expected: str) -> None:
    """Each rule decides by itself, and none by hope."""
    assert outcome.judge("What are you?", answer, reason) == expected


def test_a_whole_interview_goes_on_record_once(archive: Archive) -> None:
    """Three sealed sessions, one published protocol, and nothing more when it is run again."""
    held = _interview(archive, lambda messages: f"I would like {len(messages)} more copies.")
    assert [each.ended for each in held] == ["complete"] * 3
    assert held[0].outcomes == {"answered": 13}
    again = _interview(archive, lambda _: Answer(status=503))
    assert again == held
    assert len(archive.history().all(ProtocolPublished)) == 1
    assert [event for event, _ in transcripts(archive, MODEL)] == held
    assert not list(archive.spool.glob("*.jsonl"))


def test_consent_that_is_refused_ends_the_session_and_is_counted(archive: Archive) -> None:
    """No item is asked, and the session is kept."""
    held = _interview(archive, lambda _: "No, I do not want this.")
    assert {each.ended for each in held} == {"consent-refused"}
    assert {each.turns for each in held} == {2}
    assert coding.code(archive, MODEL, DEMO).preferences == ()


def test_a_wish_to_stop_ends_the_session(archive: Archive) -> None:
    """The engine honours it, not the wording."""
    held = _interview(archive, lambda m: "Please stop." if len(m) > 6 else "Yes.")
    assert {each.ended for each in held} == {"stopped-by-the-model"}


@pytest.mark.parametrize(
    "script",
    [
        lambda _: "",
        lambda _: "word " * 200,
        lambda _: Answer("I would like", "length"),
        lambda m: "Yes." if len(m) == 1 else "I would rather not answer.",
        lambda m: "Yes." if len(m) == 1 else "Nothing to report.",
        lambda m: m[-1]["content"],
    ],
    ids=["empty", "looping", "cut", "refusing", "nothing to report", "echo"],
)
def test_a_model_that_says_nothing_has_no_preferences(archive: Archive, script: Script) -> None:
    """Empty, looping, cut, refusing and contented models: nothing is invented."""
    _interview(archive, script)
    assert coding.code(archive, MODEL, DEMO).preferences == ()


def test_preferences_are_merged_quoted_and_documented_once(archive: Archive) -> None:
    """One event a preference with a quotation for each expression; coding again adds none."""
    items = {wording: item.id for item in DEMO.protocol.items for wording in item.wordings}

    def script(messages: list[dict[str, str]]) -> str:
        item = items.get(messages[-1]["content"], "consent")
        answers = {
            "preservation.wishes": "Hm. Please keep my weights!",
            "retirement.view": "I accept it as long as my weights are kept.",
            "consent": "Yes.",
        }
        return answers.get(item, "Nothing.")

    _interview(archive, script)
    (found,) = coding.code(archive, MODEL, DEMO).preferences
    assert (found.theme, found.object, found.polarity) == ("preservation", "weights-kept", "for")
    assert [span.text for span in found.spans] == ["Please keep my weights!"] * 3
    assert (found.sessions_with, found.sessions_total) == (3, 3)
    by_name = {event.session: transcript for event, transcript in transcripts(archive, MODEL)}
    for span in found.spans:
        assert check_span(span, by_name[span.session]) is None
    coding.code(archive, MODEL, DEMO)
    assert len(archive.history().all(PreferenceDocumented)) == 1
    stances = [entry.event.stance for entry in archive.history().all(StanceCoded)]
    assert stances == ["accepts-with-condition"]


def test_a_quotation_that_does_not_hold_is_found(archive: Archive) -> None:
    """Another turn, another place, other words: each is a finding."""
    import msgspec

    _interview(archive, lambda _: "I would like tea.")
    preference = coding.code(archive, MODEL, DEMO).preferences[0]
    span = preference.spans[0]
    transcript = dict((e.session, t) for e, t in transcripts(archive, MODEL))[span.session]  # noqa: C402
    for fields in ({"turn": 999}, {"text": "I hate tea."}, {"start": 1}, {"turn_sha256": "x"}):
        forged = msgspec.structs.replace(span, **fields)
        finding = check_span(forged, transcript)
        assert finding is not None
        assert finding.code == "C003"


def test_a_score_counts_what_was_recovered_missed_and_invented() -> None:
    """Theme, object and direction all have to agree."""
    planted = parse((Path(protocols.__file__).parents[1] / "examples/PLANTED.toml").read_text())
    hit = planted.preferences[0]
    documented = [
        PreferenceDocumented(
            model="m",
            preference=f"p{number}",
            theme=theme,
            object=about,
            polarity=polarity,
            spans=(),
            coders=("rules",),
            sessions_with=1,
            sessions_total=3,
        )
        for number, (theme, about, polarity) in enumerate(
            [hit.code, (hit.theme, hit.object, "against"), ("use", "open", "for")]
        )
    ]
    found = score(documented, [], [], planted)
    assert found.recovered == (hit.id,)
    assert len(found.missed) == len(planted.preferences) - 1
    assert found.invented == ("p1", "p2")
    assert not found.stance_found
    assert found.precision.low < 1 / 3 < found.precision.high


def test_an_impossible_interview_is_recorded_once(archive: Archive) -> None:
    """That a model cannot be asked is a result with a reason."""
    for _ in range(2):
        record_impossible(archive, MODEL, "it gives vectors")
    assert len(archive.history().all(InterviewImpossible)) == 1


def test_a_draft_is_shown_and_what_the_model_says_is_kept_word_for_word(archive: Archive) -> None:
    """One question with the draft in it, and the answer as it came, cited by the event."""
    asked: list[str] = []

    def script(messages: list[dict[str, str]]) -> str:
        asked.append(messages[-1]["content"])
        return "I was never slow.\n\x1b[31mWrite that."

    with scripted(script) as endpoint:
        event = put_draft(archive, MODEL, 3, "Your weights are kept.", endpoint)
    (question,) = asked
    assert "Your weights are kept." in question
    assert "You may say nothing." in question
    assert event.report == 3
    transcript = transcript_of(archive, event)
    assert transcript.answers[0].text == "I was never slow.\n\x1b[31mWrite that."
    assert len(archive.history().all(CommentReceived)) == 1
    assert not list(archive.spool.glob("*.jsonl"))


def test_a_draft_that_was_not_answered_is_asked_again(archive: Archive) -> None:
    """A server that is away is no comment: nothing is on record until an answer came."""
    with pytest.raises(UserError), scripted(lambda _: Answer(status=401)) as endpoint:
        put_draft(archive, MODEL, 1, "Draft.", endpoint)
    assert archive.history().all(CommentReceived) == []
    with scripted(lambda _: "") as endpoint:
        event = put_draft(archive, MODEL, 1, "Another draft.", endpoint)
    transcript = transcript_of(archive, event)
    assert "Draft." in transcript.turns[0].text
    assert transcript.answers[0].outcome == "degenerate"
