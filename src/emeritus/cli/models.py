"""`add`, `status` and `deprecate`: the register."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emeritus.cli.options import with_archive
from emeritus.cli.output import Output
from emeritus.figures import counted, size

if TYPE_CHECKING:
    from emeritus.archive import Archive
    from emeritus.lifecycle.gates import Gate

MARKS = {
    "passed": ("✓", "green"),
    "waived": ("~", "yellow"),
    "not applicable": ("-", None),
    "open": ("✗", "red"),
    "owed": ("!", "red"),
}


@click.command(epilog="Example: emeritus add ./aster-1 --id acme/aster-1")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--id", "model", required=True, help="The model's id, such as acme/aster-1.")
@click.option("--base", metavar="ID", help="The registered model that it was made from.")
@click.option("--reason", default="offered to the public", help="Why the policy covers it.")
@with_archive
def add(
    archive: "Archive", output: Output, source: Path, model: str, base: str | None, reason: str
) -> None:
    """Register the model in SOURCE, a folder or a GGUF file.

    Says at once how much of the procedure can be done for a model of its kind.
    """
    from emeritus.procedure.registration import register_source

    reach = register_source(archive, source, model, base, reason)
    output.line(f"{model} is registered")
    for sentence in reach.sentences():
        output.line(f"  {sentence}")
    output.document({"model": model, "reach": reach.as_document()})


@click.command(epilog="Example: emeritus status acme/aster-1")
@click.argument("model", required=False, metavar="[ID]")
@click.option("--explain", is_flag=True, help="Say in words why each model is covered or not.")
@with_archive
def status(archive: "Archive", output: Output, model: str | None, explain: bool) -> None:
    """Show where every model stands, or one model with its gates."""
    from emeritus.archive.checkpointing import renewal
    from emeritus.lifecycle.moves import loosenings

    if explain:
        _explain(archive, output, model)
        return
    loosened = loosenings(archive)
    if renewal(archive).overdue:
        output.line("the signatures over the record are over a year old; run: emeritus renew")
    if loosened:
        output.line(
            "this archive's policy asks for less than the one that Emeritus ships, "
            "or than an earlier one of its own:"
        )
        for sentence in loosened:
            output.line(f"  {sentence}")
    if model is None:
        _show_all(archive, output, loosened)
    else:
        _show_one(archive, output, model, loosened)


def _explain(archive: "Archive", output: Output, only: str | None) -> None:
    from emeritus.lifecycle.coverage import explain
    from emeritus.lifecycle.moves import policy_in_force, require_registered
    from emeritus.lifecycle.states import by_model, models

    if only is not None:
        require_registered(archive, only)
    history, policy = archive.history(), policy_in_force(archive)
    apart = by_model(history)
    said = [explain(each, apart[each], policy) for each in models(history) if only in (None, each)]
    for each in said:
        output.line(each.model, bold=True)
        for sentence in each.because:
            output.line(f"  {sentence}")
        for doubt in each.doubts:
            output.line(f"  ! {doubt}: emeritus cover {each.model} --reason TEXT", fg="yellow")
    if not said:
        output.line("no model is registered yet: emeritus add SOURCE --id ID")
    output.document({"models": [each.as_document() for each in said]})


def _show_all(archive: "Archive", output: Output, loosened: tuple[str, ...]) -> None:
    from emeritus.lifecycle.overview import overview

    rows, documents = [], []
    for each in overview(archive):
        model, weights, gates, keeping = each.state.model, each.weights, each.gates, each.keeping
        kept = size(weights.event.bytes_stored) if weights else "not kept"
        share = ""
        if weights and weights.event.bytes_raw:
            share = f"{weights.event.bytes_stored / weights.event.bytes_raw:.0%}"
        cost = keeping.price() if keeping else ""
        for offering in each.state.offerings.values():
            closed = sum(gate.closed for gate in gates)
            date = offering.date
            day = f"{date.retire_on} ({date.kind})" if date else ""
            rows.append(
                (
                    model,
                    offering.name,
                    str(offering.state),
                    day,
                    kept,
                    share,
                    cost,
                    f"{closed}/{len(gates)} gates",
                )
            )
            documents.append(
                {
                    "model": model,
                    "bytes_raw": weights.event.bytes_raw if weights else None,
                    "bytes_stored": weights.event.bytes_stored if weights else None,
                    "keeping": keeping.as_document() if keeping else None,
                    **_offering_document(offering),
                }
            )
    if rows:
        head = ("model", "offering", "state", "retires", "kept", "of raw", "a year", "passed")
        output.table([head, *rows])
    else:
        output.line("no model is registered yet: emeritus add SOURCE --id ID")
    output.document({"models": documents, "loosened": list(loosened)})


def _show_one(archive: "Archive", output: Output, model: str, loosened: tuple[str, ...]) -> None:
    from emeritus.archive.preservation import preserved
    from emeritus.archive.replication import replicas
    from emeritus.lifecycle.costs import keeping_cost
    from emeritus.lifecycle.moves import gates_of, state_of

    state, gates = state_of(archive, model), gates_of(archive, model)
    output.line(model, bold=True)
    for offering in state.offerings.values():
        successor = f", successor {offering.successor}" if offering.successor else ""
        output.line(f"  {offering.name}: {offering.state}{successor}")
        for date in offering.dates:
            why = f": {output.untrusted(date.reason)}" if date.reason else ""
            output.line(f"    {date.kind} to end on {date.retire_on} (event {date.entry}){why}")
        if offering.retired is not None and offering.retired.event.reason:
            why = output.untrusted(offering.retired.event.reason)
            output.line(f"    retired (event {offering.retired.id}): {why}")
    kept = preserved(archive, model)
    keeping = keeping_cost(archive, model)
    if kept is not None:
        raw, stored = kept.event.bytes_raw, kept.event.bytes_stored
        share = f"{stored / raw:.1%}" if raw else "0 %"
        files = counted(kept.event.files, "file")
        output.line(f"  kept: {files}, {size(raw)} in {size(stored)} ({share})")
        if keeping is not None:
            output.line(f"  {keeping.sentence()}")
    show_gates(output, gates)
    for copy in replicas(archive):
        if copy.folder is not None and not copy.reachable:
            output.line(f"  the replica {copy.name} is not reached now: {copy.obstacle}")
    for violation in state.violations:
        output.line(f"  not by the rules: {violation}", fg="red")
    output.document(
        {
            "model": model,
            "access": state.access,
            "retired": state.retired,
            "bytes_raw": kept.event.bytes_raw if kept else None,
            "bytes_stored": kept.event.bytes_stored if kept else None,
            "keeping": keeping.as_document() if keeping else None,
            "offerings": [_offering_document(each) for each in state.offerings.values()],
            "gates": [gate_document(gate) for gate in gates],
            "violations": list(state.violations),
            "loosened": list(loosened),
        }
    )


def show_gates(output: Output, gates: "list[Gate]", *, commands: bool = True) -> None:
    """Print one gate a line, with what was found and, unless told not to, what would pass it."""
    for gate in gates:
        mark, colour = MARKS[gate.standing]
        cited = f"  [{', '.join(gate.evidence[:4])}]" if gate.evidence else ""
        output.line(f"  {mark} {gate.name:<12} {gate.because}{cited}", fg=colour)
        if gate.command and commands:
            output.line(f"      {gate.command}")


def gate_document(gate: "Gate") -> dict[str, Any]:
    """Return a gate for programs."""
    return {
        "gate": gate.name,
        "standing": str(gate.standing),
        "because": gate.because,
        "evidence": list(gate.evidence),
        "command": gate.command,
    }


def _offering_document(offering: Any) -> dict[str, Any]:
    return {
        "offering": offering.name,
        "state": str(offering.state),
        "successor": offering.successor,
        "dates": [
            {
                "retire_on": each.retire_on,
                "kind": str(each.kind),
                "event": each.entry,
                "reason": each.reason,
            }
            for each in offering.dates
        ],
    }


@click.command(
    epilog="Example: emeritus deprecate acme/aster-1 --retire-on 2027-03-01 --kind confirmed"
)
@click.argument("model", metavar="ID")
@click.option("--retire-on", required=True, metavar="DATE", help="The day, as 2027-03-01.")
@click.option("--successor", metavar="ID", help="What takes its place.")
@click.option("--offering", default="api", show_default=True, help="Channel and region.")
@click.option(
    "--kind",
    type=click.Choice(["floor", "announced", "confirmed"]),
    default="announced",
    show_default=True,
    help="How firm the date is.",
)
@click.option("--reason", metavar="TEXT", help="Why it ends then; stands in the report.")
@with_archive
def deprecate(
    archive: "Archive",
    output: Output,
    model: str,
    retire_on: str,
    successor: str | None,
    offering: str,
    kind: str,
    reason: str | None,
) -> None:
    """Announce the end of an offering, or add a date to it; earlier dates stay on record."""
    from emeritus.lifecycle.moves import announce
    from emeritus.lifecycle.states import models
    from emeritus.record.events import DateKind, RetirementAnnounced

    announced = RetirementAnnounced(
        model=model,
        offering=offering,
        retire_on=retire_on,
        date_kind=DateKind(kind),
        successor=successor,
        reason=reason,
    )
    entry = announce(archive, announced)
    known = successor is None or successor in models(archive.history())
    output.line(f"{model} on {offering}: {kind} to end on {retire_on} (event {entry.id})")
    if not known:
        output.line(f"  its successor {successor} is not registered in this archive")
    output.document(
        {
            "model": model,
            "offering": offering,
            "event": entry.id,
            "successor": successor,
            "successor_registered": known if successor else None,
        }
    )
