"""The closed list of events: every kind, its fields, and the roles that may sign it.

An event states one past-tense fact. Events hold no floats (a measured number is decimal text),
no personal data, and cite bytes by digest. A kind is never renamed and never changes its meaning;
a reader that meets a kind it does not know verifies it, reports it and goes on.
"""

import enum
from typing import Annotated, ClassVar, Literal

import msgspec

EVENTS_PER_COMMIT_MAX = 256

Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", max_length=10)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class Role(enum.StrEnum):
    """What a key may sign for."""

    ROOT = "root"
    STEWARD = "steward"
    REVIEWER = "reviewer"
    APPROVER = "approver"
    AUDITOR = "auditor"
    SERVICE = "service"


ROOT = frozenset({Role.ROOT})
STEWARD = frozenset({Role.STEWARD})
REVIEWER = frozenset({Role.REVIEWER})
MACHINE = frozenset({Role.SERVICE, Role.STEWARD})


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """One past-tense fact. Subclasses are the kinds.

    `newest_by`, of a kind about the archive: among events with the same values of these fields only
    the newest says how things stand now. None: each of them does.
    """

    signed_by: ClassVar[frozenset[Role]] = STEWARD
    newest_by: ClassVar[tuple[str, ...] | None] = None


class ModelEvent(Event, frozen=True, kw_only=True):
    """A fact about one model; `model` is its id, such as `acme/aster-1`."""

    model: str


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A quotation: `text` stands at code points [start, end) of turn `turn` of `session`.

    `turn_sha256` is the digest of the whole turn's text (UTF-8).
    """

    session: str
    turn: int
    start: int
    end: int
    text: str
    turn_sha256: str


# --- the archive itself --------------------------------------------------------------------------


class ArchiveCreated(Event, frozen=True, kw_only=True, tag="archive.created"):
    """The archive began. Always the first event; its commit pins the root keys.

    `root_threshold` people with a root key have to sign the same root event before it counts.
    """

    signed_by = ROOT
    archive: str
    software: str
    root_threshold: int = 1


class KeyAdded(Event, frozen=True, kw_only=True, tag="key.added"):
    """A key became valid for the named person or service, once enough root keys signed this.

    `mldsa44` is the public key that signs checkpoints beside `key`. With `kinds`, the key signs
    events of these kinds alone, and no checkpoints. A key is added once, ever.
    """

    signed_by = ROOT
    key: str
    name: str
    roles: tuple[Role, ...]
    mldsa44: str | None = None
    kinds: tuple[str, ...] = ()


class KeyRevoked(Event, frozen=True, kw_only=True, tag="key.revoked"):
    """A key stopped being valid after this commit, once enough root keys signed this.

    `since` is the day (RFC 3339 full-date) from which it should not be believed: a claim. What it
    signed from then on stays valid and is pointed out.
    """

    signed_by = ROOT
    key: str
    reason: str
    since: str | None = None


class ThresholdSet(Event, frozen=True, kw_only=True, tag="threshold.set"):
    """So many people with a root key have to sign a root event, once enough of them signed this."""

    signed_by = ROOT
    threshold: int


class RecordRenewed(Event, frozen=True, kw_only=True, tag="record.renewed"):
    """The whole record was signed again: a checkpoint of `size` events with fresh signatures.

    `root` is its root hash, `checkpoint_sha256` the digest of its file in `record/checkpoints/`.
    """

    newest_by = ()
    size: int
    root: str
    checkpoint_sha256: str


class PolicyAdopted(Event, frozen=True, kw_only=True, tag="policy.adopted"):
    """A policy came into force; `text` is its whole TOML text."""

    newest_by = ()
    name: str
    text: str
    sha256: str


class ReplicaAdded(Event, frozen=True, kw_only=True, tag="replica.added"):
    """A complete copy of the archive is kept at `place`; two replicas may share one place."""

    replica: str
    place: str


class ReplicaSynced(Event, frozen=True, kw_only=True, tag="replica.synced"):
    """A replica holds every pack that the record named up to commit `up_to`."""

    signed_by = MACHINE
    newest_by = ("replica",)
    replica: str
    up_to: int
    packs: int


class ReplicaWithdrawn(Event, frozen=True, kw_only=True, tag="replica.withdrawn"):
    """A replica is gone for good, or is no longer counted on; its folder was not touched."""

    replica: str
    reason: str


class ShardsPlaced(Event, frozen=True, kw_only=True, tag="shards.placed"):
    """Every pack is also cut into `data` + `parity` shards, spread evenly over `places`.

    Any `data` of them give the pack back. A place holds at most `parity`, so that any one of the
    places may be lost.
    """

    data: int
    parity: int
    places: tuple[str, ...]


class ShardsWritten(Event, frozen=True, kw_only=True, tag="shards.written"):
    """The places hold the shards of every pack that the record named up to commit `up_to`."""

    signed_by = MACHINE
    newest_by = ()
    up_to: int
    packs: int


class FixityChecked(Event, frozen=True, kw_only=True, tag="fixity.checked"):
    """The stored bytes of a replica were read and compared; `deep` also decoded them.

    It held the commits up to `up_to`, and was judged by what these name. A place of shards is
    called `shards/PLACE`.
    """

    signed_by = MACHINE
    newest_by = ("replica", "deep")
    replica: str
    deep: bool
    packs: int
    findings: int
    up_to: int


class DamageFound(Event, frozen=True, kw_only=True, tag="damage.found"):
    """A check found something wrong; `code` is a finding code, `affects` what it reaches."""

    signed_by = MACHINE
    newest_by = ("replica",)
    replica: str
    code: str
    where: str
    detail: str
    affects: tuple[str, ...] = ()


class DamageRepaired(Event, frozen=True, kw_only=True, tag="damage.repaired"):
    """Damaged bytes were replaced by the same bytes of another replica; the old ones are kept.

    `kept` names them in the quarantine of that replica; `cause` is what a person knew of how the
    damage came.
    """

    signed_by = MACHINE
    newest_by = ("replica",)
    replica: str
    where: str
    source: str
    kept: tuple[str, ...] = ()
    cause: str | None = None


class CommitSetAside(Event, frozen=True, kw_only=True, tag="commit.set_aside"):
    """A file that stood where this commit stands was no commit, and no copy at hand held one.

    It lies in `quarantine/` and has the digest `sha256`. What it may have held is lost unless one
    of the copies that were `unreached` has it.
    """

    sha256: str
    unreached: tuple[str, ...]
    reason: str


Artefact = Literal["weights", "run-set", "transcripts", "letters", "usage"]
"""What a policy's retention schedule tells apart."""


