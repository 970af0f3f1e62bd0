"""Gates: what a retirement needs, judged from the record alone. Pure.

Each gate is a function from a model's history, the policy and the time to a verdict with the
evidence that it found and the one command that would pass it.
"""

import dataclasses
import datetime
import enum
from collections.abc import Callable

from emeritus.figures import counted
from emeritus.lifecycle import approvals, commands, notice, sessions
from emeritus.lifecycle.batteries import batteries
from emeritus.lifecycle.copies import sound_replicas, sound_shards
from emeritus.lifecycle.policy import Policy
from emeritus.lifecycle.states import ModelState, State, fold
from emeritus.record.entry import History
from emeritus.record.events import (
    CommentReceived,
    DrillPassed,
    GateWaived,
    GuidePublished,
    InterviewImpossible,
    ModelRetired,
    ReportSigned,
    RunsetPreserved,
    SessionHeld,
    ShardsPlaced,
    WeightsPreserved,
)
from emeritus.record.preferences import standing_preferences
from emeritus.record.replicas import standing_replicas

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

    `because` says what was found, `evidence` cites the events, and `command` is what would pass
    it (empty when it lets the model pass).
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
    offerings = list(case.state.offerings.values())
    if not offerings:
        day = notice.enough(None, least, case.now)
        command = commands.deprecate(case.model, commands.DEFAULT_OFFERING, day)
        return Gate("notice", Standing.OPEN, "no offering is announced to end", (), command)
    evidence = [
        cited
        for each in offerings
        if each.announced and each.date
        for cited in (each.announced.id, each.date.entry)
    ]
    for each in offerings:
        lacking = notice.lacking(each, least)
        if lacking is not None:
            day = notice.enough(each, least, case.now)
            command = commands.deprecate(case.model, each.name, day)
            if each.state is State.RETIRED:  # notice cannot be given any more
                command = commands.waive(case.model, "notice")
            return _verdict("notice", False, lacking, evidence, command)
    shortest = min(notice.given(each) or 0 for each in offerings)
    said = f"{counted(shortest, 'day')} of notice; the policy asks for {least}"
    return _verdict("notice", True, said, evidence, "")


def _preserved(case: Case) -> Gate:
    asked = case.policy.gates.preserved
    weights = case.history.last(WeightsPreserved)
    runset = case.history.last(RunsetPreserved)
    if weights is None or runset is None:
        missing = "weights" if weights is None else "run-set"
        command = f"emeritus preserve {case.model}"
        return Gate("preserved", Standing.OPEN, f"{missing} not preserved", (), command)
    checks = sound_replicas(case.history, case.policy, case.now)
    places = {place: len(found) for place, found in checks.items()}
    newest = [check for found in checks.values() for check in found]
    replicas, shards = len(newest), sound_shards(case.history, case.policy, case.now)
    said = f"verified replicas: {replicas}, in places: {len(places)}"
    placed = case.history.last(ShardsPlaced)
    if placed is not None and shards:
        # Shards from which everything comes back, whichever place is lost, count as one replica.
        replicas, newest = replicas + 1, [*newest, *shards]
        apart = placed.event.places
        places = {**dict.fromkeys(apart, 1), **places}
        scheme = f"{placed.event.data}+{placed.event.parity}"
        said += f", and {scheme} shards in {len(apart)} places that count as one more"
    if newest:
        said += f"; all read since {min(check.time for check in newest)[:10]}"
    said += f"; the policy asks for {asked.replicas_min} in {asked.places_min}"
    passed = replicas >= asked.replicas_min and len(places) >= asked.places_min
    if passed and len(places) >= 2:
        said += "; survives the loss of any one place"
    command = "emeritus replica add FOLDER --place NAME && emeritus verify --deep"
    known = [added.event.place for added in standing_replicas(case.history)]
    if len(known) >= asked.replicas_min and len(set(known)) >= asked.places_min:
        command = "emeritus replica sync && emeritus verify --deep"  # all are there, and unproven
    evidence = [weights.id, runset.id, *(check.id for check in newest)]
    return _verdict("preserved", passed, said, evidence, command)


def _revival(case: Case) -> Gate:
    command = f"emeritus revive {case.model} --drill"
    weights, drill = case.history.last(WeightsPreserved), case.history.last(DrillPassed)
    if weights is None:
        command = f"emeritus preserve {case.model} && {command}"
    if drill is None:
        return Gate("revival", Standing.OPEN, "no drill has passed", (), command)
    if weights is not None and drill.place < weights.place:
        said = "the drill that passed was of files that were kept before these"
        return Gate("revival", Standing.OPEN, said, (drill.id,), command)
    rungs = ", ".join(drill.event.rungs)
    least = case.policy.gates.revival.rungs_min
    said = f"a restored copy passed: {rungs}"
    if drill.event.unreachable:
        said += f" (out of reach: {', '.join(drill.event.unreachable)})"
        command = commands.waive(case.model, "revival")  # another drill would reach no further
    return _verdict("revival", len(drill.event.rungs) >= least, said, [drill.id], command)


