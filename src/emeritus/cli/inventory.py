"""`inventory`: the register beside what is really there."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from emeritus.cli.options import with_archive
from emeritus.cli.output import Output

if TYPE_CHECKING:
    from emeritus.archive import Archive


@click.command(epilog="Example: emeritus inventory --endpoint http://127.0.0.1:8000/v1")
@click.option("--endpoint", "endpoints", multiple=True, metavar="URL", help="A server's /v1.")
@click.option(
    "--folder",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A tree of folders with weights; names are read, no file is opened.",
)
@click.option(
    "--mlflow", multiple=True, metavar="URL|FILE", help="An MLflow registry, or its answer as JSON."
)
@click.option(
    "--huggingface",
    multiple=True,
    metavar="URL|FILE",
    help="The listing of an organisation (/api/models?author=…), or its JSON.",
)
@click.option(
    "--usage",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Daily counts: CSV or JSON with day, model, requests.",
)
@click.option(
    "--alias", "aliases", multiple=True, metavar="NAME=ID", help="What a name there stands for."
)
@click.option("--record", is_flag=True, help="Put the sums of usage on record.")
@click.option("--all", "everything", is_flag=True, help="Also list what is in order.")
@with_archive
def inventory(
    archive: "Archive",
    output: Output,
    endpoints: tuple[str, ...],
    folders: tuple[Path, ...],
    mlflow: tuple[str, ...],
    huggingface: tuple[str, ...],
    usage: Path | None,
    aliases: tuple[str, ...],
    record: bool,
    everything: bool,
) -> int:
    """Compare the register with what is really there.

    Says what is served but not registered, what is registered but not covered (public, or used
    more than the policy's threshold), and what is retired and still there. Exit code 4 when there
    is something to decide. EMERITUS_API_KEY is sent to --endpoint and to nobody else.
    """
    from emeritus.procedure.inventory import Places, take_inventory

    places = Places(endpoints, folders, mlflow, huggingface)
    named = _aliases(aliases)
    lines = take_inventory(archive, places, usage, named, record=record)
    waiting = [line for line in lines if not line.quiet]
    for line in lines if everything else waiting:
        where = f"  ({', '.join(line.where)})" if line.where else ""
        output.line(
            output.untrusted(f"{line.finding}: {line.name}{where}"),
            fg=None if line.quiet else "yellow",
        )
        output.line(output.untrusted(f"    {line.because}"))
        if line.command:
            output.line(output.untrusted(f"    {line.command}"))
    output.line(f"{len(lines) - len(waiting)} in order, {len(waiting)} to decide about", bold=True)
    output.document({"waiting": len(waiting), "models": [line.as_document() for line in lines]})
    return 4 if waiting else 0


def _aliases(given: tuple[str, ...]) -> dict[str, str]:
    named = {}
    for each in given:
        name, equals, model = each.rpartition("=")
        if not equals or not name or not model:
            raise click.UsageError(f"--alias is NAME=ID, not {each!r}")
        named[name] = model
    return named
