"""Why a model is covered is said in words, with what speaks against the decision."""

from emeritus.lifecycle.coverage import Explanation, explain
from emeritus.record.events import (
    Event,
    ModelCovered,
    ModelRegistered,
    ModelRetired,
    OfferingOpened,
    UsageCounted,
)
from tests.lifecycle.histories import MODEL, history, shipped

REGISTERED = ModelRegistered(model=MODEL, form="hf-folder", architecture="X", parameters=1)
PUBLIC = OfferingOpened(model=MODEL, offering="api/eu")
INTERNAL = OfferingOpened(model=MODEL, offering="internal/tools")
COVERED = ModelCovered(model=MODEL, covered=True, reason="offered to the public")
UNCOVERED = ModelCovered(model=MODEL, covered=False, reason="an experiment")


def _used(requests: int, until: str = "2027-01-30") -> UsageCounted:
    return UsageCounted(
        model=MODEL, since="2027-01-01", until=until, requests=requests, sha256="sha256:0"
    )


def _explained(*events: Event) -> Explanation:
    return explain(MODEL, history(REGISTERED, *events), shipped())


def test_a_covered_model_says_why_and_who_decided() -> None:
    """The reason, the person, the event and the public offering are named."""
    said = _explained(PUBLIC, COVERED)
    assert said.covered is True
    assert said.because[:2] == (
        "covered: offered to the public (decided by steward, event 3.0)",
        "offered to the public on api/eu",
    )
    assert said.doubts == ()


def test_a_public_model_that_is_not_covered_raises_a_doubt() -> None:
    """A decision against the policy's own words does not pass in silence."""
    assert "public" in _explained(PUBLIC, UNCOVERED).doubts[0]
    assert _explained(INTERNAL, UNCOVERED).doubts == ()
    assert _explained().covered is None


def test_usage_above_the_threshold_is_significant() -> None:
    """Ten thousand requests in thirty days are, one fewer is not."""
    assert _explained(INTERNAL, UNCOVERED, _used(9_999)).doubts == ()
    (doubt,) = _explained(INTERNAL, UNCOVERED, _used(10_000)).doubts
    assert "significant internal use" in doubt
    assert _explained(INTERNAL, COVERED, _used(10_000)).doubts == ()


def test_the_newest_count_decides() -> None:
    """A model that is used no more is in significant use no more."""
    events = (_used(90_000, "2027-01-30"), _used(5, "2027-03-30"))
    assert _explained(INTERNAL, UNCOVERED, *events).doubts == ()


def test_a_retired_offering_is_not_public_any_more() -> None:
    """What is gone speaks for nothing."""
    gone = ModelRetired(model=MODEL, offering="api/eu", emergency=True, reason="x")
    assert "nowhere" in _explained(PUBLIC, gone, COVERED).because[1]
