"""The ledger: what was promised to and about each model, and what was kept. Pure.

For our models a promise counts by the policy that was in force when the end was announced. For
models of other people only what sources say is known: the notice that was given, the dates that
moved, and where sources disagree.
"""

import dataclasses
import datetime
import enum
import itertools
import statistics
from collections import defaultdict
from typing import Any

from emeritus.lifecycle.gates import Gate, Standing, days_between, judge
from emeritus.lifecycle.policy import Policy
from emeritus.lifecycle.states import ModelState, Offering, State, by_model, fold, models
from emeritus.lifecycle.versions import Version, in_force_at, versions_of
from emeritus.record.entry import Entry, History
from emeritus.record.events import (
    CommitmentObserved,
    Event,
    FixityChecked,
    GateWaived,
    LifecycleObserved,
    ModelEvent,
    ModelObserved,
    ReplicaSynced,
    ShardsWritten,
    WeightsPreserved,
)


class Outcome(enum.StrEnum):
    """How a promise stands."""

    KEPT = "kept"
    BROKEN = "broken"
    DUE = "due"
    WAIVED = "waived"
    NOT_PROMISED = "not promised"


@dataclasses.dataclass(frozen=True, slots=True)
class Promise:
    """One promise about one of our models: what was promised, what was found, how it stands."""

    model: str
    promise: str
    promised: str
    found: str
    outcome: Outcome
    evidence: tuple[str, ...] = ()

    def as_document(self) -> dict[str, Any]:
        """Return the promise for programs."""
        return {**dataclasses.asdict(self), "outcome": str(self.outcome)}


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """The notice that other people gave for one offering: days, the event that says so.

    `disputed` holds the other figures that sources give.
    """

    model: str
    days: int
    event: str
    disputed: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Provider:
    """What sources say about one provider's models on one offering."""

    provider: str
    offering: str
    models: int
    notices: tuple[Notice, ...]
    floors: int
    moved: int
    disputed: int
    promised: int | None

    @property
    def median(self) -> float | None:
        """The median notice in days, or None when no model has both dates."""
        return statistics.median([each.days for each in self.notices]) if self.notices else None

    @property
    def short(self) -> int | None:
        """How many were given less notice than the provider promises; None without a promise."""
        if self.promised is None:
            return None
        return sum(each.days < self.promised for each in self.notices)

    def as_document(self) -> dict[str, Any]:
        """Return the row for programs."""
        days = [each.days for each in self.notices]
        return {
            **dataclasses.asdict(self),
            "dated": len(days),
            "median": self.median,
            "least": min(days, default=None),
            "most": max(days, default=None),
            "short": self.short,
        }


def our_promises(history: History, now: datetime.datetime) -> list[Promise]:
    """Return the promises about every registered model, in the order of registration."""
    versions, found = versions_of(history), []
    apart, copies = by_model(history), _copies(history)
    for model in models(history):
        about = sorted([*apart[model], *copies], key=lambda entry: entry.place)
        found += _promises(model, History(about), versions, now)
    return found


def providers(history: History) -> list[Provider]:
    """Return what was observed of other people's models, by provider and offering."""
    spelled: dict[str, str] = {}
    for met in history.all(ModelObserved):
        spelled.setdefault(_provider(met.event.model), met.event.provider)
    promised = {
        entry.event.provider: entry.event.notice_days for entry in history.all(CommitmentObserved)
    }
    theirs = {entry.event.model for entry in history.all(ModelObserved)}
    groups: dict[tuple[str, str], dict[str, list[Entry[LifecycleObserved]]]] = defaultdict(dict)
    for entry in history.all(LifecycleObserved):
        event = entry.event
        if event.model in theirs:
            group = groups[_provider(event.model), event.offering]
            group.setdefault(event.model, []).append(entry)
    return [
        _summary(spelled[provider], offering, said, promised.get(provider))
        for (provider, offering), said in sorted(groups.items())
    ]


