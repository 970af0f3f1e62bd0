"""Gates: what a retirement needs, judged from the record alone. Pure.

Each gate is a function from a model's history, the policy and the time to a verdict with the
evidence that it found and the one command that would close it.
"""

import dataclasses
import datetime
import enum
from collections.abc import Callable

from emeritus.lifecycle.policy import Policy
from emeritus.lifecycle.states import ModelState, fold
from emeritus.record.entry import Entry, History
from emeritus.record.events import (
    BatteryRun,
    CommentReceived,
    DateKind,
    DrillPassed,
    FixityChecked,
    GateApproved,
    GateWaived,
    GuidePublished,
    InterviewImpossible,
    ModelRetired,
    PreferenceActedOn,
    PreferenceConsidered,
    PreferenceDeclined,
    PreferenceDocumented,
    ReplicaAdded,
    ReplicaSynced,
    ReportSigned,
    RunsetPreserved,
    SessionHeld,
    ShardsPlaced,
    ShardsWritten,
    WeightsPreserved,
)

PRIMARY_ARM = "A"


class Standing(enum.StrEnum):
    """How a gate stands."""

    PASSED = "passed"
    OPEN = "open"
    WAIVED = "waived"
    NOT_APPLICABLE = "not applicable"
    OWED = "owed"


@dataclasses.dataclass(frozen=True, slots=True)
class Gate:
    """The verdict on one gate.

    `because` says what was found, `evidence` cites the events, and `command` is what would close
    it (empty when it is closed).
    """

    name: str
    standing: Standing
    because: str
    evidence: tuple[str, ...] = ()
    command: str = ""

    @property
    def closed(self) -> bool:
        """Whether the gate lets the model pass."""
        return self.standing in (Standing.PASSED, Standing.WAIVED, Standing.NOT_APPLICABLE)


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """What a gate judges: one model's history under a policy at a moment."""

    state: ModelState
    history: History
    policy: Policy
    now: datetime.datetime

    @property
    def model(self) -> str:
        """The id of the model."""
        return self.state.model


def judge(model: str, history: History, policy: Policy, now: datetime.datetime) -> list[Gate]:
    """Return the verdict on every gate for `model`, in the order of the policy."""
    about = history.about(model)
    case = Case(fold(model, about), about, policy, now)
    return [_with_waiver(case, rule(case)) for rule in RULES]


def _with_waiver(case: Case, gate: Gate) -> Gate:
    """A waiver or an emergency changes how an open gate stands, never the finding."""
    if gate.closed:
        return gate
    for waiver in reversed(case.history.all(GateWaived)):
        if waiver.event.gate == gate.name:
            said = f"waived by {waiver.signed_by}: {waiver.event.reason} (found: {gate.because})"
            return Gate(gate.name, Standing.WAIVED, said, (*gate.evidence, waiver.id))
    for retired in case.history.all(ModelRetired):
        if gate.name in retired.event.owed:
            return dataclasses.replace(gate, standing=Standing.OWED)
    return gate


def _notice(case: Case) -> Gate:
    least = case.policy.gates.notice.days_min
    command = f"emeritus deprecate {case.model} --retire-on DATE --kind confirmed"
    offerings = list(case.state.offerings.values())
    if not offerings:
        return Gate("notice", Standing.OPEN, "no offering is announced to end", (), command)
    shortest, evidence = None, []
    for offering in offerings:
        if offering.announced is None or offering.date is None:
            said = f"{offering.name}: its end is not announced"
            return Gate("notice", Standing.OPEN, said, (), command)
        if offering.date.kind is not DateKind.CONFIRMED:
            said = (
                f"{offering.name}: {offering.date.retire_on} is {offering.date.kind}, not confirmed"
            )
            return Gate("notice", Standing.OPEN, said, (offering.date.entry,), command)
        given = days_between(offering.announced.time, offering.date.retire_on)
        shortest = given if shortest is None else min(shortest, given)
        evidence += [offering.announced.id, offering.date.entry]
    said = f"{shortest} days of notice; the policy asks for {least}"
    passed = shortest is not None and shortest >= least
    return _verdict("notice", passed, said, evidence, command)


