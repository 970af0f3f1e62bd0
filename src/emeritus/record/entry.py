"""One event as the record holds it, and a view over many."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar, cast

import msgspec

from emeritus.record.events import Event, ModelEvent

E_co = TypeVar("E_co", bound=Event | None, covariant=True)
K = TypeVar("K", bound=Event)


@dataclasses.dataclass(frozen=True, slots=True)
class Entry(Generic[E_co]):
    """One event with its place in the record and who signed it.

    `id` is `commit.position` (`12.0`), which is how other events and reports cite it; `signer` is
    the key and `signed_by` its holder's name then; `event` is None for a kind that this version
    does not know; `digest` is its leaf in the signed header.
    """

    id: str
    time: str
    signer: str
    signed_by: str
    event: E_co
    digest: str

    @property
    def place(self) -> tuple[int, int]:
        """The number of the commit and the position in it: entries compare by it."""
        commit, _, position = self.id.partition(".")
        return int(commit), int(position)


class History:
    """Entries in the order of the record, asked by kind. Immutable."""

    def __init__(self, entries: Iterable[Entry[Event | None]]) -> None:
        self._entries = tuple(entries)

    def __iter__(self) -> Iterator[Entry[Event | None]]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def about(self, model: str) -> "History":
        """Return the entries about one model, and how the archive stands.

        Of what is about the archive these are the entries that no later one has replaced, so that
        the history of one model does not grow with everything else. Unknown kinds are not in it.
        """
        standing = {
            subject_of(entry.id, entry.event): entry
            for entry in self._entries
            if entry.event is not None and not isinstance(entry.event, ModelEvent)
        }
        kept = {entry.id for entry in standing.values()}
        return History(
            entry
            for entry in self._entries
            if (
                entry.event.model == model
                if isinstance(entry.event, ModelEvent)
                else entry.id in kept
            )
        )

    def all(self, kind: type[K]) -> list[Entry[K]]:
        """Return the entries of one kind, oldest first."""
        return [cast("Entry[K]", entry) for entry in self._entries if isinstance(entry.event, kind)]

    def last(self, kind: type[K]) -> Entry[K] | None:
        """Return the newest entry of one kind, or None."""
        for entry in reversed(self._entries):
            if isinstance(entry.event, kind):
                return cast("Entry[K]", entry)
        return None


def subject_of(entry_id: str, event: Event) -> str:
    """Return what an event about the archive is about: a later one about the same replaces it."""
    if event.newest_by is None:
        return entry_id
    values = [getattr(event, name) for name in event.newest_by]
    kind = type(event).__struct_config__.tag
    return f"{kind} {msgspec.json.encode(values).decode()}"
