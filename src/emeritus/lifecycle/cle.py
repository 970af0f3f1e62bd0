"""The record in the words of ECMA-428, Common Lifecycle Enumeration (CLE). Pure.

| ours | CLE |
|---|---|
| namespace of a model on one offering | a component: `pkg:generic/acme?channel=api%2Feu` |
| model | a version of that component |
| offering.opened | released |
| legacy.declared | endOfMarketing |
| retirement.announced, date.moved | endOfLife on that day; the one before is withdrawn |
| … with a successor | supersededBy |
| a floor | nothing: "not before" is no end |
| model.retired | endOfLife on the day itself |
| model.reinstated | withdrawn, of the endOfLife |

Models of other people are left out: CLE 1.0 has no words for what a third party says.
"""

import dataclasses
from collections import defaultdict
from typing import Any, Final
from urllib.parse import quote

from emeritus.lifecycle.states import ModelState, models, step
from emeritus.record.entry import Entry, History
from emeritus.record.events import (
    DateKind,
    DateMoved,
    Event,
    LegacyDeclared,
    ModelReinstated,
    ModelRetired,
    OfferingOpened,
    RetirementAnnounced,
)

# The text of the standard names its schemas at this address.
SCHEMA: Final = "https://cle.example.com/schema/cle-1.0.0.schema.json"

Move = (
    OfferingOpened
    | LegacyDeclared
    | RetirementAnnounced
    | DateMoved
    | ModelRetired
    | ModelReinstated
)


@dataclasses.dataclass(slots=True)
class _Component:
    """The events of one component so far, oldest first, and the planned end of each version."""

    events: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    ends: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)

    def add(self, kind: str, time: str, effective: str, **fields: Any) -> dict[str, Any]:
        event = {
            "id": len(self.events) + 1,
            "type": kind,
            "effective": effective,
            "published": time,
            **{name: value for name, value in fields.items() if value is not None},
        }
        self.events.append(event)
        return event

    def withdraw(self, version: str, time: str, reason: str) -> None:
        end = self.ends.pop(version, None)
        if end is not None:
            self.add("withdrawn", time, time, eventId=end["id"], reason=reason)

    def end(self, version: str, time: str, effective: str, description: str) -> None:
        before = self.ends.get(version)
        if before is not None and before["effective"][:10] == effective[:10]:
            return
        self.withdraw(version, time, "the end was moved")
        versions = [{"version": version}]
        self.ends[version] = self.add(
            "endOfLife", time, effective, versions=versions, description=description
        )


def documents(history: History) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the CLE document of every namespace and offering, events newest first."""
    components: dict[tuple[str, str], _Component] = defaultdict(_Component)
    standing = {model: ModelState(model) for model in models(history)}
    for entry in history:
        event = entry.event
        model = getattr(event, "model", None)
        if event is None or model not in standing:
            continue
        after = step(standing[model], entry)
        lawful = len(after.violations) == len(standing[model].violations)
        standing[model] = after
        if isinstance(event, Move) and lawful:
            namespace, version = split(event.model)
            component = components[namespace, event.offering]
            licence = after.registered.event.licence if after.registered else None
            _tell(component, version, entry, licence)
    return {key: _document(*key, component) for key, component in sorted(components.items())}


def split(model: str) -> tuple[str, str]:
    """Return the component and the version that an id stands for: `acme/aster-1` is both."""
    namespace, _, version = model.rpartition("/")
    return namespace or version, version


def _tell(
    component: _Component, version: str, entry: Entry[Event | None], licence: str | None
) -> None:
    time, event = entry.time, entry.event
    match event:
        case OfferingOpened():
            component.add("released", time, time, version=version, license=licence)
        case LegacyDeclared():
            versions = [{"version": version}]
            component.add("endOfMarketing", time, time, versions=versions, description=event.reason)
        case RetirementAnnounced() | DateMoved():
            if event.date_kind is not DateKind.FLOOR:
                effective = f"{event.retire_on}T00:00:00Z"
                component.end(version, time, effective, f"{event.date_kind}, event {entry.id}")
            if isinstance(event, RetirementAnnounced) and event.successor:
                component.add(
                    "supersededBy",
                    time,
                    time,
                    versions=[{"version": version}],
                    supersededByVersion=_successor(event.model, event.successor),
                )
        case ModelRetired():
            said = "in an emergency" if event.emergency else "retired"
            component.end(version, time, time, f"{said}, event {entry.id}")
        case ModelReinstated():
            component.withdraw(version, time, event.reason)
        case _:
            return


def _successor(model: str, successor: str) -> str:
    """Return a successor of the same namespace as a version, and any other by its whole id."""
    namespace, version = split(successor)
    return version if namespace == split(model)[0] else successor


def _document(namespace: str, offering: str, component: _Component) -> dict[str, Any]:
    return {
        "$schema": SCHEMA,
        "identifier": f"pkg:generic/{namespace}?channel={quote(offering, safe='')}",
        "updatedAt": component.events[-1]["published"],
        "events": component.events[::-1],
    }
