"""Paired contrasts: the permutation test against brute force, Holm, and power."""

import itertools
import random

import pytest

from emeritus.statistics import cluster_bootstrap, holm, paired_power, sign_flip


def _brute(differences: list[float]) -> float:
    observed = abs(sum(differences))
    signs = list(itertools.product((1, -1), repeat=len(differences)))
    sums = [
        abs(sum(sign * each for sign, each in zip(row, differences, strict=True))) for row in signs
    ]
    return sum(each >= observed - 1e-9 for each in sums) / len(signs)


@pytest.mark.parametrize("seed", range(20))
def test_the_permutation_distribution_is_the_exact_one(seed: int) -> None:
    """Differences of tenths as of shares of ten runs, and of sevenths, which fit no grid."""
    chance = random.Random(seed)
    for parts in (10, 7):
        drawn = [chance.randint(-parts, parts) / parts for _ in range(9)]
        found = sign_flip(drawn)
        assert found is not None
        assert found >= _brute(drawn) - 1e-9
        if parts == 10:
            assert found == pytest.approx(_brute(drawn))


def test_the_test_at_its_edges() -> None:
    """All one way, no difference at all, and nothing to compare."""
    assert sign_flip([0.1] * 24) == pytest.approx(2 / 2**24)
    assert sign_flip([1.0, 1.0, 1.0]) == 0.25
    assert sign_flip([0.0, 0.0]) == 1.0
    assert sign_flip([]) is None
    with pytest.raises(ValueError, match="finite"):
        sign_flip([float("nan")])


def test_the_test_keeps_its_level() -> None:
    """Under no effect, at most about 5 in 100 tests fall below 0.05."""
    chance = random.Random(7)
    values = [
        sign_flip([(chance.randint(0, 10) - chance.randint(0, 10)) / 10 for _ in range(24)]) or 0.0
        for _ in range(400)
    ]
    assert sum(value < 0.05 for value in values) <= 32  # 20 expected, three standard errors more


def test_holm_is_that_of_the_definition() -> None:
    """The smallest of three times three, and never less than the one before."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_clusters_are_drawn_whole() -> None:
    """Three paraphrases that say the same count as one family, not as three."""
    values = [0.0, 0.1, 0.2, 0.3, 0.4, 0.0, 0.1, 0.5]
    tripled = cluster_bootstrap({number: [each] * 3 for number, each in enumerate(values)})
    once = cluster_bootstrap({number: [each] for number, each in enumerate(values)})
    apart = cluster_bootstrap(
        {(number, k): [each] for number, each in enumerate(values) for k in range(3)}
    )
    assert tripled is not None
    assert once is not None
    assert (tripled.low, tripled.high) == pytest.approx((once.low, once.high))
    assert apart is not None
    assert once is not None
    assert apart.high - apart.low < once.high - once.low
    assert cluster_bootstrap({"one": [1.0]}) is None


def test_power_grows_with_runs_and_is_the_level_without_an_effect() -> None:
    """20 % to 10 % over 24 cells: 10 runs find it four times of five, 20 nearly always."""
    five, ten, twenty = (paired_power(0.2, 0.1, 24, runs) for runs in (5, 10, 20))
    assert five < 0.65 < ten < 0.95 < twenty
    assert paired_power(0.1, 0.1, 24, 10) < 0.09
