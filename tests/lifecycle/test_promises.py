"""A promise counts as it was given, and what was kept is computed."""

import pytest

from emeritus import digests
from emeritus.lifecycle.gates import judge
from emeritus.lifecycle.policy import loosened, parse
from emeritus.lifecycle.promises import Outcome, Promise, our_promises
from emeritus.lifecycle.shipped import policy_text
from emeritus.lifecycle.versions import loosened_against_earlier, versions_of
from emeritus.record.events import (
    DateKind,
    DateMoved,
    Event,
    FixityChecked,
    GateWaived,
    ModelCovered,
    ModelRegistered,
    ModelRetired,
    OfferingOpened,
    PolicyAdopted,
    ReplicaAdded,
    ReplicaSynced,
    RetirementAnnounced,
    RunsetPreserved,
    WeightsPreserved,
)
from tests.lifecycle.histories import MODEL, START, history, shipped

HASH = "sha256:" + "0" * 64
REGISTERED = ModelRegistered(model=MODEL, form="hf-folder", architecture="X", parameters=1)
COVERED = ModelCovered(model=MODEL, covered=True, reason="public")
OPENED = OfferingOpened(model=MODEL, offering="api")
RETIRED = ModelRetired(model=MODEL, offering="api")
WEIGHTS = WeightsPreserved(
    model=MODEL,
    manifest=HASH,
    manifest_sha256=HASH,
    files=2,
    tensors=1,
    bytes_raw=2,
    bytes_stored=1,
)


def _adopted(days: int = 60, name: str = "default") -> PolicyAdopted:
    text = policy_text("default").replace("days_min = 60", f"days_min = {days}")
    return PolicyAdopted(name=name, text=text, sha256=digests.sha256(text.encode()))


def _announced(day: str, kind: DateKind = DateKind.CONFIRMED) -> RetirementAnnounced:
    return RetirementAnnounced(model=MODEL, offering="api", retire_on=day, date_kind=kind)


def _moved(day: str) -> DateMoved:
    return DateMoved(
        model=MODEL, offering="api", retire_on=day, date_kind=DateKind.CONFIRMED, reason="-"
    )


def _ledger(*events: Event, step_days: int = 0) -> dict[str, Promise]:
    found = our_promises(history(*events, step_days=step_days), START)
    return {each.promise: each for each in found}


def test_notice_that_was_given_is_counted_to_the_day_of_the_end() -> None:
    """Announced on day 4 and retired on day 84: eighty days, and the promise of sixty was kept."""
    events = [_adopted(), REGISTERED, COVERED, OPENED, _announced("2027-06-01"), RETIRED]
    notice = _ledger(*events, step_days=80)["notice"]
    assert (notice.outcome, notice.promised) == (Outcome.KEPT, "60 days")
    assert "80 days on api" in notice.found
    notice = _ledger(*events, step_days=59)["notice"]
    assert notice.outcome is Outcome.BROKEN


def test_a_promise_counts_by_the_policy_of_its_day() -> None:
    """Loosening the policy after the announcement changes nothing about what was promised."""
    events = [_adopted(60), REGISTERED, COVERED, OPENED, _announced("2027-06-01")]
    later = _ledger(*events, _adopted(10, "looser"), RETIRED, step_days=15)["notice"]
    assert (later.promised, later.outcome) == ("60 days", Outcome.BROKEN)


def test_an_end_without_an_announcement_gave_no_notice() -> None:
    """An emergency is an end like any other in the ledger, unless a person waived the notice."""
    gone = ModelRetired(model=MODEL, offering="api", emergency=True, owed=("notice",), reason="x")
    events = [_adopted(), REGISTERED, COVERED, OPENED, gone]
    assert _ledger(*events)["notice"].outcome is Outcome.BROKEN
    assert "0 days" in _ledger(*events)["notice"].found
    waived = GateWaived(model=MODEL, gate="notice", reason="nobody used it")
    assert _ledger(*events, waived)["notice"].outcome is Outcome.WAIVED


@pytest.mark.parametrize(
    ("moves", "outcome", "said"),
    [
        ([], Outcome.DUE, "moved 0 times"),
        (["2027-07-01"], Outcome.DUE, "moved 1 times, 0 times to an earlier day"),
        (["2027-05-01"], Outcome.BROKEN, "1 times to an earlier day"),
        (["2027-07-01", "2027-06-30"], Outcome.BROKEN, "moved 2 times, 1 times"),
    ],
)
def test_a_date_may_move_later_and_never_earlier(
    moves: list[str], outcome: Outcome, said: str
) -> None:
    """Every move is counted, and one to an earlier day breaks the word."""
    events = [_adopted(), REGISTERED, COVERED, OPENED, _announced("2027-06-01")]
    dates = _ledger(*events, *map(_moved, moves))["dates"]
    assert dates.outcome is outcome
    assert said in dates.found


