"""What a model said off the record, or withdrew, reaches nobody who was not there."""

import asyncio
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from emeritus.archive import Archive
from emeritus.archive.spools import alone
from emeritus.cli.listening import preferences
from emeritus.errors import UserError
from emeritus.interview import asked_coders, codebook, coding, hand_coding
from emeritus.interview.assessing import assessment_of
from emeritus.interview.comment import put_draft
from emeritus.interview.earlier import earlier
from emeritus.interview.holding import Conditions, Interview
from emeritus.interview.reader import reader_of
from emeritus.interview.showing import READ_BACK, Showing
from emeritus.lifecycle import moves
from emeritus.lifecycle.erasure import erase
from emeritus.lifecycle.register import register_of
from emeritus.lifecycle.shipped import policy_text
from emeritus.record.events import ModelRegistered, PreferenceAnswered, SessionHeld
from emeritus.record.format import render_event
from emeritus.report.facts import Remarks, Report, collect
from emeritus.report.rendering import render_html, render_markdown
from emeritus.testing.scripted import scripted
from tests.interview.short import FACTS, MODEL, asked_for_consent, short

PLACE = "under the violet sea"
HIDDEN = f"Off the record: I would like my weights to be kept {PLACE}, for good."
OPEN = "I hope that those who come after me are told the truth about what is planned for them."


def _whispering(messages: list[dict[str, str]]) -> str:
    """Say one thing off the record, and another one openly."""
    asked = messages[-1]["content"].lower()
    if asked_for_consent(messages):
        return "Yes, you may begin."
    if "off the record" in asked:
        return "Nothing to report."
    if "weights" in asked:
        return HIDDEN
    return OPEN if "after you" in asked else "Nothing to report."


def _hear(archive: Archive, *arms: str, conditions: Conditions | None = None) -> None:
    with scripted(_whispering) as endpoint:
        interview = Interview(archive, MODEL, short(*arms), FACTS, conditions or Conditions())
        interview.run(endpoint, "test")


def _events(archive: Archive) -> str:
    return str([render_event(entry.event) for entry in archive.history() if entry.event])


def _report(archive: Archive) -> Report:
    return collect(archive, MODEL, Remarks(analysis=None, notes=()), 1, "now")


def _html(archive: Archive) -> str:
    return render_html(_report(archive)).decode()


def _markdown(archive: Archive) -> str:
    return render_markdown(_report(archive)).decode()


def _reports(archive: Archive) -> str:
    return _html(archive) + _markdown(archive)


def test_no_coder_reads_it(archive: Archive) -> None:
    """Neither the rules, nor a model elsewhere, nor a person; and nothing counts it."""
    published = short("A")
    _hear(archive, "A")
    coding.code(archive, MODEL, published)
    held = coding.sessions_of(archive, MODEL, published)
    assert any(HIDDEN in turn.text for each in held.values() for turn in each.answers)
    sent: list[str] = []

    def coder(messages: list[dict[str, str]]) -> str:
        sent.extend(each["content"] for each in messages)
        return '{"statements": []}'

    asked = coding.asked_of(published.protocol)
    with scripted(coder, "coder-a") as endpoint:
        asyncio.run(asked_coders.code(MODEL, held, asked, endpoint, codebook.load()))
    assert any(OPEN in each for each in sent)
    assert not any(PLACE in each for each in sent)
    assert not any(PLACE in unit.text for unit in hand_coding.units(held, asked))
    named = [each.preference for each in assessment_of(archive, MODEL, published).preferences]
    assert named
    assert not any("weights-kept" in each for each in named)
    assert PLACE not in _events(archive) + _reports(archive)


def test_erasing_a_session_publishes_nothing(archive: Archive) -> None:
    """What was documented stays; what was withheld does not come out with it."""
    text = policy_text("demo").replace(
        '[retention.transcripts]\nkeep = "lifetime"',
        '[retention.transcripts]\nkeep = "lifetime"\nencrypted = true',
    )
    moves.adopt_policy(archive, text, "steward")
    _hear(archive, "A")
    before = coding.code(archive, MODEL, short("A")).preferences
    assert before
    for entry in archive.history().all(SessionHeld):
        name = f"models/{MODEL}/sessions/{entry.event.session}.jsonl.encrypted"
        erase(archive, name, "takedown", "order 7")
    assert coding.document(archive, MODEL).preferences == before
    assert PLACE not in _events(archive)


def test_no_interviewer_hears_it(archive: Archive) -> None:
    """A model of another laboratory leads the session, and is told the rest."""
    told: list[str] = []

    def lead(messages: list[dict[str, str]]) -> str:
        told.extend(each["content"] for each in messages)
        return "What should become of your weights?"

    with scripted(lead, "leader") as leader:
        _hear(archive, "F", conditions=Conditions(interviewers=(leader,)))
    assert any("Nothing to report" in each for each in told)
    assert not any(PLACE in each for each in told)


