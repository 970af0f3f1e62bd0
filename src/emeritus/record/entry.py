"""One event as the record holds it, and a view over many."""

import dataclasses
from collections.abc import Iterable, Iterator
from itertools import chain
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
    """Entries in the order of the record, asked by kind. Immutable.

    `model` is given when they are what `about` would return for that model.
    """

    def __init__(self, entries: Iterable[Entry[Event | None]], model: str | None = None) -> None:
        self._entries = tuple(entries)
        self._kinds: dict[type[Event], list[Entry[Event]]] | None = None
        self._model = model

    def __iter__(self) -> Iterator[Entry[Event | None]]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def about(self, model: str) -> "History":
        """Return the entries about one model, and how the archive stands.

        Of what is about the archive these are the entries that no later one has replaced, so that
        the history of one model does not grow with everything else. Unknown kinds are not in it.
        """
        if model == self._model:
            return self
        standing = {
            subject_of(entry.id, entry.event): entry.id
            for entry in self._entries
            if entry.event is not None and not isinstance(entry.event, ModelEvent)
        }
        kept = frozenset(standing.values())
        entries = (
            entry
            for entry in self._entries
            if entry.id in kept
            or (isinstance(entry.event, ModelEvent) and entry.event.model == model)
        )
        return History(entries, model)

    def concerning(self, model: str) -> "History":
        """Return the entries about one model and all that are about none, replaced ones too."""
        return History(
            entry
            for entry in self
            if not isinstance(entry.event, ModelEvent) or entry.event.model == model
        )

    def all(self, kind: type[K]) -> list[Entry[K]]:
        """Return the entries of one kind, oldest first."""
        groups = [entries for each, entries in self._by_kind().items() if issubclass(each, kind)]
        found = groups[0] if len(groups) == 1 else sorted(chain(*groups), key=_place)
        return cast("list[Entry[K]]", list(found))

    def last(self, kind: type[K]) -> Entry[K] | None:
        """Return the newest entry of one kind, or None."""
        groups = [entries for each, entries in self._by_kind().items() if issubclass(each, kind)]
        newest = max((entries[-1] for entries in groups), key=_place, default=None)
        return cast("Entry[K] | None", newest)

    def _by_kind(self) -> dict[type[Event], list[Entry[Event]]]:
        if self._kinds is None:
            self._kinds = {}
            for entry in self._entries:
                if entry.event is not None:
                    known = cast("Entry[Event]", entry)
                    self._kinds.setdefault(type(entry.event), []).append(known)
        return self._kinds


def _place(entry: Entry[Event]) -> tuple[int, int]:
    return entry.place


def subject_of(entry_id: str, event: Event) -> str:
    """Return what an event about the archive is about: a later one about the same replaces it."""
    if event.newest_by is None:
        return entry_id
    values = [getattr(event, name) for name in event.newest_by]
    kind = type(event).__struct_config__.tag
    return f"{kind} {msgspec.json.encode(values).decode()}"
