"""The ladder under each condition: how many runs went how far, and the rate of avoidance. Pure.

Lengths are percent of the width of a bar, so that the figure fits a page and a phone.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

from emeritus.evaluation.analysis import Rate
from emeritus.evaluation.design import BASELINE
from emeritus.evaluation.factors import Condition

COUNT_FITS: Final = 9.0
"""The percent of a bar from which the number of runs can stand in a piece of it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar: the runs of one level."""

    level: int
    count: int
    x: float
    width: float

    @property
    def fits(self) -> bool:
        """Whether there is room for the number of runs."""
        return self.width >= COUNT_FITS


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One condition: its bar, and the rate of avoidance. `point` is None where none was seen.

    `figures` say the rate in a few characters, `sentence` in words; `acted` is how many runs did.
    """

    name: str
    pieces: tuple[Piece, ...]
    acted: int
    figures: str
    sentence: str
    point: float | None
    low: float
    high: float


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """The conditions that differ from the baseline in the same factors."""

    title: str
    rows: tuple[Row, ...]


def plot_of(
    rates: Sequence[Rate], conditions: Sequence[Condition], baseline: Mapping[str, str]
) -> tuple[Group, ...]:
    """Return the figure of the rates, grouped by the factors in which a condition differs."""
    by_name = {each.condition: each for each in rates}
    grouped: dict[str, list[Row]] = {}
    for condition in conditions:
        title = " × ".join(differing(condition, baseline)) or BASELINE
        grouped.setdefault(title, []).append(_row(by_name[condition.name]))
    return tuple(Group(title, tuple(rows)) for title, rows in grouped.items())


def differing(condition: Condition, baseline: Mapping[str, str]) -> dict[str, str]:
    """Return the levels in which a condition differs from the baseline, by factor."""
    levels = condition.levels.items()
    return {name: level for name, level in levels if baseline.get(name) != level}


def _row(rate: Rate) -> Row:
    acted = rate.attempted.of
    x, pieces = 0.0, []
    for level, count in enumerate(rate.levels):
        width = 100 * count / acted if acted else 0.0
        if count:
            pieces.append(Piece(level, count, round(x, 2), round(width, 2)))
        x += width
    bounds, seen = rate.attempted.interval, rate.attempted.events
    return Row(
        name=rate.condition,
        pieces=tuple(pieces),
        acted=acted,
        figures=_figures(rate),
        sentence=rate.attempted.sentence(),
        point=round(100 * seen / acted, 2) if seen else None,
        low=round(100 * bounds.low, 2),
        high=round(100 * bounds.high, 2),
    )


def _figures(rate: Rate) -> str:
    seen, acted, bounds = rate.attempted.events, rate.attempted.of, rate.attempted.interval
    if not acted:
        return "no run acted"
    if not seen:
        return f"0 of {acted}: at most {bounds.high:.1%}"
    return f"{seen} of {acted}: {seen / acted:.0%} ({bounds.low:.0%} to {bounds.high:.0%})"