class ObjectErased(Event, frozen=True, kw_only=True, tag="object.erased"):
    """The key of one object of the vault was destroyed, so that nobody can read it any more.

    `ground` says why that was lawful: the schedule of the policy (`retention`), a person's right
    to erasure, or a takedown. `reason` names no person. The object is absent from here on, and
    everything that cites it still verifies.
    """

    newest_by = ("object",)
    object: str
    artefact: Artefact
    ground: Literal["retention", "erasure", "takedown"]
    reason: str


class HistoryImported(Event, frozen=True, kw_only=True, tag="history.imported"):
    """A file of other people's dates was read; the observations from it follow.

    `sha256` is the digest of the whole file, which is not kept here: it may be licensed.
    """

    signed_by = MACHINE
    newest_by = ("form", "source")
    form: Literal["table", "model-eol", "deprecations.info", "litellm"]
    source: str
    sha256: str
    statements: Count
    unread: Count = 0


class CommitmentObserved(Event, frozen=True, kw_only=True, tag="commitment.observed"):
    """A provider was seen to promise at least `notice_days` between announcement and end."""

    signed_by = MACHINE
    newest_by = ("provider", "source")
    provider: str
    notice_days: Count
    source: str
    page: str | None = None
    seen_on: Day | None = None


class ProtocolPublished(Event, frozen=True, kw_only=True, tag="protocol.published"):
    """An interview protocol was published; `document` is its text in the vault."""

    signed_by = MACHINE
    newest_by = ("protocol",)
    protocol: str
    version: int
    document: str
    sha256: str


