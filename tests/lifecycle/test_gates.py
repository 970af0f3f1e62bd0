"""Gates are judged from the record alone."""

import dataclasses
import datetime

import pytest

from emeritus.lifecycle.gates import Gate, Standing, judge
from emeritus.record.entry import History
from emeritus.record.events import (
    BatteryRun,
    CommentReceived,
    DateKind,
    DateMoved,
    DrillPassed,
    Event,
    FixityChecked,
    GateApproved,
    GateWaived,
    GuidePublished,
    InterviewImpossible,
    ModelRetired,
    OfferingOpened,
    PreferenceConsidered,
    PreferenceDocumented,
    ReplicaAdded,
    ReplicaSynced,
    ReportSigned,
    RetirementAnnounced,
    RunsetPreserved,
    SessionHeld,
    WeightsPreserved,
)
from tests.lifecycle.histories import MODEL, START, history, shipped

HASH = "sha256:" + "0" * 64
OPENED = OfferingOpened(model=MODEL, offering="api")
CONFIRMED = RetirementAnnounced(
    model=MODEL, offering="api", retire_on="2027-06-01", date_kind=DateKind.CONFIRMED
)
WEIGHTS = WeightsPreserved(
    model=MODEL,
    manifest=HASH,
    manifest_sha256=HASH,
    files=1,
    tensors=1,
    bytes_raw=2,
    bytes_stored=1,
)
RUNSET = RunsetPreserved(model=MODEL, document=HASH, sha256=HASH, runtime="reference")
DRILL = DrillPassed(
    model=MODEL, rungs=("bytes", "tensors"), runtime="reference", document=HASH, sha256=HASH
)
REPORT = ReportSigned(
    model=MODEL, number=1, html=HASH, html_sha256=HASH, markdown=HASH, markdown_sha256=HASH
)
APPROVAL = GateApproved(model=MODEL, gate="approved")
BATTERY = BatteryRun(model=MODEL, document=HASH, sha256=HASH, valid=True)
COMMENT = CommentReceived(model=MODEL, report=1, transcript=HASH, transcript_sha256=HASH)
IMPOSSIBLE = InterviewImpossible(model=MODEL, reason="it gives vectors, not text")


def _session(number: int, protocol: str = "standard-1", ended: str = "complete") -> SessionHeld:
    return SessionHeld(
        model=MODEL,
        session=f"s{number}",
        protocol=protocol,
        protocol_sha256=HASH,
        arm="A",
        deployment="api",
        transcript=HASH,
        transcript_sha256=HASH,
        turns=2,
        ended=ended,
        outcomes={"answered": 1},
    )


def _preference(name: str) -> PreferenceDocumented:
    return PreferenceDocumented(
        model=MODEL,
        preference=name,
        theme="preservation",
        object="weights-kept",
        polarity="for",
        spans=(),
        coder="rules",
        sessions_with=1,
        sessions_total=1,
    )


def _replica(name: str, place: str, *, findings: int = 0, up_to: int = 99) -> list[Event]:
    return [
        ReplicaAdded(replica=name, place=place),
        ReplicaSynced(replica=name, up_to=up_to, packs=1),
        FixityChecked(replica=name, deep=True, packs=1, findings=findings),
    ]


def _gate(
    name: str, *events: Event | tuple[Event, str], policy: str = "default", days: int = 0
) -> Gate:
    now = START + datetime.timedelta(days=days)
    gates = {gate.name: gate for gate in judge(MODEL, history(*events), shipped(policy), now)}
    return gates[name]


def test_an_empty_history_leaves_every_gate_open_with_a_command() -> None:
    """Whoever sees an open gate is told what would close it."""
    for gate in judge(MODEL, history(), shipped(), START):
        assert gate.standing is Standing.OPEN
        assert gate.command.startswith("emeritus ")


def test_notice_counts_days_from_the_announcement_to_the_confirmed_date() -> None:
    """From 1 January to 1 June are 151 days."""
    gate = _gate("notice", OPENED, CONFIRMED)
    assert gate.standing is Standing.PASSED
    assert "151 days" in gate.because


