"""Serves a restored copy of a model."""

import contextlib
import dataclasses
from collections.abc import Iterator

from emeritus.archive import Archive, preservation
from emeritus.errors import UserError
from emeritus.runtimes import Endpoint, choose, describe, reach
from emeritus.runtimes.kinds import runtime as runtime_named
from emeritus.runtimes.scratch import scratch
from emeritus.vault import Progress


@contextlib.contextmanager
def serve(
    archive: Archive, model: str, runtime: str | None = None, progress: Progress | None = None
) -> Iterator[Endpoint]:
    """Restore `model` to a temporary folder and serve it under its id until the context ends.

    The engine then names the weights by the digest of their manifest: every file was compared.
    Raises `UserError` when no runtime here can run it, saying what would.
    """
    if runtime is not None:
        runtime_named(runtime)  # refused before anything is restored
    kept = preservation.require_preserved(archive, model).event
    manifest = archive.vault.manifest(kept.manifest)
    with scratch("revived") as folder:
        copy = folder / model.rpartition("/")[2]
        preservation.restore(archive, model, copy, progress=progress)
        source = copy if len(manifest.files) > 1 else copy / manifest.files[0].name
        description = describe(source)
        chosen = runtime or choose(description)
        if chosen is None:
            within = reach(description, None)
            why = "; ".join((*within.unproven, *within.unheard))
            raise UserError(f"{model} cannot be run here: {why}")
        with runtime_named(chosen).start(source, archive.settings.threads, model) as endpoint:
            engine = {**endpoint.engine, "manifest_sha256": kept.manifest_sha256}
            yield dataclasses.replace(endpoint, engine=engine)
