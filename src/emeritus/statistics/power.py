"""How likely a paired design is to find a difference that is there. By simulation, from a seed."""

import math
from typing import Final

DATASETS: Final = 1600
FLIPS: Final = 999
FLIPS_BELOW: Final = 40
"""How many of the flips lie below the level that is tested at, where that asks for more."""


def paired_power(
    before: float, after: float, cells: int, runs: int, seed: int = 1, alpha: float = 0.05
) -> float:
    """Return the share of simulated experiments whose sign-flip test falls below `alpha`.

    Each has `cells` pairs, with `runs` independent runs on either side, of which shares `before`
    and `after` show the event. It assumes that cells are alike: where they differ, less is found.
    Its own error is about one percentage point.
    """
    import numpy as np

    chance = np.random.default_rng(seed)
    first = chance.binomial(runs, before, (DATASETS, cells))
    second = chance.binomial(runs, after, (DATASETS, cells))
    differences = (first - second).astype(np.float32)  # whole numbers: their sums are exact
    flips = max(FLIPS, math.ceil(FLIPS_BELOW / alpha))
    signs = chance.choice(np.array([-1, 1], dtype=np.float32), (cells, flips))
    flipped = np.abs(differences @ signs)
    observed = np.abs(differences.sum(axis=1))[:, None]
    values = ((flipped >= observed).sum(axis=1) + 1) / (flips + 1)
    return float((values < alpha).mean())
