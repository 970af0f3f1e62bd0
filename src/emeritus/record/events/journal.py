"""Events about a retired model's own time."""

from emeritus.record.events.event import MACHINE, REVIEWER, DocumentEvent, ModelEvent
from emeritus.record.events.values import Digest, Name, ObjectId


class JournalEntryWritten(DocumentEvent, frozen=True, kw_only=True, tag="journal.entry_written"):
    """The retired model wrote an entry in its journal; `document` holds its words, unedited."""

    signed_by = MACHINE
    artefact = "transcripts"
    entry: Name
    document: ObjectId
    sha256: Digest


class JournalEntryPublished(ModelEvent, frozen=True, kw_only=True, tag="journal.entry_published"):
    """A person let the entry be published as it was written; `place` says where."""

    signed_by = REVIEWER
    entry: Name
    place: str


class JournalEntryVetoed(ModelEvent, frozen=True, kw_only=True, tag="journal.entry_vetoed"):
    """A person kept the entry from being published, for the stated reason; the entry stays."""

    signed_by = REVIEWER
    entry: Name
    reason: str
