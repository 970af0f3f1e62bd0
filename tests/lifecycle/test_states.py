"""States fold from events, and only legal moves move them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emeritus.lifecycle.states import ModelState, State, fold, refusal
from emeritus.record.events import (
    DateKind,
    DateMoved,
    DeploymentRegistered,
    Event,
    LegacyDeclared,
    ModelReinstated,
    ModelRetired,
    OfferingOpened,
    RetirementAnnounced,
    VariantRegistered,
)
from tests.lifecycle.histories import MODEL, history

OPENED = OfferingOpened(model=MODEL, offering="api")
LEGACY = LegacyDeclared(model=MODEL, offering="api", reason="a better one is there")
ANNOUNCED = RetirementAnnounced(
    model=MODEL, offering="api", retire_on="2027-06-01", date_kind=DateKind.ANNOUNCED
)
MOVED = DateMoved(
    model=MODEL,
    offering="api",
    retire_on="2027-07-01",
    date_kind=DateKind.CONFIRMED,
    reason="asked",
)
RETIRED = ModelRetired(model=MODEL, offering="api")
EMERGENCY = ModelRetired(model=MODEL, offering="api", emergency=True, owed=("notice",), reason="x")
REINSTATED = ModelReinstated(model=MODEL, offering="api", reason="users asked")
MOVES: list[Event] = [OPENED, LEGACY, ANNOUNCED, MOVED, RETIRED, EMERGENCY, REINSTATED]


def _state(standing: ModelState) -> State | None:
    offering = standing.offerings.get("api")
    return offering.state if offering else None


def test_a_whole_life_passes_through_every_state() -> None:
    """An offering goes from active over legacy and deprecated to retired, and may come back."""
    states = [
        _state(fold(MODEL, history(*part)))
        for part in itertools.accumulate(
            [[OPENED], [LEGACY], [ANNOUNCED], [RETIRED], [REINSTATED]], lambda a, b: a + b
        )
    ]
    assert states == ["active", "legacy", "deprecated", "retired", "reinstated"]


def test_a_moved_date_stands_beside_the_old_one() -> None:
    """Both dates stay readable, each with its kind and the event that stated it."""
    offering = fold(MODEL, history(OPENED, ANNOUNCED, MOVED)).offerings["api"]
    assert [(date.retire_on, date.kind, date.entry) for date in offering.dates] == [
        ("2027-06-01", "announced", "2.0"),
        ("2027-07-01", "confirmed", "3.0"),
    ]
    assert offering.date is not None
    assert offering.date.retire_on == "2027-07-01"


def test_an_emergency_retires_what_was_never_announced() -> None:
    """Switching off is never blocked by the rules of notice."""
    assert _state(fold(MODEL, history(OPENED, EMERGENCY))) is State.RETIRED


@pytest.mark.parametrize(
    ("before", "event", "needed"),
    [
        (State.ACTIVE, RETIRED, "deprecated"),
        (State.RETIRED, RETIRED, "deprecated"),
        (State.RETIRED, ANNOUNCED, "reinstated"),
        (State.ACTIVE, REINSTATED, "retired"),
        (None, LEGACY, "active"),
        (State.ACTIVE, OPENED, "not opened"),
        (None, EMERGENCY, "legacy"),
    ],
)
def test_an_illegal_move_names_the_rule(before: State | None, event: Event, needed: str) -> None:
    """The refusal says what the move needs and what is there."""
    said = refusal(before, event)
    assert said is not None
    assert needed in said
    assert str(before or "not opened") in said


@given(st.lists(st.sampled_from(MOVES), max_size=12))
def test_no_sequence_of_moves_reaches_a_state_against_the_rules(events: list[Event]) -> None:
    """Every event either moves by the rules or is reported as a violation and changes nothing."""
    before = fold(MODEL, history())
    for count in range(1, len(events) + 1):
        after = fold(MODEL, history(*events[:count]))
        rule = refusal(_state(before), events[count - 1])
        if rule is None:
            assert len(after.violations) == len(before.violations)
        else:
            assert after.offerings == before.offerings
            assert len(after.violations) == len(before.violations) + 1
        before = after


def test_a_model_is_retired_when_no_offering_serves_it() -> None:
    """One offering that is still served keeps the model from being retired as a whole."""
    other = OfferingOpened(model=MODEL, offering="app")
    standing = fold(MODEL, history(OPENED, other, ANNOUNCED, RETIRED))
    assert not standing.retired
    assert fold(MODEL, history(OPENED, ANNOUNCED, RETIRED)).retired


def test_variants_and_deployments_are_remembered() -> None:
    """A model knows its forms, and the newest word about each stack that serves one."""
    master = VariantRegistered(model=MODEL, variant="master", description="bf16")
    first = DeploymentRegistered(model=MODEL, deployment="api", variant="master", serving="a")
    second = DeploymentRegistered(model=MODEL, deployment="api", variant="master", serving="b")
    standing = fold(MODEL, history(master, first, second))
    assert standing.variants == ("master",)
    assert standing.deployments == {"api": second}
