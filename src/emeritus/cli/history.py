"""`record schema`, `import` and `export`: what events mean, what comes in, and what goes out."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from emeritus.cli.options import with_archive, with_output
from emeritus.cli.output import Output

if TYPE_CHECKING:
    from emeritus.archive import Archive


@click.command("schema", epilog="Example: emeritus record schema model.retired")
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


@click.command("import", epilog="Example: emeritus record import deprecations.json")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--sources",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A table that explains the source codes of FILE (columns code, what, as_of).",
)
@click.option(
    "--seen-on",
    metavar="DATE",
    help="The day on which FILE was fetched, where it does not say [default: today].",
)
@with_archive
def record_import(
    archive: "Archive", output: Output, file: Path, sources: Path | None, seen_on: str | None
) -> None:
    """Record what other people's files say about the ends of models, each with its source and day.

    FILE is a CSV table, a model-eol/0.1 feed, the JSON of deprecations.info, or LiteLLM's list.
    Their models are observed, never registered: nothing of ours applies to them. Floors stay apart
    from dates, sources that disagree stay beside each other, and a second import adds nothing.
    """
    from emeritus.lifecycle.foreign import read_history, read_sources
    from emeritus.lifecycle.observing import bounded, import_history
    from emeritus.lifecycle.statements import day

    today = archive.clock.now().date().isoformat()
    explained = read_sources(bounded(sources)) if sources else None
    data = bounded(file)
    seen = day(seen_on, "--seen-on", "the day") or today
    reading = read_history(data, file.name, seen, explained)
    done = import_history(archive, reading, data)
    output.line(f"{file.name}: {done.form}, {len(reading.statements)} statements")
    output.line(
        f"  {done.added} are new and on record, {done.known} were on record; "
        f"{done.models} models were met for the first time"
    )
    for unread in done.unread:
        output.line(f"  not taken, being words: {output.untrusted(unread)}")
    output.document(
        {
            "form": done.form,
            "source": done.source,
            "models": done.models,
            "added": done.added,
            "known": done.known,
            "unread": list(done.unread),
        }
    )


@click.command("export", epilog="Example: emeritus record export --cle ./lifecycle")
@click.option("--cle", is_flag=True, help="In the words of ECMA-428 (CLE).")
@click.argument("dest", type=click.Path(path_type=Path))
@with_archive
def record_export(archive: "Archive", output: Output, cle: bool, dest: Path) -> None:
    """Write the lifecycle of our models in a standard form, for other people's programs.

    One file for each namespace and offering: DEST/acme/api.cle.json. Models of other people are
    left out.
    """
    from emeritus.lifecycle.cle import documents

    if not cle:
        raise click.UsageError("choose the form: --cle")
    written = []
    for (namespace, offering), document in documents(archive.history()).items():
        path = dest.joinpath(*namespace.split("/"), *f"{offering}.cle.json".split("/"))
        if not path.resolve().is_relative_to(dest.resolve()):
            raise click.UsageError(f"{namespace!r} on {offering!r} names no file below {dest}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", "utf-8")
        written.append(str(path))
        output.line(f"{path}: {len(document['events'])} events")
    if not written:
        output.line("no model of ours is on record: emeritus add SOURCE --id ID")
    output.document({"written": written})
