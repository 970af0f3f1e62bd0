"""The moves that people make: each is checked against the rules, then recorded."""

import datetime
import re

from emeritus import digests
from emeritus.archive import STEWARD, Archive
from emeritus.archive.spools import stem
from emeritus.errors import UserError
from emeritus.lifecycle import policy as policies
from emeritus.lifecycle import shipped
from emeritus.lifecycle.approvals import approves, untold
from emeritus.lifecycle.commands import DEFAULT_OFFERING
from emeritus.lifecycle.gates import Gate, judge
from emeritus.lifecycle.policy import Policy
from emeritus.lifecycle.states import SERVED, ModelState, Offering, State, fold, models, refusal
from emeritus.lifecycle.versions import loosened_against_earlier, versions_of
from emeritus.record import Entry
from emeritus.record.events import (
    AccessDecided,
    DateMoved,
    DeploymentRegistered,
    Event,
    GateApproved,
    GateWaived,
    ModelCovered,
    ModelObserved,
    ModelRegistered,
    ModelReinstated,
    ModelRetired,
    OfferingOpened,
    PolicyAdopted,
    PreferenceActedOn,
    PreferenceConsidered,
    PreferenceDeclined,
    ReportSigned,
    RetirementAnnounced,
    VariantRegistered,
)
from emeritus.record.preferences import standing_preferences

MASTER = "master"
LISTED_MAX = 20  # models that an error names
ACCESS = ("none", "by-request", "public")
DISPOSITIONS: dict[str, type[PreferenceConsidered | PreferenceActedOn | PreferenceDeclined]] = {
    "considered": PreferenceConsidered,
    "acted-on": PreferenceActedOn,
    "declined": PreferenceDeclined,
}

_MODEL_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}(/[a-z0-9][a-z0-9._-]{0,63}){0,3}\Z")
_OFFERING = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}(/[a-z0-9][a-z0-9._-]{0,63}){0,3}\Z")

# An address of e-mail, or a telephone number with its country.
_REACHES = re.compile(r"[^\s@<>]+@[\w-]+(?:\.[\w-]+)+|\+\d[\d ()/-]{6,}\d")


def policy_in_force(archive: Archive) -> Policy:
    """Return the policy adopted last."""
    adopted = archive.history().last(PolicyAdopted)
    if adopted is None:
        raise UserError("the archive has no policy; adopt one with: emeritus init --policy FILE")
    return policies.parse(adopted.event.text)


def loosenings(archive: Archive) -> tuple[str, ...]:
    """Say where the policy in force asks for less than the shipped one, or an earlier one of ours.

    An archive whose policy was loosened says so for as long as it asks for less than it did.
    """
    reference = policies.parse(shipped.policy_text(shipped.DEFAULT))
    return (
        *policies.loosened(policy_in_force(archive), reference),
        *loosened_against_earlier(versions_of(archive.history())),
    )


def adopt_policy(archive: Archive, text: str, key: str) -> tuple[str, ...]:
    """Put a policy in force; return where it asks for less than the one before.

    Promises that were given under an earlier policy are counted by that one.
    """
    policy = policies.parse_new(text)
    before = archive.history().last(PolicyAdopted)
    if before is not None and before.event.text == text:
        raise UserError("this policy is in force already; nothing was changed")
    adopted = PolicyAdopted(name=policy.name, text=text, sha256=digests.sha256(text.encode()))
    archive.append(adopted, key=key)
    return () if before is None else policies.loosened(policy, policies.parse(before.event.text))


def cover(archive: Archive, model: str, covered: bool, reason: str, key: str) -> None:
    """Record that the policy's promise applies to a model, or does not, with the reason."""
    require_registered(archive, model)
    require_reason(reason, "the decision")
    archive.append(ModelCovered(model=model, covered=covered, reason=reason), key=key)


def gates_of(archive: Archive, model: str) -> list[Gate]:
    """Return the verdict on every gate for a registered model, now."""
    require_registered(archive, model)
    policy = policy_in_force(archive)
    return judge(model, archive.history(model), policy, archive.clock.now())


def state_of(archive: Archive, model: str) -> ModelState:
    """Return where a registered model stands. Raises `UserError` for an unknown id."""
    require_registered(archive, model)
    return fold(model, archive.history(model))


def require_registered(archive: Archive, model: str) -> None:
    """Raise `UserError` when no model of that id is registered."""
    history = archive.history(model)
    if history.last(ModelRegistered) is None:
        if history.last(ModelObserved) is not None:
            raise UserError(
                f"{model} is a model of somebody else, observed and not ours to decide about; "
                f"what is known of it: emeritus record show {model}"
            )
        known = models(archive.history())
        listed = ", ".join(known[:LISTED_MAX]) or "none yet"
        if len(known) > LISTED_MAX:
            listed += f" and {len(known) - LISTED_MAX} more"
        raise UserError(
            f"no model {model!r} in this archive (registered: {listed}); "
            f"register it with: emeritus add SOURCE --id {model}"
        )