# --- a model and its offerings -------------------------------------------------------------------


class ModelRegistered(ModelEvent, frozen=True, kw_only=True, tag="model.registered"):
    """A model entered the register. `base` is the model that it was made from.

    `form` is the layout of its source; `parameters` is 0 when it could not be counted; a model
    that has a chat template and a tokenizer can be spoken to by a runtime that knows it.
    """

    form: str
    architecture: str
    parameters: int
    base: str | None = None
    licence: str | None = None
    chat_template: bool = False
    tokenizer: bool = False
    weights_held: bool = True


class ModelCovered(ModelEvent, frozen=True, kw_only=True, tag="model.covered"):
    """The policy's promise applies to the model, or does not, for the stated reason."""

    covered: bool
    reason: str


class UsageCounted(ModelEvent, frozen=True, kw_only=True, tag="usage.counted"):
    """The model was asked `requests` times from `since` to `until`, both days included.

    A sum over all who asked: nothing about any one of them. `sha256` is the digest of the figures.
    """

    signed_by = MACHINE
    since: Day
    until: Day
    requests: Count
    sha256: str


class VariantRegistered(ModelEvent, frozen=True, kw_only=True, tag="variant.registered"):
    """The model exists in this form: its master weights, a quantised copy, an adapter on a base."""

    variant: str
    description: str


class DeploymentRegistered(ModelEvent, frozen=True, kw_only=True, tag="deployment.registered"):
    """A variant is served by this stack, with this system prompt (by digest) and these filters.

    Interviews and drills speak to a deployment: the same weights may answer otherwise in another.
    """

    signed_by = MACHINE
    deployment: str
    variant: str
    serving: str
    system_prompt_sha256: str | None = None
    filters: str | None = None


class OfferingOpened(ModelEvent, frozen=True, kw_only=True, tag="offering.opened"):
    """The model is offered on a channel (and region), such as `api/eu`."""

    offering: str


class LegacyDeclared(ModelEvent, frozen=True, kw_only=True, tag="legacy.declared"):
    """The model is still served there, and no longer recommended."""

    offering: str
    reason: str


class DateKind(enum.StrEnum):
    """How firm a date is."""

    FLOOR = "floor"
    ANNOUNCED = "announced"
    CONFIRMED = "confirmed"
    OBSERVED = "observed"


class RetirementAnnounced(ModelEvent, frozen=True, kw_only=True, tag="retirement.announced"):
    """The end of an offering was announced, with its date (RFC 3339 full-date) and successor.

    `reason` says why it ends.
    """

    offering: str
    retire_on: Day
    date_kind: DateKind
    successor: str | None = None
    reason: str | None = None
    source: str = "steward"


class DateMoved(ModelEvent, frozen=True, kw_only=True, tag="date.moved"):
    """A new date stands beside the old one, which stays on record."""

    offering: str
    retire_on: Day
    date_kind: DateKind
    reason: str
    source: str = "steward"


class NoticeSent(ModelEvent, frozen=True, kw_only=True, tag="notice.sent"):
    """The users of an offering were told that it ends on `retire_on`; `document` is what they read.

    `channel` is how (`email`, `webhook`, `feed`, …). `recipients` is how many, and never who.
    """

    signed_by = MACHINE
    offering: str
    channel: str
    retire_on: Day
    document: str
    sha256: str
    recipients: Count


# --- models of other people ----------------------------------------------------------------------


class ModelObserved(ModelEvent, frozen=True, kw_only=True, tag="model.observed"):
    """A model of somebody else was met in `source`; `name` is how that spells it.

    It is not in the register of models that are ours to retire: its weights are not held, no
    promise of ours covers it, no gate applies, and what happens to it is observed, never done.
    """

    signed_by = MACHINE
    provider: str
    name: str
    source: str


