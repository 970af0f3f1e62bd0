"""`dossier`, `check`, `record` and `keys`: what a stranger checks, and who signed it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from emeritus.cli.options import with_archive, with_output
from emeritus.cli.output import Output

if TYPE_CHECKING:
    from emeritus.archive import Archive


@click.command(epilog="Example: emeritus dossier acme/aster-1 ./aster-1-dossier")
@click.argument("model", metavar="ID")
@click.argument("dest", type=click.Path(path_type=Path))
@click.option("--with-weights", is_flag=True, help="Also copy the packs that hold its weights.")
@with_archive
def dossier(archive: "Archive", output: Output, model: str, dest: Path, with_weights: bool) -> None:
    """Export the record and the documents of a model, with a checker that needs nothing of ours."""
    from emeritus.archive.dossier import write_dossier

    written = write_dossier(archive, model, dest, with_weights=with_weights)
    output.line(f"dossier of {model} at {dest}: {written.files} files")
    output.line("anyone checks it with:")
    output.line(f"  python3 -I {dest / 'check.py'} {dest} --trust {archive.genesis}")
    output.document({"model": model, "dossier": str(dest), "fingerprint": archive.genesis})


@click.command(epilog="Example: emeritus check ./aster-1-dossier --trust sha256:…")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--trust", metavar="FINGERPRINT", help="The fingerprint that you know from elsewhere."
)
@with_output
def check(output: Output, folder: Path, trust: str | None) -> int:
    """Check a dossier. Exit code 3 when something in it is not what was signed."""
    from emeritus.archive.dossier import check_dossier

    findings = list(check_dossier(folder, trust))
    for finding in findings:
        output.line(f"{finding.code}  {output.untrusted(finding.where)}", fg="red")
        output.line(f"      {output.untrusted(finding.detail)}")
    if not findings:
        output.line("consistent", fg="green", bold=True)
        said = "authentic: its first commit has the fingerprint that you trust"
        output.line(said if trust else "authenticity not established: give --trust FINGERPRINT")
    output.document(
        {
            "sound": not findings,
            "authentic": bool(trust) and not findings,
            "findings": [
                {"code": each.code, "where": each.where, "detail": each.detail} for each in findings
            ],
        }
    )
    return 3 if findings else 0


@click.command(epilog="Example: emeritus record acme/aster-1")
@click.argument("model", required=False, metavar="[ID]")
@with_archive
def record(archive: "Archive", output: Output, model: str | None) -> None:
    """Show the signed history, oldest first: all of it, or of one model.

    With ID, of what is about the archive only what no later event has replaced is shown.
    """
    from emeritus.record.format import render_event

    documents = []
    for entry in archive.history(model):
        body = render_event(entry.event) if entry.event else {"kind": "unknown"}
        about = output.untrusted(str(body.get("model", "")))
        output.line(f"{entry.id:>6}  {entry.time}  {entry.signed_by:<10} {body['kind']}  {about}")
        documents.append({"id": entry.id, "time": entry.time, "by": entry.signed_by, "event": body})
    output.document({"fingerprint": archive.genesis, "events": documents})


@click.group()
def keys() -> None:
    """List and create the keys that sign."""


@keys.command("list", epilog="Example: emeritus keys list")
@with_archive
def keys_list(archive: "Archive", output: Output) -> None:
    """List the keys that are valid now, and which of them are on this machine."""
    archive.history()
    here = set(archive.keys.names())
    rows, documents = [("name", "roles", "", "key")], []
    for key, holder in archive.record.authority.holders().items():
        roles = ", ".join(sorted(holder.roles))
        rows.append((holder.name, roles, "here" if holder.name in here else "elsewhere", key))
        documents.append({"name": holder.name, "roles": sorted(holder.roles), "key": key})
    output.table(rows)
    output.document({"keys": documents})


@keys.command(
    "create", epilog="Example: emeritus keys create reviewer --role reviewer --role approver"
)
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice(["steward", "reviewer", "approver", "auditor"]),
    help="What the key may sign for; repeatable.",
)
@with_archive
def keys_create(archive: "Archive", output: Output, name: str, roles: tuple[str, ...]) -> None:
    """Make a key for another person and put it on record."""
    from emeritus.archive.people import add_person

    key = add_person(archive, name, roles)
    output.line(f"{name} can sign as {', '.join(roles)}: {key}")
    output.document({"name": name, "roles": list(roles), "key": key})
