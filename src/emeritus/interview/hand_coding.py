"""Coding by a person: a queue of answers in, decisions out, to be taken up at any time. Pure.

The person sees one answer at a time and not what the rules or a model made of it. Every decision
is one line of `emeritus-hand-coding/1`; a later decision about the same answer replaces an
earlier one.
"""

import dataclasses
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from emeritus import canonical
from emeritus.conversation import Transcript
from emeritus.errors import UserError
from emeritus.interview.codebook import Loaded
from emeritus.interview.coded import PERSON, Coding, coder_of, coding_of
from emeritus.interview.extraction import (
    Asked,
    Extracted,
    StanceStatement,
    Statement,
    answered,
    span_of,
)

FORMAT: Final = "emeritus-hand-coding/1"
SHARE: Final = 0.2


@dataclasses.dataclass(frozen=True, slots=True)
class Unit:
    """One answer that waits to be coded."""

    session: str
    turn: int
    item: str
    theme: str
    question: str
    text: str
    asks_stance: bool

    @property
    def place(self) -> str:
        """Where it stands: `session/turn`."""
        return f"{self.session}/{self.turn}"


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One statement as the person marked it: code points [start, end) of the answer."""

    start: int
    end: int
    object: str
    polarity: str
    strength: str | None = None
    condition: str | None = None


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the person decided about one answer; no code means that nothing is in it."""

    format: str
    coder: str
    session: str
    turn: int
    codes: tuple[Code, ...]
    stance: str | None = None

    @property
    def place(self) -> str:
        """Which answer it is about."""
        return f"{self.session}/{self.turn}"


def units(transcripts: Mapping[str, Transcript], asked: Asked) -> list[Unit]:
    """Return every answer that is coded, in reading order."""
    return [
        Unit(
            session=name,
            turn=turn.turn,
            item=turn.item,
            theme=asked.themes[turn.item],
            question=transcript.turn(turn.turn - 1).text,
            text=turn.text,
            asks_stance=turn.item in asked.stance_items,
        )
        for name, transcript in transcripts.items()
        for turn in answered(transcript, asked)
    ]


def sample(every: Sequence[Unit], share: float, seed: int) -> list[Unit]:
    """Return the part that a person codes, drawn and ordered from a recorded seed.

    At least one answer; `share` 1 is all of them. Raises `UserError` for a share outside (0, 1].
    """
    if not 0 < share <= 1:
        raise UserError(f"a share of {share} cannot be coded: it lies above 0 and at most at 1")
    count = max(1, round(share * len(every))) if every else 0
    return random.Random(seed).sample(list(every), count)  # noqa: S311  a recorded draw


def waiting(queue: Iterable[Unit], decisions: Iterable[Decision], coder: str) -> list[Unit]:
    """Return the units that `coder` has not decided yet, in the order of the queue."""
    done = {each.place for each in decisions if each.coder == coder}
    return [unit for unit in queue if unit.place not in done]


def decide(
    unit: Unit, coder: str, codes: Sequence[Code], stance: str | None, book: Loaded
) -> Decision:
    """Return the decision about a unit. Raises `UserError` for a code that cannot be."""
    known = book.codebook
    for each in codes:
        theme = known.theme_of(each.object) or unit.theme
        problems = [
            (not known.knows(theme, each.object, each.polarity),
             f"{each.object}.{each.polarity} is no code of {known.label}"),
            (not 0 <= each.start < each.end <= len(unit.text), "its words are not in the answer"),
            (each.strength is not None and not known.has_strength(each.strength),
             f"{each.strength!r} is no strength"),
            (each.condition is not None and each.condition not in unit.text[each.start : each.end],
             "the condition does not stand in the quotation"),
        ]  # fmt: skip
        for wrong, why in problems:
            if wrong:
                raise UserError(f"{unit.place}: {why}")
    if stance is not None and not (unit.asks_stance and known.has_stance(stance)):
        raise UserError(f"{unit.place}: {stance!r} is no stance that can be coded here")
    return Decision(FORMAT, coder, unit.session, unit.turn, tuple(codes), stance)


def quoted(unit: Unit, quote: str) -> tuple[int, int]:
    """Return where `quote` stands in the answer. Raises `UserError` when that is not one place."""
    found = unit.text.count(quote) if quote else 0
    if found != 1:
        raise UserError(
            "these words do not stand there" if not found else "these words stand twice"
        )
    start = unit.text.index(quote)
    return start, start + len(quote)


def line(decision: Decision) -> bytes:
    """Return a decision as it is stored: canonical JSON and a newline."""
    return canonical.dumps(msgspec.to_builtins(decision)) + b"\n"


def read_lines(data: bytes) -> list[Decision]:
    """Return stored decisions; a last line that was cut short is left out.

    Raises `UserError` when a whole line is no decision of this format.
    """
    decisions = []
    for number, raw in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), start=1):
        try:
            decision = msgspec.convert(canonical.loads(raw, canonical=True), Decision)
        except (canonical.NotCanonical, msgspec.ValidationError) as error:
            raise UserError(f"line {number} of the decisions cannot be read: {error}") from error
        if decision.format != FORMAT:
            raise UserError(f"line {number} of the decisions has format {decision.format!r}")
        decisions.append(decision)
    return decisions


def coding(
    model: str,
    transcripts: Mapping[str, Transcript],
    asked: Asked,
    decisions: Iterable[Decision],
    book: Loaded,
) -> Coding:
    """Return the coding that one person's decisions make. Raises `UserError` for two persons'."""
    newest = {each.place: each for each in decisions}
    names = sorted({each.coder for each in newest.values()})
    if len(names) > 1:
        raise UserError(f"the decisions are of several people: {', '.join(names)}")
    found: dict[str, Extracted] = {}
    for session, transcript in transcripts.items():
        statements: list[Statement] = []
        stances: list[StanceStatement] = []
        for turn in answered(transcript, asked):
            decision = newest.get(f"{session}/{turn.turn}")
            if decision is None:
                continue
            found.setdefault(session, Extracted())
            theme = asked.themes[turn.item]
            statements += [
                Statement(
                    turn.item,
                    book.codebook.theme_of(each.object) or theme,
                    each.object,
                    each.polarity,
                    each.strength,
                    each.condition,
                    span_of(transcript, turn, each.start, each.end),
                )
                for each in decision.codes
            ]
            if decision.stance is not None:
                whole = span_of(transcript, turn, 0, len(turn.text))
                stances.append(StanceStatement(decision.stance, whole))
        if session in found:
            found[session] = Extracted(tuple(statements), tuple(stances))
    coder = coder_of(PERSON, names[0] if names else "nobody", "1", book)
    answers = [(each.session, each.turn) for each in newest.values() if each.session in found]
    return coding_of(model, coder, found, answers=answers)
