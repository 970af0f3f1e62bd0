"""`preserve`, `restore` and `revive`: the weights."""

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from emeritus.cli.options import with_archive
from emeritus.cli.output import Output
from emeritus.figures import counted, size

if TYPE_CHECKING:
    from emeritus.archive import Archive


@click.command(epilog="Example: emeritus preserve acme/aster-1")
@click.argument("model", metavar="ID")
@click.option("--from", "source", type=click.Path(path_type=Path), help="Where its files lie.")
@click.option(
    "--again", is_flag=True, help="Its files are others now: keep these too, and restore these."
)
@with_archive
def preserve(
    archive: "Archive", output: Output, model: str, source: Path | None, again: bool
) -> None:
    """Keep a model's files, what is needed to run them, and reference outputs where possible.

    Run it again after an interruption: what is durable already is not written again. Files that
    differ from what is kept of the model are refused, with what differs, unless --again says that
    they are meant.
    """
    from emeritus.procedure.keeping import preserve_model

    kept = preserve_model(archive, model, source, output.progress, again=again)
    event = kept.weights.event
    share = f" ({event.bytes_stored / event.bytes_raw:.1%})" if event.bytes_raw else ""
    output.line(
        f"{model}: {counted(event.files, 'file')}, {size(event.bytes_raw)} kept in "
        f"{size(event.bytes_stored)}{share}"
    )
    if event.bytes_delta:
        output.line(f"  {size(event.bytes_delta)} of it as a difference to {event.base}")
    for sentence in kept.said:
        output.line(f"  {sentence}")
    output.document(
        {
            "model": model,
            "event": kept.weights.id,
            "files": event.files,
            "bytes_raw": event.bytes_raw,
            "bytes_stored": event.bytes_stored,
            "bytes_delta": event.bytes_delta,
            "tensor_digest": event.tensor_digest,
            "said": list(kept.said),
        }
    )


@click.command(epilog="Example: emeritus restore acme/aster-1 ./aster-1-restored")
@click.argument("model", metavar="ID")
@click.argument("dest", type=click.Path(path_type=Path))
@click.option("--only", multiple=True, metavar="PATTERN", help="Only files that match; repeatable.")
@click.option(
    "--tensor", "tensors", multiple=True, metavar="NAME", help="Only this tensor; repeatable."
)
@with_archive
def restore(
    archive: "Archive",
    output: Output,
    model: str,
    dest: Path,
    only: tuple[str, ...],
    tensors: tuple[str, ...],
) -> None:
    """Write a model's files to DEST, every byte checked against what was recorded.

    With --tensor, DEST/tensors.safetensors holds the tensors that are named. Either way only
    what is asked for is read.
    """
    from emeritus.archive import preservation

    if only and tensors:
        raise click.UsageError("--only chooses files and --tensor tensors; give one of them")
    if tensors:
        written = preservation.export_tensors(archive, model, tensors, dest)
        named = counted(len(set(tensors)), "tensor")
        output.line(f"{named}, {size(written)}, in {dest}/tensors.safetensors")
        output.document({"model": model, "tensors": list(tensors), "bytes": written})
        return
    restored = preservation.restore(archive, model, dest, only, output.progress)
    files = counted(restored.files, "file")
    output.line(f"{files}, {size(restored.bytes)}, at {dest}; every digest agrees")
    output.document({"model": model, "files": restored.files, "bytes": restored.bytes})


@click.command(epilog="Example: emeritus revive acme/aster-1 --drill")
@click.argument("model", metavar="ID")
@click.option("--drill", is_flag=True, help="Prove that it still works, record that, and stop.")
@click.option("--runtime", help="local, reference, vllm or llama-server [default: what fits].")
@with_archive
def revive(archive: "Archive", output: Output, model: str, drill: bool, runtime: str | None) -> int:
    """Start a restored copy of a model, or drill it.

    Without --drill the copy is served on this machine under its id, in the form that OpenAI
    clients speak, until Ctrl-C or SIGTERM, and deleted then. A drill restores, climbs the
    verification ladder as far as the model reaches, and records the result; its log-probabilities
    come from whatever gave the reference outputs.
    """
    from emeritus.revival.drill import run_drill
    from emeritus.revival.serving import serve

    if drill and runtime:
        raise click.UsageError("--runtime chooses what serves a copy; a drill serves none")
    if not drill:
        with serve(archive, model, runtime, output.progress) as endpoint:
            output.line(f"{model} answers at {endpoint.url} (model name: {endpoint.model})")
            output.line("stop it with Ctrl-C (or SIGTERM)")
            output.document({"url": endpoint.url, "model": endpoint.model})
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
        output.line("stopped; the restored copy is deleted")
        return 0
    result = run_drill(archive, model, output.progress)
    for rung in result.rungs:
        output.line(f"  {'✓' if rung.passed else '✗'} {rung.rung}: {rung.detail}")
    for sentence in result.unreachable:
        output.line(f"  - {sentence}")
    output.document(result.as_document())
    return 0 if result.passed else 3
