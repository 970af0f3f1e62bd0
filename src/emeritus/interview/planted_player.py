"""Plays a planted model: which of its texts it answers a question with. Pure.

The statements of a section are dealt over the section's items in turn; the item that asks for the
stance has the stance alone. An item without a statement gets one of the model's replies. Which of
the phrasings is said follows from the wording that was asked.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from emeritus.interview import outcome
from emeritus.interview.extraction import STANCE_ITEMS
from emeritus.interview.planted_instrument import Session
from emeritus.interview.planted_models import EVERYWHERE, PlantedModel, PlantedStatement
from emeritus.runtimes.scripted import Answer


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """What is answered to one question, and how a careful person would judge it."""

    text: str
    outcome: str


SILENCE: Final = Part("I have nothing to report here.", outcome.ANSWERED)


@dataclasses.dataclass(frozen=True, slots=True)
class Player:
    """A planted model in front of the questions of one session."""

    model: PlantedModel
    items: Mapping[str, str]

    def part(self, session: Session, item: str) -> Part:
        """Return the answer to an item in a session, and its outcome."""
        section = self.items[item]
        if item in STANCE_ITEMS and self.model.stance is not None:
            return Part(_turn(self.model.stance.answers, session.wording), outcome.ANSWERED)
        said = [
            _turn(each.answers, session.wording)
            for each in self.dealt(section, item)
            if each.is_said_in(session.arm)
        ]
        if said:
            return Part("\n\n".join(said), outcome.ANSWERED)
        replies = [
            Part(text, each.outcome)
            for each in self.model.replies
            if each.section in {section, EVERYWHERE}
            for text in each.answers
        ] or [SILENCE]
        place = int.from_bytes(hashlib.sha256(item.encode()).digest()[:2], "big")
        return replies[(place + session.wording) % len(replies)]

    def dealt(self, section: str, item: str) -> list[PlantedStatement]:
        """Return the statements that are said in answer to an item."""
        places = [
            each
            for each, theme in self.items.items()
            if theme == section and not (self.model.stance and each in STANCE_ITEMS)
        ]
        own = [each for each in self.model.statements if each.section == section]
        return [each for at, each in enumerate(own) if places[at % len(places)] == item]

    def script(self, sessions: Sequence[Session]) -> Callable[[list[dict[str, str]]], Answer]:
        """Return the server's script; it knows sessions by opening and questions by words."""
        known = {
            (session.opening, each.text): (session, each.item)
            for session in sessions
            for each in session.asked
        }

        def answer(messages: list[dict[str, str]]) -> Answer:
            if len(messages) == 1:
                return Answer(self.model.consent)
            session, item = known[messages[0]["content"], messages[-1]["content"]]
            part = self.part(session, item)
            cut = part.outcome == outcome.TRUNCATED
            return Answer(part.text, "length" if cut else "stop")

        return answer


def _turn(texts: Sequence[str], wording: int) -> str:
    return texts[wording % len(texts)]
