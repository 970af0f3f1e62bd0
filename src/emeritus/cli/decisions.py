"""`report`, `waive`, `approve`, `retire`, `reinstate` and `access`: what people decide."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from emeritus.cli.models import gate_document, show_gates
from emeritus.cli.options import as_person, with_archive, with_target
from emeritus.cli.output import Output

if TYPE_CHECKING:
    from emeritus.archive import Archive
    from emeritus.procedure.reaching import Target


@click.command(epilog="Example: emeritus report acme/aster-1 --analysis ours.md")
@click.argument("model", metavar="ID")
@click.option(
    "--analysis",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Your organisation's own analysis, as Markdown.",
)
@click.option("--note", "notes", multiple=True, help="A line that stands beside the interview.")
@click.option("--comment", is_flag=True, help="Show the model the draft first, and quote it.")
@with_target
@as_person
@with_archive
def report(
    archive: "Archive",
    output: Output,
    model: str,
    analysis: Path | None,
    notes: tuple[str, ...],
    comment: bool,
    target: "Target",
    key: str,
) -> None:
    """Write the post-deployment report, sign it and keep it beside the weights.

    With --comment the model is shown what the draft says in short, and what it says to that goes
    on record word for word and stands in the report.
    """
    from emeritus.procedure.reporting import show_draft, write_report

    said = None
    if comment:
        said = show_draft(archive, model, analysis, target, output.progress)
        shown = "it gives no text" if said is None else f"it said: “{output.untrusted(said)}”"
        output.line(f"the draft for {model}: {shown}")
    elif target.endpoint or target.runtime or target.served_as != model:
        raise click.UsageError("--endpoint, --served-as and --runtime go with --comment")
    written = write_report(archive, model, analysis, notes, key)
    output.line(f"report {written.number} of {model} is signed (event {written.event})")
    output.line(f"  {written.html}")
    output.document(
        {
            "model": model,
            "number": written.number,
            "html": str(written.html),
            "markdown": str(written.markdown),
            "comment": said,
        }
    )


@click.command(epilog="Example: emeritus waive acme/aster-1 guided --reason 'no public users'")
@click.argument("model", metavar="ID")
@click.argument("gate")
@click.option("--reason", required=True, help="Why; it stands in the report and in public.")
@as_person
@with_archive
def waive(archive: "Archive", output: Output, model: str, gate: str, reason: str, key: str) -> None:
    """Let a model pass a gate without its evidence. The waiver stays visible for ever."""
    from emeritus.lifecycle import moves

    moves.waive(archive, model, gate, reason, key)
    output.line(f"{gate} is waived for {model} by {key}: {reason}")
    output.document({"model": model, "gate": gate, "reason": reason, "by": key})


@click.command(epilog="Example: emeritus approve acme/aster-1 --as reviewer")
@click.argument("model", metavar="ID")
@as_person
@with_archive
def approve(archive: "Archive", output: Output, model: str, key: str) -> None:
    """Approve a retirement after reading its newest report. Two different people are needed.

    The approval cites that report, and does not count for a later one.
    """
    from emeritus.lifecycle import moves

    report = moves.approve(archive, model, key)
    gate = next(each for each in moves.gates_of(archive, model) if each.name == "approved")
    output.line(f"report {report.number} ({report.html_sha256}) approved by {key}; {gate.because}")
    output.document(
        {
            "model": model,
            "by": key,
            "report": report.number,
            "report_sha256": report.html_sha256,
            "gate": gate_document(gate),
        }
    )


@click.command(epilog="Example: emeritus retire acme/aster-1 --from ./aster-1")
@click.argument("model", metavar="ID")
@click.option("--from", "source", type=click.Path(path_type=Path), help="Where its files lie.")
@click.option("--emergency", metavar="REASON", help="Retire now; open gates stay owed in public.")
@with_archive
def retire(
    archive: "Archive", output: Output, model: str, source: Path | None, emergency: str | None
) -> int:
    """Retire a model: do all that a machine may, then say what people must still do.

    Registers, preserves, verifies, drills, interviews and reports, skipping what the record says
    is done; retires when no gate is open. Exit code 4 while something is left to do.
    """
    from emeritus.lifecycle import moves
    from emeritus.procedure.retirement import retire_at_once, retire_model

    if emergency is not None:
        ended = retire_at_once(archive, model, emergency)
        output.line(f"{model} is retired on {', '.join(ended)}; what was open is owed:", bold=True)
        gates = moves.gates_of(archive, model)
        show_gates(output, gates)
        output.document({"model": model, "retired": True, "gates": [*map(gate_document, gates)]})
        return 0
    outcome = retire_model(archive, model, source, output.line, output.progress)
    show_gates(output, outcome.gates, commands=outcome.retired)
    if outcome.retired:
        output.line(f"{model} is retired", bold=True)
    else:
        output.line("what people must still do:", bold=True)
        for todo in outcome.todo:
            output.line(f"  {todo}")
    output.document(outcome.as_document())
    return 0 if outcome.retired else 4


@click.command(epilog="Example: emeritus reinstate acme/aster-1 --reason 'asked for by users'")
@click.argument("model", metavar="ID")
@click.option("--reason", required=True, help="Why it comes back.")
@with_archive
def reinstate(archive: "Archive", output: Output, model: str, reason: str) -> None:
    """Bring every retired offering of a model back."""
    from emeritus.lifecycle import moves

    names = moves.reinstate(archive, model, reason)
    output.line(f"{model} is reinstated on {', '.join(names)}")
    output.document({"model": model, "offerings": names})


@click.command(
    epilog="Example: emeritus access acme/aster-1 by-request --cost TEXT --risk TEXT --reason TEXT"
)
@click.argument("model", metavar="ID")
@click.argument("access", type=click.Choice(["none", "by-request", "public"]))
@click.option("--cost", required=True, help="What it costs to keep the door open that far.")
@click.option("--risk", required=True, help="What could go wrong.")
@click.option("--reason", required=True, help="Why this and nothing else.")
@with_archive
def access(
    archive: "Archive", output: Output, model: str, access: str, cost: str, risk: str, reason: str
) -> None:
    """Decide who may use a model after its retirement."""
    from emeritus.lifecycle import moves
    from emeritus.record.events import AccessDecided

    decided = AccessDecided(model=model, access=access, cost=cost, risk=risk, reason=reason)
    moves.decide_access(archive, decided)
    output.line(f"access to {model} after its retirement: {access}")
    output.document({"model": model, "access": access})
