"""`dossier`, `check`, `record` and `keys`: what a stranger checks, and who signed it."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from emeritus.cli.options import with_archive, with_output
from emeritus.cli.output import Output

if TYPE_CHECKING:
    from emeritus.archive import Archive


@click.command(epilog="Example: emeritus dossier acme/aster-1 ./aster-1.tar.zst --with-weights")
@click.argument("model", metavar="ID")
@click.argument("dest", type=click.Path(path_type=Path))
@click.option("--with-weights", is_flag=True, help="Also copy the packs that hold its weights.")
@click.option(
    "--whole-record",
    is_flag=True,
    help="Also give the events of other models, to show that nothing is left out.",
)
@with_archive
def dossier(
    archive: "Archive",
    output: Output,
    model: str,
    dest: Path,
    with_weights: bool,
    whole_record: bool,
) -> None:
    """Export what proves the retirement of a model, with a checker that needs nothing of ours.

    DEST is a new folder, or one file when it ends in .tar.zst.
    """
    from emeritus.archive.dossier import unpack_line, write_dossier

    written = write_dossier(
        archive, model, dest, with_weights=with_weights, whole_record=whole_record
    )
    output.line(f"dossier of {model} at {dest}: {written.files} files")
    for lacking in written.lacking:
        output.line(f"without {output.untrusted(lacking)}")
    output.line("anyone checks it with:")
    folder = dest
    if unpack := unpack_line(dest):
        output.line(f"  {unpack}")
        folder = Path(dest.name.removesuffix("".join(dest.suffixes[-2:])))
    output.line(f"  python3 -I {folder / 'check.py'} {folder} --trust {archive.genesis}")
    output.document(
        {
            "model": model,
            "dossier": str(dest),
            "fingerprint": archive.genesis,
            "lacking": list(written.lacking),
        }
    )


@click.command(epilog="Example: emeritus check ./aster-1-dossier --trust sha256:…")
@click.argument("dossier", type=click.Path(path_type=Path))
@click.option(
    "--trust", metavar="FINGERPRINT", help="The fingerprint that you know from elsewhere."
)
@with_output
def check(output: Output, dossier: Path, trust: str | None) -> int:
    """Check a dossier, a folder or a packed file: what is proven, only asserted, missing.

    Exit code 3 when something in it is not what was signed. A packed file is unpacked in the
    cache for it.
    """
    from emeritus import settings
    from emeritus.archive.dossier_check import check_dossier

    done = check_dossier(dossier, trust, settings.load().cache)
    for title, findings in (("wrong", done.findings), ("notes", done.notes)):
        if findings:
            output.line(title, bold=True)
        for finding in findings:
            where = output.untrusted(finding.where)
            output.line(f"  {finding.code}  {where}", fg="red" if title == "wrong" else None)
            output.line(f"        {output.untrusted(finding.detail)}")
    blocks = {"proven": done.proven, "only asserted": done.asserted, "missing": done.missing}
    for title, lines in blocks.items():
        if lines:
            output.line(title, bold=True)
        for line in lines:
            output.line(f"  {output.untrusted(line)}")
    output.line(f"fingerprint {output.untrusted(done.fingerprint or 'unknown')}")
    output.line(done.verdict, fg="green" if done.sound else "red", bold=True)
    output.document(
        {
            "sound": done.sound,
            "authentic": done.authentic,
            "whole_record": done.whole,
            "fingerprint": done.fingerprint,
            "proven": done.proven,
            "asserted": done.asserted,
            "missing": done.missing,
            "findings": [dataclasses.asdict(each) for each in done.findings],
            "notes": [dataclasses.asdict(each) for each in done.notes],
        }
    )
    return 0 if done.sound else 3


@click.command(epilog="Example: emeritus record acme/aster-1")
@click.argument("model", required=False, metavar="[ID]")
@with_archive
def record(archive: "Archive", output: Output, model: str | None) -> None:
    """Show the signed history, of everything or of one model, oldest first."""
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
