"""`promises`: what was promised beside what was kept, over all models."""

from typing import TYPE_CHECKING, Final

import click

from emeritus.cli.options import with_archive
from emeritus.cli.output import Output

if TYPE_CHECKING:
    from emeritus.archive import Archive
    from emeritus.lifecycle.promises import Promise, Provider

COLOURS: Final = {"broken": "red", "waived": "yellow", "kept": "green"}


@click.command(epilog="Example: emeritus promises")
@click.argument("who", required=False, metavar="[ID|PROVIDER]")
@with_archive
def promises(archive: "Archive", output: Output, who: str | None) -> None:
    """Show each promise about our models, and the notice that other providers gave.

    A promise about one of ours counts by the policy in force when its end was announced. What is
    known of other people's models is what `emeritus record import` read; with a PROVIDER, every
    model is listed with its notice and the event that says so.
    """
    from emeritus.errors import UserError
    from emeritus.lifecycle.promises import our_promises, providers

    history, now = archive.history(), archive.clock.now()
    ours = [each for each in our_promises(history, now) if who in (None, each.model)]
    theirs = [
        each for each in providers(history) if who is None or who.lower() == each.provider.lower()
    ]
    if who is not None and not ours and not theirs:
        raise UserError(f"no model and no provider {who!r} is on record; see: emeritus promises")
    _show_ours(output, ours)
    _show_theirs(output, theirs, each=who is not None)
    if not ours and not theirs:
        output.line("no model is on record yet: emeritus add SOURCE --id ID")
    output.document(
        {
            "models": [each.as_document() for each in ours],
            "providers": [each.as_document() for each in theirs],
        }
    )


def _show_ours(output: Output, ours: "list[Promise]") -> None:
    for model in dict.fromkeys(each.model for each in ours):
        output.line(model, bold=True)
        for each in ours:
            if each.model == model:
                cited = f"  [{', '.join(each.evidence[:4])}]" if each.evidence else ""
                output.line(
                    f"  {each.outcome:<12} {each.promise:<9} {each.promised}: {each.found}{cited}",
                    fg=COLOURS.get(each.outcome),
                )


def _show_theirs(output: Output, theirs: "list[Provider]", *, each: bool) -> None:
    if not theirs:
        return
    output.line("observed of others, in days of notice:", bold=True)
    rows = [
        ("provider", "offering", "models", "dated", "median", "least", "most", "promised", "short",
         "floors", "moved", "disputed"),
    ]  # fmt: skip
    for provider in theirs:
        shown = provider.as_document()
        cells = [shown[key] for key in rows[0]]
        rows.append(tuple("–" if cell is None else _cell(output, cell) for cell in cells))  # type: ignore[arg-type]
    output.table(rows, "  ")
    for provider in theirs if each else ():
        for notice in sorted(provider.notices, key=lambda notice: (notice.days, notice.model)):
            others = ", ".join(map(str, notice.disputed))
            said = f"  (others say {others})" if others else ""
            output.line(f"  {notice.days:>5}  {notice.model}  [{notice.event}]{said}")


def _cell(output: Output, cell: object) -> str:
    return f"{cell:g}" if isinstance(cell, float) else output.untrusted(str(cell))