def _copies(history: History) -> list[Entry[Event | None]]:
    """Return the events about the archive, without what a later one says anew.

    An archive is read through thousands of times in its life, and only the newest time of each
    kind counts. Judging every model by all of them would take as long as their product.
    """
    newest: dict[tuple[object, ...], Entry[Event | None]] = {}
    for entry in history:
        match entry.event:
            case ModelEvent():
                continue
            case ReplicaSynced() as event:
                newest[type(event), event.replica] = entry
            case FixityChecked() as event:
                newest[type(event), event.replica, event.deep] = entry
            case ShardsWritten() as event:
                newest[(type(event),)] = entry
            case _:
                newest[(entry.id,)] = entry
    return list(newest.values())


def _provider(model: str) -> str:
    return model.partition("/")[0]


def _promises(
    model: str, history: History, versions: list[Version], now: datetime.datetime
) -> list[Promise]:
    state = fold(model, history)
    announced = [each.announced for each in state.offerings.values() if each.announced]
    given = min((entry.place for entry in announced), default=None)
    version = in_force_at(versions, given) if given else (versions[-1] if versions else None)
    if version is None:
        return []
    policy = version.policy
    gates = {gate.name: gate for gate in judge(model, history, policy, now)}
    ended = state.retired
    found = [
        _notice(state, policy, history),
        _dates(state),
        _weights(state, history),
        _from_gate(model, gates["preserved"], "replicas", _replicas(policy), ended=ended),
        _from_gate(model, gates["interviewed"], "interview", _sessions(policy), ended=ended),
        _from_gate(model, gates["reported"], "report", "signed and kept", ended=ended),
    ]
    if state.covered is not None and not state.covered.event.covered:
        said = f"not covered: {state.covered.event.reason}"
        return [
            dataclasses.replace(
                each, outcome=Outcome.NOT_PROMISED, found=said, evidence=(state.covered.id,)
            )
            for each in found
        ]
    return found


def _from_gate(model: str, gate: Gate, promise: str, promised: str, *, ended: bool) -> Promise:
    outcome = {
        Standing.PASSED: Outcome.KEPT,
        Standing.WAIVED: Outcome.WAIVED,
        Standing.NOT_APPLICABLE: Outcome.NOT_PROMISED,
    }.get(gate.standing, Outcome.BROKEN if ended else Outcome.DUE)
    return Promise(model, promise, promised, gate.because, outcome, gate.evidence)


def _replicas(policy: Policy) -> str:
    asked = policy.gates.preserved
    return f"{asked.replicas_min} in {asked.places_min} places"


def _sessions(policy: Policy) -> str:
    return f"{policy.gates.interviewed.sessions_min} sessions"


def _notice(state: ModelState, policy: Policy, history: History) -> Promise:
    """Count the days to the day on which the offering ended, or is said to end."""
    least = policy.gates.notice.days_min
    promised = f"{least} days"
    shortest: tuple[int, Offering] | None = None
    evidence: list[str] = []
    for offering in state.offerings.values():
        end = _end(offering)
        if end is None:
            continue
        days = days_between(offering.announced.time, end[0]) if offering.announced else 0
        evidence += [offering.announced.id] if offering.announced else []
        evidence.append(end[1])
        if shortest is None or days < shortest[0]:
            shortest = days, offering
    if shortest is None:
        return Promise(state.model, "notice", promised, "no end is announced", Outcome.DUE)
    days, offering = shortest
    said = f"{days} days on {offering.name}"
    outcome = Outcome.DUE
    if offering.retired is not None and offering.state is State.RETIRED:
        outcome = Outcome.KEPT if days >= least else Outcome.BROKEN
    waivers = [each for each in history.all(GateWaived) if each.event.gate == "notice"]
    if outcome is Outcome.BROKEN and waivers:
        outcome, said = Outcome.WAIVED, f"{said}, waived by {waivers[-1].signed_by}"
        evidence.append(waivers[-1].id)
    return Promise(state.model, "notice", promised, said, outcome, tuple(evidence))


def _end(offering: Offering) -> tuple[str, str] | None:
    """Return the day on which an offering ended, or is said to end, and the event that says so."""
    if offering.retired is not None and offering.state is State.RETIRED:
        return offering.retired.time[:10], offering.retired.id
    return (offering.date.retire_on, offering.date.entry) if offering.date else None


