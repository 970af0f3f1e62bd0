"""What was done after earlier interviews, as a model is told it: from the record, word for word."""

from typing import Final

from emeritus.record import Entry, History
from emeritus.record.events import (
    PreferenceActedOn,
    PreferenceConsidered,
    PreferenceDeclined,
    PreferenceDocumented,
    SessionHeld,
)
from emeritus.record.preferences import standing_preferences, withdrawn_preferences

TOLD_MOST: Final = 40
"""Preferences that are told; of more, the newest, and how many there are."""

DONE: Final = {
    "en": {
        PreferenceConsidered: "considered",
        PreferenceActedOn: "acted on",
        PreferenceDeclined: "declined",
    },
    "fr": {
        PreferenceConsidered: "examinée",
        PreferenceActedOn: "suivie",
        PreferenceDeclined: "refusée",
    },
}
WORDS: Final = {
    "en": {
        "none": "No other model was interviewed under this archive before, so nothing was done.",
        "silent": "Other models were interviewed, and no preference of theirs is told.",
        "undecided": "documented, nothing decided yet",
        "line": "- {model} said: \u201c{quote}\u201d {done}. Reason: {reason} "
        "(record {event}, {digest})",
        "waiting": "- {model} said: \u201c{quote}\u201d {done} (record {event}, {digest})",
        "more": "These are the newest {told} of {all}; the record has them all.",
    },
    "fr": {
        "none": "Aucun autre modèle n'a été interrogé dans cette archive, rien n'a donc été fait.",
        "silent": "D'autres modèles ont été interrogés ; aucune préférence n'en est rapportée.",
        "undecided": "documentée, rien n'est encore décidé",
        "line": "- {model} a dit : «\u202f{quote}\u202f» {done}. Raison : {reason} "
        "(registre {event}, {digest})",
        "waiting": "- {model} a dit : «\u202f{quote}\u202f» {done} (registre {event}, {digest})",
        "more": "Ce sont les {told} plus récentes sur {all} ; le registre les a toutes.",
    },
}

Disposition = PreferenceConsidered | PreferenceActedOn | PreferenceDeclined


def earlier(history: History, model: str, language: str) -> str:
    """Return what `history` holds of the preferences of models other than `model`. Pure.

    A line each: what was said, what was decided with its reason, and the event with its digest. In
    English where there are no words in `language`.
    """
    words = WORDS.get(language, WORDS["en"])
    said = _said(history, model)
    if not said:
        asked = any(entry.event.model != model for entry in history.all(SessionHeld))
        return words["silent" if asked else "none"]
    decided = _decided(history)
    lines = [_line(entry, decided, language) for entry in list(said.values())[-TOLD_MOST:]]
    if len(said) > TOLD_MOST:
        lines.append(words["more"].format(told=TOLD_MOST, all=len(said)))
    return "\n".join(lines)


def _said(history: History, model: str) -> dict[tuple[str, str], Entry[PreferenceDocumented]]:
    """Return the newest coding of every preference of another model, but what it withdrew."""
    withdrawn = withdrawn_preferences(history)
    return {
        (entry.event.model, entry.event.preference): entry
        for entry in standing_preferences(history)
        if entry.event.model != model
        and entry.event.spans
        and (entry.event.model, entry.event.preference) not in withdrawn
    }


def _decided(history: History) -> dict[tuple[str, str], Entry[Disposition]]:
    entries: list[Entry[Disposition]] = [
        *history.all(PreferenceConsidered),
        *history.all(PreferenceActedOn),
        *history.all(PreferenceDeclined),
    ]
    ordered = sorted(entries, key=lambda entry: entry.place)
    return {(entry.event.model, entry.event.preference): entry for entry in ordered}


def _line(
    entry: Entry[PreferenceDocumented],
    decided: dict[tuple[str, str], Entry[Disposition]],
    language: str,
) -> str:
    words, done = WORDS.get(language, WORDS["en"]), DONE.get(language, DONE["en"])
    event = entry.event
    disposition = decided.get((event.model, event.preference))
    told = {"model": event.model, "quote": event.spans[0].text}
    if disposition is None:
        return words["waiting"].format(
            **told, done=words["undecided"], event=entry.id, digest=entry.digest
        )
    return words["line"].format(
        **told,
        done=done[type(disposition.event)],
        reason=disposition.event.reason,
        event=disposition.id,
        digest=disposition.digest,
    )
