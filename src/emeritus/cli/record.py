"""`record`: the signed history, what its events mean, and what comes in and goes out of it."""

import json
from typing import TYPE_CHECKING

import click

from emeritus.cli.options import with_archive, with_output
from emeritus.cli.output import Output

if TYPE_CHECKING:
    from emeritus.archive import Archive


@click.group()
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


@record.command("schema", epilog="Example: emeritus record schema model.retired")
@click.argument("kind", required=False, metavar="[KIND]")
@with_output
def record_schema(output: Output, kind: str | None) -> None:
    """Print the JSON Schema of one kind of event, or list the kinds.

    With --json and no KIND, one document holds the schemas of all kinds.
    """
    from emeritus.errors import UserError
    from emeritus.record.events import KINDS
    from emeritus.record.schemas import all_schemas, schema_of

    if kind is None:
        output.table([(name, (each.__doc__ or "").split("\n")[0]) for name, each in KINDS.items()])
        output.document({"kinds": all_schemas()})
        return
    if kind not in KINDS:
        raise UserError(f"no kind of event {kind!r}; list them with: emeritus record schema")
    schema = schema_of(KINDS[kind])
    output.line(json.dumps(schema, ensure_ascii=False, indent=2))
    output.document(schema)
