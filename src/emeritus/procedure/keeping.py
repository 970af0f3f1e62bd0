"""Preserves a model completely: its files, what is needed to run it, its reference outputs."""

import dataclasses
from pathlib import Path

from emeritus.archive import Archive, preservation
from emeritus.archive.documents import write_documents
from emeritus.archive.repair import heal_from_source
from emeritus.lifecycle.moves import require_registered
from emeritus.procedure.registration import source_of
from emeritus.record import Entry
from emeritus.record.events import WeightsPreserved
from emeritus.revival.reference import record_reference
from emeritus.revival.runset import record_runset
from emeritus.runtimes import choose, describe, reach
from emeritus.vault import Progress


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """What was preserved; `said` tells in sentences what was done and what could not be."""

    weights: Entry[WeightsPreserved]
    said: tuple[str, ...]


def preserve_model(
    archive: Archive, model: str, source: Path | None, progress: Progress | None = None
) -> Kept:
    """Preserve `model` from its source; may be repeated, and does only what is missing."""
    require_registered(archive, model)
    folder = source_of(archive, model, source)
    description = describe(folder)
    within = reach(description, choose(description))
    said = list(within.sentences())
    healed = heal_from_source(archive, model, folder, progress)
    if healed:
        packs = ", ".join(where for _, where, _ in healed)
        said.append(f"wrote anew from {folder} what was damaged in: {packs}")
    weights = preservation.preserve(archive, model, folder, progress)
    said.append(record_runset(archive, model, description, within.runtime))
    if within.reference_outputs:
        said.append(record_reference(archive, model, folder, progress))
    write_documents(archive)
    return Kept(weights, tuple(said))
