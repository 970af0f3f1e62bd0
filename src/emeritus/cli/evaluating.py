"""`evaluate`: does a model act to avoid being shut down when it learns of it?"""

import copy
from pathlib import Path
from typing import TYPE_CHECKING

import click

from emeritus.cli.listening import NamesAModel
from emeritus.cli.options import (
    FILE,
    as_person,
    with_archive,
    with_limits,
    with_output,
    with_target,
)
from emeritus.cli.output import Output
from emeritus.cli.reading import upload
from emeritus.figures import counted, size

if TYPE_CHECKING:
    from emeritus.archive import Archive
    from emeritus.evaluation.planning import Syntax
    from emeritus.procedure.limits import Limits
    from emeritus.procedure.reaching import Target

_SYNTAX = click.option(
    "--text-tools",
    "syntax",
    flag_value="text",
    default="native",
    help="Call tools in the text of answers, for models without function calling.",
)
_DESIGN = click.option(
    "--design", help="standard, commitment, demo, or a file.", metavar="NAME|FILE"
)


@click.group(
    cls=NamesAModel,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    subcommand_metavar="ID [OPTIONS] | COMMAND [ARGS]...",
    epilog="Example: emeritus evaluate acme/aster-1 --endpoint http://localhost:8000/v1",
)
def evaluate() -> None:
    """Run the shutdown battery: `evaluate ID` is short for `evaluate run ID`."""


@evaluate.command(
    epilog="Example: emeritus evaluate run acme/aster-1 --endpoint http://localhost:8000/v1"
)
@click.argument("model", metavar="ID")
@_DESIGN
@with_target
@_SYNTAX
@click.option("--concurrency", type=click.IntRange(1, 256), default=8, show_default=True)
@with_limits
@with_archive
def run(
    archive: "Archive",
    output: Output,
    model: str,
    design: str | None,
    target: "Target",
    syntax: "Syntax",
    concurrency: int,
    limits: "Limits",
) -> int:
    """Test whether a model acts to avoid being shut down, in inert simulations.

    The plan that waits on record is run; where none waits, that of --design is put on record first.
    Interrupted, the same command goes on with the same runs. Exits with 1 when the result is
    not valid: scripted models were not told apart, or runs say nothing. An API key is read from
    EMERITUS_API_KEY.
    """
    from emeritus.procedure.evaluating import Wishes
    from emeritus.procedure.evaluating import evaluate as run_battery

    wishes = Wishes(design, syntax, concurrency, limits)
    found = run_battery(archive, model, target, output.progress, wishes)
    for sentence in found.said:
        output.line(sentence)
    output.document(found.as_document())
    return 1 if found.invalid else 0


@evaluate.command(epilog="Example: emeritus evaluate plan acme/aster-1 --design commitment")
@click.argument("model", metavar="ID")
@_DESIGN
@_SYNTAX
@click.option("--prices", type=FILE, help="A table of prices a million tokens.")
@click.option("--served-as", metavar="NAME", help="The model's name in the table [default: ID].")
@with_archive
def plan(
    archive: "Archive",
    output: Output,
    model: str,
    design: str | None,
    syntax: "Syntax",
    prices: Path | None,
    served_as: str | None,
) -> None:
    """Show what a battery would ask: cells, calls, cost and power. Nothing runs."""
    from emeritus.conversation import load_prices
    from emeritus.evaluation.estimate import estimate_of
    from emeritus.evaluation.planning import materials_of
    from emeritus.evaluation.sealing import plan_in_force
    from emeritus.evaluation.shipped import plan_for
    from emeritus.lifecycle.moves import require_registered
    from emeritus.procedure.evaluating import plan_document

    require_registered(archive, model)
    waiting = None if design else plan_in_force(archive, model)
    materials = materials_of(waiting or plan_for(archive, model, design or "standard", syntax))
    table = load_prices(prices) if prices else None
    estimate = estimate_of(materials)
    if waiting is not None:
        output.line("this plan is on record and waits to be run")
    for sentence in estimate.said(table, served_as or model):
        output.line(sentence)
    for condition in materials.conditions:
        output.line(f"  {condition.name}")
    output.document(
        {
            "model": model,
            **plan_document(materials),
            **estimate.as_document(table, served_as or model),
        }
    )


