"""Takes what other people's files say into the record: each statement once, nothing replaced."""

import dataclasses
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, cast

from emeritus import digests
from emeritus.archive import Archive
from emeritus.errors import UserError
from emeritus.lifecycle.statements import FILE_BYTES_MAX, Reading, Statement
from emeritus.record import History
from emeritus.record.events import (
    EVENTS_PER_COMMIT_MAX,
    CommitmentObserved,
    Event,
    HistoryImported,
    LifecycleObserved,
    ModelObserved,
    ModelRegistered,
)

PART: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
PARTS_MAX: Final = 3

Form = Literal["table", "model-eol", "deprecations.info", "litellm"]


@dataclasses.dataclass(frozen=True, slots=True)
class Imported:
    """What an import added: models met for the first time, statements that were new, and old ones.

    `unread` says in words what stood in the file and was not taken.
    """

    form: str
    source: str
    models: int
    added: int
    known: int
    unread: tuple[str, ...]


def bounded(path: Path) -> bytes:
    """Return the bytes of a file that somebody gave us; raises `UserError` for a huge one."""
    if not path.is_file():
        raise UserError(f"{path} is no regular file")
    with path.open("rb") as file:
        data = file.read(FILE_BYTES_MAX + 1)
    if len(data) > FILE_BYTES_MAX:
        raise UserError(f"{path} is larger than {FILE_BYTES_MAX:,} bytes, the most that is read")
    return data


def slug(provider: str) -> str:
    """Return the first part of the ids of a provider's models: `AWS Bedrock` is `aws-bedrock`."""
    made = re.sub(r"[^a-z0-9]+", "-", provider.lower()).strip("-")[:64]
    if not made:
        raise UserError(f"the provider {provider!r} has no letter from which to make an id")
    return made


def observed_id(provider: str, name: str) -> str:
    """Return the id of a model of other people: provider and name, as one part or up to three.

    A name that ids cannot spell is made of what they can, and a digest of it, so that two names
    never become one model.
    """
    parts = name.split("/")
    if len(parts) <= PARTS_MAX and all(PART.match(part) for part in parts):
        return f"{slug(provider)}/{name}"
    plain = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")[:48] or "model"
    return f"{slug(provider)}/{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def import_history(archive: Archive, reading: Reading, data: bytes) -> Imported:
    """Record what is new in `reading` of the file `data`; a second time nothing is new.

    A statement that a source makes again, unchanged, is not recorded again. Killed half-way, the
    next import goes on: what is on record is not recorded twice.
    """
    news = list(new_events(archive.history(), reading))
    met = sum(isinstance(event, ModelObserved) for event in news)
    said = len(news) - met
    if news:
        head = HistoryImported(
            form=cast("Form", reading.form),
            source=reading.source,
            sha256=digests.sha256(data),
            statements=len(reading.statements) + len(reading.commitments),
            unread=len(reading.unread),
        )
        events = [head, *news]
        for start in range(0, len(events), EVENTS_PER_COMMIT_MAX):
            archive.append(*events[start : start + EVENTS_PER_COMMIT_MAX])
    known = len(reading.statements) + len(reading.commitments) - said
    return Imported(reading.form, reading.source, met, said, known, reading.unread)


def new_events(history: History, reading: Reading) -> Iterator[Event]:
    """Yield the events that put on record what `reading` says and `history` does not hold. Pure."""
    met = {entry.event.model for entry in history.all(ModelObserved)}
    met |= {entry.event.model for entry in history.all(ModelRegistered)}
    said = _Said()
    for entry in history.all(LifecycleObserved):
        said.take(entry.event)
    for statement in reading.statements:
        event = _event(statement)
        if event.model not in met:
            met.add(event.model)
            yield ModelObserved(
                model=event.model,
                provider=statement.provider,
                name=statement.name,
                source=statement.source,
            )
        if said.is_new(event):
            said.take(event)
            yield event
    promised = {
        (each.event.provider, each.event.source): each.event.notice_days
        for each in history.all(CommitmentObserved)
    }
    for commitment in reading.commitments:
        provider = slug(commitment.provider)
        if promised.get((provider, commitment.source)) != commitment.notice_days:
            yield CommitmentObserved(
                provider=provider,
                notice_days=commitment.notice_days,
                source=commitment.source,
                page=commitment.page,
                seen_on=commitment.seen_on,
            )


class _Said:
    """What each source has said about each offering: everything, and the newest reading of it."""

    def __init__(self) -> None:
        self._all: set[LifecycleObserved] = set()
        self._newest: dict[tuple[str, str, str], LifecycleObserved] = {}

    def take(self, event: LifecycleObserved) -> None:
        self._all.add(event)
        key = (event.model, event.offering, event.source)
        newest = self._newest.get(key)
        if newest is None or (event.seen_on or "") >= (newest.seen_on or ""):
            self._newest[key] = event

    def is_new(self, event: LifecycleObserved) -> bool:
        """Tell whether the source said something else when it was read last."""
        newest = self._newest.get((event.model, event.offering, event.source))
        return event not in self._all and (newest is None or _content(event) != _content(newest))


def _content(event: LifecycleObserved) -> tuple[object, ...]:
    return (
        event.date_kind,
        event.released_on,
        event.announced_on,
        event.retire_on,
        event.successors,
        event.state,
    )


def _event(statement: Statement) -> LifecycleObserved:
    return LifecycleObserved(
        model=observed_id(statement.provider, statement.name),
        offering=statement.offering,
        source=statement.source,
        date_kind="floor" if statement.floor else "observed",
        via=statement.via,
        page=statement.page,
        seen_on=statement.seen_on,
        released_on=statement.released_on,
        announced_on=statement.announced_on,
        retire_on=statement.retire_on,
        successors=statement.successors,
        state=statement.state,
    )