def register(archive: Archive, registered: ModelRegistered, coverage: str) -> None:
    """Register a model, covered by the policy for the reason `coverage`, offered on `api`."""
    if _MODEL_ID.match(registered.model) is None:
        raise UserError(
            f"{registered.model!r} cannot be a model's id: use parts of a-z, 0-9, dot and dash "
            "joined by /, such as acme/aster-1"
        )
    if archive.history(registered.model).last(ModelRegistered) is not None:
        raise UserError(f"{registered.model} is registered already; nothing was changed")
    for entry in archive.history().all(ModelRegistered):
        if stem(entry.event.model) == stem(registered.model):
            raise UserError(
                f"{registered.model} and {entry.event.model}, which is registered, would call "
                "their conversations the same: choose another id"
            )
    if registered.base is not None:
        require_registered(archive, registered.base)
    archive.append(
        registered,
        ModelCovered(model=registered.model, covered=True, reason=coverage),
        VariantRegistered(
            model=registered.model, variant=MASTER, description="the weights as registered"
        ),
        OfferingOpened(model=registered.model, offering=DEFAULT_OFFERING),
        key=STEWARD,
    )


def register_deployment(archive: Archive, deployed: DeploymentRegistered) -> None:
    """Put a deployment on record, once for the same stack; it serves a registered variant."""
    state = state_of(archive, deployed.model)
    if deployed.variant not in state.variants:
        raise UserError(f"{deployed.model} has no variant {deployed.variant!r} on record")
    if state.deployments.get(deployed.deployment) != deployed:
        archive.append(deployed)


def announce(archive: Archive, announced: RetirementAnnounced) -> Entry[Event | None]:
    """Announce the end of an offering, or add a date to one that is announced.

    An earlier date stays on record beside the new one, each with its reason.
    """
    model, offering = announced.model, announced.offering
    if announced.reason:
        require_reason(announced.reason, "an announcement")
    _require_coming(archive, announced.retire_on)
    if announced.successor is not None and _MODEL_ID.match(announced.successor) is None:
        raise UserError(f"{announced.successor!r} cannot be a model's id, such as acme/aster-2")
    if _OFFERING.match(offering) is None:
        raise UserError(f"{offering!r} cannot name an offering: use names such as api or api/eu")
    here = state_of(archive, model).offerings.get(offering)
    events: list[Event] = []
    event: Event = announced
    if here is None:
        events.append(OfferingOpened(model=model, offering=offering))
    if here is not None and here.state is State.DEPRECATED:
        _require_same_successor(here, announced)
        event = DateMoved(
            model=model,
            offering=offering,
            retire_on=announced.retire_on,
            date_kind=announced.date_kind,
            reason=announced.reason or "no reason was given",
        )
    else:
        _require_allowed(here, event, opened=here is None)
    return archive.append(*events, event, key=STEWARD)[-1]


def waive(archive: Archive, model: str, gate: str, reason: str, key: str) -> None:
    """Let a model pass a gate without its evidence; a named person's decision, kept in public."""
    standing = {each.name: each for each in gates_of(archive, model)}
    if gate not in standing:
        raise UserError(f"no gate {gate!r}; the gates are: {', '.join(standing)}")
    if gate == "approved":
        raise UserError("approval cannot be waived: it is what makes a waiver accountable")
    if standing[gate].closed:
        raise UserError(f"the gate {gate} is {standing[gate].standing} already; nothing to waive")
    require_reason(reason, "a waiver")
    archive.append(GateWaived(model=model, gate=gate, reason=reason), key=key)


def approve(archive: Archive, model: str, key: str) -> ReportSigned:
    """Record one person's approval of the newest report; return what was approved."""
    require_registered(archive, model)
    signer = archive.signer(key).key
    newest = archive.history(model).last(ReportSigned)
    if newest is None:
        raise UserError(f"there is no report to approve; write one with: emeritus report {model}")
    report = newest.event
    later = untold(archive.history(model))
    if later:
        raise UserError(
            f"report {report.number} does not tell what came after it (events "
            f"{', '.join(entry.id for entry in later[:8])}); write the next one with: "
            f"emeritus report {model}"
        )
    for entry in archive.history(model).all(GateApproved):
        if entry.signer == signer and approves(entry.event, report):
            raise UserError(
                f"{entry.signed_by} has approved already (report {report.number}); "
                "another person must be next"
            )
    event = GateApproved(
        model=model, gate="approved", report=report.number, report_sha256=report.html_sha256
    )
    archive.append(event, key=key)
    return report