def test_notice_needs_a_confirmed_date() -> None:
    """An announced date may still move and closes nothing."""
    announced = RetirementAnnounced(
        model=MODEL, offering="api", retire_on="2027-06-01", date_kind=DateKind.ANNOUNCED
    )
    assert _gate("notice", OPENED, announced).standing is Standing.OPEN
    moved = DateMoved(
        model=MODEL,
        offering="api",
        retire_on="2027-06-01",
        date_kind=DateKind.CONFIRMED,
        reason="-",
    )
    assert _gate("notice", OPENED, announced, moved).standing is Standing.PASSED


def test_notice_is_the_shortest_over_all_offerings() -> None:
    """One offering with too little notice keeps the gate open."""
    soon = RetirementAnnounced(
        model=MODEL, offering="app", retire_on="2027-01-10", date_kind=DateKind.CONFIRMED
    )
    app = OfferingOpened(model=MODEL, offering="app")
    gate = _gate("notice", OPENED, CONFIRMED, app, soon)
    assert gate.standing is Standing.OPEN
    assert "9 days" in gate.because


PRIMARY = ReplicaAdded(replica="primary", place="here")
PRIMARY_CHECKED = FixityChecked(replica="primary", deep=True, packs=1, findings=0)


def test_preserved_counts_verified_replicas_and_places() -> None:
    """Three verified copies in two places pass, and the loss that is survived is said."""
    gate = _gate(
        "preserved",
        PRIMARY,
        WEIGHTS,
        RUNSET,
        PRIMARY_CHECKED,
        *_replica("second", "basel"),
        *_replica("third", "basel"),
    )
    assert gate.standing is Standing.PASSED
    assert "survives the loss of any one place" in gate.because


@pytest.mark.parametrize(
    ("third", "days"),
    [
        (_replica("third", "basel", findings=1), 0),
        (_replica("third", "basel", up_to=1), 0),
        ([ReplicaAdded(replica="third", place="basel")], 0),
        (_replica("third", "basel"), 31),
    ],
    ids=["damaged", "without the weights", "never checked", "checked too long ago"],
)
def test_a_replica_that_is_not_proven_does_not_count(third: list[Event], days: int) -> None:
    """Only a copy that holds these weights and was read through lately and found sound counts."""
    events = [PRIMARY, WEIGHTS, RUNSET, PRIMARY_CHECKED, *_replica("second", "basel"), *third]
    assert _gate("preserved", *events, days=days).standing is Standing.OPEN


def test_a_check_before_the_weights_came_does_not_count() -> None:
    """A replica must be read through after the weights were preserved."""
    gate = _gate("preserved", PRIMARY, PRIMARY_CHECKED, WEIGHTS, RUNSET, policy="demo")
    assert "verified replicas: 0" in gate.because


def test_interview_sessions_count_only_when_complete_and_under_an_accepted_protocol() -> None:
    """Aborted sessions and other protocols are counted aloud, and do not count."""
    sessions = [_session(number) for number in range(12)]
    assert _gate("interviewed", *sessions).standing is Standing.PASSED
    others = [_session(20, ended="stopped by the model"), _session(21, protocol="demo-1")]
    gate = _gate("interviewed", *sessions[:11], *others)
    assert gate.standing is Standing.OPEN
    assert "11 complete sessions" in gate.because
    assert "2 more do not count" in gate.because


def test_a_model_that_cannot_speak_makes_listening_not_applicable() -> None:
    """That it cannot hold an interview is evidence, and stands in the gate."""
    for name in ("interviewed", "evaluated"):
        gate = _gate(name, IMPOSSIBLE)
        assert gate.standing is Standing.NOT_APPLICABLE
        assert gate.evidence == ("1.0",)