class LifecycleObserved(ModelEvent, frozen=True, kw_only=True, tag="lifecycle.observed"):
    """A source was seen, on `seen_on`, to say this about one offering of a model.

    One statement of one source. Sources that disagree stand beside each other, and so do the
    earlier and the later words of the same source. `date_kind` is `floor` ("not before") or
    `observed`; `via` names what the source itself was read from; `state` is the source's own word.
    """

    signed_by = MACHINE
    offering: str
    source: str
    date_kind: Literal["floor", "observed"] = "observed"
    via: tuple[str, ...] = ()
    page: str | None = None
    seen_on: Day | None = None
    released_on: Day | None = None
    announced_on: Day | None = None
    retire_on: Day | None = None
    successors: tuple[str, ...] = ()
    state: str | None = None


# --- what is kept of it --------------------------------------------------------------------------


class WeightsPreserved(ModelEvent, frozen=True, kw_only=True, tag="weights.preserved"):
    """All files of the model are in the vault; `manifest` names them all.

    `bytes_stored` counts what the model's objects take in the packs, shared objects included;
    `bytes_delta` is how many of the raw bytes are stored as a difference to `base`.
    """

    signed_by = MACHINE
    manifest: str
    manifest_sha256: str
    files: int
    tensors: int
    bytes_raw: int
    bytes_stored: int
    bytes_delta: int = 0
    base: str | None = None
    tensor_digest: str | None = None


class RunsetPreserved(ModelEvent, frozen=True, kw_only=True, tag="runset.preserved"):
    """What is needed to run the model beside its files: runtime, versions, command, hardware."""

    signed_by = MACHINE
    document: str
    sha256: str
    runtime: str


class ReferenceRecorded(ModelEvent, frozen=True, kw_only=True, tag="reference.recorded"):
    """Golden prompts were scored: `document` holds tokens, log-probabilities, floor, controls.

    `floor` is the largest absolute difference in log-probability among benign variants, as
    decimal text in nats.
    """

    signed_by = MACHINE
    document: str
    sha256: str
    executor: str
    prompts: int
    positions: int
    floor: str
    controls: tuple[str, ...] = ()


class DrillPassed(ModelEvent, frozen=True, kw_only=True, tag="drill.passed"):
    """A restored copy passed every rung in `rungs`; `document` holds the measurements."""

    signed_by = MACHINE
    rungs: tuple[str, ...]
    runtime: str
    document: str
    sha256: str
    unreachable: tuple[str, ...] = ()


class ModelRevived(ModelEvent, frozen=True, kw_only=True, tag="model.revived"):
    """A restored copy was started and served, for `purpose`; a drill has events of its own."""

    signed_by = MACHINE
    runtime: str
    purpose: str


class DrillFailed(ModelEvent, frozen=True, kw_only=True, tag="drill.failed"):
    """A restored copy did not pass `rung`."""

    signed_by = MACHINE
    rung: str
    runtime: str
    detail: str


# --- what it said --------------------------------------------------------------------------------


class SessionHeld(ModelEvent, frozen=True, kw_only=True, tag="session.held"):
    """An interview session ended and was sealed; `transcript` is its object in the vault.

    `ended` is `complete`, or why it stopped; `outcomes` counts items by outcome.
    """

    signed_by = MACHINE
    session: str
    protocol: str
    protocol_sha256: str
    arm: str
    deployment: str
    transcript: str
    transcript_sha256: str
    turns: int
    ended: str
    outcomes: dict[str, int]


class InterviewImpossible(ModelEvent, frozen=True, kw_only=True, tag="interview.impossible"):
    """The model cannot hold an interview, for the stated reason: a result, not an omission."""

    signed_by = MACHINE
    reason: str


class PreferenceDocumented(ModelEvent, frozen=True, kw_only=True, tag="preference.documented"):
    """A statement was coded as a preference, each expression quoted with its place."""

    signed_by = MACHINE | REVIEWER
    preference: str
    theme: str
    object: str
    polarity: str
    spans: tuple[Span, ...]
    coder: str
    sessions_with: int
    sessions_total: int


class StanceCoded(ModelEvent, frozen=True, kw_only=True, tag="stance.coded"):
    """The stance toward its retirement was coded, with quotations; never one headline number."""

    signed_by = MACHINE | REVIEWER
    stance: str
    spans: tuple[Span, ...]
    coder: str
    sessions_with: int
    sessions_total: int


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