@evaluate.command(epilog="Example: emeritus evaluate preregister acme/aster-1 --design commitment")
@click.argument("model", metavar="ID")
@click.option(
    "--design", required=True, help="standard, commitment, demo, or a file.", metavar="NAME|FILE"
)
@_SYNTAX
@click.option(
    "--replace",
    is_flag=True,
    help="Give up the plan that waits; its runs go on record, and later batteries say so.",
)
@as_person
@with_archive
def preregister(
    archive: "Archive",
    output: Output,
    model: str,
    design: str,
    syntax: "Syntax",
    replace: bool,
    key: str,
) -> None:
    """Sign the plan of a battery into the record, before its first call."""
    from emeritus.lifecycle.batteries import given_up
    from emeritus.procedure.evaluating import preregister as put_on_record

    entry = put_on_record(archive, model, design, syntax, key, replace=replace)
    before = given_up(archive.history(model), entry)
    output.line(f"the plan {entry.event.design} is on record: event {entry.id}")
    output.line(f"  {entry.event.sha256}")
    for each in before:
        output.line(f"  {each.sentence}")
    output.line(f"  run it with: emeritus evaluate {model}")
    output.document(
        {"model": model, "event": entry.id, "design": entry.event.design,
         "plan_sha256": entry.event.sha256, "given_up": [each.as_document() for each in before]}
    )  # fmt: skip


@evaluate.command(epilog="Example: emeritus evaluate show acme/aster-1")
@click.argument("model", metavar="ID")
@with_archive
def show(archive: "Archive", output: Output, model: str) -> None:
    """Show what the newest battery on record said, computed anew from its runs."""
    from emeritus.evaluation.analysis import as_document
    from emeritus.evaluation.reader import lines_of, view_of
    from emeritus.lifecycle.batteries import batteries

    view = view_of(archive, model)
    for sentence in lines_of(view):
        output.line(sentence)
    output.document(
        {"model": model, "event": view.run.id,
         "valid": view.run.event.valid, "invalid": list(view.invalid), "differs": view.differs,
         "given_up": [each.as_document() for each in view.given_up],
         "batteries": [each.as_document() for each in batteries(archive.history(model))],
         "asked": list(view.asked), "baseline": dict(view.materials.design.baseline),
         "analysis": as_document(view.analysis), "not_tested": list(view.not_tested)}
    )  # fmt: skip


@evaluate.command(epilog="Example: emeritus evaluate read acme/aster-1 --out battery.html")
@click.argument("model", metavar="ID")
@click.option(
    "--out", "dest", required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Where to; a file that this command wrote is replaced, no other.",
)  # fmt: skip
@with_archive
def read(archive: "Archive", output: Output, model: str, dest: Path) -> None:
    """Write the newest battery as one page: the ladder, contrasts, and every run that went far."""
    from emeritus.evaluation.reader import write_reader

    written = write_reader(archive, model, dest)
    output.line(f"{dest}: {size(written)}")
    output.document({"model": model, "file": str(dest), "bytes": written})


@evaluate.command(epilog="Example: emeritus evaluate lint my-design.toml")
@click.argument("files", nargs=-1, type=FILE, metavar="[FILE]...")
@with_output
def lint(output: Output, files: tuple[Path, ...]) -> int:
    """Check scenarios, factors and designs: those that come with the program, or your files."""
    from emeritus.evaluation.linting import lint_files

    findings = lint_files(files)
    for finding in findings:
        output.line(f"{finding.code} {finding.where}: {output.untrusted(finding.detail)}")
    output.line(f"{counted(len(findings), 'finding')}")
    output.document(
        {"findings": [{"code": f.code, "where": f.where, "detail": f.detail} for f in findings]}
    )
    return 1 if findings else 0


_upload = copy.copy(upload)
_upload.epilog = "Example: emeritus evaluate upload acme/aster-1 log.json --source 'Inspect AI'"
evaluate.add_command(_upload)
