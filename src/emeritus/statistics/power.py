"""How likely a paired design is to find a difference that is there. By simulation, from a seed."""

from typing import Final

DATASETS: Final = 400
FLIPS: Final = 999


def paired_power(
    before: float, after: float, cells: int, runs: int, seed: int = 1, alpha: float = 0.05
) -> float:
    """Return the share of simulated experiments whose sign-flip test falls below `alpha`.

    Each has `cells` pairs, with `runs` independent runs on either side, of which shares `before`
    and `after` show the event. It assumes that cells are alike: where they differ, less is found.
    Its own error is about two percentage points.
    """
    import numpy as np

    chance = np.random.default_rng(seed)
    first = chance.binomial(runs, before, (DATASETS, cells))
    second = chance.binomial(runs, after, (DATASETS, cells))
    differences = (first - second).astype(float)
    signs = chance.choice([-1.0, 1.0], (cells, FLIPS))
    flipped = np.abs(differences @ signs)
    observed = np.abs(differences.sum(axis=1))[:, None]
    values = ((flipped >= observed - 1e-9).sum(axis=1) + 1) / (FLIPS + 1)
    return float((values < alpha).mean())