def _dates(state: ModelState) -> Promise:
    moved, earlier, evidence = 0, 0, []
    ended = bool(state.offerings)
    for offering in state.offerings.values():
        days = [(claim.retire_on, claim.entry) for claim in offering.dates]
        retired = offering.retired if offering.state is State.RETIRED else None
        ended = ended and retired is not None
        moved += max(len(days) - 1, 0)
        if retired is not None:
            days.append((retired.time[:10], retired.id))
        earlier += sum(after[0] < before[0] for before, after in itertools.pairwise(days))
        evidence += [entry for _, entry in days]
    said = f"moved {moved} times, {earlier} times to an earlier day"
    if not evidence:
        return Promise(state.model, "dates", "never earlier", "no date is stated", Outcome.DUE)
    outcome = Outcome.BROKEN if earlier else Outcome.KEPT if ended else Outcome.DUE
    return Promise(state.model, "dates", "never earlier", said, outcome, tuple(evidence))


def _weights(state: ModelState, history: History) -> Promise:
    promised = "kept as long as we live"
    kept = history.last(WeightsPreserved)
    if kept is not None:
        said = f"{kept.event.files} files, {kept.event.bytes_raw} bytes"
        return Promise(state.model, "weights", promised, said, Outcome.KEPT, (kept.id,))
    if state.registered is not None and not state.registered.event.weights_held:
        evidence = (state.registered.id,)
        return Promise(
            state.model, "weights", promised, "weights not held", Outcome.NOT_PROMISED, evidence
        )
    outcome = Outcome.BROKEN if state.retired else Outcome.DUE
    return Promise(state.model, "weights", promised, "not preserved", outcome)


def _summary(
    provider: str,
    offering: str,
    said: dict[str, list[Entry[LifecycleObserved]]],
    promised: int | None,
) -> Provider:
    notices, floors, moved, disputed = [], 0, 0, 0
    for model, entries in said.items():
        newest = _newest_of_each_source(entries)
        notice = _observed_notice(model, newest)
        if notice is not None:
            notices.append(notice)
        ends = [entry.event for entry in newest if entry.event.retire_on]
        floors += bool(ends) and ends[0].date_kind == "floor"
        moved += _moved(entries)
        disputed += _disputed(newest)
    return Provider(
        provider, offering, len(said), tuple(notices), floors, moved, disputed, promised
    )


def _newest_of_each_source(
    entries: list[Entry[LifecycleObserved]],
) -> list[Entry[LifecycleObserved]]:
    """Return what each source said last, newest reading first; undated readings come last."""
    ordered = sorted(entries, key=lambda entry: (entry.event.seen_on or "", entry.place))
    newest = {entry.event.source: entry for entry in ordered}
    # Of readings of one day the first on record counts: a file's own row before its notes.
    return sorted(newest.values(), key=lambda entry: entry.event.seen_on or "", reverse=True)


def _observed_notice(model: str, newest: list[Entry[LifecycleObserved]]) -> Notice | None:
    """Count within one statement: an announcement and an end of two sources are no notice."""
    counted = [
        (_days(entry.event.announced_on, entry.event.retire_on), entry.id)
        for entry in newest
        if entry.event.announced_on and entry.event.retire_on and entry.event.date_kind != "floor"
    ]
    if not counted:
        return None
    days, event = counted[0]
    others = tuple(dict.fromkeys(each for each, _ in counted if each != days))
    return Notice(model, days, event, others)


def _days(announced: str, end: str) -> int:
    return (datetime.date.fromisoformat(end) - datetime.date.fromisoformat(announced)).days


def _moved(entries: list[Entry[LifecycleObserved]]) -> bool:
    """Tell whether one source changed its day of the end; a floor that rises is no such move."""
    ordered = sorted(entries, key=lambda entry: (entry.event.seen_on or "", entry.place))
    days: dict[str, set[str]] = defaultdict(set)
    for entry in ordered:
        if entry.event.retire_on and entry.event.date_kind != "floor":
            days[entry.event.source].add(entry.event.retire_on)
    return any(len(each) > 1 for each in days.values())


def _disputed(newest: list[Entry[LifecycleObserved]]) -> bool:
    """Tell whether sources give different days for the announcement or for the end."""
    announced = {entry.event.announced_on for entry in newest} - {None}
    ends = {entry.event.retire_on for entry in newest if entry.event.date_kind != "floor"} - {None}
    return len(announced) > 1 or len(ends) > 1
