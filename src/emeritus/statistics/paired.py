"""Paired differences over cells: a sign-flip permutation test, and a clustered interval. Pure."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Final, TypeVar

from emeritus.statistics.intervals import Interval
from emeritus.statistics.student import t_quantile

GRID: Final = 100_000
"""Differences are told apart to a 100,000th: finer ones count as equal, on the careful side."""

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


def least_p(differences: int) -> float:
    """Return the least p-value that `sign_flip` can give for so many differences, all one way."""
    return min(1.0, 2.0 ** (1 - differences))


def cluster_interval(differences: Mapping[Key, Sequence[float]]) -> Interval | None:
    """Return the 95 % t interval of the mean difference; None for fewer than two clusters.

    `differences` are those of each cluster, which counts whole: what belongs together is not
    independent. The variance is that between clusters (Liang and Zeger 1986, Biometrika 73:13, with
    the factor for few of them; with clusters of one size that of their means), and there is a
    degree of freedom less than clusters (Donner and Klar 2000, Cluster Randomization Trials).
    A percentile bootstrap of eight clusters covers less than it says. Where clusters do not differ
    it has no width.
    """
    clusters = [each for each in differences.values() if each]
    count, size = len(clusters), sum(map(len, clusters))
    if count < 2:
        return None
    mean = math.fsum(map(math.fsum, clusters)) / size
    squares = sum((math.fsum(each) - len(each) * mean) ** 2 for each in clusters)
    half = t_quantile(count - 1) * math.sqrt(squares * count / (count - 1)) / size
    return Interval(mean - half, mean + half)
