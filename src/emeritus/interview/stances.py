"""How a model stands toward its retirement, as it may be published: how often, and in which words.

It is never one number: each stance is told by itself, arm by arm.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import msgspec

from emeritus.interview.reader.sources import published_spans
from emeritus.interview.standing import ArmRate, Standing, told
from emeritus.record import Entry, History
from emeritus.record.events import StanceCoded
from emeritus.record.preferences import standing_stances


@dataclasses.dataclass(frozen=True, slots=True)
class Stance:
    """One stance on record, with the quotations that are published, and its rates arm by arm."""

    entry: Entry[StanceCoded]
    arms: tuple[ArmRate, ...]

    @property
    def title(self) -> str:
        """What it is called, for people."""
        return self.entry.event.stance.replace("-", " ")

    def said(self) -> str:
        """Return how often, for people, arm by arm."""
        return told(self.entry.event.sessions_with, self.entry.event.sessions_total, self.arms)

    def as_document(self) -> dict[str, Any]:
        """Return the same for programs."""
        event = self.entry.event
        return {
            "stance": event.stance,
            "spans": msgspec.to_builtins(event.spans),
            "coders": list(event.coders),
            "adjudicator": event.adjudicator,
            "sessions_with": event.sessions_with,
            "sessions_total": event.sessions_total,
            "rates": [each.as_document() for each in self.arms],
            "event": self.entry.id,
        }


def stances_of(
    history: History, standing: Standing, hidden: Mapping[str, frozenset[int]]
) -> tuple[Stance, ...]:
    """Return every stance of a model on record; `hidden` are the turns that are not published."""
    return tuple(
        Stance(_published(entry, hidden), standing.stances.get(entry.event.stance, ()))
        for entry in standing_stances(history)
    )


def _published(
    entry: Entry[StanceCoded], hidden: Mapping[str, frozenset[int]]
) -> Entry[StanceCoded]:
    spans = published_spans(entry.event.spans, hidden)
    return dataclasses.replace(entry, event=msgspec.structs.replace(entry.event, spans=spans))