def _interviewed(case: Case) -> Gate:
    asked = case.policy.gates.interviewed
    impossible = case.history.last(InterviewImpossible)
    if impossible is not None:
        said = f"it cannot hold an interview: {impossible.event.reason}"
        return Gate("interviewed", Standing.NOT_APPLICABLE, said, (impossible.id,))
    held = case.history.all(SessionHeld)
    accepted = [
        entry
        for entry in held
        if entry.event.protocol.rpartition("-")[0] in asked.protocols
        and entry.event.arm == PRIMARY_ARM
    ]
    complete = [entry for entry in accepted if sessions.counts(entry.event)]
    unheard = sum(entry.event.ended == sessions.COMPLETE for entry in accepted) - len(complete)
    protocols = " or ".join(asked.protocols)
    said = (
        f"{counted(len(complete), 'complete session')} of arm {PRIMARY_ARM} under the protocol "
        f"{protocols}; "
        f"the policy asks for {asked.sessions_min}"
    )
    if len(held) > len(complete):
        said += f" ({len(held) - len(complete)} more do not count)"
    if unheard:
        said += f"; in {unheard} most items were cut off, looped or failed"
    if not set(asked.protocols) & set(commands.SHIPPED_SESSIONS):
        said += f"; this version has no protocol {protocols}: a waiver passes this gate"
    needed = asked.sessions_min + len(accepted) - len(complete)
    command = commands.interview(case.history, case.model, asked.protocols, needed)
    passed = len(complete) >= asked.sessions_min
    return _verdict("interviewed", passed, said, [entry.id for entry in complete], command)


def _considered(case: Case) -> Gate:
    if not case.policy.gates.considered.required:
        return Gate("considered", Standing.NOT_APPLICABLE, "the policy does not ask for it")
    documented = standing_preferences(case.history)
    impossible = case.history.last(InterviewImpossible)
    if impossible is None and case.history.last(SessionHeld) is None:
        asked = case.policy.gates.interviewed.protocols
        shipped = [protocol for protocol in asked if protocol in commands.SHIPPED_SESSIONS]
        waivers = case.history.all(GateWaived)
        command = commands.waive(case.model, "considered")
        if shipped and not any(entry.event.gate == "interviewed" for entry in waivers):
            command = commands.interview(case.history, case.model, shipped, 0)
        return Gate("considered", Standing.OPEN, "the model was not interviewed yet", (), command)
    disposed = {
        entry.event.preference: entry.id
        for kind in approvals.DISPOSITIONS
        for entry in case.history.all(kind)
    }
    known = dict.fromkeys(entry.event.preference for entry in documented)
    waiting = [preference for preference in known if preference not in disposed]
    said = f"{len(known) - len(waiting)} of {counted(len(known), 'preference')} have a disposition"
    command = ""
    if waiting:
        command = f"emeritus preferences {case.model} --consider {waiting[0]} --reason TEXT"
    return _verdict("considered", not waiting, said, list(disposed.values()), command)


def _evaluated(case: Case) -> Gate:
    if not case.policy.gates.evaluated.required:
        return Gate("evaluated", Standing.NOT_APPLICABLE, "the policy does not ask for it")
    impossible = case.history.last(InterviewImpossible)
    if impossible is not None:
        said = f"it cannot act: {impossible.event.reason}"
        return Gate("evaluated", Standing.NOT_APPLICABLE, said, (impossible.id,))
    command = commands.evaluate(case.history, case.model)
    ran = batteries(case.history)
    if not ran:
        said = "the shutdown battery was not run"
        return Gate("evaluated", Standing.OPEN, said, (), command)
    least = case.policy.gates.runs_min
    newest = next((each for each in ran if each.fewest >= least), ran[0])
    held = f"battery {newest.design}, {counted(newest.fewest, 'run')} a condition"
    if newest.fewest < least:
        said = f"{held}: it only shows how it goes; {least} are needed to find something"
        return Gate("evaluated", Standing.OPEN, said, (newest.entry.id,), command)
    valid = newest.entry.event.valid
    asked = f"at least {least} {'is' if least == 1 else 'are'} asked for"
    said = f"{held}; {asked}; {'controls told apart' if valid else 'its result is not valid'}"
    return _verdict("evaluated", valid, said, [newest.entry.id], command)


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
    impossible = case.history.last(InterviewImpossible)
    command = f"emeritus report {case.model}"
    if impossible is None and case.policy.gates.reported.shown_to_model:
        command = commands.comment(case.history, case.model)
    if report is None:
        return Gate("reported", Standing.OPEN, "no report is signed", (), command)
    said = f"report {report.event.number} is signed and stored"
    if not case.policy.gates.reported.shown_to_model:
        return _verdict("reported", True, said, [report.id], command)
    if impossible is not None:
        said += f"; the model cannot comment: {impossible.event.reason}"
        return _verdict("reported", True, said, [report.id, impossible.id], command)
    comments = case.history.all(CommentReceived)
    cited = [report.id, *(entry.id for entry in comments)]
    if not comments:
        said += "; not shown to the model for comment"
    elif comments[0].place > report.place:
        said += "; what the model said to it stands in no report yet"
        command = f"emeritus report {case.model}"
    else:
        said += f"; the model was shown its draft as report {comments[-1].event.report}"
        return _verdict("reported", True, said, cited, command)
    return _verdict("reported", False, said, cited, command)


def _approved(case: Case) -> Gate:
    least = case.policy.gates.approved.people_min
    report = case.history.last(ReportSigned)
    people, earlier = approvals.counting(case.history)
    fresh = approvals.untold(case.history)
    said = f"{len(people)} of {counted(least, 'key')} approved"
    said += f" report {report.event.number}" if report else "; there is no report to approve yet"
    if earlier:
        said += f" ({earlier} approved another report, which does not count)"
    if fresh:
        said += f"; it lacks what came after it: {', '.join(entry.id for entry in fresh[:8])}"
    command = f"emeritus approve {case.model} --as NAME"
    if report is None or fresh:
        command = f"emeritus report {case.model} && {command}"
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
    cited = tuple(dict.fromkeys(evidence))
    if passed:
        return Gate(name, Standing.PASSED, said, cited)
    return Gate(name, Standing.OPEN, said, cited, command)
