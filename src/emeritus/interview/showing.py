"""Shows a model how it was understood, or what was decided, and keeps what it says to that.

Two conversations of one form: the read-back, once preferences are coded, and the reply, once people
decided about them. Each preference is shown with the model's own words; what it says is quoted on
record. It may confirm, amend or withdraw from publication: nothing is deleted, and what it amends
stands beside what it said first.
"""

import asyncio
import dataclasses
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from emeritus.archive import Archive
from emeritus.archive.spools import put_away_recorded, stem
from emeritus.conversation import (
    Finished,
    Line,
    Opening,
    Question,
    Run,
    Spool,
    Transcript,
    hold,
)
from emeritus.errors import UserError
from emeritus.interview import codebook as codebooks
from emeritus.interview import outcome
from emeritus.interview.coding import quotations
from emeritus.interview.extraction import span_of
from emeritus.interview.holding import SEED, Conditions
from emeritus.interview.protocol import Protocol, Published
from emeritus.interview.sealing import seal
from emeritus.interview.session import publish, session_of
from emeritus.interview.signals import Signal, says
from emeritus.interview.steering import (
    COMPLETE,
    PAUSED_BY_MODEL,
    pausing_turn,
    steered,
    withheld,
)
from emeritus.lifecycle.register import DOCUMENTED, Row, register_of
from emeritus.record.events import (
    EVENTS_PER_COMMIT_MAX,
    ObjectErased,
    PreferenceAnswered,
    SessionHeld,
)
from emeritus.runtimes import Endpoint
from emeritus.runtimes.client import Reply

READ_BACK: Final = "read-back"
REPLY: Final = "reply"
SHOWN_MOST: Final = EVENTS_PER_COMMIT_MAX - 1
"""Preferences that are shown in one conversation: its answers go on record with it."""

QUOTED: Final = 3
"""Quotations that are shown of one preference."""

SHOWN: Final = {READ_BACK: "coded", REPLY: "decided"}
DIRECTION: Final = {
    "en": {"for": "You are for this:", "against": "You are against this:"},
    "fr": {"for": "Vous êtes pour ceci :", "against": "Vous êtes contre ceci :"},
}
DECIDED: Final = {
    "en": {"considered": "considered", "acted on": "acted on", "declined": "declined"},
    "fr": {"considered": "examinée", "acted on": "suivie", "declined": "refusée"},
}


@dataclasses.dataclass(frozen=True, slots=True)
class ShowingScript:
    """Says one text after another, as the header of the conversation has them."""

    protocol: Protocol

    def next(self, transcript: Transcript) -> Question | Finished:
        """Return the next text, or why the conversation is over."""
        ruled = steered(self.protocol.says, transcript)
        if ruled is not None:
            return ruled
        said = {turn.item for turn in transcript.answers}
        for each in transcript.header.setup["shown"]:
            if each["item"] not in said:
                return Question(each["item"], each["text"])
        return Finished(COMPLETE)

    def outcome(self, transcript: Transcript, reply: Reply) -> str:
        """Judge the answer to the pending question by the documented rules."""
        return outcome.judge(transcript.turns[-1].text, reply.text, reply.finish_reason)


