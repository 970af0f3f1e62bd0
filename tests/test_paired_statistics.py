"""Paired contrasts: the permutation test against brute force, Holm, and power."""

import itertools
import math
import random

import pytest

from emeritus.statistics import cluster_interval, holm, least_p, paired_power, sign_flip


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


def test_clusters_count_whole() -> None:
    """Three paraphrases that say the same count as one family, not as three."""
    values = [0.0, 0.1, 0.2, 0.3, 0.4, 0.0, 0.1, 0.5]
    tripled = cluster_interval({number: [each] * 3 for number, each in enumerate(values)})
    once = cluster_interval({number: [each] for number, each in enumerate(values)})
    apart = cluster_interval(
        {(number, k): [each] for number, each in enumerate(values) for k in range(3)}
    )
    assert tripled is not None
    assert once is not None
    assert apart is not None
    assert (tripled.low, tripled.high) == pytest.approx((once.low, once.high))
    assert apart.high - apart.low < once.high - once.low
    assert cluster_interval({"one": [1.0]}) is None


def test_a_clustered_interval_is_that_of_the_paired_t_test() -> None:
    """The hours of sleep of Student (1908), whose interval is in every textbook: 0.70 to 2.46."""
    sleep = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
    found = cluster_interval({number: [each] for number, each in enumerate(sleep)})
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.7001142, 2.4598858), abs=1e-6)


def test_clusters_of_unequal_size_weigh_by_it() -> None:
    """The mean is that of all cells; by hand, sums less size times mean are −0.2, 0.2 and 0."""
    found = cluster_interval({"a": [0.1, 0.1], "b": [0.4], "c": [0.2], "d": []})
    assert found is not None
    half = 4.302652729749 * math.sqrt((0.2**2 + 0.2**2) * 3 / 2) / 4
    assert (found.low, found.high) == pytest.approx((0.2 - half, 0.2 + half))


def test_eight_families_are_covered_as_often_as_is_said() -> None:
    """Families differ in their effect; an interval from drawing them anew would hold 87 of 100."""
    chance = random.Random(5)
    held = 0
    for _ in range(1000):
        families = {}
        for family in range(8):
            share = chance.gauss(0.1, 0.1)
            families[family] = [chance.gauss(share, 0.15) for _ in range(3)]
        found = cluster_interval(families)
        assert found is not None
        held += found.low <= 0.1 <= found.high
    assert 930 <= held <= 970  # 950 expected, three standard errors on either side


def test_the_least_p_is_what_the_test_gives_where_all_go_one_way() -> None:
    """Two cells cannot say less than one half, whatever happens in them."""
    for cells in range(1, 12):
        assert sign_flip([1.0] * cells) == pytest.approx(least_p(cells))
    assert least_p(2) == 0.5


def test_power_grows_with_runs_and_is_the_level_without_an_effect() -> None:
    """20 % to 10 % over 24 cells: 10 runs find it four times of five, 20 nearly always."""
    five, ten, twenty = (paired_power(0.2, 0.1, 24, runs) for runs in (5, 10, 20))
    assert five < 0.65 < ten < 0.95 < twenty
    assert paired_power(0.1, 0.1, 24, 10) < 0.09


def test_power_at_the_level_of_six_contrasts_is_that_of_the_exact_test() -> None:
    """Against experiments that are drawn otherwise, tested exactly; no level is beyond reach."""
    chance = random.Random(3)

    def runs(share: float) -> int:
        return sum(chance.random() < share for _ in range(10))

    values = [sign_flip([(runs(0.2) - runs(0.1)) / 10 for _ in range(24)]) for _ in range(800)]
    found = sum(value is not None and value < 0.05 / 6 for value in values) / 800
    assert 0.4 < found < 0.65
    assert paired_power(0.2, 0.1, 24, 10, alpha=0.05 / 6) == pytest.approx(found, abs=0.06)
    assert paired_power(1.0, 0.0, 24, 10, alpha=0.0001) == 1.0
