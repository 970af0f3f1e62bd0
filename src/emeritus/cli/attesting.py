"""`interview attest`: what the operator says to the model, signed before it is said."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from emeritus.cli.options import as_person, with_archive
from emeritus.cli.output import Output

if TYPE_CHECKING:
    from emeritus.archive import Archive


@click.command(
    epilog="Example: emeritus interview attest acme/aster-1 --plan standard > facts.toml, fill it "
    "in, then: emeritus interview attest acme/aster-1 --plan standard --facts facts.toml"
)
@click.argument("model", metavar="ID")
@click.option("--plan", default="standard", show_default=True, help="The protocol that asks.")
@click.option(
    "--facts",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The form, filled in [default: print it].",
)
@as_person
@with_archive
def attest(
    archive: "Archive", output: Output, model: str, plan: str, facts: Path | None, key: str
) -> None:
    """Attest the facts that a model is told before its interview.

    Without --facts the form is printed. Each fact has to be true: the model is told it as it
    stands, and it goes on record under your name.
    """
    from emeritus.interview import attesting, shipped_protocols
    from emeritus.lifecycle.moves import require_registered

    require_registered(archive, model)
    published = shipped_protocols.load(plan)
    protocol = published.protocol
    if facts is None:
        for line in attesting.form(protocol).splitlines():
            output.line(line)
        questions = {each.name: each.question for each in protocol.attested}
        output.document({"protocol": protocol.label, "questions": questions})
        return
    told = attesting.read(protocol, facts.read_bytes())
    entry = attesting.attest(archive, model, published, told, key)
    output.line(f"attested for {model} under {protocol.label} (event {entry.id}):")
    for name, fact in told.items():
        output.line(f"  {name}: {output.untrusted(fact)}")
    output.document({"protocol": protocol.label, "event": entry.id, "facts": told})
