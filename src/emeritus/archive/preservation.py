"""Keeps a model's files and tells the record."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from emeritus.archive.creation import require_outside
from emeritus.archive.handle import Archive
from emeritus.archive.marks import SHARDS
from emeritus.errors import IntegrityError, UserError
from emeritus.record import Entry
from emeritus.record.events import ModelRegistered, WeightsPreserved
from emeritus.vault import Progress, Restored, Tensors, list_source

SIZE_TOLERANCE = 0.25  # of the new model's size, to look for the one that it was made from


def preserve(
    archive: Archive, model: str, source: Path, progress: Progress | None = None
) -> Entry[WeightsPreserved]:
    """Keep all files of `source` in the vault and record it; return the entry.

    Files that are kept already are read once and not written again, and are recorded only when
    they differ from what the record says, so the call may be repeated. A model that was made
    from another one, as declared or as its tensors show, is stored as a difference to it where
    that is smaller.
    """
    archive.require_primary()
    base = _base(archive, model, source)
    receipt = archive.vault.preserve(
        source,
        base=base and require_preserved(archive, base).event.manifest,
        journal=archive.settings.state / "preserving" / f"{archive.id}.jsonl",
        progress=progress,
    )
    known = preserved(archive, model)
    if known is not None and known.event.manifest == receipt.manifest:
        return known
    event = WeightsPreserved(
        model=model,
        manifest=receipt.manifest,
        manifest_sha256=receipt.manifest_sha256,
        files=receipt.files,
        tensors=receipt.tensors,
        bytes_raw=receipt.bytes_raw,
        bytes_stored=receipt.bytes_stored,
        bytes_delta=receipt.bytes_delta_raw,
        base=base,
        tensor_digest=receipt.tensor_digest,
    )
    archive.append(event)
    return require_preserved(archive, model)


def open_tensors(archive: Archive, model: str) -> Tensors:
    """Return the tensors of `model` by name, decoded and proven when they are asked for."""
    return archive.vault.open_tensors(require_preserved(archive, model).event.manifest)


def export_tensors(archive: Archive, model: str, names: Sequence[str], dest: Path) -> int:
    """Write tensors of `model` to `tensors.safetensors` in the new folder `dest`.

    Returns how many bytes the file has; reads only the blocks that hold these tensors.
    """
    require_outside(dest)
    manifest = require_preserved(archive, model).event.manifest
    with _with_advice(archive):
        return archive.vault.export_tensors(manifest, names, dest)


def restore(
    archive: Archive,
    model: str,
    dest: Path,
    only: Sequence[str] = (),
    progress: Progress | None = None,
) -> Restored:
    """Write the files of `model` to `dest`, every one checked against its recorded digests.

    `only` limits it to files that match one of the patterns. Needs no key: whoever has the
    folder can restore. Raises `IntegrityError` when a byte is not what was preserved.
    """
    require_outside(dest)
    manifest = require_preserved(archive, model).event.manifest
    with _with_advice(archive):
        return archive.vault.restore(manifest, dest, only=only, progress=progress)


def preserved(archive: Archive, model: str) -> Entry[WeightsPreserved] | None:
    """Return the newest preservation of `model`, or None."""
    return archive.history(model).last(WeightsPreserved)


def require_preserved(archive: Archive, model: str) -> Entry[WeightsPreserved]:
    """Return the newest preservation of `model`; raises `UserError` when there is none."""
    entry = preserved(archive, model)
    if entry is None:
        _registered(archive, model)
        raise UserError(f"{model} is not preserved yet; do that with: emeritus preserve {model}")
    if entry.event.encrypted:
        raise UserError(f"the weights of {model} are encrypted; this version does not open them")
    return entry


@contextlib.contextmanager
def _with_advice(archive: Archive) -> Iterator[None]:
    """Say what to do when stored bytes are not what was preserved."""
    try:
        yield
    except IntegrityError as error:
        advice = "take sound bytes from a copy with: emeritus verify --deep --repair"
        if archive.replica.startswith(SHARDS):
            advice = "shards are no packs; put them together with: emeritus shards rebuild"
        raise IntegrityError(f"{error}; {advice}", error.findings) from error


def _registered(archive: Archive, model: str) -> Entry[ModelRegistered]:
    entry = archive.history(model).last(ModelRegistered)
    if entry is not None:
        return entry
    raise UserError(
        f"no model {model!r} in this archive; register it with: emeritus add SOURCE --id {model}"
    )


def _base(archive: Archive, model: str, source: Path) -> str | None:
    """Return the model whose tensors those of `source` may be differences to.

    That is the one that was declared, or the nearest of the models here of about the same size.
    """
    declared = _registered(archive, model).event.base
    if declared is not None:
        return declared if preserved(archive, declared) else None
    kept = {entry.event.model: entry.event for entry in archive.history().all(WeightsPreserved)}
    size = sum(file.size for file in list_source(source)[0])
    candidates = {
        name: event.manifest
        for name, event in kept.items()
        if name != model and abs(event.bytes_raw - size) <= SIZE_TOLERANCE * size
    }
    return archive.vault.nearest(source, candidates)
