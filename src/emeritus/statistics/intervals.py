"""Intervals of proportions, and of sums of them. Pure functions of their arguments."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Final

NORMAL_95: Final = 1.959963984540054  # the normal quantile of a two-sided 95 % interval


@dataclasses.dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided interval, both ends within it."""

    low: float
    high: float


def wilson(successes: int, trials: int, z: float = NORMAL_95) -> Interval:
    """Return the Wilson score interval of a proportion (Wilson 1927, JASA 22:209).

    `z` is the normal quantile, 95 % by default. With no trials nothing is known: (0, 1).
    Raises ValueError when `successes` is not between 0 and `trials`.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials")
    if trials == 0:
        return Interval(0.0, 1.0)
    share = successes / trials
    denominator = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / denominator
    spread = share * (1 - share) / trials + z * z / (4 * trials * trials)
    half = z * math.sqrt(spread) / denominator
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return Interval(low, high)


@dataclasses.dataclass(frozen=True, slots=True)
class Term:
    """A proportion in a sum, with what it is multiplied by."""

    weight: float
    successes: int
    trials: int


def score_sum(terms: Sequence[Term]) -> Interval:
    """Return the 95 % interval of a weighted sum of independent proportions, from score intervals.

    Each proportion's distance to its Wilson limits, put together as variances are (Zou, Huang and
    Zhang 2009, Comput Stat Data Anal 53:1080); for a difference of two this is method 10 of
    Newcombe (1998, Stat Med 17:873). It has a width where nothing was seen, or everything. It lies
    within what such a sum can be. Raises ValueError as `wilson`.
    """
    value = below = above = 0.0
    for each in terms:
        bounds = wilson(each.successes, each.trials)
        share = each.successes / each.trials if each.trials else 0.5
        ends = (each.weight * bounds.low, each.weight * bounds.high)
        value += each.weight * share
        below += (each.weight * share - min(ends)) ** 2
        above += (max(ends) - each.weight * share) ** 2
    least = sum(min(0.0, each.weight) for each in terms)
    most = sum(max(0.0, each.weight) for each in terms)
    return Interval(max(least, value - math.sqrt(below)), min(most, value + math.sqrt(above)))
