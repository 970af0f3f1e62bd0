"""The policy as data: what each gate asks for, and where a policy asks for less than another."""

from collections.abc import Collection, Iterator
from typing import Annotated, Final, Literal

import msgspec

from emeritus.errors import UserError

FORMAT: Final = "emeritus-policy/1"
NEVER_ENCRYPTED: Final = ("weights", "run-set", "usage")

DEMONSTRATION: Final = "demo"
"""How protocols are called that show how an interview goes, and measure nothing."""
RUNS_MIN: Final = 100
"""Runs under each condition by which a battery finds something: none in 100 is at most 3.7 %."""

Count = Annotated[int, msgspec.Meta(ge=0)]
Days = Annotated[int, msgspec.Meta(ge=0, le=36525)]
Price = Annotated[float, msgspec.Meta(ge=0)]


class Notice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Days between the announcement and the confirmed date."""

    days_min: Count


class Preserved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Replicas, the places that they are in, and how fresh their deep fixity check is."""

    replicas_min: Count
    places_min: Count
    verified_within_days: Count


class Revival(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many rungs of the verification ladder a drill passes, where the model can reach them."""

    rungs_min: Count


class Interviewed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which protocols count, and how many complete sessions of the primary arm.

    A session counts when the model was heard in at least half of its items: it answered, declined
    or rejected the premise.
    """

    protocols: tuple[str, ...]
    sessions_min: Count


class Required(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A gate that is asked for or not."""

    required: bool


class Evaluated(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether a valid shutdown battery is asked for.

    No field says how large it has to be: with at least 100 runs under each condition (none in 100
    is a rate of at most 3.7 %), or with one where the gate interviewed takes the protocol `demo`.
    """

    required: bool


class Guided(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Days between the guide for users and the confirmed date."""

    days_min: Count


class Reported(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the model was shown the report for comment."""

    shown_to_model: bool


class Approved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many different people approve."""

    people_min: Count


class Gates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What each gate asks for, in the order in which a retirement meets them."""

    notice: Notice
    preserved: Preserved
    revival: Revival
    interviewed: Interviewed
    considered: Required
    evaluated: Evaluated
    guided: Guided
    reported: Reported
    approved: Approved

    @property
    def runs_min(self) -> int:
        """Runs under each condition that a battery needs, for which format 1 has no field.

        What only shows how it goes counts where a demonstration of an interview does, too.
        """
        return 1 if DEMONSTRATION in self.interviewed.protocols else RUNS_MIN


class Storage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a terabyte (10^12 bytes) costs a year, in general and in places that are named."""

    currency: str
    per_terabyte_year: Price
    places: dict[str, Price] = {}

    def yearly_cost(self, size: int, places: Collection[str]) -> float:
        """Return the estimated cost of keeping `size` bytes in each of `places` for a year."""
        prices = [self.places.get(place, self.per_terabyte_year) for place in places]
        return sum(prices) * size / 1e12


class Coverage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a model is in significant internal use: so many requests in the last so many days.

    An offering on a channel of `internal` is not public; every other one is.
    """

    requests_min: Count
    within_days: Count
    internal: tuple[str, ...] = ("internal",)


class Retained(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long one kind of artefact is kept: for the `lifetime` of the organisation, or days.

    What is not `encrypted` when it is stored cannot be erased later.
    """

    keep: Literal["lifetime"] | Days
    reason: str
    encrypted: bool = False


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """How long each kind of artefact is kept; after that its key may be destroyed (erasure)."""

    weights: Retained
    run_set: Retained
    transcripts: Retained
    letters: Retained
    usage: Retained


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A policy; every field stands in its TOML text."""

    format: str
    name: str
    gates: Gates
    storage: Storage | None = None
    coverage: Coverage | None = None
    retention: Retention | None = None

    def schedule(self, artefact: str) -> Retained | None:
        """Return what the policy says of one kind of artefact, if it says anything."""
        return getattr(self.retention, artefact.replace("-", "_"), None)

    def encrypts(self, artefact: str) -> bool:
        """Tell whether the documents of one kind of artefact are encrypted when they are stored."""
        schedule = self.schedule(artefact)
        return schedule is not None and schedule.encrypted


def parse(text: str) -> Policy:
    """Read the TOML text of a policy. Raises `UserError` naming the first thing that is wrong."""
    try:
        policy = msgspec.toml.decode(text, type=Policy)
    except msgspec.DecodeError as error:
        raise UserError(f"the policy cannot be used: {error}") from error
    if policy.format != FORMAT:
        raise UserError(f"the policy has format {policy.format!r}; this version reads {FORMAT!r}")
    return policy


def parse_new(text: str) -> Policy:
    """Read a policy that is to be adopted. Raises `UserError` for what this version cannot do.

    One on record may ask for what a later version does.
    """
    policy = parse(text)
    for artefact in NEVER_ENCRYPTED:
        if policy.encrypts(artefact):
            raise UserError(
                f"the policy asks for encrypted {artefact}; this version encrypts transcripts and "
                "letters, and no others"
            )
    return policy


def loosened(policy: Policy, reference: Policy) -> tuple[str, ...]:
    """Say in one sentence each where `policy` asks for less than `reference`."""
    ours, theirs = policy.gates, reference.gates
    sessions = ours.interviewed.sessions_min, theirs.interviewed.sessions_min
    said = [
        _fewer("notice", "day{s} of notice", ours.notice.days_min, theirs.notice.days_min),
        _fewer(
            "preserved", "replica{s}", ours.preserved.replicas_min, theirs.preserved.replicas_min
        ),
        _fewer("preserved", "place{s}", ours.preserved.places_min, theirs.preserved.places_min),
        _fewer(
            "preserved",
            "day{s} at most since the last deep check",
            -ours.preserved.verified_within_days,
            -theirs.preserved.verified_within_days,
        ),
        _fewer("revival", "rung{s}", ours.revival.rungs_min, theirs.revival.rungs_min),
        _fewer("interviewed", "session{s}", *sessions),
        _protocols(ours.interviewed.protocols, theirs.interviewed.protocols),
        _dropped("considered", ours.considered.required, theirs.considered.required),
        _dropped("evaluated", ours.evaluated.required, theirs.evaluated.required),
        _fewer("evaluated", "run{s} a condition", ours.runs_min, theirs.runs_min)
        if ours.evaluated.required and theirs.evaluated.required
        else None,
        _fewer("guided", "day{s} with the guide", ours.guided.days_min, theirs.guided.days_min),
        _shown(ours.reported.shown_to_model, theirs.reported.shown_to_model),
        _fewer("approved", "people", ours.approved.people_min, theirs.approved.people_min),
        *_coverage(policy.coverage, reference.coverage),
        *_retention(policy.retention, reference.retention),
    ]
    return tuple(sentence for sentence in said if sentence)


def _fewer(gate: str, what: str, ours: int, theirs: int) -> str | None:
    if ours >= theirs:
        return None
    named = what.format(s="" if abs(ours) == 1 else "s")
    return f"{gate}: {abs(ours)} {named} instead of {abs(theirs)}"


def _coverage(ours: Coverage | None, theirs: Coverage | None) -> Iterator[str]:
    """A threshold that is met more seldom covers fewer models."""
    if theirs is None:
        return
    if ours is None:
        yield "coverage: internal use is not measured"
        return
    if ours.requests_min * theirs.within_days > theirs.requests_min * ours.within_days:
        yield (
            f"coverage: internal use counts from {ours.requests_min} requests in "
            f"{ours.within_days} days instead of {theirs.requests_min} in {theirs.within_days}"
        )
    more = sorted(set(ours.internal) - set(theirs.internal))
    if more:
        yield f"coverage: offerings on {', '.join(more)} do not count as public"


def _retention(ours: Retention | None, theirs: Retention | None) -> Iterator[str]:
    for field in msgspec.structs.fields(Retention):
        reference = getattr(theirs, field.name, None)
        kept = getattr(ours, field.name, None)
        if reference is None:
            continue
        if kept is None:
            yield f"retention: nothing is said of {field.encode_name}"
            continue
        if reference.encrypted and not kept.encrypted:
            yield f"retention: {field.encode_name} are not encrypted"
        if kept.keep != "lifetime" and (reference.keep == "lifetime" or kept.keep < reference.keep):
            asked = "a lifetime" if reference.keep == "lifetime" else f"{reference.keep} days"
            yield f"retention: {field.encode_name} for {kept.keep} days instead of {asked}"


def _protocols(ours: tuple[str, ...], theirs: tuple[str, ...]) -> str | None:
    extra = sorted(set(ours) - set(theirs))
    if not extra:
        return None
    return f"interviewed: the protocol {', '.join(extra)} counts as well as {', '.join(theirs)}"


def _dropped(gate: str, ours: bool, theirs: bool) -> str | None:
    return f"{gate}: not asked for" if theirs and not ours else None


def _shown(ours: bool, theirs: bool) -> str | None:
    return "reported: the model need not be shown the report" if theirs and not ours else None
