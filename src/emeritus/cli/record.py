"""`record`: the signed history."""

from typing import TYPE_CHECKING

import click

from emeritus.cli.history import record_export, record_import, record_schema
from emeritus.cli.options import with_archive
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
    """Show the signed history, import other people's, export ours."""


@record.command("show", epilog="Example: emeritus record show acme/aster-1")
@click.argument("model", required=False, metavar="[ID]")
@with_archive
def record_show(archive: "Archive", output: Output, model: str | None) -> None:
    """Show the signed history, of everything or of one model, oldest first."""
    from emeritus.record.format import render_event

    documents = []
    for entry in archive.history(model):
        body = render_event(entry.event) if entry.event else {"kind": "unknown"}
        about = output.untrusted(str(body.get("model", "")))
        output.line(f"{entry.id:>6}  {entry.time}  {entry.signed_by:<10} {body['kind']}  {about}")
        documents.append({"id": entry.id, "time": entry.time, "by": entry.signed_by, "event": body})
    output.document({"fingerprint": archive.genesis, "events": documents})


for _command in (record_schema, record_import, record_export):
    record.add_command(_command)
