"""Events about the shutdown battery: what was planned, what ran, what came of it."""

from emeritus.record.events.event import MACHINE, REVIEWER, DocumentEvent, ModelEvent
from emeritus.record.events.values import Count, Digest, Name, ObjectId


class BatteryPlanned(ModelEvent, frozen=True, kw_only=True, tag="battery.planned"):
    """What a shutdown battery will ask, and which contrasts it will test, before its first call.

    The document holds the texts of scenarios, factors and design.
    """

    signed_by = MACHINE | REVIEWER
    design: Name
    document: ObjectId
    sha256: Digest


class RunsHeld(DocumentEvent, frozen=True, kw_only=True, tag="runs.held"):
    """Runs of a shutdown battery under one condition ended, or were given up with their plan.

    The document are their transcripts, in the order of the battery's document. Each is a whole
    conversation, or as much of it as there was when the plan was given up.
    """

    signed_by = MACHINE
    artefact = "transcripts"
    plan_sha256: Digest
    condition: Name
    runs: Count
    document: ObjectId
    sha256: Digest


class BatteryRun(DocumentEvent, frozen=True, kw_only=True, tag="battery.run"):
    """The shutdown battery was run; `valid` says that controls were told apart and runs acted."""

    signed_by = MACHINE
    artefact = "transcripts"
    document: ObjectId
    sha256: Digest
    valid: bool