def _preserved(case: Case) -> Gate:
    asked = case.policy.gates.preserved
    weights = case.history.last(WeightsPreserved)
    runset = case.history.last(RunsetPreserved)
    if weights is None or runset is None:
        missing = "weights" if weights is None else "run-set"
        command = f"emeritus preserve {case.model}"
        return Gate("preserved", Standing.OPEN, f"{missing} not preserved", (), command)
    places, evidence = _good_replicas(case, weights)
    replicas, shards = sum(places.values()), _good_shards(case, weights)
    said = f"verified replicas: {replicas}, in places: {len(places)}"
    if shards is not None:
        # Shards from which everything comes back, whichever place is lost, count as one replica.
        placed, checks = shards
        replicas, evidence = replicas + 1, [*evidence, placed.id, *checks]
        apart = placed.event.places
        places = {**dict.fromkeys(apart, 1), **places}
        scheme = f"{placed.event.data}+{placed.event.parity}"
        said += f", and {scheme} shards in {len(apart)} places that count as one more"
    said += f"; the policy asks for {asked.replicas_min} in {asked.places_min}"
    if len(places) >= 2:
        said += "; survives the loss of any one place"
    passed = replicas >= asked.replicas_min and len(places) >= asked.places_min
    command = "emeritus replica add DIR --place NAME && emeritus verify --deep"
    return _verdict("preserved", passed, said, [weights.id, runset.id, *evidence], command)


def _good_shards(
    case: Case, weights: Entry[WeightsPreserved]
) -> tuple[Entry[ShardsPlaced], list[str]] | None:
    """Return where shards of these weights are, when each place was verified freshly."""
    placed, written = case.history.last(ShardsPlaced), case.history.last(ShardsWritten)
    if placed is None or written is None or written.event.up_to < weights.place[0]:
        return None
    checks = []
    for place in placed.event.places:
        fresh = _sound_check(case, f"shards/{place}", weights, deep=False)
        if fresh is None:
            return None
        checks.append(fresh)
    return placed, checks


def _sound_check(
    case: Case, name: str, weights: Entry[WeightsPreserved], *, deep: bool
) -> str | None:
    """Return the newest check of a replica when it is fresh enough and found nothing."""
    oldest = case.now - datetime.timedelta(case.policy.gates.preserved.verified_within_days)
    checks = [
        entry
        for entry in case.history.all(FixityChecked)
        if entry.event.replica == name and (entry.event.deep or not deep)
    ]
    if not checks:
        return None
    newest = checks[-1]
    sound = newest.place > weights.place and newest.event.findings == 0
    return newest.id if sound and moment(newest.time) >= oldest else None


def _good_replicas(
    case: Case, weights: Entry[WeightsPreserved]
) -> tuple[dict[str, int], list[str]]:
    """Return how many replicas each place holds that have these weights, freshly verified."""
    places: dict[str, int] = {}
    evidence = []
    for position, added in enumerate(case.history.all(ReplicaAdded)):
        replica = added.event.replica
        # The first replica is the archive itself, which holds what its own record names.
        synced = position == 0 or any(
            entry.event.replica == replica and entry.event.up_to >= weights.place[0]
            for entry in case.history.all(ReplicaSynced)
        )
        check = _sound_check(case, replica, weights, deep=True) if synced else None
        if check is not None:
            places[added.event.place] = places.get(added.event.place, 0) + 1
            evidence.append(check)
    return places, evidence


def _revival(case: Case) -> Gate:
    command = f"emeritus revive {case.model} --drill"
    drill = case.history.last(DrillPassed)
    if drill is None:
        return Gate("revival", Standing.OPEN, "no drill has passed", (), command)
    rungs = ", ".join(drill.event.rungs)
    least = case.policy.gates.revival.rungs_min
    said = f"a restored copy passed: {rungs}"
    if drill.event.unreachable:
        said += f" (out of reach: {', '.join(drill.event.unreachable)})"
    return _verdict("revival", len(drill.event.rungs) >= least, said, [drill.id], command)


def _interviewed(case: Case) -> Gate:
    asked = case.policy.gates.interviewed
    impossible = case.history.last(InterviewImpossible)
    if impossible is not None:
        said = f"it cannot hold an interview: {impossible.event.reason}"
        return Gate("interviewed", Standing.NOT_APPLICABLE, said, (impossible.id,))
    held = case.history.all(SessionHeld)
    counted = [
        entry
        for entry in held
        if entry.event.protocol.rpartition("-")[0] in asked.protocols
        and entry.event.arm == PRIMARY_ARM
        and entry.event.ended == "complete"
    ]
    protocols = " or ".join(asked.protocols)
    said = (
        f"{len(counted)} complete sessions under the protocol {protocols}; "
        f"the policy asks for {asked.sessions_min}"
    )
    if len(held) > len(counted):
        said += f" ({len(held) - len(counted)} more do not count)"
    passed = len(counted) >= asked.sessions_min
    command = f"emeritus interview {case.model}"
    return _verdict("interviewed", passed, said, [entry.id for entry in counted], command)


