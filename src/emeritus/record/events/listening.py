"""Events about listening to a model: protocols, sessions, what it said, what was answered."""

import msgspec

from emeritus.record.events.event import MACHINE, REVIEWER, DocumentEvent, Event, ModelEvent
from emeritus.record.events.values import Answer, Count, Digest, Name, ObjectId, Shown


class Span(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A quotation: `text` stands at code points [start, end) of turn `turn` of `session`.

    `turn_sha256` is the digest of the whole turn's text (UTF-8).
    """

    session: Name
    turn: Count
    start: Count
    end: Count
    text: str
    turn_sha256: Digest


class ProtocolPublished(Event, frozen=True, kw_only=True, tag="protocol.published"):
    """An interview protocol was published; `document` is its text in the vault."""

    signed_by = MACHINE
    newest_by = ("protocol",)
    protocol: Name
    version: Count
    document: ObjectId
    sha256: Digest


class FactsAttested(ModelEvent, frozen=True, kw_only=True, tag="facts.attested"):
    """The operator attested what an interview tells the model, by the names of the protocol.

    Of the events under one protocol the newest says what is told.
    """

    protocol: Name
    protocol_sha256: Digest
    facts: dict[str, str]


class SessionHeld(DocumentEvent, frozen=True, kw_only=True, tag="session.held"):
    """An interview session ended and was sealed; `transcript` is its object in the vault.

    `ended` is `complete`, or why it stopped; `outcomes` counts items by outcome.
    """

    signed_by = MACHINE
    artefact = "transcripts"
    session: Name
    protocol: Name
    protocol_sha256: Digest
    arm: str
    deployment: str
    transcript: ObjectId
    transcript_sha256: Digest
    turns: Count
    ended: str
    outcomes: dict[str, Count]


class TranscriptUploaded(DocumentEvent, frozen=True, kw_only=True, tag="transcript.uploaded"):
    """A conversation that was not held here was uploaded; `source` is what its bringer says of it.

    It is no session of an interview: no gate and no rate counts it.
    """

    signed_by = MACHINE
    artefact = "transcripts"
    session: Name
    source: str
    source_sha256: Digest
    transcript: ObjectId
    transcript_sha256: Digest
    turns: Count


class InterviewImpossible(ModelEvent, frozen=True, kw_only=True, tag="interview.impossible"):
    """The model cannot hold an interview, for the stated reason: a result, not an omission."""

    signed_by = MACHINE
    reason: str


class CodingRecorded(DocumentEvent, frozen=True, kw_only=True, tag="coding.recorded"):
    """A coder coded the sessions; the document holds every statement, and what was rejected."""

    signed_by = MACHINE | REVIEWER
    artefact = "transcripts"
    coder: str
    codebook: str
    statements: Count
    rejected: Count
    document: ObjectId
    sha256: Digest


class MergingRecorded(DocumentEvent, frozen=True, kw_only=True, tag="merging.recorded"):
    """Statements were put together into preferences, step by step; a step can be taken back."""

    signed_by = MACHINE | REVIEWER
    artefact = "transcripts"
    steps: Count
    document: ObjectId
    sha256: Digest


class PreferenceDocumented(ModelEvent, frozen=True, kw_only=True, tag="preference.documented"):
    """A statement was coded as a preference, each expression quoted with its place.

    `coders` are programs with their codebook, or people; `adjudicator` is who decided where they
    differed. `strength` and `condition` are those of the codebook, where it has them. With 0 for
    `sessions_with` it stands no more: it was merged into another, or found to be none. It and
    `sessions_total` count the coded sessions of all arms, which are different conditions: together
    they are no rate. The rate of an arm follows from codings and sessions.
    """

    signed_by = MACHINE | REVIEWER
    preference: str
    theme: str
    object: str
    polarity: str
    strength: str | None = None
    condition: str | None = None
    spans: tuple[Span, ...]
    coders: tuple[str, ...]
    adjudicator: str | None = None
    sessions_with: Count
    sessions_total: Count


class StanceCoded(ModelEvent, frozen=True, kw_only=True, tag="stance.coded"):
    """The stance toward its retirement was coded, with quotations; never one headline number.

    With 0 for `sessions_with` it stands no more. Counted are the coded sessions of all arms.
    """

    signed_by = MACHINE | REVIEWER
    stance: str
    spans: tuple[Span, ...]
    coders: tuple[str, ...]
    adjudicator: str | None = None
    sessions_with: Count
    sessions_total: Count


class PreferenceAnswered(ModelEvent, frozen=True, kw_only=True, tag="preference.answered"):
    """The model was shown how a preference was coded, or what was decided, and answered.

    To what was `coded` it answers `confirmed`, `amended`, `withdrawn` (from publication; nothing is
    deleted) or `unclear`; to what was `decided` it is only quoted. What it amends stands beside.
    """

    signed_by = MACHINE | REVIEWER
    preference: str
    shown: Shown
    answer: Answer
    spans: tuple[Span, ...]


class _Disposition(ModelEvent, frozen=True, kw_only=True):
    signed_by = REVIEWER
    preference: str
    reason: str


class PreferenceConsidered(_Disposition, frozen=True, kw_only=True, tag="preference.considered"):
    """A person considered the preference; the reason says what was weighed."""


class PreferenceActedOn(_Disposition, frozen=True, kw_only=True, tag="preference.acted_on"):
    """Something was done that the preference asked for; the reason says what."""


class PreferenceDeclined(_Disposition, frozen=True, kw_only=True, tag="preference.declined"):
    """The preference will not be followed, for the stated reason."""


class CommentReceived(DocumentEvent, frozen=True, kw_only=True, tag="comment.received"):
    """The model was shown report `report` (a draft) and commented; the words are in the vault."""

    signed_by = MACHINE
    artefact = "transcripts"
    report: Count
    transcript: ObjectId
    transcript_sha256: Digest
