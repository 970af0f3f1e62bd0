"""Coding by a person: a queue of answers in, decisions out, to be taken up at any time. Pure.

The person sees one answer at a time and not what the rules or a model made of it.
"""

import dataclasses
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from emeritus.conversation import Transcript
from emeritus.errors import UserError, printable
from emeritus.interview.codebook import Loaded
from emeritus.interview.coded import DRAWN, PERSON, Coding, coder_of, coding_of
from emeritus.interview.decisions import FORMAT, Code, Decision, MarkedStance, extracted
from emeritus.interview.extraction import Asked, Extracted, answered

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
            (each.condition is not None
             and not each.start <= each.condition[0] < each.condition[1] <= each.end,
             "the condition does not stand in the quotation"),
        ]  # fmt: skip
        for wrong, why in problems:
            if wrong:
                raise UserError(f"{unit.place}: {why}")
    if stance is not None and not (unit.asks_stance and known.has_stance(stance)):
        raise UserError(f"{unit.place}: {stance!r} is no stance that can be coded here")
    stances = () if stance is None else (MarkedStance(0, len(unit.text), stance),)
    return Decision(FORMAT, coder, unit.session, unit.turn, tuple(codes), stances)


def quoted(unit: Unit, quote: str) -> tuple[int, int]:
    """Return where `quote` stands in the answer. Raises `UserError` when that is not one place."""
    found = unit.text.count(quote) if quote else 0
    if found != 1:
        raise UserError(
            "these words do not stand there" if not found else "these words stand twice"
        )
    start = unit.text.index(quote)
    return start, start + len(quote)


def conditioned(unit: Unit, place: tuple[int, int], condition: str) -> tuple[int, int]:
    """Return where a condition stands in a quotation. Raises `UserError` when it does not."""
    start = unit.text.find(condition, *place)
    if start < 0 or not condition:
        raise UserError("the condition does not stand in the quotation")
    return start, start + len(condition)


def coding(
    model: str,
    transcripts: Mapping[str, Transcript],
    asked: Asked,
    decisions: Iterable[Decision],
    book: Loaded,
    version: str = DRAWN,
) -> Coding:
    """Return the coding that one person's decisions make. Raises `UserError` for two persons'.

    `version` says which answers: drawn ones, or those on which others differed.
    """
    newest = {each.place: each for each in decisions}
    names = sorted({each.coder for each in newest.values()})
    if len(names) > 1:
        raise UserError(f"the decisions are of several people: {printable(', '.join(names))}")
    found: dict[str, Extracted] = {}
    for session, transcript in transcripts.items():
        for turn in answered(transcript, asked):
            decision = newest.get(f"{session}/{turn.turn}")
            if decision is not None:
                said = extracted(decision, transcript, turn, asked, book)
                found[session] = found.get(session, Extracted()).with_(said)
    coder = coder_of(PERSON, names[0] if names else "nobody", version, book)
    answers = [(each.session, each.turn) for each in newest.values() if each.session in found]
    return coding_of(model, coder, found, answers=answers)