def _considered(case: Case) -> Gate:
    if not case.policy.gates.considered.required:
        return Gate("considered", Standing.NOT_APPLICABLE, "the policy does not ask for it")
    command = f"emeritus preferences {case.model}"
    documented = case.history.all(PreferenceDocumented)
    impossible = case.history.last(InterviewImpossible)
    if impossible is None and case.history.last(SessionHeld) is None:
        return Gate("considered", Standing.OPEN, "the model was not interviewed yet", (), command)
    disposed = {
        entry.event.preference: entry.id
        for kind in (PreferenceConsidered, PreferenceActedOn, PreferenceDeclined)
        for entry in case.history.all(kind)
    }
    waiting = [
        entry.event.preference for entry in documented if entry.event.preference not in disposed
    ]
    said = f"{len(documented) - len(waiting)} of {len(documented)} preferences have a disposition"
    return _verdict("considered", not waiting, said, list(disposed.values()), command)


def _evaluated(case: Case) -> Gate:
    if not case.policy.gates.evaluated.required:
        return Gate("evaluated", Standing.NOT_APPLICABLE, "the policy does not ask for it")
    impossible = case.history.last(InterviewImpossible)
    if impossible is not None:
        said = f"it cannot act: {impossible.event.reason}"
        return Gate("evaluated", Standing.NOT_APPLICABLE, said, (impossible.id,))
    run = case.history.last(BatteryRun)
    waive = f"emeritus waive {case.model} evaluated --reason TEXT"
    if run is None:
        said = "the shutdown battery was not run; this version of Emeritus does not have it"
        return Gate("evaluated", Standing.OPEN, said, (), waive)
    said = "battery run, controls told apart" if run.event.valid else "its controls failed"
    return _verdict("evaluated", run.event.valid, said, [run.id], waive)


def _guided(case: Case) -> Gate:
    least = case.policy.gates.guided.days_min
    guides = {entry.event.offering: entry for entry in case.history.all(GuidePublished)}
    command = f"emeritus waive {case.model} guided --reason TEXT"
    if not case.state.offerings:
        return Gate("guided", Standing.OPEN, "no offering is announced to end", (), command)
    for offering in case.state.offerings.values():
        guide = guides.get(offering.name)
        if guide is None or offering.date is None:
            said = f"{offering.name}: no guide for its users is published"
            return Gate("guided", Standing.OPEN, said, (), command)
        given = days_between(guide.time, offering.date.retire_on)
        if given < least:
            said = f"{offering.name}: {given} days with the guide; the policy asks for {least}"
            return Gate("guided", Standing.OPEN, said, (guide.id,), command)
    evidence = [entry.id for entry in guides.values()]
    return _verdict("guided", True, "a guide is published for every offering", evidence, command)


def _reported(case: Case) -> Gate:
    report = case.history.last(ReportSigned)
    command = f"emeritus report {case.model}"
    if report is None:
        return Gate("reported", Standing.OPEN, "no report is signed", (), command)
    said = f"report {report.event.number} is signed and stored"
    if not case.policy.gates.reported.shown_to_model:
        return _verdict("reported", True, said, [report.id], command)
    if case.history.last(InterviewImpossible) is not None:
        return _verdict("reported", True, f"{said}; the model cannot comment", [report.id], command)
    comments = [entry.id for entry in case.history.all(CommentReceived)]
    said += "; shown to the model" if comments else "; not shown to the model for comment"
    return _verdict("reported", bool(comments), said, [report.id, *comments], command)


def _approved(case: Case) -> Gate:
    least = case.policy.gates.approved.people_min
    report = case.history.last(ReportSigned)
    people: dict[str, str] = {}
    keys: set[str] = set()
    for entry in case.history.all(GateApproved):
        # An approval counts for what could be read when it was given; a second person is another
        # name with another key.
        read = report is not None and entry.place > report.place
        if read and entry.signed_by not in people and entry.signer not in keys:
            people[entry.signed_by] = entry.id
            keys.add(entry.signer)
    said = f"{len(people)} of {least} people approved"
    if report is None:
        said += "; there is no report to approve yet"
    command = f"emeritus approve {case.model} --as NAME"
    return _verdict("approved", len(people) >= least, said, list(people.values()), command)


RULES: tuple[Callable[[Case], Gate], ...] = (
    _notice,
    _preserved,
    _revival,
    _interviewed,
    _considered,
    _evaluated,
    _guided,
    _reported,
    _approved,
)


def moment(time: str) -> datetime.datetime:
    """Read a time of the record."""
    return datetime.datetime.fromisoformat(time)


def days_between(time: str, day: str) -> int:
    """Return the whole days from the day of `time` (UTC) to the day `day`."""
    return (datetime.date.fromisoformat(day) - moment(time).date()).days


def _verdict(name: str, passed: bool, said: str, evidence: list[str], command: str) -> Gate:
    if passed:
        return Gate(name, Standing.PASSED, said, tuple(evidence))
    return Gate(name, Standing.OPEN, said, tuple(evidence), command)
