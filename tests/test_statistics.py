"""Statistics against published worked examples, and against simulation where there are none."""

import math
import random

import pytest

from emeritus.statistics import (
    Judged,
    cohen_kappa,
    krippendorff_alpha,
    logistic,
    rogan_gladen,
    variance_shares,
)


def test_alpha_is_that_of_krippendorffs_worked_examples() -> None:
    """Krippendorff 2011: examples A (0.095), B (0.692) and C with gaps (0.743), nominal."""
    two = list(zip("0100000010", "1110010000", strict=True))
    many = list(zip("aabbdcccedda", "babbbcccEddd".lower(), strict=True))
    rows = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    coders = [[None if code == "." else code for code in row] for row in rows]
    four = list(zip(*coders, strict=True))
    assert round(krippendorff_alpha(two).value or 0, 3) == 0.095
    assert round(krippendorff_alpha(many).value or 0, 3) == 0.692
    found = krippendorff_alpha(four)
    assert round(found.value or 0, 3) == 0.743
    assert found.units == 11
    assert found.interval is not None
    assert found.interval.low < 0.743 < found.interval.high


def test_alpha_is_the_same_for_the_same_seed_and_undefined_without_variation() -> None:
    """The interval is drawn from the seed; one code alone leaves nothing to disagree about."""
    units = [("a", "a"), ("a", "b"), ("b", "b"), ("b", "b"), ("a", "a")]
    assert krippendorff_alpha(units, seed=3) == krippendorff_alpha(units, seed=3)
    assert krippendorff_alpha([("a", "a")] * 9).value is None
    assert krippendorff_alpha([("a", None)] * 9).units == 0


def test_kappa_is_that_of_the_worked_example() -> None:
    """50 grants, 20 yes-yes, 15 no-no, 5 and 10 apart: 0.4."""
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    found = cohen_kappa(pairs)
    assert found.value == pytest.approx(0.4)
    assert found.interval is not None
    assert found.interval.low == pytest.approx(0.151, abs=0.001)
    assert cohen_kappa([]).value is None
    assert cohen_kappa([(True, True)] * 5).value is None
    assert cohen_kappa([(1, 1), (2, 2)] * 9).value == 1.0


def test_a_corrected_prevalence_undoes_what_the_judge_adds() -> None:
    """(0.30 + 0.95 − 1) / (0.90 + 0.95 − 1); a judge no better than chance corrects nothing."""
    found = rogan_gladen(Judged(30, 100), Judged(45, 50), Judged(76, 80))
    assert found is not None
    assert found.value == pytest.approx(0.25 / 0.85)
    assert found.interval.low < found.value < found.interval.high
    assert rogan_gladen(Judged(30, 100), Judged(25, 50), Judged(40, 80)) is None
    assert rogan_gladen(Judged(30, 100), Judged(0, 0), Judged(40, 80)) is None


def test_the_corrected_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Over 600 simulated calibrations the 95 % interval holds the truth in at least 93 %."""
    chance = random.Random(5)

    def drawn(share: float, of: int) -> Judged:
        return Judged(sum(chance.random() < share for _ in range(of)), of)

    truth, sensitivity, specificity = 0.3, 0.85, 0.9
    apparent = truth * sensitivity + (1 - truth) * (1 - specificity)
    covered = 0
    for _ in range(600):
        found = rogan_gladen(drawn(apparent, 120), drawn(sensitivity, 60), drawn(specificity, 60))
        assert found is not None
        covered += found.interval.low <= truth <= found.interval.high
    assert covered / 600 >= 0.93


def test_shares_of_variance_go_to_the_factor_that_makes_the_difference() -> None:
    """Three wordings by four orders: all to the wording, all to nothing known, or undefined."""
    wording = [number % 3 for number in range(12)]
    order = [number // 3 for number in range(12)]
    factors: dict[str, list[int] | list[str]] = {
        "paraphrase": wording,
        "order": order,
        "interviewer": ["script"] * 12,
    }
    found = variance_shares([float(each == 0) for each in wording], factors)
    assert found == pytest.approx(
        {"paraphrase": 1.0, "order": 0.0, "interviewer": 0.0, "session": 0.0}
    )
    mixed = variance_shares([1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0], factors)
    assert mixed is not None
    assert sum(mixed.values()) == pytest.approx(1.0)
    assert mixed["session"] > 0.7
    assert variance_shares([1.0] * 12, factors) is None
    assert variance_shares([1.0, 0.0], {}) is None


def test_a_logistic_regression_balances_what_is_seen_with_the_ridge() -> None:
    """At the best weights each is the sum of what its feature leaves unexplained."""
    examples = [{"a", "b"}, {"a"}, {"b"}, set(), {"a", "c"}, {"b", "c"}]
    labels = [True, True, False, False, True, False]
    found = logistic(examples, labels, 0.5)
    left = [
        label - 1 / (1 + math.exp(-found.base - sum(found.weights[each] for each in example)))
        for example, label in zip(examples, labels, strict=True)
    ]
    assert sum(left) == pytest.approx(0, abs=1e-6)
    for feature, weight in found.weights.items():
        seen = sum(rest for rest, held in zip(left, examples, strict=True) if feature in held)
        assert seen == pytest.approx(0.5 * weight, abs=1e-6)
    assert found.weights["a"] > 0 > found.weights["b"]


def test_a_feature_that_too_few_examples_hold_has_no_weight() -> None:
    """Nor is it counted twice where an example names it twice."""
    found = logistic([["a", "a"], ["b"], ["b"], []], [True, False, False, True], 1.0, 2)
    assert set(found.weights) == {"b"}