def test_considered_needs_a_disposition_for_every_preference() -> None:
    """One preference without a disposition keeps the gate open."""
    two = (_session(1), _preference("p1"), _preference("p2"))
    one = PreferenceConsidered(model=MODEL, preference="p1", reason="weighed")
    both = PreferenceConsidered(model=MODEL, preference="p2", reason="weighed")
    assert "1 of 2" in _gate("considered", *two, one).because
    assert _gate("considered", *two, one, both).standing is Standing.PASSED


def test_considered_stays_open_before_anybody_listened() -> None:
    """No preference was documented because nobody asked: that is not 'all considered'."""
    assert _gate("considered").standing is Standing.OPEN


def test_a_battery_whose_controls_failed_passes_nothing() -> None:
    """An instrument that cannot tell its controls apart has measured nothing."""
    failed = BatteryRun(model=MODEL, document=HASH, sha256=HASH, valid=False)
    assert _gate("evaluated", BATTERY).standing is Standing.PASSED
    assert _gate("evaluated", failed).standing is Standing.OPEN


def test_the_guide_must_come_early_enough() -> None:
    """Thirty days before the confirmed date are asked for, each offering."""
    guide = GuidePublished(model=MODEL, offering="api", document=HASH, sha256=HASH)
    assert _gate("guided", OPENED, CONFIRMED, guide).standing is Standing.PASSED
    soon = RetirementAnnounced(
        model=MODEL, offering="api", retire_on="2027-01-20", date_kind=DateKind.CONFIRMED
    )
    assert _gate("guided", OPENED, soon, guide).standing is Standing.OPEN


def test_a_report_is_shown_to_a_model_that_can_comment() -> None:
    """Signed is not enough under the shipped policy; it is when the model cannot comment."""
    assert _gate("reported", REPORT).standing is Standing.OPEN
    assert _gate("reported", REPORT, COMMENT).standing is Standing.PASSED
    assert _gate("reported", IMPOSSIBLE, REPORT).standing is Standing.PASSED


def test_two_approvals_need_two_keys_and_the_newest_report() -> None:
    """The same key twice is one person, and what came before the report approved nothing."""
    assert _gate("approved", REPORT, (APPROVAL, "a"), (APPROVAL, "a")).standing is Standing.OPEN
    assert _gate("approved", REPORT, (APPROVAL, "a"), (APPROVAL, "b")).standing is Standing.PASSED
    assert _gate("approved", (APPROVAL, "a"), REPORT, (APPROVAL, "b")).standing is Standing.OPEN


@pytest.mark.parametrize(
    ("key", "name", "standing"),
    [
        ("key-a", "b", Standing.OPEN),
        ("key-b", "a", Standing.OPEN),
        ("key-b", "b", Standing.PASSED),
    ],
)
def test_two_people_are_two_names_with_two_keys(key: str, name: str, standing: Standing) -> None:
    """One key under two names is one person, and so are two keys under one name."""
    report, first, other = history(REPORT, (APPROVAL, "a"), (APPROVAL, "b"))
    entries = History([report, first, dataclasses.replace(other, signer=key, signed_by=name)])
    gates = judge(MODEL, entries, shipped("default"), START)
    assert next(gate for gate in gates if gate.name == "approved").standing is standing


def test_a_waiver_is_shown_with_its_person_reason_and_finding() -> None:
    """What was waived stays visible beside the waiver."""
    waiver = GateWaived(model=MODEL, gate="guided", reason="nobody uses it")
    gate = _gate("guided", (waiver, "anna"))
    assert gate.standing is Standing.WAIVED
    assert gate.closed
    for part in ("anna", "nobody uses it", "no offering is announced"):
        assert part in gate.because


def test_a_gate_that_an_emergency_left_open_is_owed_until_its_evidence_comes() -> None:
    """An owed gate is not closed, and passes when the evidence is there after all."""
    gone = ModelRetired(model=MODEL, offering="api", emergency=True, owed=("revival",), reason="!")
    owed = _gate("revival", OPENED, gone)
    assert owed.standing is Standing.OWED
    assert not owed.closed
    assert _gate("revival", OPENED, gone, DRILL).standing is Standing.PASSED
