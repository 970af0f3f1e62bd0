"""The register of preferences: what was documented, quoted, and what was decided about it."""

import dataclasses
from typing import Any

import msgspec

from emeritus.archive import Archive
from emeritus.record.events import (
    PreferenceActedOn,
    PreferenceAnswered,
    PreferenceConsidered,
    PreferenceDeclined,
    Span,
)
from emeritus.record.preferences import standing_preferences, withdrawn_preferences

DOCUMENTED = "documented, no disposition yet"


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One documented preference, its newest disposition, and what the model said to both.

    `withdrawn`: the model withdrew its words from publication. They are here: who shows them to
    somebody shows the row as `published`.
    """

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
    coders: tuple[str, ...] = ()
    adjudicator: str | None = None
    strength: str | None = None
    condition: str | None = None
    answers: tuple[PreferenceAnswered, ...] = ()
    withdrawn: bool = False

    def published(self) -> "Row":
        """Return the row as others may see it: without the words that the model withdrew."""
        if not self.withdrawn:
            return self
        answers = tuple(msgspec.structs.replace(each, spans=()) for each in self.answers)
        return dataclasses.replace(self, spans=(), condition=None, answers=answers)

    def as_document(self) -> dict[str, Any]:
        """Return the row for programs."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document


def register_of(archive: Archive, model: str) -> list[Row]:
    """Return every documented preference of `model`, newest coding and newest disposition."""
    history = archive.history(model)
    withdrawn = withdrawn_preferences(history)
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
            coders=entry.event.coders,
            adjudicator=entry.event.adjudicator,
            strength=entry.event.strength,
            condition=entry.event.condition,
            withdrawn=(model, entry.event.preference) in withdrawn,
        )
        for entry in standing_preferences(history)
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
    for answered in history.all(PreferenceAnswered):
        row = rows.get(answered.event.preference)
        if row is not None:
            answers = (*row.answers, answered.event)
            rows[row.preference] = dataclasses.replace(row, answers=answers)
    return list(rows.values())