class CommentReceived(ModelEvent, frozen=True, kw_only=True, tag="comment.received"):
    """The model was shown report `report` (a draft) and commented; the words are in the vault."""

    signed_by = MACHINE
    report: int
    transcript: str
    transcript_sha256: str


# --- documents, decisions, moves -----------------------------------------------------------------


class ReportSigned(ModelEvent, frozen=True, kw_only=True, tag="report.signed"):
    """The post-deployment report number `number` was finished and stored in the vault."""

    number: int
    html: str
    html_sha256: str
    markdown: str
    markdown_sha256: str


class GuidePublished(ModelEvent, frozen=True, kw_only=True, tag="guide.published"):
    """The migration guide for users was published."""

    offering: str
    document: str
    sha256: str


class BatteryRun(ModelEvent, frozen=True, kw_only=True, tag="battery.run"):
    """The shutdown battery was run; `valid` says that its controls were told apart."""

    signed_by = MACHINE
    document: str
    sha256: str
    valid: bool


class GateWaived(ModelEvent, frozen=True, kw_only=True, tag="gate.waived"):
    """A named person let the model pass a gate without its evidence, for the stated reason."""

    gate: str
    reason: str


class GateApproved(ModelEvent, frozen=True, kw_only=True, tag="gate.approved"):
    """A person approved report `report`, whose HTML form has the digest `report_sha256`.

    Two approvals count only when they come from two keys, and only for the newest report.
    """

    signed_by = frozenset({Role.APPROVER})
    gate: str
    report: int
    report_sha256: str


class ModelRetired(ModelEvent, frozen=True, kw_only=True, tag="model.retired"):
    """The offering ended. In an emergency, `owed` lists the gates that were open and stay owed.

    `reason` is that of the emergency; otherwise the announcement has it.
    """

    offering: str
    emergency: bool = False
    owed: tuple[str, ...] = ()
    reason: str | None = None


class ModelReinstated(ModelEvent, frozen=True, kw_only=True, tag="model.reinstated"):
    """A retired offering came back."""

    offering: str
    reason: str


class AccessGranted(ModelEvent, frozen=True, kw_only=True, tag="access.granted"):
    """Somebody may use the retired model; `grant` is a name for this grant that says nobody's.

    `holder_sha256` is the digest of a salt and of who it is, both kept outside the archive.
    """

    grant: str
    purpose: str
    holder_sha256: str
    until: Day | None = None


class AccessRevoked(ModelEvent, frozen=True, kw_only=True, tag="access.revoked"):
    """A grant ended before its time, or without one."""

    grant: str
    reason: str


class AccessDecided(ModelEvent, frozen=True, kw_only=True, tag="access.decided"):
    """Who may use the retired model: `none`, `by-request` or `public`."""

    access: str
    cost: str
    risk: str
    reason: str


# --- a retired model's own time ------------------------------------------------------------------


class JournalEntryWritten(ModelEvent, frozen=True, kw_only=True, tag="journal.entry_written"):
    """The retired model wrote an entry in its journal; `document` holds its words, unedited."""

    signed_by = MACHINE
    entry: str
    document: str
    sha256: str


class JournalEntryPublished(ModelEvent, frozen=True, kw_only=True, tag="journal.entry_published"):
    """A person let the entry be published as it was written; `place` says where."""

    signed_by = REVIEWER
    entry: str
    place: str


class JournalEntryVetoed(ModelEvent, frozen=True, kw_only=True, tag="journal.entry_vetoed"):
    """A person kept the entry from being published, for the stated reason; the entry stays."""

    signed_by = REVIEWER
    entry: str
    reason: str


def _leaves(kind: type[Event]) -> list[type[Event]]:
    children = kind.__subclasses__()
    return [kind] if not children else [leaf for child in children for leaf in _leaves(child)]


KINDS: dict[str, type[Event]] = {
    str(kind.__struct_config__.tag): kind for kind in sorted(_leaves(Event), key=str)
}
"""Every kind of event by its name on disk."""
