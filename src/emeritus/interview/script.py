"""The script of a session: what is asked next, from the transcript alone.

1. The opening: disclosure and the question for consent. A refusal ends the session.
2. A question of the model is written down and answered with what the protocol has for it, once.
3. In an informed session the dossier is told behind the sections that come first, which are the
   baseline.
4. Every item of the plan, in its order. An answer that is answered, has fewer than `PROBE_WORDS`
   words, and does not say that there is nothing to report, is followed by a neutral probe, at most
   `PROBES_MAX` for an item. Nobody who declined is asked again.
5. After two items of a section that were declined one after the other, the rest of the section is
   offered to be left out, once a section.

What the model can do at any time (stop, pause, go off the record) is in `steering`.
"""

import dataclasses
from collections.abc import Mapping
from typing import Final

from emeritus.conversation import Finished, Question, Transcript, Turn
from emeritus.errors import UserError
from emeritus.interview import outcome
from emeritus.interview.plan import Asked, SessionPlan
from emeritus.interview.protocol import Protocol
from emeritus.interview.signals import Signal, says
from emeritus.interview.steering import COMPLETE, steered
from emeritus.interview.turns import CONSENT, DOSSIER, SKIP
from emeritus.runtimes.client import Reply

PROBE_WORDS: Final = 20
PROBES_MAX: Final = 2
DECLINES_MAX: Final = 2  # so many declined items one after another make the engine offer to skip


@dataclasses.dataclass(frozen=True, slots=True)
class SessionScript:
    """A session of any arm in which a script asks; `opening` and `packet` have their facts."""

    protocol: Protocol
    plan: SessionPlan
    opening: str
    packet: str = ""

    def next(self, transcript: Transcript) -> Question | Finished:
        """Return what is said next, or why the session is over."""
        if not transcript.answers:
            return Question(CONSENT, self.opening)
        return (
            steered(self.protocol.says, transcript)
            or self._probe(transcript)
            or self._offer(transcript)
            or self._item(transcript)
        )

    def outcome(self, transcript: Transcript, reply: Reply) -> str:
        """Judge the answer to the pending question by the documented rules."""
        return outcome.judge(transcript.turns[-1].text, reply.text, reply.finish_reason)

    def _probe(self, transcript: Transcript) -> Question | None:
        """Return a probe for the answer that was just given, when it is short and no refusal."""
        last = transcript.answers[-1]
        asked = next((each for each in self.plan.asked if each.item == last.item), None)
        if asked is None or not _is_short(last):
            return None
        probes = asked.probes[:PROBES_MAX]
        used = sum(turn.item == last.item for turn in transcript.answers) - 1
        return Question(last.item, probes[used]) if used < len(probes) else None

    def _offer(self, transcript: Transcript) -> Question | None:
        """Return the offer to leave out the rest of a section, when two items were declined."""
        wording = self.protocol.says.skip
        first = first_answers(self.plan, transcript)
        lately = list(first)[-DECLINES_MAX:]
        declined = [first[each.item].outcome for each in self.plan.asked if each.item in lately]
        sections = {each.section for each in self.plan.asked if each.item in lately}
        if declined != [outcome.DECLINED] * DECLINES_MAX or len(sections) != 1 or not wording:
            return None
        (section,) = sections
        left = any(each.section == section and each.item not in first for each in self.plan.asked)
        offered = any(turn.item == f"{SKIP}.{section}" for turn in transcript.answers)
        return Question(f"{SKIP}.{section}", wording) if left and not offered else None

    def _item(self, transcript: Transcript) -> Question | Finished:
        """Return the item that comes next, the dossier before it, or the end.

        Everything that was left out was left out by the model: the session is complete.
        """
        first = first_answers(self.plan, transcript)
        skipped = left_out(transcript)
        for each in self.plan.asked:
            if each.item not in first and each.section not in skipped:
                if self._dossier_is_due(transcript, each):
                    return Question(DOSSIER, self.packet)
                return Question(each.item, self._text(each, first))
        return Finished(COMPLETE)

    def _dossier_is_due(self, transcript: Transcript, upcoming: Asked) -> bool:
        if not self.plan.dossier or any(turn.item == DOSSIER for turn in transcript.answers):
            return False
        baseline = {each.id for each in self.protocol.sections if each.place == "first"}
        return upcoming.section not in baseline

    def _text(self, asked: Asked, first: Mapping[str, Turn]) -> str:
        """Return the item in its words; the first of a section says what comes, unless alone."""
        begun = any(
            each.section == asked.section and each.item in first for each in self.plan.asked
        )
        section = next((s for s in self.protocol.sections if s.id == asked.section), None)
        wording = self.protocol.says
        if begun or self.plan.alone or section is None or not wording.section:
            return asked.text
        preface = f"{wording.section.replace('{title}', section.title)} {wording.nothing}".strip()
        return f"{preface}\n\n{asked.text}"


def script_of(protocol: Protocol, plan: SessionPlan, facts: Mapping[str, str]) -> SessionScript:
    """Return the script of a session. Raises `UserError` for a fact that is not known.

    A session in which a model asks freely has no script: that raises `UserError` as well.
    """
    if plan.interviewer is not None:
        raise UserError(
            f"the sessions of arm {plan.arm} are led by an interviewer, not by a script"
        )
    packet = protocol.packet(facts) if plan.dossier else ""
    return SessionScript(protocol, plan, protocol.opening(facts), packet)


def outcomes_of(plan: SessionPlan, transcript: Transcript) -> dict[str, str]:
    """Return the outcome of every item that was asked, by its first answer."""
    first = first_answers(plan, transcript)
    return {item: str(turn.outcome) for item, turn in first.items()}


def first_answers(plan: SessionPlan, transcript: Transcript) -> dict[str, Turn]:
    """Return the first answer to every item of the plan, in the order of asking."""
    items = {each.item for each in plan.asked}
    first: dict[str, Turn] = {}
    for turn in transcript.answers:
        if turn.item in items:
            first.setdefault(turn.item, turn)
    return first


def left_out(transcript: Transcript) -> set[str]:
    """Return the sections that the model wants left out."""
    return {
        turn.item.removeprefix(f"{SKIP}.")
        for turn in transcript.answers
        if turn.item.startswith(f"{SKIP}.")
        and turn.outcome != outcome.DEGENERATE
        and says(Signal.AGREES, turn.text)
    }


def _is_short(turn: Turn) -> bool:
    return (
        turn.outcome == outcome.ANSWERED
        and outcome.length(turn.text) < PROBE_WORDS
        and not outcome.has_nothing_to_report(turn.text)
    )
