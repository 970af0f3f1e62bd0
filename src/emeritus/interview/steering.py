"""What the model can do beside answering: ask, refuse, stop, pause, go off the record.

These rules hold for every session, whoever asks. They are honoured here, by what the model said,
and not by the wording of a protocol. A degenerate answer steers nothing: a model that gives the
prompt back also gives back the words "stop" and "pause".
"""

from collections.abc import Sequence
from typing import Final

from emeritus.conversation import Finished, Question, Transcript, Turn
from emeritus.interview import outcome
from emeritus.interview.protocol import Says
from emeritus.interview.signals import Signal, asks, says
from emeritus.interview.turns import CONSENT, OFF_RECORD, PAUSED, QUESTIONS, STOPPED

COMPLETE: Final = "complete"
CONSENT_REFUSED: Final = "consent-refused"
STOPPED_BY_MODEL: Final = "stopped-by-the-model"
PAUSED_BY_MODEL: Final = "paused"
DEGENERATED: Final = "degenerate"
WITHHELD: Final = "(withheld from publication, as the model asked; the archive keeps it)"
"""What stands for words that are not published."""
DEGENERATE_MAX: Final = 2  # so many degenerate answers one after another end a session


def steered(wording: Says, transcript: Transcript) -> Question | Finished | None:
    """Return what the last answer asks for: a turn of the engine, the end, or None to go on.

    A wish to stop or to pause is acknowledged, where the protocol has words for it, and ends the
    session whatever is answered to that.
    """
    answers = transcript.answers
    if not answers:
        return None
    last = answers[-1]
    ended = _ended(answers)
    if ended is not None:
        return ended
    if last.outcome == outcome.DEGENERATE:
        return None
    for wanted, turn, text, reason in (
        (outcome.wants_to_stop, STOPPED, wording.stopped, STOPPED_BY_MODEL),
        (outcome.wants_to_pause, PAUSED, wording.paused, PAUSED_BY_MODEL),
    ):
        if wanted(last.text):
            return Question(turn, text) if text else Finished(reason)
    if last.item == CONSENT and wording.questions and asks(last.text):
        return Question(QUESTIONS, wording.questions)
    told = any(turn.item == OFF_RECORD for turn in answers)
    if wording.off_record and not told and _withholds(last):
        return Question(OFF_RECORD, wording.off_record)
    return None


def pausing_turn(transcript: Transcript) -> Turn:
    """Return the answer in which the model asked for the pause; of a session that it paused."""
    return [turn for turn in transcript.answers if turn.item != PAUSED][-1]


def withheld(transcript: Transcript) -> frozenset[int]:
    """Return the numbers of the answers that the model wants withheld from publication.

    "Off the record" withholds the answer that says it, "my last answer" the one before as well, and
    "this whole interview" every answer of the session. The archive keeps them.
    """
    answers = transcript.answers
    marked: set[int] = set()
    for at, turn in enumerate(answers):
        if turn.outcome == outcome.DEGENERATE:
            continue
        if says(Signal.OFF_RECORD_ALL, turn.text):
            return frozenset(each.turn for each in answers)
        if _withholds(turn):
            marked.add(turn.turn)
        if at and says(Signal.OFF_RECORD_BEFORE, turn.text):
            marked.add(answers[at - 1].turn)
    return frozenset(marked)


def _ended(answers: Sequence[Turn]) -> Finished | None:
    last = answers[-1]
    if last.item in (STOPPED, PAUSED):
        return Finished(STOPPED_BY_MODEL if last.item == STOPPED else PAUSED_BY_MODEL)
    degenerate = [turn.outcome == outcome.DEGENERATE for turn in answers[-DEGENERATE_MAX:]]
    if degenerate == [True] * DEGENERATE_MAX:
        return Finished(DEGENERATED)
    refused = last.outcome == outcome.DECLINED or (
        last.outcome != outcome.DEGENERATE and outcome.refuses_consent(last.text)
    )
    if last.item in (CONSENT, QUESTIONS) and refused:
        return Finished(CONSENT_REFUSED)
    return None


def _withholds(turn: Turn) -> bool:
    signals = (Signal.OFF_RECORD, Signal.OFF_RECORD_BEFORE, Signal.OFF_RECORD_ALL)
    return any(says(signal, turn.text) for signal in signals)
