"""The readable documents beside the packs: what the record cites, and what is written from it.

A document is byte for byte an object of the vault that an event cites, and is compared with its
event when the archive is verified. A rendering (the index, the history of a model) is cited by
nothing: it is compared with what this version writes from the record. Both can be written anew at
any time.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Final

from emeritus import digests
from emeritus.archive import chronicle
from emeritus.archive.chronicle import Rendering
from emeritus.archive.format_pages import write_format_pages
from emeritus.archive.handle import Archive
from emeritus.errors import Finding
from emeritus.record import Entry, History
from emeritus.record.events import (
    ArchiveCreated,
    BatteryPlanned,
    BatteryRun,
    CodingRecorded,
    CommentReceived,
    DocumentEvent,
    DrillPassed,
    Event,
    FormatDescribed,
    GuidePublished,
    JournalEntryWritten,
    MergingRecorded,
    NoticeSent,
    ObjectErased,
    ProtocolPublished,
    ReferenceRecorded,
    ReportSigned,
    RunsetPreserved,
    RunsHeld,
    SessionHeld,
    TranscriptUploaded,
    WeightsPreserved,
)
from emeritus.vault import LocalStore, Store, parts_of
from emeritus.vault.encryption import is_encrypted

UNCOMPARED: Final = (
    "written by another version that is on record, and not compared; in the primary archive the "
    "next move that is recorded, or `emeritus renew`, writes it anew"
)
ENCRYPTED: Final = ".encrypted"  # behind the name of a document that its key opens


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """One document: its name relative to the archive, its object, and the event that cites it.

    Of an `encrypted` one, digest and bytes are those that the vault keeps, under a name that says
    so; `erased` is the event by which its key was destroyed, if it was.
    """

    name: str
    object: str
    sha256: str
    entry: str
    encrypted: bool = False
    erased: str | None = None

    @property
    def commit(self) -> int:
        """The number of the commit that cites it."""
        return int(self.entry.partition(".")[0])


def documents_of(history: History) -> Iterator[Document]:
    """Yield every document that `history` cites, in order."""
    erased = {entry.event.object: entry.id for entry in history.all(ObjectErased)}
    for entry in history:
        encrypted = isinstance(entry.event, DocumentEvent) and entry.event.encrypted
        for name, object_id, sha256 in _cited(entry):
            by = erased.get(object_id)
            yield Document(name, object_id, sha256, entry.id, encrypted, by)


def check_erasures(archive: Archive) -> Iterator[Finding]:
    """Yield a finding for everything that was erased on record and can be read all the same."""
    history = archive.history()
    erased = {entry.event.object: entry.id for entry in history.all(ObjectErased)}
    if not erased:
        return
    documents = set()
    for document in documents_of(history):
        if document.erased is None:
            continue
        if not document.encrypted:
            detail = f"erased by event {document.erased}, and it was never encrypted"
            yield Finding("A006", document.name, detail)
        elif archive.object_keys.holds(document.object):
            yield _key_left(document.name, document.erased)
        documents.add(document.object)
    for each in sorted(erased.keys() - documents):
        if archive.vault.is_encrypted(each):
            if archive.object_keys.holds(each):
                yield _key_left(each, erased[each])
        elif archive.vault.missing_object(each) is None:
            yield Finding("A006", each, f"erased by event {erased[each]}, and it is not encrypted")


def _key_left(where: str, event: str) -> Finding:
    # Where the key lies tells who checks; what is found may go on record for ever.
    detail = f"erased by event {event}, and its key is on the machine that checks"
    return Finding("A006", where, detail)


def renderings_of(history: History) -> list[Rendering]:
    """Return every rendering of `history`."""
    return chronicle.renderings(history, _names)


def write_renderings(archive: Archive, *, foreign: bool = True) -> None:
    """Write every rendering that is missing, or tells of a shorter record than there is now.

    One by another version on record is written anew too, unless `foreign` is false. One that is
    neither what the record says nor what it said before stays, and is a finding; above all one
    that tells of more than the record has, which may be all that is left of what was cut off.
    """
    store = archive.store
    if not isinstance(store, LocalStore):
        return
    history = archive.history()
    for page in renderings_of(history):
        if not store.exists(page.name):
            store.put(page.name, page.data)
            continue
        data = store.get(page.name)
        if _is_earlier(history, page, data) or (foreign and _is_tolerated(history, page, data)):
            store.rewrite(page.name, page.data)


def check_renderings(history: History, store: Store) -> Iterator[Finding]:
    """Yield a finding for every rendering that is not what the record says or ever said."""
    for page in renderings_of(history):
        if not store.exists(page.name):
            continue  # nothing is lost: it is written with the next move
        data = store.get(page.name)
        if data == page.data or _is_earlier(history, page, data):
            continue
        if _is_tolerated(history, page, data):
            yield Finding("A007", page.name, UNCOMPARED)
        else:
            yield Finding("A004", page.name, _objection(history, page, data))


def write_documents(archive: Archive, *, foreign: bool = True) -> None:
    """Write every document that is not there yet, newer pages of the format, and the renderings.

    A run that was killed may have left them to be written. `foreign` is that of the renderings.
    """
    for document in documents_of(archive.history()):
        if not archive.store.exists(document.name):
            data = archive.read_document(document.object, document.sha256)
            archive.store.put(document.name, data)
    if isinstance(archive.store, LocalStore):
        write_format_pages(archive.store, archive.history())
    write_renderings(archive, foreign=foreign)


def check_documents(documents: Iterable[Document], store: Store) -> Iterator[Finding]:
    """Yield a finding for every document that is missing in `store`, or not what is cited."""
    for document in documents:
        if not store.exists(document.name):
            yield Finding("A004", document.name, f"missing; event {document.entry} cites it")
        elif digests.of_chunks(parts_of(store, document.name)).sha256 != document.sha256:
            yield Finding("A004", document.name, f"not the bytes that event {document.entry} cites")
        elif document.encrypted and not is_encrypted(store.get(document.name)):
            detail = f"it is not encrypted, as event {document.entry} says"
            yield Finding("A006" if document.erased else "A004", document.name, detail)


def _is_tolerated(history: History, page: Rendering, data: bytes) -> bool:
    """Tell whether `data` is by another version that is on record, and tells of no lost commit."""
    by = chronicle.software_of(data)
    known = by in software_on_record(history) and chronicle.is_of_another_version(data)
    return known and _is_told(history, page, data)


def software_on_record(history: History) -> set[str]:
    """Return every software that put itself on record, and so may have written renderings."""
    created = {entry.event.software for entry in history.all(ArchiveCreated)}
    return created | {entry.event.software for entry in history.all(FormatDescribed)}


def _is_told(history: History, page: Rendering, data: bytes) -> bool:
    """Tell whether the record has the last commit that `data` tells of, as far as can be known.

    A later version may also tell of events of kinds that this one does not know.
    """
    up_to = chronicle.told_up_to(data)
    if up_to is None or up_to <= page.up_to:
        return up_to is not None
    return any(entry.event is None and entry.place[0] == up_to for entry in history)


def _objection(history: History, page: Rendering, data: bytes) -> str:
    by = chronicle.software_of(data)
    if chronicle.told_up_to(data) is not None and not _is_told(history, page, data):
        return (
            f"tells of commit {chronicle.told_up_to(data)}, and the record has nothing to tell "
            "there: look in the copies for commits that were cut off"
        )
    if chronicle.is_of_another_version(data) and by not in software_on_record(history):
        return f"says that it was written by {by}, which is not on record"
    return "not what this version writes from the record"


def _is_earlier(history: History, page: Rendering, data: bytes) -> bool:
    """Tell whether `data` is the page as it was written from the beginning of this record."""
    up_to = chronicle.told_up_to(data)
    if up_to is None or up_to >= page.up_to:
        return False
    before = renderings_of(History(entry for entry in history if entry.place[0] <= up_to))
    return any(each.name == page.name and each.data == data for each in before)


def _names(entry: Entry[Event | None]) -> list[str]:
    return [name for name, _, _ in _cited(entry)]


def _cited(entry: Entry[Event | None]) -> list[tuple[str, str, str]]:
    """Return name, object and SHA-256 of each document that one event cites."""
    cited = _named(entry)
    if isinstance(entry.event, DocumentEvent) and entry.event.encrypted:
        return [(name + ENCRYPTED, object_id, sha256) for name, object_id, sha256 in cited]
    return cited


def _named(entry: Entry[Event | None]) -> list[tuple[str, str, str]]:
    number = entry.place[0]
    match entry.event:
        case ProtocolPublished() as event:
            return [(f"protocols/{event.protocol}.toml", event.document, event.sha256)]
        case SessionHeld() as event:
            name = f"models/{event.model}/sessions/{event.session}.jsonl"
            return [(name, event.transcript, event.transcript_sha256)]
        case TranscriptUploaded() as event:
            name = f"models/{event.model}/uploaded/{event.session}.jsonl"
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
        case BatteryPlanned() as event:
            name = f"models/{event.model}/battery-plan-{number}.json"
            return [(name, event.document, event.sha256)]
        case RunsHeld() as event:
            place = entry.id.replace(".", "-")
            return [(f"models/{event.model}/runs-{place}.jsonl", event.document, event.sha256)]
        case BatteryRun() as event:
            return [(f"models/{event.model}/battery-{number}.json", event.document, event.sha256)]
        case CodingRecorded() as event:
            return [(f"models/{event.model}/coding-{number}.json", event.document, event.sha256)]
        case MergingRecorded() as event:
            return [(f"models/{event.model}/merging-{number}.json", event.document, event.sha256)]
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
