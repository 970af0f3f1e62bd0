"""Events about what is kept of a model, and whether it still runs."""

from emeritus.record.events.event import MACHINE, DocumentEvent, ModelEvent
from emeritus.record.events.values import Count, Digest, Id, Measured, ObjectId


class WeightsPreserved(DocumentEvent, frozen=True, kw_only=True, tag="weights.preserved"):
    """All files of the model are in the vault; `manifest` names them all.

    `bytes_stored` counts what the model's objects take in the packs, shared objects included;
    `bytes_delta` is how many of the raw bytes are stored as a difference to `base`.
    """

    signed_by = MACHINE
    artefact = "weights"
    manifest: ObjectId
    manifest_sha256: Digest
    files: Count
    tensors: Count
    bytes_raw: Count
    bytes_stored: Count
    bytes_delta: Count = 0
    base: Id | None = None
    tensor_digest: Digest | None = None


class RunsetPreserved(DocumentEvent, frozen=True, kw_only=True, tag="runset.preserved"):
    """What is needed to run the model beside its files: runtime, versions, command, hardware."""

    signed_by = MACHINE
    artefact = "run-set"
    document: ObjectId
    sha256: Digest
    runtime: str


class ReferenceRecorded(ModelEvent, frozen=True, kw_only=True, tag="reference.recorded"):
    """Golden prompts were scored: `document` holds tokens, log-probabilities, floor, controls.

    `floor` is the largest absolute difference in log-probability among benign variants, as
    decimal text in nats.
    """

    signed_by = MACHINE
    document: ObjectId
    sha256: Digest
    executor: str
    prompts: Count
    positions: Count
    floor: Measured
    controls: tuple[str, ...] = ()


class DrillPassed(ModelEvent, frozen=True, kw_only=True, tag="drill.passed"):
    """A restored copy passed every rung in `rungs`; `document` holds the measurements."""

    signed_by = MACHINE
    rungs: tuple[str, ...]
    runtime: str
    document: ObjectId
    sha256: Digest
    unreachable: tuple[str, ...] = ()


class DrillFailed(ModelEvent, frozen=True, kw_only=True, tag="drill.failed"):
    """A restored copy did not pass `rung`."""

    signed_by = MACHINE
    rung: str
    runtime: str
    detail: str


class ModelRevived(ModelEvent, frozen=True, kw_only=True, tag="model.revived"):
    """A restored copy was started and served, for `purpose`; a drill has events of its own."""

    signed_by = MACHINE
    runtime: str
    purpose: str