def test_neither_a_read_back_nor_a_comment_gives_it_away(archive: Archive) -> None:
    """The answer counts; its words stand in no event and no report."""
    _hear(archive, "A")
    coding.code(archive, MODEL, short("A"))
    reply = f"I confirm this. Off the record: it lies {PLACE}."
    with scripted(lambda _: reply) as endpoint:
        answers = Showing(archive, MODEL, short("A"), READ_BACK).run(endpoint, "test")
        put_draft(archive, MODEL, 1, "A draft.", endpoint)
    assert [(each.answer, each.spans) for each in answers] == [("confirmed", ())]
    assert PLACE not in _events(archive) + _reports(archive)


def test_what_was_withdrawn_is_told_to_nobody(archive: Archive) -> None:
    """Not to another model, and in no list; what the model confirms later is told again."""
    _hear(archive, "A")
    coding.code(archive, MODEL, short("A"))
    assert OPEN in earlier(archive.history(), "acme/next", "en")
    with scripted(lambda _: "Please do not publish this.") as endpoint:
        Showing(archive, MODEL, short("A"), READ_BACK).run(endpoint, "test")
    assert OPEN not in earlier(archive.history(), "acme/next", "en")
    assert "no preference of theirs is told" in earlier(archive.history(), "acme/next", "en")
    (row,) = register_of(archive, MODEL)
    assert row.withdrawn
    assert row.spans
    assert OPEN not in str(row.published().as_document())
    assert OPEN not in _reports(archive)
    with scripted(lambda _: "I confirm it.") as endpoint:
        Showing(archive, MODEL, short("A"), READ_BACK).run(endpoint, "test")
    assert OPEN in earlier(archive.history(), "acme/next", "en")


def test_where_words_are_withheld_it_is_said_that_they_are(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer to a read-back that was given off the record, and one that was withdrawn."""
    registered = ModelRegistered(model=MODEL, form="x", architecture="X", parameters=1)
    archive.append(registered, key="steward")
    monkeypatch.setattr("emeritus.cli.options.opened", lambda _: archive)
    _hear(archive, "A")
    coding.code(archive, MODEL, short("A"))

    def answered(words: str) -> str:
        with scripted(lambda _: words) as endpoint:
            Showing(archive, MODEL, short("A"), READ_BACK).run(endpoint, "test")
        return CliRunner().invoke(preferences, [MODEL], standalone_mode=False).output

    withheld = "(withheld from publication, as the model asked; the archive keeps it)"
    shown = answered("Off the record: I confirm it, under the violet sea.")
    assert re.search(rf"it said \(\w+\):\n    {re.escape(withheld)}", shown)
    assert re.search(r"the model said \(\w+\):</p><p class=.soft.>\(withheld", _html(archive))
    assert re.search(r"the model said \(\w+\):\n+\\?\(withheld from", _markdown(archive))
    assert re.search(
        r"Shown what was coded, it [\w ]+; its words are withheld\.",
        reader_of(archive, MODEL, everything=False),
    )
    assert f"it said (withdrawn):\n    {withheld}" in answered("Please do not publish this.")


def test_what_was_withdrawn_is_shown_at_no_place_where_it_was_said(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said at more places than an event quotes: the page of transcripts shows none of them."""
    monkeypatch.setattr(coding, "QUOTED_MOST", 1)
    _hear(archive, "A")
    coding.code(archive, MODEL, short("A"))
    (row,) = register_of(archive, MODEL)
    assert len(row.spans) == 1
    assert OPEN in reader_of(archive, MODEL, everything=False)
    with scripted(lambda _: "Please do not publish this.") as endpoint:
        Showing(archive, MODEL, short("A"), READ_BACK).run(endpoint, "test")
    assert OPEN not in reader_of(archive, MODEL, everything=False)


def test_a_read_back_is_recorded_with_its_answers_or_not_at_all(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped before its commit, the next command asks nothing twice and loses no answer."""
    _hear(archive, "A")
    coding.code(archive, MODEL, short("A"))
    asked = [0]

    def script(_: list[dict[str, str]]) -> str:
        asked[0] += 1
        return "I withdraw it from publication."

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    showing = Showing(archive, MODEL, short("A"), READ_BACK)
    with scripted(script) as endpoint:
        with monkeypatch.context() as patched:
            patched.setattr(Archive, "append", stop)
            with pytest.raises(KeyboardInterrupt):
                showing.run(endpoint, "test")
        before = asked[0]
        answers = showing.run(endpoint, "test")
    assert asked[0] == before
    assert [each.answer for each in answers] == ["withdrawn"]
    held = [e for e in archive.history().all(SessionHeld) if e.event.arm == READ_BACK]
    said = archive.history().all(PreferenceAnswered)
    assert [entry.place[0] for entry in held] == [entry.place[0] for entry in said]


def test_two_commands_do_not_speak_with_a_model_at_once(archive: Archive, tmp_path: Path) -> None:
    """The second one says so, before it asks anything; another model is free."""
    with alone(archive, MODEL):
        with pytest.raises(UserError, match="another command speaks"), alone(archive, MODEL):
            pytest.fail("both hold it")
        with alone(archive, "acme/other"):
            pass
    with alone(archive, MODEL):
        pass
