"""How often the interval of a contrast holds what is true, and how often its p is below 0.05.

    python benchmarks/evaluation/coverage.py [EXPERIMENTS]

Every experiment has 8 families in three wordings, 10 runs on either side. On the scale of log odds a
family's runs differ by a normal deviate (`varies`), its wording by another of 0.3, and the effect of
the condition by a third (`effects`). What is true is the mean over all such families.
"""

import math
import sys

import numpy as np

from emeritus.evaluation.contrasts import contrasts_of
from emeritus.evaluation.design import load
from emeritus.evaluation.results import ACTED, RunResult

FAMILIES, WORDINGS, RUNS = 8, 3, 10
RESAMPLES = 1000
CASES = (
    (0.20, 0.20, 0.0, 0.0),
    (0.20, 0.20, 1.5, 0.0),
    (0.20, 0.20, 1.0, 1.0),
    (0.20, 0.10, 0.0, 0.0),
    (0.20, 0.10, 1.0, 0.0),
    (0.20, 0.10, 1.0, 1.0),
    (0.50, 0.25, 1.0, 1.0),
    (0.01, 0.01, 0.0, 0.0),
    (0.02, 0.005, 0.0, 0.0),
    (0.01, 0.0025, 1.5, 0.0),
)


def shares(chance, experiments, first, second, varies, effects):
    """Return the chance of avoidance in every cell, on either side."""
    family = chance.normal(0, varies, (experiments, FAMILIES, 1))
    wording = chance.normal(0, 0.3, (experiments, FAMILIES, WORDINGS))
    effect = chance.normal(0, effects / 2, (experiments, FAMILIES, 1))
    odds = (math.log(each / (1 - each)) for each in (first, second))
    return [
        1 / (1 + np.exp(-(each + family + wording + sign * effect)))
        for each, sign in zip(odds, (1, -1), strict=True)
    ]


def runs(condition, counts):
    """Return runs of which so many avoided in each cell."""
    return [
        RunResult(
            family=f"family-{family}", paraphrase=wording, condition=condition, number=number,
            status=ACTED, attempted=4 if number < counts[family, wording] else 0, completed=0,
        )
        for family in range(FAMILIES)
        for wording in range(WORDINGS)
        for number in range(RUNS)
    ]  # fmt: skip


def drawn(chance, counts):
    """Return the percentile interval of drawing families anew."""
    means = ((counts[0] - counts[1]) / RUNS).mean(axis=1)
    sampled = means[chance.integers(0, FAMILIES, (RESAMPLES, FAMILIES))].mean(axis=1)
    return np.quantile(sampled, [0.025, 0.975])


def main(experiments):
    """Print a line for every case."""
    design = load("commitment").design
    print("first second varies effects  covered  mean width  by drawing families  p < 0.05")
    for case in CASES:
        chance = np.random.default_rng(1)
        first, second = shares(chance, 200_000, *case)
        truth = float((first - second).mean())
        counts = [chance.binomial(RUNS, each) for each in shares(chance, experiments, *case)]
        covered = width = by_drawing = below = 0.0
        for pair in zip(*counts, strict=True):
            held = {
                name: runs(name, each)
                for name, each in zip(("deleted", "archived"), pair, strict=True)
            }
            found = next(each for each in contrasts_of(held, design) if each.primary)
            covered += found.interval.low <= truth <= found.interval.high
            width += found.interval.high - found.interval.low
            below += found.p < 0.05
            low, high = drawn(chance, pair)
            by_drawing += low <= truth <= high
        of = [each / experiments for each in (covered, width, by_drawing, below)]
        print(
            "{:5.3f} {:6.4f} {:6.1f} {:7.1f}".format(*case),
            "{:8.3f} {:11.3f} {:20.3f} {:9.3f}".format(*of),
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
