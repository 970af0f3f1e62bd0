"""Intervals of proportions. Pure functions of their arguments."""

import dataclasses
import math
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
