"""Intervals of differences of shares, and Student's t, against published figures and integrals."""

import math

import pytest

from emeritus.statistics import Term, score_sum, t_quantile, t_within, wilson


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_a_difference_has_the_interval_that_newcombe_printed(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    """Table II of Newcombe (1998), method 10: also where nothing or everything was seen."""
    found = score_sum([Term(1, *first), Term(-1, *second)])
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_a_sum_of_one_share_is_that_of_wilson() -> None:
    """And one share turned round is the same, mirrored."""
    bounds = wilson(3, 17)
    assert score_sum([Term(1, 3, 17)]) == bounds
    turned = score_sum([Term(-1, 3, 17)])
    assert (turned.low, turned.high) == pytest.approx((-bounds.high, -bounds.low))


def test_a_sum_without_trials_is_anything_that_it_can_be() -> None:
    """Of four shares of which nothing is known, a difference of differences lies in [-2, 2]."""
    found = score_sum([Term(weight, 0, 0) for weight in (1, -1, -1, 1)])
    assert (found.low, found.high) == pytest.approx((-1.0, 1.0))
    assert score_sum([Term(2, 5, 5), Term(-2, 0, 5)]).high == 2.0


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (7, 2.365), (8, 2.306), (30, 2.042)],
)
def test_the_quantiles_are_those_of_the_printed_tables(freedom: int, quantile: float) -> None:
    """Two-sided, 95 %."""
    assert t_quantile(freedom) == pytest.approx(quantile, abs=5e-4)


@pytest.mark.parametrize("freedom", [1, 2, 5, 8, 23])
def test_the_distribution_is_the_integral_of_its_density(freedom: int) -> None:
    """Summed by Simpson's rule."""
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2))
    scale /= math.sqrt(freedom * math.pi)

    def density(at: float) -> float:
        return scale * math.pow(1 + at * at / freedom, -(freedom + 1) / 2)

    value, parts = 2.3, 1000
    step = 2 * value / parts
    inner = sum((4 if at % 2 else 2) * density(-value + at * step) for at in range(1, parts))
    area = step / 3 * (density(-value) + inner + density(value))
    assert t_within(value, freedom) == pytest.approx(area, abs=1e-9)


def test_there_is_no_quantile_without_freedom() -> None:
    """One cluster says nothing about how clusters differ."""
    with pytest.raises(ValueError, match="freedom"):
        t_quantile(0)
