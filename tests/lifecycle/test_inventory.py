"""What is there and not in the register is named; so is what the promise should cover."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emeritus.errors import UserError
from emeritus.lifecycle.inventory import Finding, Line, Seen, Usage, compare, read_usage
from emeritus.record.events import (
    Event,
    ModelCovered,
    ModelRegistered,
    ModelRetired,
    OfferingOpened,
)
from tests.lifecycle.histories import history, shipped

USED = Usage("2027-01-01", "2027-01-30", {"aster-1": 12_000, "rumour": 20_000, "small": 3})


def _registered(model: str, *, offering: str = "internal", covered: bool = False) -> list[Event]:
    return [
        ModelRegistered(model=model, form="hf-folder", architecture="X", parameters=1),
        OfferingOpened(model=model, offering=offering),
        ModelCovered(model=model, covered=covered, reason="decided"),
    ]


def _compared(
    events: list[Event],
    *names: str,
    usage: Usage | None = None,
    aliases: dict[str, str] | None = None,
) -> dict[str, Line]:
    seen = [Seen(name, "http://here/v1") for name in names]
    lines = compare(history(*events), shipped(), seen, usage, aliases or {})
    return {line.name: line for line in lines}


def test_what_is_served_and_not_registered_is_named() -> None:
    """A name that no id fits is a stranger, with the place where it was met."""
    line = _compared(_registered("acme/aster-1", covered=True), "aster-9")["aster-9"]
    assert line.finding is Finding.UNREGISTERED
    assert line.where == ("http://here/v1",)
    assert not line.quiet


@pytest.mark.parametrize(
    "name", ["acme/aster-1", "aster-1", "ASTER-1", "team/acme/aster-1", "mine/aster-1"]
)
def test_a_name_finds_its_model(name: str) -> None:
    """By id, by its end, and by its last part; case does not matter."""
    lines = _compared(_registered("acme/aster-1", covered=True), name)
    assert [line.finding for line in lines.values()] == [Finding.KNOWN]


def test_a_name_that_fits_two_models_is_not_guessed_at() -> None:
    """Both are named, and an alias decides."""
    events = [*_registered("acme/a", covered=True), *_registered("beta/a", covered=True)]
    assert _compared(events, "a")["a"].finding is Finding.AMBIGUOUS
    chosen = _compared(events, "a", aliases={"A": "beta/a"})
    assert chosen["beta/a"].where == ("http://here/v1",)
    assert chosen["acme/a"].where == ()
    with pytest.raises(UserError, match="not registered"):
        _compared(events, "a", aliases={"a": "gamma/a"})


def test_registered_but_not_covered_asks_when_it_is_public_or_much_used() -> None:
    """A public model, and one above the threshold, are covered by the policy's own words."""
    public = _compared(_registered("acme/aster-1", offering="api"))["acme/aster-1"]
    assert public.finding is Finding.UNCOVERED
    assert "it is public" in public.because
    used = _compared(_registered("acme/aster-1"), usage=USED)["acme/aster-1"]
    assert used.finding is Finding.UNCOVERED
    assert "12000 times" in used.because
    small = _compared(_registered("acme/small"), usage=USED)["acme/small"]
    assert small.finding is Finding.EXEMPT


def test_a_stranger_in_significant_use_is_said_to_be() -> None:
    """The threshold counts for what is not registered too."""
    lines = _compared([], "rumour", "small", usage=USED)
    assert "significant internal use" in lines["rumour"].because
    assert "significant" not in lines["small"].because


def test_a_retired_model_that_is_still_there_is_named() -> None:
    """Retired on record and served all the same is a contradiction."""
    gone = ModelRetired(model="acme/aster-1", offering="api", emergency=True, reason="x")
    events = [*_registered("acme/aster-1", offering="api", covered=True), gone]
    assert _compared(events, "aster-1")["acme/aster-1"].finding is Finding.RETIRED
    assert _compared(events)["acme/aster-1"].finding is Finding.KNOWN


def test_what_waits_comes_first() -> None:
    """The list begins with what somebody has to decide."""
    events = [*_registered("acme/a", covered=True), *_registered("acme/b", offering="api")]
    assert [line.quiet for line in _compared(events, "x").values()] == [False, False, True]


def test_usage_is_summed_over_the_window_of_the_policy() -> None:
    """Thirty days up to the newest day count, and what is older does not."""
    rows = [
        {"day": "2027-01-31", "model": "a", "requests": 5},
        {"day": "2027-01-02", "model": "a", "requests": 7},
        {"day": "2027-01-01", "model": "a", "requests": 1000},
    ]
    usage = read_usage(json.dumps(rows).encode(), shipped())
    assert (usage.since, usage.until, usage.requests["a"]) == ("2027-01-02", "2027-01-31", 12)
    table = "day,model,requests\n2027-01-31,a,5\n2027-01-02,a,7\n2027-01-01,a,1000\n"
    assert read_usage(table.encode(), shipped()) == usage


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"day,model,requests\n2027-01-32,a,1\n", "2027-01-32"),
        (b"day,model,requests\n,a,1\n", "the day is missing"),
        (b"day,model,requests\n2027-01-01,a,-1\n", "no count"),
        (b"day,model,requests\n2027-01-01,a,1.5\n", "no count"),
        (b"day,model,requests\n2027-01-01,a,99999999999999999999\n", "no count"),
        (b"day,model,requests\n2027-01-01,,1\n", "the model is missing"),
        (b'[{"day": "2027-01-01", "model": "a", "requests": true}]', "no count"),
        (b"[1]", "row 1"),
        (b"[", "cannot be read"),
        (b"\xff", "not UTF-8"),
    ],
)
def test_figures_that_cannot_be_used_are_refused(data: bytes, said: str) -> None:
    """The first wrong row is named."""
    with pytest.raises(UserError, match=said):
        read_usage(data, shipped())


ROW = st.dictionaries(
    st.sampled_from(["day", "model", "requests", "x"]),
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("2027-01-01"),
)


@given(st.lists(ROW, max_size=3))
def test_any_figures_are_read_or_refused(rows: list[dict[str, Any]]) -> None:
    """A field of any type is refused by name and never our bug."""
    with contextlib.suppress(UserError):
        read_usage(json.dumps(rows).encode(), shipped())
