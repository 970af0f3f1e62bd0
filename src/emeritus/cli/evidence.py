"""`dossier` and `check`: what a stranger checks."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from emeritus.cli.options import with_archive, with_output, with_trust
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
@with_trust
@click.option(
    "--witness",
    "witnesses",
    metavar="KEY",
    multiple=True,
    help="Who must have co-signed its checkpoint, as `witness` prints the key; repeatable.",
)
@with_output
def check(output: Output, dossier: Path, trust: str | None, witnesses: tuple[str, ...]) -> int:
    """Check a dossier, a folder or a packed file: what is proven, only asserted, missing.

    Exit code 3 when something in it is not what was signed. A packed file is unpacked in the
    cache for it.
    """
    from emeritus import settings
    from emeritus.archive.checkpointing import verifier_keys
    from emeritus.archive.dossier_check import check_dossier

    keys = verifier_keys(witnesses)
    done = check_dossier(dossier, trust, settings.load().cache, keys)
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
