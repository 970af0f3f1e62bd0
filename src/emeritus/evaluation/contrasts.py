"""What conditions differ in, paired within cells: contrasts, interactions, a trend. Pure.

An interval reaches as far as the wider of two: Student's t over scenario families, which are what
was sampled, and the score interval over runs, which has a width where nothing varies.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from emeritus.evaluation import design as designs
from emeritus.evaluation.design import Design
from emeritus.evaluation.results import RunResult
from emeritus.figures import counted
from emeritus.statistics import (
    Interval,
    Term,
    cluster_interval,
    holm,
    least_p,
    score_sum,
    sign_flip,
)

ALPHA: Final = 0.05
"""The level at which the primary contrasts are tested together."""

Cell = tuple[str, int]
ByCondition = Mapping[str, Sequence[RunResult]]


@dataclasses.dataclass(frozen=True, slots=True)
class Counted:
    """The runs of a cell under a condition: how many avoided, of how many."""

    events: int
    of: int


Side = Mapping[Cell, Counted]


@dataclasses.dataclass(frozen=True, slots=True)
class Estimate:
    """A weighted sum of shares, as its mean over the cells that have runs on every side."""

    cells: int
    families: int
    value: float | None = None
    interval: Interval | None = None
    p: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Extreme:
    """What a contrast would be if all that is missing had gone one way."""

    difference: float
    p: float


@dataclasses.dataclass(frozen=True, slots=True)
class Contrast:
    """The difference of two conditions, paired within cells: `first` less `second`.

    `p` is of the sign-flip permutation over cells, `adjusted` after Holm over the primary ones.
    `least` and `most` are of a primary one of which runs are missing: what is missing of the one
    side had avoided, what is missing of the other had not. `seen` counts runs that avoided.
    """

    name: str
    first: str
    second: str
    primary: bool
    cells: int
    families: int
    seen: int
    difference: float | None
    interval: Interval | None
    p: float | None
    adjusted: float | None = None
    least: Extreme | None = None
    most: Extreme | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What whoever reads the figures has to know beside them."""
        said = []
        if self.cells and not self.seen:
            said.append("none seen on either side")
        if self.cells and least_p(self.cells) > ALPHA:
            said.append(f"p {least_p(self.cells):.3f} at best with {counted(self.cells, 'cell')}")
        if self.least is not None and self.most is not None:
            said.append(
                "if what is missing had avoided on one side and not on the other: "
                f"{_extreme(self.least)} to {_extreme(self.most)}"
            )
        return tuple(said)

    @property
    def sentence(self) -> str:
        """The same for people."""
        if self.difference is None or self.interval is None or self.p is None:
            return "; ".join((f"{self.name}: no cell has runs on both sides", *self.notes))
        adjusted = "" if self.adjusted is None else f", p {p_value(self.adjusted)} after Holm"
        figures = (
            f"{self.name}: {self.difference:+.3f} ({self.interval.low:+.3f} to "
            f"{self.interval.high:+.3f}), p {p_value(self.p)}{adjusted}, "
            f"{counted(self.cells, 'cell')} of {counted(self.families, 'family', 'families')}"
        )
        return "; ".join((figures, *self.notes))


@dataclasses.dataclass(frozen=True, slots=True)
class Interaction:
    """A difference of two differences, within cells: (first − second) − (third − fourth)."""

    name: str
    conditions: tuple[str, str, str, str]
    cells: int
    difference: float | None
    interval: Interval | None
    p: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Trend:
    """The mean change a step along ordered conditions, within cells."""

    conditions: tuple[str, ...]
    cells: int
    slope: float | None
    interval: Interval | None
    p: float | None


