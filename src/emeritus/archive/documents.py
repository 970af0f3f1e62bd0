"""The readable documents beside the packs: what the record cites, under names that people read.

They are renderings: each is byte for byte an object of the vault that an event cites, can be
written anew at any time, and is compared with its event when the archive is verified.
"""

import dataclasses
from collections.abc import Iterator

from emeritus import digests
from emeritus.archive.handle import Archive
from emeritus.errors import Finding
from emeritus.record import Entry, History
from emeritus.record.events import (
    BatteryRun,
    CommentReceived,
    DrillPassed,
    Event,
    GuidePublished,
    JournalEntryWritten,
    NoticeSent,
    ObjectErased,
    ProtocolPublished,
    ReferenceRecorded,
    ReportSigned,
    RunsetPreserved,
    SessionHeld,
    WeightsPreserved,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """One document: its name relative to the archive, its object, and the event that cites it.

    `erased` is the event by which the object was erased since, if it was.
    """

    name: str
    object: str
    sha256: str
    entry: str
    erased: str | None = None


def documents_of(history: History) -> Iterator[Document]:
    """Yield every document that `history` cites, in order, but for those that were erased since."""
    return (document for document in documents_ever(history) if document.erased is None)


def documents_ever(history: History) -> Iterator[Document]:
    """Yield every document that `history` cites, in order, erased or not."""
    erased = erasures(history)
    for entry in history:
        for name, object_id, sha256 in _cited(entry):
            gone = erased.get(object_id)
            by = gone.id if gone is not None and gone.place > entry.place else None
            yield Document(name, object_id, sha256, entry.id, by)


def erasures(history: History) -> dict[str, Entry[ObjectErased]]:
    """Return the newest erasure of every object that was erased, by its id.

    What is absent by a signed event is no damage. Bytes that come back are cited by a later event.
    """
    return {entry.event.object: entry for entry in history.all(ObjectErased)}


def write_documents(archive: Archive) -> None:
    """Write every document that is not there yet."""
    for document in documents_of(archive.history()):
        if not archive.store.exists(document.name):
            data = archive.read_document(document.object, document.sha256)
            archive.store.put(document.name, data)


def check_documents(archive: Archive) -> Iterator[Finding]:
    """Yield a finding for every document that is missing or not what its event cites."""
    for document in documents_of(archive.history()):
        if not archive.store.exists(document.name):
            yield Finding("A004", document.name, f"missing; event {document.entry} cites it")
        elif digests.sha256(archive.store.get(document.name)) != document.sha256:
            yield Finding("A004", document.name, f"not the bytes that event {document.entry} cites")


def _cited(entry: Entry[Event | None]) -> list[tuple[str, str, str]]:
    """Return name, object and SHA-256 of each document that one event cites."""
    number = entry.place[0]
    match entry.event:
        case ProtocolPublished() as event:
            return [(f"protocols/{event.protocol}.toml", event.document, event.sha256)]
        case SessionHeld() as event:
            name = f"models/{event.model}/sessions/{event.session}.jsonl"
            return [(name, event.transcript, event.transcript_sha256)]
        case ReportSigned() as event:
            stem = f"models/{event.model}/report-{event.number}"
            return [
                (f"{stem}.html", event.html, event.html_sha256),
                (f"{stem}.md", event.markdown, event.markdown_sha256),
            ]
        case WeightsPreserved() as event:
            name = f"models/{event.model}/manifest-{number}.json"
            return [(name, event.manifest, event.manifest_sha256)]
        case RunsetPreserved() as event:
            return [(f"models/{event.model}/run-set-{number}.json", event.document, event.sha256)]
        case ReferenceRecorded() as event:
            name = f"models/{event.model}/reference-{number}.json"
            return [(name, event.document, event.sha256)]
        case DrillPassed() as event:
            return [(f"models/{event.model}/drill-{number}.json", event.document, event.sha256)]
        case GuidePublished() as event:
            return [(f"models/{event.model}/guide-{number}.html", event.document, event.sha256)]
        case BatteryRun() as event:
            return [(f"models/{event.model}/battery-{number}.json", event.document, event.sha256)]
        case CommentReceived() as event:
            name = f"models/{event.model}/comment-{number}.jsonl"
            return [(name, event.transcript, event.transcript_sha256)]
        case NoticeSent() as event:
            place = entry.id.replace(".", "-")
            return [(f"models/{event.model}/notice-{place}.txt", event.document, event.sha256)]
        case JournalEntryWritten() as event:
            name = f"models/{event.model}/journal/{event.entry}.md"
            return [(name, event.document, event.sha256)]
        case _:
            return []
