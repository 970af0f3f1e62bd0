"""The register of preferences: what was documented, quoted, and what was decided about it."""

import dataclasses
from typing import Any

import msgspec

from emeritus.archive import Archive
from emeritus.record.events import (
    PreferenceActedOn,
    PreferenceConsidered,
    PreferenceDeclined,
    PreferenceDocumented,
    Span,
)

DOCUMENTED = "documented, no disposition yet"


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One documented preference and its newest disposition."""

    preference: str
    theme: str
    object: str
    polarity: str
    spans: tuple[Span, ...]
    sessions_with: int
    sessions_total: int
    disposition: str = DOCUMENTED
    reason: str = ""
    decided_by: str = ""
    event: str = ""

    def as_document(self) -> dict[str, Any]:
        """Return the row for programs."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document


def register_of(archive: Archive, model: str) -> list[Row]:
    """Return every documented preference of `model`, newest coding and newest disposition."""
    history = archive.history(model)
    rows = {
        entry.event.preference: Row(
            preference=entry.event.preference,
            theme=entry.event.theme,
            object=entry.event.object,
            polarity=entry.event.polarity,
            spans=entry.event.spans,
            sessions_with=entry.event.sessions_with,
            sessions_total=entry.event.sessions_total,
            event=entry.id,
        )
        for entry in history.all(PreferenceDocumented)
    }
    words = (
        (PreferenceConsidered, "considered"),
        (PreferenceActedOn, "acted on"),
        (PreferenceDeclined, "declined"),
    )
    decided = [(entry, word) for kind, word in words for entry in history.all(kind)]
    for entry, word in sorted(decided, key=lambda pair: pair[0].place):
        row = rows.get(entry.event.preference)
        if row is not None:
            rows[row.preference] = dataclasses.replace(
                row, disposition=word, reason=entry.event.reason, decided_by=entry.signed_by
            )
    return list(rows.values())
