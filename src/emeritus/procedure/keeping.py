"""Preserves a model completely: its files, what is needed to run it, its reference outputs."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from emeritus import digests
from emeritus.archive import Archive, notes, preservation
from emeritus.archive.documents import write_documents
from emeritus.archive.repair import heal_from_source
from emeritus.errors import UserError, printable
from emeritus.lifecycle.moves import require_registered, state_of
from emeritus.procedure.registration import UNKNOWN, source_of
from emeritus.record import Entry
from emeritus.record.events import WeightsPreserved
from emeritus.revival.reference import record_reference
from emeritus.revival.runset import record_runset
from emeritus.runtimes import choose, describe, reach
from emeritus.vault import Progress
from emeritus.vault.source import SourceFile, list_source

SHOWN = 5  # of the differences, in a refusal


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """What was preserved; `said` tells in sentences what was done and what could not be."""

    weights: Entry[WeightsPreserved]
    said: tuple[str, ...]


def preserve_model(
    archive: Archive,
    model: str,
    source: Path | None,
    progress: Progress | None = None,
    *,
    again: bool = False,
) -> Kept:
    """Preserve `model` from its source; may be repeated, and does only what is missing.

    Raises `UserError` when other files than these are kept of it already, naming what differs;
    with `again` they are kept too, and the newest are what a restore gives.
    """
    require_registered(archive, model)
    folder = source_of(archive, model, source)
    if not again:
        require_same(archive, model, folder, progress)
    notes.note_source(archive, model, folder)
    description = describe(folder)
    within = reach(description, choose(description))
    said = list(within.sentences())
    healed = heal_from_source(archive, model, folder, progress)
    if healed:
        packs = ", ".join(where for _, where, _ in healed)
        said.append(f"wrote anew from {folder} what was damaged in: {packs}")
    weights = preservation.preserve(archive, model, folder, progress)
    if within.reference_outputs:
        said.append(_reference(archive, model, folder, progress))
    said.append(record_runset(archive, model, description, within.runtime))  # last: all is done
    write_documents(archive)
    return Kept(weights, tuple(said))


def require_same(
    archive: Archive, model: str, source: Path, progress: Progress | None = None
) -> None:
    """Raise `UserError` when `source` does not hold the files that are kept of `model`.

    Before any are kept, it has to be a model of the kind that was registered.
    """
    kept = preservation.preserved(archive, model)
    if kept is None:
        what, differing = "was registered as", list(_another_kind(archive, model, source))
    else:
        what = f"is kept (event {kept.id}) of"
        differing = list(_differing(archive, kept.event, source, progress))
    if differing:
        shown = "".join(f"\n  {printable(each, 200)}" for each in differing[:SHOWN])
        more = f"\n  and {len(differing) - SHOWN} more" if len(differing) > SHOWN else ""
        raise UserError(
            f"{source} does not hold what {what} {model}:{shown}{more}\n"
            "nothing was changed. If these are its files now, keep them as well, with: "
            f"emeritus preserve {model} --from {source} --again\n"
            "another model has an id of its own: emeritus add SOURCE --id ID"
        )


def _differing(
    archive: Archive, kept: WeightsPreserved, source: Path, progress: Progress | None
) -> Iterator[str]:
    """Yield what differs, names and sizes first: bytes are only read when all of these agree."""
    before = {file.name: file for file in archive.vault.manifest(kept.manifest).files}
    now = {file.name: file for file in list_source(source)[0]}
    yield from (f"{name} is kept and not there" for name in before if name not in now)
    yield from (f"{name} is there and not kept" for name in now if name not in before)
    alike = before.keys() == now.keys()
    for name, file in now.items():
        if name in before and (file.size, file.mode) != (before[name].size, before[name].mode):
            alike = False
            yield (
                f"{name} has {file.size:,} bytes and mode {file.mode:o}; kept are "
                f"{before[name].size:,} and {before[name].mode:o}"
            )
    if not alike:
        return
    done, total = 0, sum(file.size for file in now.values())
    for name, file in now.items():
        if _sha256(file) != before[name].sha256:
            yield f"{name} has other bytes than those that are kept"
        done += file.size
        if progress is not None:
            progress(f"comparing {name}", done, total, "B")


def _another_kind(archive: Archive, model: str, source: Path) -> Iterator[str]:
    """Yield in what the model in `source` is not of the kind that was registered."""
    registered = state_of(archive, model).registered
    if registered is None:
        return
    before, now = registered.event, describe(source)
    for what, old, new in (
        ("form", before.form, now.form),
        ("architecture", before.architecture, now.architecture or UNKNOWN),
        ("number of parameters", before.parameters, now.parameters or 0),
    ):
        if old != new:
            yield f"its {what} is {new}; {old} was registered (event {registered.id})"


def _sha256(file: SourceFile) -> str:
    return digests.of_chunks(file.read(0, file.size)).sha256


def _reference(archive: Archive, model: str, folder: Path, progress: Progress | None) -> str:
    """Record the reference outputs, or say why this copy gives none: its files are kept by now."""
    try:
        return record_reference(archive, model, folder, progress)
    except UserError as error:
        return f"no reference outputs: {error}"
