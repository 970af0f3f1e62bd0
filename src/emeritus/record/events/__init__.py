"""The closed list of events: every kind, its fields, and the roles that may sign it.

An event states one past-tense fact. Events hold no floats (a measured number is decimal text),
no personal data, and cite bytes by digest. A kind is never renamed and never changes its meaning;
a reader that meets a kind it does not know verifies it, reports it and goes on.
"""

from emeritus.record.events.archive import (
    ArchiveCreated,
    FormatDescribed,
    KeyAdded,
    KeyRevoked,
    PolicyAdopted,
    RecordRenewed,
    ThresholdSet,
)
from emeritus.record.events.copies import (
    CommitSetAside,
    DamageFound,
    DamageRepaired,
    FixityChecked,
    ObjectErased,
    ReplicaAdded,
    ReplicaSynced,
    ReplicaWithdrawn,
    ShardsPlaced,
    ShardsWritten,
)
from emeritus.record.events.decisions import (
    AccessDecided,
    AccessGranted,
    AccessRevoked,
    GateApproved,
    GateWaived,
    ReportSigned,
)
from emeritus.record.events.evaluation import BatteryPlanned, BatteryRun, RunsHeld
from emeritus.record.events.event import (
    EVENTS_PER_COMMIT_MAX,
    MACHINE,
    REVIEWER,
    ROOT,
    STEWARD,
    DocumentEvent,
    Event,
    ModelEvent,
    Role,
)
from emeritus.record.events.journal import (
    JournalEntryPublished,
    JournalEntryVetoed,
    JournalEntryWritten,
)
from emeritus.record.events.listening import (
    CodingRecorded,
    CommentReceived,
    FactsAttested,
    InterviewImpossible,
    MergingRecorded,
    PreferenceActedOn,
    PreferenceAnswered,
    PreferenceConsidered,
    PreferenceDeclined,
    PreferenceDocumented,
    ProtocolPublished,
    SessionHeld,
    Span,
    StanceCoded,
    TranscriptUploaded,
)
from emeritus.record.events.models import (
    DeploymentRegistered,
    ModelCovered,
    ModelRegistered,
    UsageCounted,
    VariantRegistered,
)
from emeritus.record.events.observed import (
    CommitmentObserved,
    HistoryImported,
    LifecycleObserved,
    ModelObserved,
)
from emeritus.record.events.offerings import (
    DateKind,
    DateMoved,
    GuidePublished,
    LegacyDeclared,
    ModelReinstated,
    ModelRetired,
    NoticeSent,
    OfferingOpened,
    RetirementAnnounced,
)
from emeritus.record.events.preserved import (
    DrillFailed,
    DrillPassed,
    ModelRevived,
    ReferenceRecorded,
    RunsetPreserved,
    WeightsPreserved,
)

__all__ = [
    "EVENTS_PER_COMMIT_MAX",
    "KINDS",
    "MACHINE",
    "REVIEWER",
    "ROOT",
    "STEWARD",
    "AccessDecided",
    "AccessGranted",
    "AccessRevoked",
    "ArchiveCreated",
    "BatteryPlanned",
    "BatteryRun",
    "CodingRecorded",
    "CommentReceived",
    "CommitSetAside",
    "CommitmentObserved",
    "DamageFound",
    "DamageRepaired",
    "DateKind",
    "DateMoved",
    "DeploymentRegistered",
    "DocumentEvent",
    "DrillFailed",
    "DrillPassed",
    "Event",
    "FactsAttested",
    "FixityChecked",
    "FormatDescribed",
    "GateApproved",
    "GateWaived",
    "GuidePublished",
    "HistoryImported",
    "InterviewImpossible",
    "JournalEntryPublished",
    "JournalEntryVetoed",
    "JournalEntryWritten",
    "KeyAdded",
    "KeyRevoked",
    "LegacyDeclared",
    "LifecycleObserved",
    "MergingRecorded",
    "ModelCovered",
    "ModelEvent",
    "ModelObserved",
    "ModelRegistered",
    "ModelReinstated",
    "ModelRetired",
    "ModelRevived",
    "NoticeSent",
    "ObjectErased",
    "OfferingOpened",
    "PolicyAdopted",
    "PreferenceActedOn",
    "PreferenceAnswered",
    "PreferenceConsidered",
    "PreferenceDeclined",
    "PreferenceDocumented",
    "ProtocolPublished",
    "RecordRenewed",
    "ReferenceRecorded",
    "ReplicaAdded",
    "ReplicaSynced",
    "ReplicaWithdrawn",
    "ReportSigned",
    "RetirementAnnounced",
    "Role",
    "RunsHeld",
    "RunsetPreserved",
    "SessionHeld",
    "ShardsPlaced",
    "ShardsWritten",
    "Span",
    "StanceCoded",
    "ThresholdSet",
    "TranscriptUploaded",
    "UsageCounted",
    "VariantRegistered",
    "WeightsPreserved",
]


def _kinds(above: type[Event]) -> list[type[Event]]:
    below = above.__subclasses__()
    return [above] if not below else [kind for each in below for kind in _kinds(each)]


KINDS: dict[str, type[Event]] = {
    str(kind.__struct_config__.tag): kind
    for kind in sorted(_kinds(Event), key=lambda kind: kind.__name__)
}
"""Every kind of event by its name on disk."""