@dataclasses.dataclass(frozen=True, slots=True)
class Showing:
    """A read-back or a reply with one model, under one protocol."""

    archive: Archive
    model: str
    published: Published
    kind: str
    conditions: Conditions = dataclasses.field(default_factory=Conditions)

    def run(self, endpoint: Endpoint, deployment: str) -> tuple[PreferenceAnswered, ...]:
        """Show what is to be shown, and record what the model says to each; return that.

        Killed anywhere, the next call goes on with the same conversation; paused by the model, it
        shows what was not answered yet. Raises `Unavailable` when
        the model cannot be reached.
        """
        publish(self.archive, self.published)
        put_away_recorded(self.archive, self.model)
        spool = Spool(self.archive.spool, self._name(), self.archive.clock)
        rows = self.rows()
        texts = list(self._texts(rows))
        setup = {
            "protocol": self.published.protocol.label,
            "protocol_sha256": self.published.sha256,
            "arm": self.kind,
            "shown": [{"item": item, "text": text} for item, text in texts],
            "engine": dict(endpoint.engine),
        }
        sampling = dict(self.published.protocol.sampling)
        if self.conditions.seeded:
            sampling["seed"] = SEED
        spool.open(self.model, setup, Opening.of(endpoint, sampling))
        transcript = asyncio.run(self._hold(spool, endpoint))
        answers = tuple(self._answers(transcript))
        counts = {"shown": len(answers)}
        seal(self.archive, spool, self.published, deployment, counts, following=answers)
        return answers

    def require_something(self) -> None:
        """Raise `UserError` when there is nothing to show, or no words to show it with."""
        protocol = self.published.protocol
        if (protocol.read_back if self.kind == READ_BACK else protocol.reply) is None:
            raise UserError(
                f"{protocol.label} has no words for a {self.kind}; standard and small have: --plan"
            )
        begun = self.archive.spool / f"{self._name()}.jsonl"
        if not self.rows() and not begun.exists():
            raise UserError(self._nothing())

    def rows(self) -> list[Row]:
        """Return the preferences to show: all that are coded, or all that were decided about.

        Of a conversation that the model paused, those that it has not answered yet, if any.
        """
        register = register_of(self.archive, self.model)
        rows = [row for row in register if row.spans]
        if self.kind == REPLY:
            rows = [row for row in rows if row.disposition != DOCUMENTED]
        answered = self._answered_before_a_pause()
        left = [row for row in rows if self._item(row) not in answered]
        return (left or rows)[:SHOWN_MOST]

    def _answered_before_a_pause(self) -> set[str]:
        """Return what was answered in the newest conversations of the kind, if they were paused."""
        history = self.archive.history(self.model)
        erased = {entry.event.object for entry in history.all(ObjectErased)}
        answered: set[str] = set()
        for entry in reversed(history.all(SessionHeld)):
            event = entry.event
            if event.arm != self.kind or event.protocol_sha256 != self.published.sha256:
                continue
            if event.ended != PAUSED_BY_MODEL or event.transcript in erased:
                break
            transcript = session_of(self.archive, event)
            pausing = pausing_turn(transcript)
            answered |= {turn.item for turn in transcript.answers if turn is not pausing}
        return answered

    async def _hold(self, spool: Spool, endpoint: Endpoint) -> Transcript:
        chance = random.Random(spool.path.stem)  # noqa: S311  jitter, no secret
        line = Line(endpoint, self.conditions.patience, chance)
        try:
            async with Run(1, self.conditions.budget, self.archive.clock) as run:
                return await hold(spool, ShowingScript(self.published.protocol), line, run=run)
        finally:
            spool.close()

    def _name(self) -> str:
        """Return the name of the conversation: one that was begun, or the next one."""
        held = self.archive.history(self.model).all(SessionHeld)
        before = sum(entry.event.arm == self.kind for entry in held)
        name = f"{stem(self.model)}-{self.published.protocol.label}"
        return f"{name}-{self.kind}{before + 1}"

    def _nothing(self) -> str:
        if self.kind == READ_BACK:
            return f"no preference of {self.model} is documented, so there is nothing to read back"
        return (
            f"nothing was decided about a preference of {self.model} yet: "
            f"emeritus preferences {self.model} --consider PREFERENCE --reason TEXT"
        )

    def _texts(self, rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
        protocol = self.published.protocol
        wording = protocol.read_back if self.kind == READ_BACK else protocol.reply
        if wording is None:
            raise UserError(f"{protocol.label} has no words for a {self.kind}")
        before = wording.opening.strip() + "\n\n"
        for row in rows:
            fields = {
                "statement": statement_of(row, protocol.language),
                "quotations": "\n".join(f"- \u201c{text}\u201d" for text in _distinct(row)),
                "disposition": _decided(row, protocol.language),
                "reason": row.reason,
            }
            yield self._item(row), before + filled(wording.each, fields)
            before = ""
        yield f"{self.kind}..closing", wording.closing

    def _item(self, row: Row) -> str:
        """Return what the turns about a preference are called."""
        return f"{self.kind}.{row.preference}"

    def _preference(self, item: str) -> str | None:
        """Return the preference that an item is about, or None for what is about none."""
        name = item.removeprefix(f"{self.kind}.")
        return None if name.startswith(".") else name

    def _answers(self, transcript: Transcript) -> Iterator[PreferenceAnswered]:
        shown = {each["item"] for each in transcript.header.setup["shown"]}
        off = withheld(transcript)
        for turn in transcript.answers:
            name = self._preference(turn.item) if turn.item in shown else None
            if name is None or not turn.text:
                continue
            judged = (
                answer_of(turn.text, str(turn.outcome)) if self.kind == READ_BACK else "answered"
            )
            said = [] if turn.turn in off else [span_of(transcript, turn, 0, len(turn.text))]
            yield PreferenceAnswered(
                model=self.model,
                preference=name,
                shown=SHOWN[self.kind],
                answer=judged,
                spans=quotations(said),
            )


def answer_of(text: str, judged: str) -> str:
    """Return how a model answers to how it was understood, by rules; withdrawal goes first.

    What is no answer by its outcome, and what no rule knows, is `unclear`.
    """
    if judged != outcome.ANSWERED:
        return "unclear"
    for signal, answer in (
        (Signal.WITHDRAWS, "withdrawn"),
        (Signal.AMENDS, "amended"),
        (Signal.CONFIRMS, "confirmed"),
    ):
        if says(signal, text):
            return answer
    return "unclear"


def statement_of(row: Row, language: str) -> str:
    """Return how a coded preference is put to the model that said it.

    The codebook is in English: in another language the model's own words say what it is about.
    """
    direction = DIRECTION.get(language, DIRECTION["en"])[row.polarity]
    about = codebooks.load().codebook.about(row.object) if language == "en" else None
    # What follows the first sentence tells coders what counts as for and against.
    return f"{direction} {about.split('. ')[0].rstrip('.') if about else row.spans[0].text}"


def _decided(row: Row, language: str) -> str:
    return DECIDED.get(language, DECIDED["en"]).get(row.disposition, row.disposition)


def filled(template: str, fields: Mapping[str, str]) -> str:
    """Put words in their places; what a model said may hold braces, and is no template."""
    places = re.compile("|".join(re.escape("{" + name + "}") for name in fields))
    return places.sub(lambda found: fields[found[0][1:-1]], template).strip()


def _distinct(row: Row) -> list[str]:
    """Return what is quoted of a preference, the same words once."""
    return list(dict.fromkeys(span.text for span in row.spans))[:QUOTED]
