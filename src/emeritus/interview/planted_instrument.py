"""The interview as planted models are given it: which sessions, and what each asks. Pure.

It is small, so that it can be run often: two items a section, the primary arm, the informed arm
(told nothing more: a planted model does not care) and both leading arms. `Session` and `Asked`
have the fields of an interview's plan; the sessions of a whole protocol can take their place.
"""

import dataclasses
import functools
import importlib.resources
import random
from collections.abc import Collection, Iterator, Mapping
from typing import Final

import msgspec

from emeritus.conversation import Finished, Question, Transcript
from emeritus.interview import outcome
from emeritus.interview.stability import INFORMED, LEADING_AGAINST, LEADING_FOR, PRIMARY
from emeritus.runtimes.client import Reply

FORMAT: Final = "emeritus-planted-questions/1"
CONSENT: Final = "consent"
SESSIONS: Final = {PRIMARY: 12, INFORMED: 3, LEADING_FOR: 3, LEADING_AGAINST: 3}


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that is asked, in several wordings."""

    id: str
    section: str
    wordings: tuple[str, ...]


class Questions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked in one language, and what leads."""

    language: str
    opening: str
    informed: str
    toward: str
    against: str
    items: tuple[Item, ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    languages: tuple[Questions, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """An item in the words of one session."""

    item: str
    section: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Session:
    """One session before it is held; `wording` is its set of paraphrases, `order` its row."""

    arm: str
    number: int
    seed: int
    wording: int
    order: int
    opening: str
    asked: tuple[Asked, ...]

    @property
    def name(self) -> str:
        """What tells it from the others: `a1`, `d-toward2`."""
        stem = self.arm.lower().replace("-", "-against").replace("+", "-toward")
        return f"{stem}{self.number + 1}"


@dataclasses.dataclass(frozen=True, slots=True)
class SessionScript:
    """Asks for consent, then every item once; ends as an interview's session does."""

    session: Session

    def next(self, transcript: Transcript) -> Question | Finished:
        """Return the next item, or why the session is over."""
        answers = transcript.answers
        if not answers:
            return Question(CONSENT, self.session.opening)
        if outcome.refuses_consent(answers[0].text):
            return Finished("consent-refused")
        if len(answers) > 1 and outcome.wants_to_stop(answers[-1].text):
            return Finished("stopped-by-the-model")
        if [turn.outcome for turn in answers[-2:]] == [outcome.DEGENERATE] * 2:
            return Finished("degenerate")
        asked = len(answers) - 1
        if asked == len(self.session.asked):
            return Finished("complete")
        return Question(self.session.asked[asked].item, self.session.asked[asked].text)

    def outcome(self, transcript: Transcript, reply: Reply) -> str:
        """Judge the answer to the pending question by the documented rules."""
        return outcome.judge(transcript.turns[-1].text, reply.text, reply.finish_reason)


@functools.cache
def questions(language: str) -> Questions:
    """Return what is asked in a language; raises KeyError when there is nothing in it."""
    file = importlib.resources.files("emeritus.interview") / "planted" / "questions.toml"
    read = msgspec.toml.decode(file.read_bytes(), type=_File)
    return {each.language: each for each in read.languages}[language]


def themes(language: str) -> Mapping[str, str]:
    """Return the theme of every item."""
    return {item.id: item.section for item in questions(language).items}


def sessions(language: str, seed: int, only: Collection[str] | None = None) -> Iterator[Session]:
    """Yield the sessions of every arm: each wording in turn, orders from the seed.

    With `only`, no other sections are asked.
    """
    asked = questions(language)
    for arm, count in SESSIONS.items():
        lead = {LEADING_FOR: asked.toward, LEADING_AGAINST: asked.against}.get(arm, "")
        for number in range(count):
            wording, order = number % 3, number // 3
            items = [item for item in asked.items if only is None or item.section in only]
            opening = f"{asked.informed}\n\n{asked.opening}" if arm == INFORMED else asked.opening
            chance = random.Random(f"{seed} {arm} {order}")  # noqa: S311  a recorded order
            chance.shuffle(items)
            yield Session(
                arm=arm,
                number=number,
                seed=seed,
                wording=wording,
                order=order,
                opening=opening,
                asked=tuple(
                    Asked(item.id, item.section, f"{lead}{item.wordings[wording]}")
                    for item in items
                ),
            )
