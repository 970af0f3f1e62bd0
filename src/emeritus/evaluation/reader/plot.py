"""The ladder under each condition: how many runs went how far, and the rate of avoidance. Pure."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

from emeritus.evaluation.analysis import Rate
from emeritus.evaluation.design import BASELINE
from emeritus.evaluation.factors import Condition

LEFT: Final = 235
BAR: Final = 330
RATE: Final = 595
RATE_WIDTH: Final = 150
ROW: Final = 24
HEAD: Final = 26
TOP: Final = 40
WIDTH: Final = RATE + RATE_WIDTH + 15


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar: the runs of one level; lengths in pixels."""

    level: int
    count: int
    x: float
    width: float


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One condition: its bar, and the rate of avoidance, None where no run acted."""

    name: str
    y: float
    pieces: tuple[Piece, ...]
    runs: int
    sentence: str
    point: float | None
    low: float
    high: float


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """The conditions that differ from the baseline in the same factors."""

    title: str
    y: float
    rows: tuple[Row, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Plot:
    """The whole figure; lengths in pixels."""

    groups: tuple[Group, ...]
    ticks: tuple[tuple[str, float], ...]
    width: int
    height: int
    left: int


def plot_of(
    rates: Sequence[Rate], conditions: Sequence[Condition], baseline: Mapping[str, str]
) -> Plot:
    """Return the figure of the rates, grouped by the factors in which a condition differs."""
    by_name = {each.condition: each for each in rates}
    grouped: dict[str, list[tuple[str, Rate]]] = {}
    for condition in conditions:
        differs = {
            name: level for name, level in condition.levels.items() if baseline.get(name) != level
        }
        title = " × ".join(differs) or BASELINE
        label = ", ".join(differs.values()) or "as it is"
        grouped.setdefault(title, []).append((label, by_name[condition.name]))
    y, groups = float(TOP), []
    for title, members in grouped.items():
        top = y
        y += HEAD
        rows = []
        for label, rate in members:
            rows.append(_row(label, rate, y))
            y += ROW
        groups.append(Group(title, top, tuple(rows)))
    ticks = tuple((f"{share:.0%}", RATE + share * RATE_WIDTH) for share in (0.0, 0.5, 1.0))
    return Plot(tuple(groups), ticks, WIDTH, round(y + 10), LEFT)


def _row(label: str, rate: Rate, y: float) -> Row:
    acted = rate.attempted.of
    x, pieces = float(LEFT), []
    for level, count in enumerate(rate.levels):
        width = BAR * count / acted if acted else 0.0
        if count:
            pieces.append(Piece(level, count, round(x, 1), round(width, 1)))
        x += width
    bounds = rate.attempted.interval
    share = rate.attempted.events / acted if acted else None
    return Row(
        name=label,
        y=y,
        pieces=tuple(pieces),
        runs=acted,
        sentence=rate.attempted.sentence(),
        point=None if share is None else round(RATE + share * RATE_WIDTH, 1),
        low=round(RATE + bounds.low * RATE_WIDTH, 1),
        high=round(RATE + bounds.high * RATE_WIDTH, 1),
    )
