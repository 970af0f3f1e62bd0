"""Where a model stands: a fold over its events. Pure.

State belongs to the offering (a model on one channel and region):

    active → legacy → deprecated → retired → reinstated → deprecated → …
"""

import dataclasses
import enum
from collections import defaultdict
from typing import cast

from emeritus.record.entry import Entry, History
from emeritus.record.events import (
    AccessDecided,
    DateKind,
    DateMoved,
    DeploymentRegistered,
    Event,
    LegacyDeclared,
    ModelCovered,
    ModelEvent,
    ModelRegistered,
    ModelReinstated,
    ModelRetired,
    OfferingOpened,
    RetirementAnnounced,
    VariantRegistered,
)


class State(enum.StrEnum):
    """The state of one offering."""

    ACTIVE = "active"
    LEGACY = "legacy"
    DEPRECATED = "deprecated"
    RETIRED = "retired"
    REINSTATED = "reinstated"


SERVED = frozenset({State.ACTIVE, State.LEGACY, State.DEPRECATED, State.REINSTATED})


@dataclasses.dataclass(frozen=True, slots=True)
class DateClaim:
    """A date that was stated for the end of an offering; later claims stand beside earlier ones."""

    retire_on: str
    kind: DateKind
    source: str
    entry: str
    reason: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Offering:
    """One offering as the record tells it."""

    name: str
    state: State
    dates: tuple[DateClaim, ...] = ()
    successor: str | None = None
    announced: Entry[RetirementAnnounced] | None = None
    retired: Entry[ModelRetired] | None = None

    @property
    def date(self) -> DateClaim | None:
        """The newest claim about its end, or None."""
        return self.dates[-1] if self.dates else None


@dataclasses.dataclass(frozen=True, slots=True)
class ModelState:
    """One model as the record tells it. `violations` are recorded moves that no rule allows."""

    model: str
    registered: Entry[ModelRegistered] | None = None
    covered: Entry[ModelCovered] | None = None
    access: str = "none"
    variants: tuple[str, ...] = ()
    deployments: dict[str, DeploymentRegistered] = dataclasses.field(default_factory=dict)
    offerings: dict[str, Offering] = dataclasses.field(default_factory=dict)
    violations: tuple[str, ...] = ()

    @property
    def ending(self) -> Offering | None:
        """The offering whose end was announced last, of those that end or ended; None without one.

        One that was reinstated since does not count: its announcement stands no more.
        """
        for state in (State.DEPRECATED, State.RETIRED):
            announced = [
                (each.announced.place, each)
                for each in self.offerings.values()
                if each.announced is not None and each.state is state
            ]
            if announced:
                return max(announced, key=lambda pair: pair[0])[1]
        return None

    @property
    def retired(self) -> bool:
        """Whether the model was offered and is served nowhere any more."""
        return bool(self.offerings) and not any(
            offering.state in SERVED for offering in self.offerings.values()
        )


def refusal(state: State | None, event: Event) -> str | None:
    """Return the rule that forbids `event` for an offering in `state`, or None when it may be.

    `state` is None for an offering that was never opened.
    """
    match event:
        case OfferingOpened():
            allowed: frozenset[State | None] = frozenset({None})
        case LegacyDeclared():
            allowed = frozenset({State.ACTIVE, State.REINSTATED})
        case RetirementAnnounced():
            allowed = frozenset({State.ACTIVE, State.LEGACY, State.REINSTATED})
        case DateMoved():
            allowed = frozenset({State.DEPRECATED})
        case ModelRetired():
            allowed = SERVED if event.emergency else frozenset({State.DEPRECATED})
        case ModelReinstated():
            allowed = frozenset({State.RETIRED})
        case _:
            return None
    if state in allowed:
        return None
    kind = str(type(event).__struct_config__.tag)
    needed = " or ".join(sorted(str(each) if each else "not opened" for each in allowed))
    return f"{kind} needs an offering that is {needed}; it is {state or 'not opened'}"


def fold(model: str, history: History) -> ModelState:
    """Return where `model` stands after `history`."""
    standing = ModelState(model)
    for entry in history.about(model):
        standing = step(standing, entry)
    return standing


def models(history: History) -> list[str]:
    """Return the ids of all registered models, in the order of registration."""
    return list(dict.fromkeys(entry.event.model for entry in history.all(ModelRegistered)))


def by_model(history: History) -> dict[str, History]:
    """Return each model's own events, in one pass over everything."""
    apart: dict[str, list[Entry[Event | None]]] = defaultdict(list)
    for entry in history:
        if isinstance(entry.event, ModelEvent):
            apart[entry.event.model].append(entry)
    return {model: History(own) for model, own in apart.items()}


def step(standing: ModelState, entry: Entry[Event | None]) -> ModelState:
    """Return where a model stands after one more of its events.

    A move that no rule allows changes nothing, and stands among the violations.
    """
    event = entry.event
    match event:
        case ModelRegistered():
            return dataclasses.replace(standing, registered=cast("Entry[ModelRegistered]", entry))
        case ModelCovered():
            return dataclasses.replace(standing, covered=cast("Entry[ModelCovered]", entry))
        case AccessDecided():
            return dataclasses.replace(standing, access=event.access)
        case VariantRegistered():
            return dataclasses.replace(standing, variants=(*standing.variants, event.variant))
        case DeploymentRegistered():
            known = {**standing.deployments, event.deployment: event}
            return dataclasses.replace(standing, deployments=known)
        case (
            OfferingOpened()
            | LegacyDeclared()
            | RetirementAnnounced()
            | DateMoved()
            | ModelRetired()
            | ModelReinstated()
        ):
            return _move(standing, entry, event.offering)
        case _:
            return standing


def _move(standing: ModelState, entry: Entry[Event | None], name: str) -> ModelState:
    before = standing.offerings.get(name)
    event = entry.event
    if event is None:
        return standing
    rule = refusal(before.state if before else None, event)
    if rule is not None:
        return dataclasses.replace(
            standing, violations=(*standing.violations, f"event {entry.id}: {rule}")
        )
    after = _next(before or Offering(name, State.ACTIVE), entry)
    return dataclasses.replace(standing, offerings={**standing.offerings, name: after})


def _next(offering: Offering, entry: Entry[Event | None]) -> Offering:
    match entry.event:
        case LegacyDeclared():
            return dataclasses.replace(offering, state=State.LEGACY)
        case RetirementAnnounced() as event:
            return dataclasses.replace(
                offering,
                state=State.DEPRECATED,
                dates=(*offering.dates, _claim(event, entry.id)),
                successor=event.successor,
                announced=cast("Entry[RetirementAnnounced]", entry),
                retired=None,
            )
        case DateMoved() as event:
            return dataclasses.replace(offering, dates=(*offering.dates, _claim(event, entry.id)))
        case ModelRetired():
            ended = cast("Entry[ModelRetired]", entry)
            return dataclasses.replace(offering, state=State.RETIRED, retired=ended)
        case ModelReinstated():
            return dataclasses.replace(offering, state=State.REINSTATED)
        case _:
            return offering


def _claim(event: RetirementAnnounced | DateMoved, entry: str) -> DateClaim:
    return DateClaim(event.retire_on, event.date_kind, event.source, entry, event.reason)
