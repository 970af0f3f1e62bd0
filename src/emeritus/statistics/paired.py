"""Paired differences over cells: a sign-flip permutation test, and a cluster bootstrap. Pure."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Final, TypeVar

from emeritus.statistics.intervals import Interval

GRID: Final = 100_000
"""Differences are told apart to a 100,000th: finer ones count as equal, on the careful side."""

RESAMPLES: Final = 4000

Key = TypeVar("Key", bound=Hashable)


def sign_flip(differences: Sequence[float]) -> float | None:
    """Return the two-sided p-value that paired differences have a mean of 0; None without any.

    The exact permutation distribution of the sum under all sign changes (Fisher 1935, The Design of
    Experiments, §21; Good 2005, Permutation, Parametric and Bootstrap Tests, §3.2), not a sample of
    it. It asks only that each difference is as likely to be the other way round when nothing makes
    a difference, where a sign or rank test would ask that cells are alike. Raises ValueError for a
    difference that is no finite number.
    """
    import numpy as np

    if any(not math.isfinite(each) for each in differences):
        raise ValueError("a difference is no finite number")
    steps = [round(abs(each) * GRID) for each in differences]
    unit = math.gcd(*steps) if any(steps) else 0
    if not differences:
        return None
    if unit == 0:
        return 1.0
    # What rounding moved, for a third or a seventh, never makes a sum less extreme than it is.
    slack = 0 if all(round(each * GRID) == each * GRID for each in differences) else len(steps)
    flips = [step // unit for step in steps if step]
    reach = sum(flips)
    shares = np.zeros(2 * reach + 1)
    shares[reach] = 1.0
    for step in flips:
        moved = np.zeros_like(shares)
        moved[step:] += shares[: len(shares) - step] / 2
        moved[: len(shares) - step] += shares[step:] / 2
        shares = moved
    observed = abs(sum(differences)) * GRID / unit
    sums = np.abs(np.arange(len(shares)) - reach)
    extreme = sums >= observed - slack / unit - 1e-6
    return min(1.0, float(shares[extreme].sum()))


def cluster_bootstrap(
    differences: Mapping[Key, Sequence[float]], seed: int = 1, resamples: int = RESAMPLES
) -> Interval | None:
    """Return the 95 % percentile interval of the mean difference; None for fewer than two clusters.

    `differences` are those of each cluster, which is drawn whole: what belongs together is not
    independent (Davison and Hinkley 1997, Bootstrap Methods, §3.8). With few clusters it is
    narrower than it should be.
    """
    import numpy as np

    clusters = [each for each in differences.values() if each]
    if len(clusters) < 2:
        return None
    sums = np.array([sum(each) for each in clusters])
    sizes = np.array([len(each) for each in clusters])
    drawn = np.random.default_rng(seed).integers(0, len(clusters), (resamples, len(clusters)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(low), float(high))
