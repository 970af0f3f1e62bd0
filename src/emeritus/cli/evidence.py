"""`dossier` and `check`: what a stranger checks."""

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