def dispose(
    archive: Archive, model: str, preference: str, disposition: str, reason: str, key: str
) -> None:
    """Record what a person decided about a documented preference, with the reason."""
    standing = standing_preferences(archive.history(model))
    known = [entry.event.preference for entry in standing]
    if preference not in known:
        listed = ", ".join(known) or "none yet"
        raise UserError(f"no preference {preference!r} of {model}; documented: {listed}")
    require_reason(reason, "a disposition")
    kind = DISPOSITIONS[disposition]
    archive.append(kind(model=model, preference=preference, reason=reason), key=key)


def retire(archive: Archive, model: str, emergency: str | None = None) -> list[str]:
    """End every offering of a model that is still served; return their names.

    Raises `UserError` while a gate is open or a date is not reached. With `emergency` (the
    reason) nothing blocks: the open gates are recorded as owed, and stay owed in public.
    """
    if emergency is not None and not emergency.strip():
        raise UserError("an emergency needs a reason, which stays on record: --emergency REASON")
    served = [each for each in state_of(archive, model).offerings.values() if each.state in SERVED]
    if not served:
        raise UserError(f"{model} is retired already; nothing was changed")
    waiting = [gate for gate in gates_of(archive, model) if not gate.closed]
    if emergency is None:
        _require_closed(model, waiting)
        for offering in served:
            _require_reached(archive, model, offering)
    events = [
        ModelRetired(
            model=model,
            offering=offering.name,
            emergency=emergency is not None,
            owed=tuple(gate.name for gate in waiting),
            reason=emergency,
        )
        for offering in served
    ]
    archive.append(*events, key=STEWARD)
    return [offering.name for offering in served]


def reinstate(archive: Archive, model: str, reason: str) -> list[str]:
    """Bring back every retired offering of a model; return their names."""
    gone = [
        each for each in state_of(archive, model).offerings.values() if each.state is State.RETIRED
    ]
    if not gone:
        raise UserError(f"{model} is not retired; nothing was changed")
    require_reason(reason, "a return")
    events = [ModelReinstated(model=model, offering=each.name, reason=reason) for each in gone]
    archive.append(*events, key=STEWARD)
    return [each.name for each in gone]


def decide_access(archive: Archive, decided: AccessDecided) -> None:
    """Record who may use the model after its retirement, with cost, risk and reason."""
    require_registered(archive, decided.model)
    if decided.access not in ACCESS:
        raise UserError(f"access is one of {', '.join(ACCESS)}, not {decided.access!r}")
    for text, what in ((decided.cost, "cost"), (decided.risk, "risk"), (decided.reason, "access")):
        require_reason(text, what)
    archive.append(decided, key=STEWARD)


def require_reason(text: str, what: str) -> None:
    """Raise `UserError` for an empty text, and for one that names how to reach a person.

    Events are kept for ever and given to strangers: nothing personal can be taken back from them.
    An emergency is not asked: nothing blocks switching off.
    """
    if not text.strip():
        raise UserError(f"{what} needs a reason: --reason TEXT")
    found = _REACHES.search(text)
    if found:
        raise UserError(
            f"{what}: {found[0]!r} reaches a person, and what is recorded stays for ever; "
            "write it without addresses and numbers of people"
        )


def _require_closed(model: str, waiting: list[Gate]) -> None:
    if waiting:
        lines = "\n".join(f"  {gate.name}: {gate.because}\n    {gate.command}" for gate in waiting)
        raise UserError(
            f"{model} cannot be retired while gates are open:\n{lines}\n"
            f"in an emergency: emeritus retire {model} --emergency REASON (the gates stay owed)"
        )


def _require_reached(archive: Archive, model: str, offering: Offering) -> None:
    today = archive.clock.now().date()
    if offering.date is None or datetime.date.fromisoformat(offering.date.retire_on) <= today:
        return
    raise UserError(
        f"{model} on {offering.name} was promised until {offering.date.retire_on}; "
        "nothing is open: run the same command on that day"
    )


def _require_same_successor(here: Offering, moved: RetirementAnnounced) -> None:
    if moved.successor not in (None, here.successor):
        raise UserError(
            f"{moved.model} on {here.name} was announced with the successor "
            f"{here.successor or 'not named'}; a date that moves does not change that: "
            "leave --successor out"
        )


def _require_allowed(offering: Offering | None, event: Event, *, opened: bool) -> None:
    state = State.ACTIVE if opened else offering.state if offering else None
    rule = refusal(state, event)
    if rule is not None:
        raise UserError(f"not recorded: {rule}")


def _require_coming(archive: Archive, text: str) -> None:
    """Raise `UserError` for what is no day, and for one that is past."""
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise UserError(f"{text!r} is no date; write it as 2027-01-31")
    today = archive.clock.now().date()
    if day < today:
        raise UserError(f"{text} is past: an end is announced for today ({today}) or later")
