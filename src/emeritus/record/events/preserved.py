"""Events about what is kept of a model, and whether it still runs."""

from emeritus.record.events.event import MACHINE, DocumentEvent, ModelEvent


class WeightsPreserved(DocumentEvent, frozen=True, kw_only=True, tag="weights.preserved"):
    """All files of the model are in the vault; `manifest` names them all.

    `bytes_stored` counts what the model's objects take in the packs, shared objects included;
    `bytes_delta` is how many of the raw bytes are stored as a difference to `base`.
    """

    signed_by = MACHINE
    artefact = "weights"
    manifest: str
    manifest_sha256: str
    files: int
    tensors: int
    bytes_raw: int
    bytes_stored: int
    bytes_delta: int = 0
    base: str | None = None
    tensor_digest: str | None = None


class RunsetPreserved(DocumentEvent, frozen=True, kw_only=True, tag="runset.preserved"):
    """What is needed to run the model beside its files: runtime, versions, command, hardware."""

    signed_by = MACHINE
    artefact = "run-set"
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