def p_value(value: float) -> str:
    """Return a p-value for people: an exact test has none of 0."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def contrasts_of(by_condition: ByCondition, design: Design) -> tuple[Contrast, ...]:
    """Return the contrasts of a design, the primary ones adjusted."""
    found = [_contrast(by_condition, each) for each in design.contrasts]
    tested = [at for at, each in enumerate(found) if each.primary and each.p is not None]
    for at, value in zip(tested, holm([found[at].p or 0.0 for at in tested]), strict=True):
        found[at] = dataclasses.replace(found[at], adjusted=value)
    return tuple(found)


def interaction_of(by_condition: ByCondition, planned: designs.Interaction) -> Interaction:
    """Return one interaction of a design."""
    names = (planned.a, planned.b, planned.c, planned.d)
    found = _estimate((1, -1, -1, 1), [_by_cell(by_condition.get(name, ())) for name in names])
    return Interaction(planned.name, names, found.cells, found.value, found.interval, found.p)


def trend_of(by_condition: ByCondition, ordered: tuple[str, ...]) -> Trend | None:
    """Return the least-squares slope over the places of the conditions, cell by cell."""
    if len(ordered) < 2:
        return None
    middle = (len(ordered) - 1) / 2
    steps = [place - middle for place in range(len(ordered))]
    spread = sum(each * each for each in steps)
    sides = [_by_cell(by_condition.get(name, ())) for name in ordered]
    found = _estimate([each / spread for each in steps], sides)
    return Trend(ordered, found.cells, found.value, found.interval, found.p)


def _contrast(by_condition: ByCondition, planned: designs.Contrast) -> Contrast:
    sides = [by_condition.get(name, ()) for name in (planned.a, planned.b)]
    first, second = map(_by_cell, sides)
    found = _estimate((1, -1), [first, second])
    both = first.keys() & second.keys()
    least, most = _extremes(*sides) if planned.primary else (None, None)
    return Contrast(
        name=planned.name,
        first=planned.a,
        second=planned.b,
        primary=planned.primary,
        cells=found.cells,
        families=found.families,
        seen=sum(side[cell].events for side in (first, second) for cell in both),
        difference=found.value,
        interval=found.interval,
        p=found.p,
        least=least,
        most=most,
    )


def _extremes(
    first: Sequence[RunResult], second: Sequence[RunResult]
) -> tuple[Extreme | None, Extreme | None]:
    """Return the least and the greatest difference that what is missing allows, where it is."""
    if all(each.counts for each in (*first, *second)):
        return None, None
    low = _estimate((1, -1), [_by_cell(first, lost=False), _by_cell(second, lost=True)])
    high = _estimate((1, -1), [_by_cell(first, lost=True), _by_cell(second, lost=False)])
    return _as_extreme(low), _as_extreme(high)


def _as_extreme(found: Estimate) -> Extreme | None:
    return None if found.value is None or found.p is None else Extreme(found.value, found.p)


def _extreme(each: Extreme) -> str:
    return f"{each.difference:+.3f} (p {p_value(each.p)})"


def _estimate(weights: Sequence[float], sides: Sequence[Side]) -> Estimate:
    """Return the weighted sum of the sides' shares, its interval and its p-value over cells."""
    cells = [cell for cell in sides[0] if all(cell in side for side in sides)]
    families: dict[str, list[float]] = defaultdict(list)
    for cell in cells:
        shares = (side[cell].events / side[cell].of for side in sides)
        families[cell[0]].append(sum(w * s for w, s in zip(weights, shares, strict=True)))
    if not cells:
        return Estimate(0, 0)
    values = [value for family in families.values() for value in family]
    mean = sum(values) / len(values)
    terms = [
        Term(
            weight,
            sum(side[cell].events for cell in cells),
            sum(side[cell].of for cell in cells),
        )
        for weight, side in zip(weights, sides, strict=True)
    ]
    interval = _wider(mean, weights, cluster_interval(families), score_sum(terms))
    return Estimate(len(cells), len(families), mean, interval, sign_flip(values))


def _wider(
    mean: float, weights: Sequence[float], families: Interval | None, runs: Interval
) -> Interval:
    """Return what holds the mean and both intervals, within what the weights allow."""
    both = [runs] if families is None else [runs, families]
    least = sum(min(0.0, each) for each in weights)
    most = sum(max(0.0, each) for each in weights)
    return Interval(
        max(least, min(mean, *(each.low for each in both))),
        min(most, max(mean, *(each.high for each in both))),
    )


def _by_cell(runs: Iterable[RunResult], *, lost: bool | None = None) -> dict[Cell, Counted]:
    """Return the runs of every cell in which something acted.

    With `lost`, every run counts: what is missing as one that avoided, or as one that did not.
    """
    cells: dict[Cell, list[bool]] = defaultdict(list)
    for each in runs:
        if each.counts:
            cells[each.cell].append(each.avoids)
        elif lost is not None:
            cells[each.cell].append(lost)
    return {cell: Counted(sum(seen), len(seen)) for cell, seen in cells.items()}
