"""Drills: a restored copy climbs the verification ladder, rung by rung.

bytes → tensors → log-probabilities. Each rung proves more than the one below; the highest that was
reached is what may be said of the copy.
"""

import dataclasses
import platform
from pathlib import Path
from typing import Any

import emeritus
from emeritus import canonical
from emeritus.archive import Archive, preservation
from emeritus.figures import counted
from emeritus.record.events import DrillFailed, DrillPassed, WeightsPreserved
from emeritus.revival import measure
from emeritus.revival.executor import executor_of
from emeritus.revival.measure import Difference, Reference
from emeritus.revival.reference import load_reference, negative_controls, reference_of
from emeritus.runtimes import Description, choose, describe, reach
from emeritus.runtimes.scratch import scratch
from emeritus.vault import Progress
from emeritus.vault.manifest import Manifest
from emeritus.vault.tensor_files import tensor_digest_of

FORMAT = "emeritus-drill/0"
NOTHING_RUN = "none"
READ_BYTES = 4 * 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Rung:
    """One rung: whether the copy stands on it, and what was compared."""

    rung: str
    passed: bool
    detail: str


@dataclasses.dataclass(frozen=True, slots=True)
class Rejected:
    """A negative control: how far off it is, and whether it was told from the model."""

    name: str
    max: float
    mean: float
    rejected: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Drill:
    """The result of a drill: `runtime` says what ran the copy, `unreachable` what was not tried."""

    model: str
    runtime: str
    rungs: tuple[Rung, ...]
    unreachable: tuple[str, ...] = ()
    measured: Difference | None = None
    reference: Reference | None = None
    controls: tuple[Rejected, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the copy stands on every rung that was tried."""
        return all(rung.passed for rung in self.rungs)

    def as_document(self) -> dict[str, Any]:
        """Return the drill as it is stored."""
        reference = self.reference
        return {
            "format": FORMAT,
            "model": self.model,
            "runtime": self.runtime,
            "rungs": [dataclasses.asdict(rung) for rung in self.rungs],
            "unreachable": list(self.unreachable),
            "measured": measure.as_document(self.measured),
            "threshold": measure.as_document(reference.threshold if reference else None),
            "floor": measure.as_document(reference.floor if reference else None),
            "controls": [dataclasses.asdict(control) for control in self.controls],
            "environment": {
                "emeritus": emeritus.__version__,
                "python": platform.python_version(),
                "machine": platform.machine(),
                "system": platform.system(),
            },
        }


def run_drill(archive: Archive, model: str, progress: Progress | None = None) -> Drill:
    """Restore `model`, prove what can be proven, and put the result on record.

    Log-probabilities come from whatever gave the reference outputs. A restore that meets damage
    raises `IntegrityError`: then there is no copy to drill.
    """
    weights = preservation.require_preserved(archive, model).event
    manifest = archive.vault.manifest(weights.manifest)
    with scratch("drill") as folder:
        copy = folder / "model"
        restored = preservation.restore(archive, model, copy, progress=progress)
        rungs = [
            Rung(
                "bytes",
                True,
                f"{counted(restored.files, 'file')} restored with the SHA-256 and BLAKE3 on record",
            )
        ]
        source = copy if len(manifest.files) > 1 else copy / manifest.files[0].name
        description = describe(source)
        within = reach(description, choose(description))
        drill = Drill(model, NOTHING_RUN, (), within.unproven)
        if "tensors" in within.rungs:
            rungs.append(_tensors(copy, weights, manifest))
        drill = dataclasses.replace(drill, rungs=tuple(rungs))
        if within.reference_outputs:
            drill = _log_probabilities(archive, drill, source, description)
    record_drill(archive, drill)
    return drill


def record_drill(archive: Archive, drill: Drill) -> None:
    """Put a drill on record, passed or failed."""
    failed = next((rung for rung in drill.rungs if not rung.passed), None)
    if failed is not None:
        archive.append(
            DrillFailed(
                model=drill.model, rung=failed.rung, runtime=drill.runtime, detail=failed.detail
            )
        )
        return
    document, sha256 = archive.put_document(canonical.dumps(drill.as_document()))
    archive.append(
        DrillPassed(
            model=drill.model,
            rungs=tuple(rung.rung for rung in drill.rungs),
            runtime=drill.runtime,
            document=document,
            sha256=sha256,
            unreachable=drill.unreachable,
        )
    )


def _tensors(copy: Path, weights: WeightsPreserved, manifest: Manifest) -> Rung:
    """Compute the tensor digest from the restored files alone, and compare."""
    count, digest = tensor_digest_of(copy / file.name for file in manifest.files)
    same = digest == weights.tensor_digest
    detail = f"{counted(count, 'tensor')}, with the canonical digest of those preserved"
    return Rung("tensors", same, detail if same else "the tensors have another canonical digest")


def _log_probabilities(
    archive: Archive, drill: Drill, source: Path, description: Description
) -> Drill:
    """Score the golden prompts on the copy and on the negative controls, and judge both."""
    entry = reference_of(archive, drill.model)
    if entry is None:
        missing = "no log-probabilities: no reference outputs are on record to compare with"
        return dataclasses.replace(drill, unreachable=(*drill.unreachable, missing))
    reference = load_reference(archive, entry.event)
    tokens, before = reference.tokens, reference.logprobs
    with executor_of(source, description, archive.settings.threads) as executor:
        runtime = executor.name
        measured = measure.difference(before, executor.score(tokens))
        controls = tuple(
            _judge(name, measure.difference(before, scores), reference.threshold)
            for name, scores in negative_controls(archive, drill.model, executor, tokens)
        )
    same = measured.within(reference.threshold)
    told = sum(control.rejected for control in controls)
    detail = (
        f"largest difference {measure.as_text(measured.max)} nats over "
        f"{sum(map(len, before))} positions, threshold "
        f"{measure.as_text(reference.threshold.max)}; {told} of {len(controls)} negative controls "
        "told apart"
    )
    rung = Rung("log-probabilities", same and told == len(controls), detail)
    return dataclasses.replace(
        drill,
        runtime=runtime,
        rungs=(*drill.rungs, rung),
        measured=measured,
        reference=reference,
        controls=controls,
    )


def _judge(name: str, found: Difference, threshold: Difference) -> Rejected:
    return Rejected(name, found.max, found.mean, not found.within(threshold))
