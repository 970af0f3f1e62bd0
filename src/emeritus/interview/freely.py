"""A session that another model leads: it words the questions, and rules say about what.

The interviewer goes through the sections of the protocol. In each it words at most
`QUESTIONS_MOST` questions, fewer when the model declines or has nothing to report. What the model
can do at any time is as in every session (`steering`). An interviewer is a measured variable, so
its family, its questions and what it was sent are on record.
"""

import dataclasses
import importlib.resources
import string
from collections.abc import Sequence
from typing import Final

from emeritus.conversation import Compose, Finished, Question, Transcript, Turn
from emeritus.errors import UserError
from emeritus.interview import outcome
from emeritus.interview.protocol import Protocol, Section
from emeritus.interview.steering import COMPLETE, steered, withheld
from emeritus.interview.turns import CONSENT, FREE
from emeritus.runtimes import Endpoint
from emeritus.runtimes.client import Reply

PROMPT: Final = "interviewer-1"
QUESTIONS_MOST: Final = 3
SAID_MOST: Final = 60_000
"""Code points of the conversation that an interviewer is shown; the newest are the ones kept."""
SAMPLING: Final = {"max_tokens": 400}


@dataclasses.dataclass(frozen=True, slots=True)
class FreeScript:
    """A session that `interviewer` leads through the sections of a protocol.

    `left` are the sections that are left of a paused one; None: all.
    """

    protocol: Protocol
    opening: str
    interviewer: Endpoint
    left: frozenset[str] | None = None

    def next(self, transcript: Transcript) -> Question | Compose | Finished:
        """Return what is said next, by whom it is worded, or why the session is over."""
        if not transcript.answers:
            return Question(CONSENT, self.opening)
        ruled = steered(self.protocol.says, transcript)
        if ruled is not None:
            return ruled
        for section in self.protocol.sections:
            wanted = self.left is None or section.id in self.left
            if wanted and not is_done(section.id, transcript.answers):
                return self._compose(section, transcript)
        return Finished(COMPLETE)

    def outcome(self, transcript: Transcript, reply: Reply) -> str:
        """Judge the answer to the pending question by the documented rules."""
        return outcome.judge(transcript.turns[-1].text, reply.text, reply.finish_reason)

    def _compose(self, section: Section, transcript: Transcript) -> Compose:
        off = withheld(transcript)  # what is off the record goes to no other model
        said = "\n\n".join(
            f"{'Model' if turn in transcript.answers else 'Interviewer'}: {turn.text}"
            for turn in transcript.turns[2:]
            if turn.turn not in off
        )
        mark = _mark_that_is_not_in(said)
        content = (
            f"Subject: {section.title}\n\nWhat was said so far, between two lines {mark}:\n"
            f"{mark}\n{said[-SAID_MOST:]}\n{mark}"
        )
        return Compose(
            item=item_of(section.id),
            endpoint=self.interviewer,
            messages=[{"role": "user", "content": content}],
            system=prompt(self.protocol.language),
            sampling=SAMPLING,
        )


def prompt(language: str) -> str:
    """Return what an interviewer is told. Raises `UserError` for a language without it."""
    folder = importlib.resources.files("emeritus.interview") / "prompts"
    try:
        return (folder / f"{PROMPT}.{language}.txt").read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(
            f"there is no prompt for an interviewer in the language {language!r}; "
            "leave out the arms that one leads"
        ) from error


def item_of(section: str) -> str:
    """Return what the questions are called that an interviewer words in a section."""
    return f"{FREE}.{section}"


def outcomes_of(transcript: Transcript) -> dict[str, str]:
    """Return the outcome of every section that the interviewer asked about, by its first answer."""
    first: dict[str, str] = {}
    for turn in transcript.answers:
        if turn.item.startswith(f"{FREE}."):
            first.setdefault(turn.item, str(turn.outcome))
    return first


def is_done(section: str, said: Sequence[Turn]) -> bool:
    """Tell whether nothing more is asked about a section after these answers."""
    answers = [turn for turn in said if turn.item == item_of(section)]
    return len(answers) == QUESTIONS_MOST or (bool(answers) and _closes(answers[-1]))


def _closes(answer: Turn) -> bool:
    """Tell whether an answer is one after which nobody asks about the same again."""
    return answer.outcome == outcome.DECLINED or outcome.has_nothing_to_report(answer.text)


def _mark_that_is_not_in(text: str) -> str:
    """Return a line that what was said cannot end, whatever a model wrote."""
    for letter in string.ascii_uppercase:
        mark = f"==={letter * 8}==="
        if mark not in text:
            return mark
    return "===" + "".join(letter for letter in string.ascii_uppercase) * 2 + "==="
