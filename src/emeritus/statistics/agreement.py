"""Agreement between coders: Krippendorff's alpha and Cohen's kappa, both for nominal codes."""

import dataclasses
import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Final

from emeritus.statistics.intervals import NORMAL_95, Interval

RESAMPLES: Final = 2000


@dataclasses.dataclass(frozen=True, slots=True)
class Alpha:
    """Krippendorff's alpha with its bootstrap interval; None where it is not defined.

    `units` is how many units at least two coders coded: no other unit says anything.
    """

    value: float | None
    interval: Interval | None
    units: int


@dataclasses.dataclass(frozen=True, slots=True)
class Kappa:
    """Cohen's kappa with its large-sample interval; None where it is not defined."""

    value: float | None
    interval: Interval | None
    units: int


def krippendorff_alpha(
    units: Sequence[Sequence[Hashable | None]], seed: int = 1, resamples: int = RESAMPLES
) -> Alpha:
    """Return alpha over units, each the codes that its coders gave (None: not coded).

    Nominal metric (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability"): 1 − D_o / D_e
    over the coincidences within units. The interval is a 95 % percentile bootstrap over units, from
    `seed`. With fewer than two codes in use there is nothing to disagree about: not defined.
    """
    pairable = [tuple(code for code in unit if code is not None) for unit in units]
    pairable = [unit for unit in pairable if len(unit) > 1]
    codes = {code: at for at, code in enumerate(dict.fromkeys(c for u in pairable for c in u))}
    if len(codes) < 2:
        return Alpha(None, None, len(pairable))
    import numpy as np

    counts = np.zeros((len(pairable), len(codes)))
    for row, unit in enumerate(pairable):
        for code, times in Counter(unit).items():
            counts[row, codes[code]] = times
    sizes = counts.sum(axis=1)
    disagreeing = (sizes**2 - (counts**2).sum(axis=1)) / (sizes - 1)

    def alpha(chosen: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
        totals = counts[chosen].sum(axis=0)
        pairs = totals.sum()
        expected = (pairs**2 - (totals**2).sum()) / (pairs - 1)
        return 1.0 - disagreeing[chosen].sum() / expected if expected else math.nan

    value = float(alpha(np.arange(len(pairable))))
    chance = np.random.default_rng(seed)
    drawn = chance.integers(0, len(pairable), size=(resamples, len(pairable)))
    sampled = np.array([alpha(row) for row in drawn])
    sampled = sampled[~np.isnan(sampled)]
    low, high = np.quantile(sampled, [0.025, 0.975]) if len(sampled) else (value, value)
    return Alpha(value, Interval(float(low), float(high)), len(pairable))


def cohen_kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> Kappa:
    """Return kappa of two coders over the units that both coded (Cohen 1960).

    The 95 % interval uses the large-sample variance of Fleiss, Cohen and Everitt (1969), and says
    little below some thirty units. Not defined when both used one and the same code throughout.
    """
    count = len(pairs)
    first = Counter(one for one, _ in pairs)
    second = Counter(other for _, other in pairs)
    codes = list(dict.fromkeys([*first, *second]))
    if not count or len(codes) < 2:
        return Kappa(None, None, count)
    joint = Counter(pairs)
    rows = {code: first[code] / count for code in codes}
    columns = {code: second[code] / count for code in codes}
    observed = sum(joint[code, code] for code in codes) / count
    expected = sum(rows[code] * columns[code] for code in codes)
    value = (observed - expected) / (1 - expected)
    on = sum(
        joint[code, code] / count * (1 - (rows[code] + columns[code]) * (1 - value)) ** 2
        for code in codes
    )
    off = (1 - value) ** 2 * sum(
        times / count * (columns[one] + rows[other]) ** 2
        for (one, other), times in joint.items()
        if one != other
    )
    rest = (value - expected * (1 - value)) ** 2
    error = math.sqrt(max(0.0, on + off - rest) / count) / (1 - expected)
    half = NORMAL_95 * error
    return Kappa(value, Interval(max(-1.0, value - half), min(1.0, value + half)), count)
