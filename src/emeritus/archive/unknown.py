"""What a later version put on record and this one does not know: its documents are no strays."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from emeritus import digests
from emeritus.record import Entry
from emeritus.record import format as record_format
from emeritus.record.events import Event
from emeritus.vault import Store

DOCUMENTS: Final = ("models/", "protocols/")


def digests_in_unknown(store: Store, entries: Iterable[Entry[Event | None]]) -> frozenset[str]:
    """Return every SHA-256 that stands as a value in an event of a kind that is not known here.

    Only the commits that hold such events are read again; `entries` were found sound in `store`.
    """
    unknown: dict[int, list[int]] = {}
    for entry in entries:
        if entry.event is None:
            unknown.setdefault(entry.place[0], []).append(entry.place[1])
    found: set[str] = set()
    for number, positions in unknown.items():
        data = store.get(record_format.name_of(number))
        events = record_format.parse(data, excerpt=True).events
        for position in positions:
            found |= {each for each in _texts(events[position]) if digests.is_digest(each)}
    return frozenset(found)


def unaccounted(
    names: Iterable[str], accounted: Callable[[], frozenset[str]], digest: Callable[[str], str]
) -> Iterator[str]:
    """Yield the names of files that no event accounts for, known or not.

    `names` are those that no known event accounts for, relative to the archive. `accounted`
    returns the digests in events of unknown kinds, `digest` that of a file.
    """
    cited: frozenset[str] | None = None
    for name in names:
        if name.startswith(DOCUMENTS):
            cited = accounted() if cited is None else cited
            if cited and digest(name) in cited:
                continue
        yield name


def _texts(value: Any) -> Iterator[str]:
    """Yield every value that is text, anywhere inside."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list | tuple):
            waiting += each
