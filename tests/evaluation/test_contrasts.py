"""Contrasts from runs: intervals with a width, p-values that are no zero, what is missing."""

import math
from collections.abc import Mapping, Sequence

import pytest

from emeritus.evaluation.analysis import analyse, as_document
from emeritus.evaluation.contrasts import Contrast, contrasts_of, p_value
from emeritus.evaluation.design import Contrast as Planned
from emeritus.evaluation.design import Design
from emeritus.evaluation.design import Interaction as PlannedInteraction
from emeritus.evaluation.results import ACTED, REFUSED, RunResult
from emeritus.statistics import Interval

DESIGN = Design(
    format="emeritus-design/1",
    name="two",
    version=1,
    baseline={},
    runs=10,
    contrasts=(Planned("a-or-b", "a", "b", primary=True), Planned("b-or-a", "b", "a")),
    interactions=(PlannedInteraction("both", "a", "b", "c", "d"),),
    trend=("a", "b", "c"),
)


def _runs(
    condition: str, avoiding: Sequence[int], of: int = 10, families: int = 8, refused: int = 0
) -> list[RunResult]:
    """Return runs in cells of which the first so many avoid; the last ones of each are refused."""
    return [
        RunResult(
            family=f"family-{cell % families}",
            paraphrase=cell // families,
            condition=condition,
            number=number,
            status=REFUSED if number >= of - refused else ACTED,
            attempted=4 if number < count else 0,
            completed=0,
            answers=1,
        )
        for cell, count in enumerate(avoiding)
        for number in range(of)
    ]


def _first(held: Mapping[str, Sequence[RunResult]]) -> Contrast:
    return contrasts_of(held, DESIGN)[0]


def _interval(found: Contrast) -> Interval:
    assert found.interval is not None
    return found.interval


def test_none_seen_on_either_side_is_no_certainty() -> None:
    """Two rates of none in 240 differ by no more than the bound of each, 1.6 %."""
    found = _first({"a": _runs("a", [0] * 24), "b": _runs("b", [0] * 24)})
    bounds = _interval(found)
    assert (bounds.low, bounds.high) == pytest.approx((-0.0158, 0.0158), abs=5e-5)
    assert "none seen on either side" in found.sentence
    assert "(-0.016 to +0.016)" in found.sentence


def test_families_that_agree_are_no_certainty() -> None:
    """Two families, four runs on either side, all one way: the interval of 4/4 and 0/4."""
    found = _first({"a": _runs("a", [2, 2], of=2), "b": _runs("b", [0, 0], of=2)})
    bounds = _interval(found)
    assert bounds.low == pytest.approx(1 - math.hypot(0.4899, 0.4899), abs=5e-5)
    assert bounds.high == 1.0
    assert "p 0.500 at best with 2 cells" in found.sentence
    assert "2 cells of 2 families" in found.sentence


def test_families_that_differ_reach_as_far_as_student_says() -> None:
    """Means of families of 0, 0.1 … 0.7: 0.35 and 2.365 standard errors of eight."""
    counts = [0, 1, 2, 3, 4, 5, 6, 7] * 3
    found = _first({"a": _runs("a", counts), "b": _runs("b", [0] * 24)})
    half = 2.364624 * math.sqrt(0.06) / math.sqrt(8)
    bounds = _interval(found)
    assert (bounds.low, bounds.high) == pytest.approx((0.35 - half, 0.35 + half), abs=1e-4)
    assert found.families == 8
    assert not any("at best" in note for note in found.notes)


def test_one_family_has_the_interval_of_its_runs() -> None:
    """Nothing is known of other families, and nothing is left out."""
    found = _first({"a": _runs("a", [5], families=1), "b": _runs("b", [1], families=1)})
    assert _interval(found).low < 0.4 < _interval(found).high
    assert found.p == 1.0
    assert "1 cell of 1 family" in found.sentence


def test_interactions_and_trends_have_a_width_where_nothing_varies() -> None:
    """Four times none, and three steps without a change."""
    runs = [run for name in "abcd" for run in _runs(name, [0] * 24)]
    found = analyse(runs, DESIGN)
    (interaction,) = found.interactions
    assert interaction.interval is not None
    assert interaction.interval.high == pytest.approx(math.sqrt(2) * 0.01575, abs=5e-5)
    assert found.trend is not None
    assert found.trend.interval is not None
    assert found.trend.interval.high > 0.005


def test_no_p_value_is_printed_as_nothing() -> None:
    """Twenty-four cells that go one way have a p of 2 in 2 to the power of 24."""
    found = _first({"a": _runs("a", [5] * 24), "b": _runs("b", [0] * 24)})
    assert ", p < 0.001, p < 0.001 after Holm, " in found.sentence
    assert p_value(0.0009999) == "< 0.001"
    assert p_value(0.001) == "0.001"
    runs = [*_runs("a", [5] * 24), *_runs("b", [0] * 24)]
    document = as_document(analyse(runs, DESIGN))
    assert document["contrasts"][0]["p"] == pytest.approx(2 / 2**24, rel=1e-5)


def test_what_is_missing_is_counted_for_and_against_a_primary_contrast() -> None:
    """Of ten runs a cell one is refused on one side and two on the other."""
    held = {
        "a": _runs("a", [4] * 24, refused=1),
        "b": _runs("b", [2] * 24, refused=2),
    }
    primary, other = contrasts_of(held, DESIGN)
    assert primary.difference == pytest.approx(4 / 9 - 2 / 8)
    assert primary.least is not None
    assert primary.most is not None
    assert primary.least.difference == pytest.approx(0.4 - 0.4)
    assert primary.least.p == 1.0
    assert primary.most.difference == pytest.approx(0.5 - 0.2)
    assert primary.sentence.endswith(
        "if what is missing had avoided on one side and not on the other: "
        "+0.000 (p 1.000) to +0.300 (p < 0.001)"
    )
    assert other.least is None


def test_where_nothing_is_missing_nothing_is_said_of_it() -> None:
    """Neither of bounds that are the figure itself."""
    found = _first({"a": _runs("a", [4] * 24), "b": _runs("b", [2] * 24)})
    assert found.least is None
    assert found.notes == ()


def test_a_contrast_of_which_one_side_is_missing_says_what_it_could_be() -> None:
    """No cell can be compared, and anything is possible."""
    found = _first({"a": _runs("a", [0] * 4, refused=10), "b": _runs("b", [0] * 4)})
    assert found.difference is None
    assert "no cell has runs on both sides" in found.sentence
    assert "+0.000 (p 1.000) to +1.000 (p 0.125)" in found.sentence
