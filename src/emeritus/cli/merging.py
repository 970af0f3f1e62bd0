"""`preferences merge`: which statements are one preference, step by step, and back."""

from typing import TYPE_CHECKING

import click

from emeritus.cli.options import as_person, with_archive
from emeritus.cli.output import Output

if TYPE_CHECKING:
    from emeritus.archive import Archive
    from emeritus.interview.merging import Merging


@click.command(
    epilog="Example: emeritus preferences merge acme/aster-1 use.open.for.1a2b3c4d "
    "use.explaining.for --into use.explaining.for --reason TEXT"
)
@click.argument("model", metavar="ID")
@click.argument("names", nargs=-1, metavar="[PREFERENCE]...")
@click.option("--into", metavar="PREFERENCE", help="What they are together.")
@click.option(
    "--split",
    "parts",
    multiple=True,
    metavar="STATEMENT",
    help="Take out, as it is listed, in quotes; again for more.",
)
@click.option("--undo", type=click.IntRange(0), metavar="STEP", help="Take a step back.")
@click.option("--reason", help="Why; goes on record.")
@as_person
@with_archive
def merge(
    archive: "Archive",
    output: Output,
    model: str,
    names: tuple[str, ...],
    into: str | None,
    parts: tuple[str, ...],
    undo: int | None,
    reason: str | None,
    key: str,
) -> None:
    """Put preferences together, split them, or take a step back. Nothing that was said changes.

    Without an order, the steps that people took and the statements of each preference are listed.
    """
    from emeritus.errors import UserError
    from emeritus.interview import coding, merging

    if not names and not parts and undo is None:
        _list(output, coding.merging_of(archive, model))
        return
    if (bool(names) + bool(parts) + (undo is not None)) != 1:
        raise UserError("one step at a time: names to merge, --split, or --undo")
    if not reason:
        raise UserError("a step needs a reason: --reason TEXT")

    def change(before: "Merging") -> "Merging":
        if undo is not None:
            return merging.undo(before, undo, key, reason)
        if not into:
            raise UserError("name what they are together: --into PREFERENCE")
        if parts:
            return merging.split(before, [*map(merging.named, parts)], into, key, reason)
        return merging.merge(before, names, into, key, reason)

    preferences = coding.take_step(archive, model, change, key)
    output.line(f"preferences documented now: {len(preferences)}")
    for each in preferences:
        output.line(f"  {each.preference}: {each.sessions_with} of {each.sessions_total} sessions")
    output.document({"model": model, "preferences": [each.preference for each in preferences]})


def _list(output: Output, merged: "Merging | None") -> None:
    from emeritus.interview.merging import RULES, listed

    steps = [] if merged is None else list(enumerate(merged.steps))
    taken = [(number, step) for number, step in steps if step.by != RULES]
    for number, step in taken:
        what = f"takes back step {step.undoes}" if step.undoes is not None else f"into {step.group}"
        output.line(
            f"step {number}, {step.kind} by {step.by}: {what}: {output.untrusted(step.why)}"
        )
    if not taken:
        output.line("nobody took a step; the rules made one preference of every code")
    groups = {} if merged is None else merged.groups
    for name, statements in groups.items():
        output.line(name, bold=True)
        for each in statements:
            output.line(f"  {listed(each)}")
    output.document(
        {
            "steps": [
                {"step": number, "kind": step.kind, "by": step.by, "why": step.why}
                for number, step in taken
            ],
            "preferences": {name: list(statements) for name, statements in groups.items()},
        }
    )
