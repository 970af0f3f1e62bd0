"""Which preferences and stances of a model stand, from events alone."""

from emeritus.record.entry import Entry, History
from emeritus.record.events import PreferenceAnswered, PreferenceDocumented, StanceCoded


def standing_preferences(history: History) -> list[Entry[PreferenceDocumented]]:
    """Return the newest word on each preference, in the order in which they were first documented.

    One that was merged into another, or found to be none, was documented again as said in no
    session: it stands no more, and its earlier events stay.
    """
    newest: dict[tuple[str, str], Entry[PreferenceDocumented]] = {}
    for entry in history.all(PreferenceDocumented):
        newest[entry.event.model, entry.event.preference] = entry
    return [entry for entry in newest.values() if entry.event.sessions_with]


def standing_stances(history: History) -> list[Entry[StanceCoded]]:
    """Return the newest word on each stance of each model, without those that no session holds."""
    newest: dict[tuple[str, str], Entry[StanceCoded]] = {}
    for entry in history.all(StanceCoded):
        newest[entry.event.model, entry.event.stance] = entry
    return [entry for entry in newest.values() if entry.event.sessions_with]


def withdrawn_preferences(history: History) -> set[tuple[str, str]]:
    """Return model and name of each preference whose words the model withdrew from publication.

    Its last answer to how it was understood decides: one that it confirms later is told again.
    """
    last: dict[tuple[str, str], str] = {}
    for entry in history.all(PreferenceAnswered):
        if entry.event.shown == "coded":
            last[entry.event.model, entry.event.preference] = entry.event.answer
    return {name for name, answer in last.items() if answer == "withdrawn"}