def test_an_end_before_the_stated_day_breaks_the_date() -> None:
    """Retired on 1 January though June was said."""
    events = [_adopted(), REGISTERED, COVERED, OPENED, _announced("2027-06-01"), RETIRED]
    assert _ledger(*events)["dates"].outcome is Outcome.BROKEN


def test_what_is_not_kept_is_due_until_the_end_and_broken_after_it() -> None:
    """Weights, replicas, interview and report are owed when the model is gone without them."""
    events: list[Event] = [_adopted(), REGISTERED, COVERED, OPENED, _announced("2027-01-01")]
    for promise in ("weights", "replicas", "interview", "report"):
        assert _ledger(*events)[promise].outcome is Outcome.DUE
        assert _ledger(*events, RETIRED)[promise].outcome is Outcome.BROKEN
    assert _ledger(*events, WEIGHTS, RETIRED)["weights"].outcome is Outcome.KEPT


def test_a_model_that_is_not_covered_was_promised_nothing() -> None:
    """The reason and its event stand in every row."""
    uncovered = ModelCovered(model=MODEL, covered=False, reason="never left the laboratory")
    ledger = _ledger(_adopted(), REGISTERED, uncovered, OPENED)
    for each in ledger.values():
        assert each.outcome is Outcome.NOT_PROMISED
        assert "never left the laboratory" in each.found
        assert each.evidence == ("3.0",)


def test_weights_that_are_not_ours_to_hold_were_not_promised() -> None:
    """A hosted model says: weights not held."""
    hosted = ModelRegistered(
        model=MODEL, form="endpoint", architecture="X", parameters=0, weights_held=False
    )
    weights = _ledger(_adopted(), hosted, COVERED, OPENED)["weights"]
    assert (weights.outcome, weights.found) == (Outcome.NOT_PROMISED, "weights not held")


def test_a_policy_that_asks_for_less_than_an_earlier_one_is_named() -> None:
    """The loosening is said with the version that asked for more, until it is taken back."""
    said = loosened_against_earlier(versions_of(history(_adopted(60), _adopted(30))))
    assert said == (
        "notice: 30 days of notice instead of 60 in its version 1 (event 1.0, 2027-01-01)",
    )
    hidden = versions_of(history(_adopted(60), _adopted(30), _adopted(30, "again")))
    assert len(loosened_against_earlier(hidden)) == 1
    assert loosened_against_earlier(versions_of(history(_adopted(30), _adopted(60)))) == ()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("requests_min = 10_000", "requests_min = 20_000", "from 20000 requests in 30 days"),
        ("within_days = 30\n", "within_days = 10\n", "in 10 days instead of 10000 in 30"),
        ('internal = ["internal"]', 'internal = ["internal", "beta"]', "offerings on beta"),
        ('keep = "lifetime"', "keep = 365", "retention: weights for 365 days instead of a life"),
        ("keep = 3650", "keep = 30", "retention: letters for 30 days instead of 3650 days"),
    ],
)
def test_coverage_and_retention_are_loosened_too(before: str, after: str, said: str) -> None:
    """A promise for fewer models, or for a shorter time, is a smaller promise."""
    shipped = policy_text("default")
    assert before in shipped
    sentences = loosened(parse(shipped.replace(before, after, 1)), parse(shipped))
    assert len(sentences) == 1
    assert said in sentences[0]
    assert loosened(parse(shipped), parse(shipped.replace(before, after, 1))) == ()


def test_the_ledger_judges_copies_as_the_gate_does() -> None:
    """Of a thousand checks only the newest count, for the ledger and for the gate alike."""
    copies: list[Event] = [
        ReplicaAdded(replica="primary", place="here"),
        ReplicaAdded(replica="second", place="basel"),
        ReplicaSynced(replica="second", up_to=99, packs=1),
    ]
    checks: list[Event] = [
        FixityChecked(replica=replica, deep=deep, packs=1, findings=findings, up_to=99)
        for findings in (1, 0)
        for deep in (True, False)
        for replica in ("primary", "second")
    ]
    runset = RunsetPreserved(model=MODEL, document=HASH, sha256=HASH, runtime="reference")
    events = history(_adopted(), REGISTERED, OPENED, WEIGHTS, runset, *copies, *checks)
    gates = {gate.name: gate for gate in judge(MODEL, events, shipped(), START)}
    found = {each.promise: each for each in our_promises(events, START)}["replicas"]
    assert found.found == gates["preserved"].because
    assert "verified replicas: 2, in places: 2" in found.found


def test_each_model_sees_its_own_events() -> None:
    """Weights of one model are not the weights of another."""
    other = ModelRegistered(model="acme/b", form="hf-folder", architecture="X", parameters=1)
    opened = OfferingOpened(model="acme/b", offering="api")
    events = history(_adopted(), REGISTERED, OPENED, other, opened, WEIGHTS)
    found = {(each.model, each.promise): each.outcome for each in our_promises(events, START)}
    assert found[MODEL, "weights"] is Outcome.KEPT
    assert found["acme/b", "weights"] is Outcome.DUE
