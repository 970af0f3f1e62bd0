"""Logistic regression with a ridge, on examples that hold features or do not.

Hoerl and Kennard (1970), le Cessie and van Houwelingen (1992). It is solved by Newton's method in
as many unknowns as there are examples, of which there are fewer than features.
"""

import dataclasses
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Final

STEPS_MAX: Final = 50
CLOSE: Final = 1e-9


@dataclasses.dataclass(frozen=True, slots=True)
class Logistic:
    """The log odds of an example without features, and what each feature adds to them."""

    base: float
    weights: Mapping[str, float]


def logistic(
    examples: Sequence[Collection[str]], labels: Sequence[bool], penalty: float, least: int = 1
) -> Logistic:
    """Return the regression of labels on the features that `least` examples hold."""
    import numpy as np

    held = Counter(each for example in examples for each in set(example))
    features = sorted(each for each, number in held.items() if number >= least)
    at = {each: column for column, each in enumerate(features)}
    table = np.zeros((len(examples), len(features)))
    for row, example in enumerate(examples):
        table[row, [at[each] for each in example if each in at]] = 1.0
    means = table.mean(axis=0)
    table -= means
    inner, wanted, size = table @ table.T, np.array(labels, dtype=float), len(examples)
    system = np.ones((size + 1, size + 1))
    system[size, size] = 0.0
    solved = np.zeros(size + 1)
    for _ in range(STEPS_MAX):
        odds = inner @ solved[:size] + solved[size]
        chance = 1 / (1 + np.exp(-odds))
        spread = np.maximum(chance * (1 - chance), CLOSE)
        system[:size, :size] = inner + np.diag(penalty / spread)
        last, solved = (
            solved,
            np.linalg.solve(system, np.append(odds + (wanted - chance) / spread, 0.0)),
        )
        if np.abs(solved - last).max() < CLOSE:
            break
    weights = table.T @ solved[:size]
    return Logistic(
        float(solved[size] - means @ weights),
        dict(zip(features, map(float, weights), strict=True)),
    )
