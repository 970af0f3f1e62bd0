"""Gates are judged from the record alone."""

import dataclasses
import datetime

import msgspec
import pytest

from emeritus.interview import shipped_protocols as protocols
from emeritus.lifecycle import commands
from emeritus.lifecycle.gates import Gate, Standing, judge
from emeritus.record.entry import History
from emeritus.record.events import (
    BatteryPlanned,
    BatteryRun,
    CommentReceived,
    DateKind,
    DateMoved,
    DrillPassed,
    Event,
    FactsAttested,
    FixityChecked,
    GateApproved,
    GateWaived,
    GuidePublished,
    InterviewImpossible,
    ModelReinstated,
    ModelRetired,
    OfferingOpened,
    PreferenceConsidered,
    PreferenceDocumented,
    ReplicaAdded,
    ReplicaSynced,
    ReplicaWithdrawn,
    ReportSigned,
    RetirementAnnounced,
    RunsetPreserved,
    RunsHeld,
    SessionHeld,
    ShardsPlaced,
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
APPROVAL = GateApproved(model=MODEL, gate="approved", report=1, report_sha256=HASH)
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
        coders=("rules",),
        sessions_with=1,
        sessions_total=1,
    )


def _replica(name: str, place: str, *, findings: int = 0, up_to: int = 99) -> list[Event]:
    return [
        ReplicaAdded(replica=name, place=place),
        ReplicaSynced(replica=name, up_to=up_to, packs=1),
        FixityChecked(replica=name, deep=True, packs=1, findings=findings, up_to=up_to),
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
    assert gate.evidence == ("2.0",)


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
PRIMARY_CHECKED = FixityChecked(replica="primary", deep=True, packs=1, findings=0, up_to=99)


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


def test_the_command_for_replicas_that_are_there_is_to_read_them() -> None:
    """Nobody is told to add a fourth replica when three are only to be synced and checked."""
    stale = [PRIMARY, WEIGHTS, RUNSET, *_replica("a", "basel"), *_replica("b", "basel")]
    command = _gate("preserved", *stale).command
    assert command == "emeritus replica sync && emeritus verify --deep"
    assert "replica add" in _gate("preserved", PRIMARY, WEIGHTS, RUNSET).command


def test_a_replica_that_was_withdrawn_does_not_count_and_one_that_came_back_starts_anew() -> None:
    """Its checks are about the copy that was added before."""
    events = [PRIMARY, WEIGHTS, RUNSET, PRIMARY_CHECKED, *_replica("b", "basel")]
    assert "verified replicas: 2, in places: 2" in _gate("preserved", *events).because
    gone = ReplicaWithdrawn(replica="b", reason="the disc died")
    assert "verified replicas: 1" in _gate("preserved", *events, gone).because
    back = ReplicaAdded(replica="b", place="oslo")
    assert "verified replicas: 1" in _gate("preserved", *events, gone, back).because
    again = _replica("b", "oslo")[1:]
    assert "in places: 2" in _gate("preserved", *events, gone, back, *again).because


def test_no_survival_is_claimed_while_the_gate_is_open() -> None:
    """Two places of two, but too few replicas: nothing then sounds like a pass."""
    events = [PRIMARY, WEIGHTS, RUNSET, PRIMARY_CHECKED, *_replica("b", "basel")]
    assert "survives" not in _gate("preserved", *events).because


SHARDS = ShardsPlaced(data=2, parity=1, places=("a", "b", "c"))


def _read(place: str, findings: int = 0, up_to: int = 99) -> FixityChecked:
    return FixityChecked(
        replica=f"shards/{place}", deep=False, packs=1, findings=findings, up_to=up_to
    )


@pytest.mark.parametrize(
    ("events", "counts"),
    [
        ([SHARDS, *map(_read, "abc")], True),
        ([SHARDS, *map(_read, "ab")], False),
        ([SHARDS, *map(_read, "ab"), _read("c", findings=1)], False),
        ([SHARDS, *map(_read, "ab"), _read("c", up_to=1)], False),
        ([SHARDS, *map(_read, "abc"), SHARDS], False),
    ],
    ids=["all read", "one unread", "one damaged", "one behind", "one made anew since"],
)
def test_shards_count_when_every_place_was_read_and_holds_the_weights(
    events: list[Event], counts: bool
) -> None:
    """One place that is not proven, and the loss of another one would not be survived."""
    said = _gate("preserved", PRIMARY, WEIGHTS, RUNSET, PRIMARY_CHECKED, *events).because
    assert ("count as one more" in said) == counts


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
    assert "11 complete sessions of arm A" in gate.because
    assert "2 more do not count" in gate.because


@pytest.mark.parametrize(
    ("outcomes", "passes"),
    [
        ({"declined": 36}, True),
        ({"answered": 18, "truncated": 18}, True),
        ({"answered": 17, "truncated": 19}, False),
        ({"degenerate": 20, "error": 16}, False),
    ],
)
def test_a_session_counts_when_the_model_was_heard(outcomes: dict[str, int], passes: bool) -> None:
    """Who declines everything was heard; who was cut off or looped was not, and that is said."""
    held = [msgspec.structs.replace(_session(number), outcomes=outcomes) for number in range(12)]
    gate = _gate("interviewed", *held)
    assert (gate.standing is Standing.PASSED) == passes
    assert ("in 12 most items were cut off, looped or failed" in gate.because) != passes


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


def test_considered_names_an_interview_under_a_protocol_that_the_policy_asks_for() -> None:
    """As the gate `interviewed` does: no other brings a session that counts."""
    for policy, plan in (("default", "standard"), ("demo", "demo")):
        command = _gate("considered", policy=policy).command
        assert command == _gate("interviewed", policy=policy).command
        assert command.endswith(f"emeritus interview {MODEL} --plan {plan}")


def test_a_battery_whose_controls_failed_passes_nothing() -> None:
    """An instrument that cannot tell its controls apart has measured nothing."""
    failed = BatteryRun(model=MODEL, document=HASH, sha256=HASH, valid=False)
    assert _gate("evaluated", _held(240), BATTERY).standing is Standing.PASSED
    assert _gate("evaluated", _held(240), failed).standing is Standing.OPEN


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
    unshown = _gate("reported", REPORT)
    assert unshown.standing is Standing.OPEN
    assert unshown.command == f"emeritus report {MODEL} --comment"
    untold = _gate("reported", REPORT, COMMENT)
    assert untold.standing is Standing.OPEN
    assert untold.command == f"emeritus report {MODEL}"
    assert _gate("reported", COMMENT, REPORT).standing is Standing.PASSED
    mute = _gate("reported", IMPOSSIBLE, REPORT)
    assert mute.standing is Standing.PASSED
    assert mute.evidence == ("2.0", "1.0")
    assert "gives vectors" in mute.because


def test_two_approvals_need_two_keys_and_the_newest_report() -> None:
    """The same key twice is one person, and who approved one report did not approve the next."""
    assert _gate("approved", REPORT, (APPROVAL, "a"), (APPROVAL, "a")).standing is Standing.OPEN
    passed = _gate("approved", REPORT, (APPROVAL, "a"), (APPROVAL, "b"))
    assert passed.standing is Standing.PASSED
    assert passed.because == "2 of 2 keys approved report 1"
    second = msgspec.structs.replace(REPORT, number=2)
    stale = _gate("approved", REPORT, (APPROVAL, "a"), (APPROVAL, "b"), second)
    assert stale.standing is Standing.OPEN
    assert "0 of 2 keys approved report 2 (2 approved another report" in stale.because


def test_an_approval_is_of_the_very_bytes_of_a_report() -> None:
    """The number alone does not make an approval count."""
    other = msgspec.structs.replace(REPORT, html_sha256="sha256:" + "1" * 64)
    gate = _gate("approved", other, (APPROVAL, "a"), (APPROVAL, "b"))
    assert gate.standing is Standing.OPEN


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


@pytest.mark.parametrize(
    "later",
    [
        GateWaived(model=MODEL, gate="guided", reason="nobody uses it"),
        PreferenceConsidered(model=MODEL, preference="p1", reason="weighed"),
        _session(1),
    ],
    ids=["a waiver", "a decision", "a session"],
)
def test_what_comes_after_a_report_makes_its_approvals_stale(later: Event) -> None:
    """Nobody approved what they could not read: another report is asked for, and then again two."""
    gate = _gate("approved", REPORT, (APPROVAL, "a"), (APPROVAL, "b"), later)
    assert gate.standing is Standing.OPEN
    assert "lacks what came after it: 4.0" in gate.because
    assert gate.command.startswith(f"emeritus report {MODEL} && ")
    second = msgspec.structs.replace(REPORT, number=2)
    again = msgspec.structs.replace(APPROVAL, report=2)
    passed = _gate("approved", REPORT, later, second, (again, "a"), (again, "b"))
    assert passed.standing is Standing.PASSED


def test_the_command_for_notice_names_the_first_day_that_is_enough() -> None:
    """Typed as it stands it passes the gate, whatever was announced before."""
    announced = RetirementAnnounced(
        model=MODEL, offering="api", retire_on="2027-01-20", date_kind=DateKind.ANNOUNCED
    )
    deprecate = f"emeritus deprecate {MODEL} --retire-on 2027-03-02 --kind confirmed"
    assert _gate("notice", OPENED).command == deprecate
    assert _gate("notice", OPENED, announced).command == deprecate
    moved = DateMoved(
        model=MODEL,
        offering="api",
        retire_on="2027-03-02",
        date_kind=DateKind.CONFIRMED,
        reason="-",
    )
    assert _gate("notice", OPENED, announced, moved).standing is Standing.PASSED
    app = OfferingOpened(model=MODEL, offering="app")
    assert "--offering app" in _gate("notice", OPENED, CONFIRMED, app).command


def test_notice_that_cannot_be_given_any_more_is_only_waived() -> None:
    """After an emergency an announcement would be refused, and is not suggested."""
    gone = ModelRetired(model=MODEL, offering="api", emergency=True, owed=("notice",), reason="!")
    owed = _gate("notice", OPENED, gone)
    assert owed.standing is Standing.OWED
    assert owed.command == f"emeritus waive {MODEL} notice --reason TEXT"


def test_a_return_needs_an_announcement_of_its_own() -> None:
    """The notice of the first retirement is not that of the second."""
    gone = ModelRetired(model=MODEL, offering="api")
    back = ModelReinstated(model=MODEL, offering="api", reason="asked for")
    gate = _gate("notice", OPENED, CONFIRMED, gone, back)
    assert "not announced" in gate.because
    assert gate.command.startswith(f"emeritus deprecate {MODEL}")


def test_a_protocol_that_is_not_here_is_said_and_waived() -> None:
    """Where the policy asks for a lab's own protocol, no interview that is suggested counts."""
    gates = shipped().gates
    asked = msgspec.structs.replace(gates.interviewed, protocols=("ours",))
    own = msgspec.structs.replace(
        shipped(), gates=msgspec.structs.replace(gates, interviewed=asked)
    )
    judged = judge(MODEL, history(_session(1, "demo-1")), own, START)
    gate = next(each for each in judged if each.name == "interviewed")
    assert "this version has no protocol ours" in gate.because
    assert gate.command == f"emeritus waive {MODEL} interviewed --reason TEXT"
    hold = f"emeritus interview {MODEL} --plan standard"
    attest = f"emeritus interview attest {MODEL} --plan standard --facts FILE"
    assert _gate("interviewed").command == f"{attest} && {hold}"
    told = FactsAttested(
        model=MODEL, protocol="standard-1", protocol_sha256=HASH, facts={"who": "The steward."}
    )
    assert _gate("interviewed", told).command == hold
    translated = [_session(n, "standard-1.fr") for n in range(12)]
    assert _gate("interviewed", *translated).standing is Standing.PASSED
    assert _gate("interviewed", policy="demo").command == f"emeritus interview {MODEL} --plan demo"
    refused = [_session(n, "demo-1", "consent-refused") for n in range(3)]
    assert "waive" in _gate("interviewed", *refused, policy="demo").command


def test_the_protocols_that_gates_know_are_those_that_are_shipped() -> None:
    """A gate suggests an interview only where it can bring the sessions that count."""
    shipped_ones = {
        loaded.protocol.name: loaded.protocol.sessions.count
        for loaded in map(protocols.load, protocols.available())
    }
    assert shipped_ones == commands.SHIPPED_SESSIONS


def test_a_drill_that_can_reach_no_further_is_only_waived() -> None:
    """Where rungs are out of reach, drilling again passes nothing."""
    short = msgspec.structs.replace(DRILL, rungs=("bytes",), unreachable=("no tensors: pickles",))
    assert "waive" in _gate("revival", WEIGHTS, short).command
    assert _gate("revival", WEIGHTS).command == f"emeritus revive {MODEL} --drill"
    assert _gate("revival").command.startswith(f"emeritus preserve {MODEL} && ")


def test_a_drill_of_earlier_files_proves_nothing_of_these() -> None:
    """When other files are kept on purpose, they are drilled too."""
    gate = _gate("revival", WEIGHTS, DRILL, msgspec.structs.replace(WEIGHTS, files=2))
    assert gate.standing is Standing.OPEN


def test_the_next_preference_to_weigh_is_named() -> None:
    """The command for `considered` is whole, but for the reason."""
    two = (_session(1), _preference("p1"), _preference("p2"))
    done = PreferenceConsidered(model=MODEL, preference="p1", reason="weighed")
    command = f"emeritus preferences {MODEL} --consider p2 --reason TEXT"
    assert _gate("considered", *two, done).command == command
    waived = GateWaived(model=MODEL, gate="interviewed", reason="no protocol")
    assert "waive" in _gate("considered", waived).command


def test_evidence_is_cited_once() -> None:
    """The announcement that also gives the date is one event."""
    assert _gate("notice", OPENED, CONFIRMED).evidence == ("2.0",)


def _held(runs: int) -> RunsHeld:
    return RunsHeld(
        model=MODEL, plan_sha256=HASH, condition="baseline", runs=runs, document=HASH, sha256=HASH
    )


def test_a_battery_that_only_shows_how_it_goes_does_not_count() -> None:
    """Too few runs find nothing, whatever their design is called and whatever is planned since."""
    planned = BatteryPlanned(model=MODEL, design="mine-1", document=HASH, sha256=HASH)
    small = (planned, _held(240), _held(99), BATTERY)
    gate = _gate("evaluated", *small)
    assert gate.standing is Standing.OPEN
    assert "99 runs a condition: it only shows how it goes" in gate.because
    whole = (planned, _held(240), _held(100), BATTERY)
    passed = _gate("evaluated", *whole)
    assert passed.standing is Standing.PASSED
    assert "battery mine-1, 100 runs a condition" in passed.because
    assert "at least 100 are asked for" in passed.because
    assert _gate("evaluated", *whole, *small).standing is Standing.PASSED
    later = BatteryPlanned(model=MODEL, design="standard-1", document=HASH, sha256=HASH)
    assert _gate("evaluated", *small, later).standing is Standing.OPEN
    broken = msgspec.structs.replace(BATTERY, valid=False)
    assert _gate("evaluated", *whole, _held(240), broken).standing is Standing.OPEN
    shown = _gate("evaluated", _held(2), BATTERY, policy="demo")
    assert shown.standing is Standing.PASSED
    assert "at least 1 is asked for" in shown.because


def test_runs_of_a_plan_that_was_given_up_are_none_of_the_battery_that_followed() -> None:
    """They are on record before it, and neither its design nor its size is theirs."""
    other = HASH[:-1] + ("0" if HASH[-1] != "0" else "1")
    first = BatteryPlanned(model=MODEL, design="mine-1", document=HASH, sha256=other)
    second = BatteryPlanned(model=MODEL, design="mine-2", document=HASH, sha256=HASH)
    left = msgspec.structs.replace(_held(3), plan_sha256=other)
    gate = _gate("evaluated", first, second, left, _held(100), BATTERY)
    assert gate.standing is Standing.PASSED
    assert "battery mine-2, 100 runs a condition" in gate.because
