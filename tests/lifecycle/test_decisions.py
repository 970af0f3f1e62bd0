"""What people decide about policy and coverage, and what a reason must not hold."""

import pytest

from emeritus.archive import Archive
from emeritus.errors import UserError
from emeritus.lifecycle import moves
from emeritus.lifecycle.shipped import policy_text
from emeritus.lifecycle.states import fold
from emeritus.record.events import ModelRegistered, PolicyAdopted

MODEL = "acme/aster-1"


@pytest.fixture
def ours(archive: Archive) -> Archive:
    """An archive under the policy of the demonstration, with one model."""
    model = ModelRegistered(model=MODEL, form="hf-folder", architecture="X", parameters=1)
    moves.register(archive, model, "public")
    return archive


def test_a_looser_policy_is_said_to_be_one_until_it_is_taken_back(ours: Archive) -> None:
    """Adopting says what is lost, and so does the archive from then on."""
    before = moves.loosenings(ours)
    first = ours.history().all(PolicyAdopted)[0]
    looser = policy_text("demo").replace("replicas_min = 2", "replicas_min = 1")
    assert moves.adopt_policy(ours, looser, "steward") == ("preserved: 1 replica instead of 2",)
    said = [each for each in moves.loosenings(ours) if each not in before]
    assert any(each.endswith(f"in its version 1 (event {first.id}, 2027-01-01)") for each in said)
    with pytest.raises(UserError, match="in force already"):
        moves.adopt_policy(ours, looser, "steward")
    assert moves.adopt_policy(ours, policy_text("demo"), "steward") == ()
    assert moves.loosenings(ours) == before
    assert len(ours.history().all(PolicyAdopted)) == 3


def test_a_policy_that_cannot_be_read_is_never_adopted(ours: Archive) -> None:
    """The record takes no policy that gates could not be judged by."""
    with pytest.raises(UserError, match="cannot be used"):
        moves.adopt_policy(ours, "format = 1", "steward")
    assert len(ours.history().all(PolicyAdopted)) == 1


def test_coverage_is_a_decision_with_a_reason(ours: Archive) -> None:
    """The newest decision counts, and the earlier one stays."""
    moves.cover(ours, MODEL, False, "an experiment that nobody uses", "steward")
    decided = fold(MODEL, ours.history()).covered
    assert decided is not None
    assert decided.event.covered is False
    with pytest.raises(UserError, match="needs a reason"):
        moves.cover(ours, MODEL, True, " ", "steward")
    with pytest.raises(UserError, match="no model"):
        moves.cover(ours, "acme/none", True, "x", "steward")


@pytest.mark.parametrize(
    "reason",
    ["asked by anna.muster@example.org", "call +41 61 555 12 34", "<b@example.co.uk> wrote"],
)
def test_a_reason_that_reaches_a_person_is_refused(ours: Archive, reason: str) -> None:
    """What is recorded stays for ever, so nothing personal gets in."""
    with pytest.raises(UserError, match="reaches a person"):
        moves.cover(ours, MODEL, True, reason, "steward")
    with pytest.raises(UserError, match="reaches a person"):
        moves.waive(ours, MODEL, "guided", reason, "steward")
    before = len(ours.history())
    moves.retire(ours, MODEL, reason)  # nothing blocks switching off
    assert len(ours.history()) == before + 1


def test_a_reason_may_name_versions_times_and_handles(ours: Archive) -> None:
    """What only looks a little like an address is no address."""
    moves.waive(ours, MODEL, "guided", "at 10:30 +0200, v1.2+3, 5 @ once", "steward")


def test_two_models_whose_conversations_would_be_called_the_same_are_not_registered(
    ours: Archive,
) -> None:
    """`acme-aster/1` would write over what `acme/aster-1` said."""
    twin = ModelRegistered(model="acme-aster/1", form="hf-folder", architecture="X", parameters=1)
    with pytest.raises(UserError, match="choose another id"):
        moves.register(ours, twin, "public")
