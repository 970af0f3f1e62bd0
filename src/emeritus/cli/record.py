"""`record`, `witness` and `renew`: the signed history, and what it is held against."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from emeritus.cli.history import record_export, record_import, record_schema
from emeritus.cli.options import with_archive, with_output
from emeritus.cli.output import Output

if TYPE_CHECKING:
    from emeritus.archive import Archive


class ShowByDefault(click.Group):
    """A group that shows the history when its first word is none of its commands."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read `record ID` as `record show ID`."""
        if not args or args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(cls=ShowByDefault)
def record() -> None:
    """Show the signed history, import and export, and write checkpoints that others keep."""


@record.command("show", epilog="Example: emeritus record show acme/aster-1")
@click.argument("model", required=False, metavar="[ID]")
@with_archive
def record_show(archive: "Archive", output: Output, model: str | None) -> None:
    """Show the signed history, oldest first: all of it, or of one model.

    With ID, of what is about the archive only what no later event has replaced is shown.
    """
    from emeritus.lifecycle.moves import require_registered
    from emeritus.record.events import ModelEvent
    from emeritus.record.format import render_event

    history = archive.history(model)
    if model is not None and not any(isinstance(entry.event, ModelEvent) for entry in history):
        require_registered(archive, model)
    documents = []
    for entry in history:
        body = render_event(entry.event) if entry.event else {"kind": "unknown"}
        about = output.untrusted(str(body.get("model", "")))
        output.line(f"{entry.id:>6}  {entry.time}  {entry.signed_by:<10} {body['kind']}  {about}")
        documents.append({"id": entry.id, "time": entry.time, "by": entry.signed_by, "event": body})
    output.document({"fingerprint": archive.genesis, "events": documents})


@record.command("checkpoint", epilog="Example: emeritus record checkpoint --output head.note")
@click.option(
    "--as", "key", default="service", show_default=True, metavar="NAME", help="The key that signs."
)
@click.option("--output", "target", type=click.Path(path_type=Path), help="Also write it here.")
@with_archive
def record_checkpoint(archive: "Archive", output: Output, key: str, target: Path | None) -> None:
    """Sign what the whole record is now, in a note that others can keep.

    Whoever keeps it can show later that the record was cut off, changed or forked: give it to
    somebody outside, and to a witness. It costs as much as what was recorded since the last one.
    """
    from emeritus.archive.checkpointing import write_checkpoint

    kept = write_checkpoint(archive, key)
    if target is not None:
        target.write_bytes(kept.data)
    output.line(kept.data.decode().rstrip("\n"))
    output.document(
        {
            "checkpoint": kept.data.decode(),
            "file": kept.name,
            "size": kept.checkpoint.size,
            "root": kept.checkpoint.root.hex(),
        }
    )


@record.command("keep", epilog="Example: emeritus record keep head.note")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_archive
def record_keep(archive: "Archive", output: Output, file: Path) -> None:
    """Keep a checkpoint that a witness has co-signed, beside the one that it is of."""
    from emeritus.archive.checkpointing import keep_checkpoint
    from emeritus.record.checkpoint import names

    kept = keep_checkpoint(archive, file)
    by = names(kept.note, without=[kept.checkpoint.origin])
    output.line(f"kept as {kept.name}, co-signed by {output.untrusted(', '.join(by)) or 'nobody'}")
    output.document({"file": kept.name, "size": kept.checkpoint.size, "cosigners": by})


@record.command("prove", epilog="Example: emeritus record prove 1.0 --output event.tlog-proof")
@click.argument("event", metavar="EVENT")
@click.option("--output", "target", type=click.Path(path_type=Path), help="Write it here.")
@with_archive
def record_prove(archive: "Archive", output: Output, event: str, target: Path | None) -> None:
    """Write a proof that EVENT is below the newest checkpoint, for somebody without the record."""
    from emeritus.archive.checkpointing import prove

    data = prove(archive, event)
    if target is not None:
        target.write_bytes(data)
        output.line(f"the proof of {event} is in {target}")
    else:
        output.line(data.decode().rstrip("\n"))
    output.document({"event": event, "proof": data.decode()})


for _command in (record_schema, record_import, record_export):
    record.add_command(_command)


@click.command(
    epilog="Example: emeritus witness head.note --from ./replica --trust sha256:… --as city-archive"
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--from", "source", type=click.Path(path_type=Path), help="What proves it: a copy.")
@click.option("--trust", metavar="FINGERPRINT", help="The fingerprint; needed the first time.")
@click.option(
    "--as",
    "name",
    default="witness",
    show_default=True,
    metavar="NAME",
    help="Your name on the signature; a key is made when you have none.",
)
@with_output
def witness(output: Output, file: Path, source: Path | None, trust: str | None, name: str) -> None:
    """Check a checkpoint that somebody else wrote, and add your cosignature to FILE.

    The first time, all of the record is verified. Later, tiles alone show that it only grew since
    the last checkpoint that you co-signed. You co-sign no other history, and never go back.
    """
    from emeritus import settings
    from emeritus.archive.witnessing import Witness
    from emeritus.archive.witnessing import witness as co_sign
    from emeritus.clock import SystemClock

    who = Witness(name, settings.load(), SystemClock())
    done = co_sign(who, file, source, trust)
    output.line(f"{done.proof}; {file} is co-signed by {name}", bold=True)
    output.line("give FILE back to the archive, which keeps it with: emeritus record keep FILE")
    output.line("others check your cosignature with --witness and one of these keys:")
    for key in done.keys:
        output.line(f"  {key}")
    output.document(
        {
            "origin": done.checkpoint.origin,
            "size": done.checkpoint.size,
            "before": done.before,
            "proof": done.proof,
            "keys": [*map(str, done.keys)],
        }
    )


@click.command(epilog="Example: emeritus renew")
@click.option(
    "--as", "key", default="steward", show_default=True, metavar="NAME", help="The key that signs."
)
@with_archive
def renew(archive: "Archive", output: Output, key: str) -> None:
    """Sign the whole record anew, as should be done once a year.

    Signatures age: algorithms fall and keys leak. A fresh one over the whole record, by the keys
    of today, says that all of it was there before that happened.
    """
    from emeritus.archive.checkpointing import renew as sign_anew

    kept, event = sign_anew(archive, key)
    output.line(f"{kept.checkpoint.size} events are signed anew (event {event}): {kept.name}")
    output.line("give that file to somebody outside; the next one is due in a year")
    output.document({"event": event, "file": kept.name, "size": kept.checkpoint.size})
