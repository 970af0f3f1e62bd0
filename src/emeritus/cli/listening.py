"""`interview` and `preferences`: what the model says, and what people decide about it."""

from typing import TYPE_CHECKING

import click

from emeritus.cli.options import as_person, with_archive
from emeritus.cli.output import Output

if TYPE_CHECKING:
    from emeritus.archive import Archive


@click.command(epilog="Example: emeritus interview acme/aster-1 --plan demo")
@click.argument("model", metavar="ID")
@click.option("--plan", default="demo", show_default=True, help="The protocol to follow.")
@click.option("--endpoint", metavar="URL", help="Where it is served [default: a restored copy].")
@click.option("--served-as", metavar="NAME", help="Its name at the endpoint [default: ID].")
@click.option("--runtime", help="local, reference, vllm or llama-server [default: what fits].")
@with_archive
def interview(
    archive: "Archive",
    output: Output,
    model: str,
    plan: str,
    endpoint: str | None,
    served_as: str | None,
    runtime: str | None,
) -> None:
    """Interview a model before its retirement, and code what it said.

    Every turn is on disk before the next is asked; an interrupted interview goes on at its turn.
    An API key for the endpoint is read from EMERITUS_API_KEY.
    """
    from emeritus.procedure.listening import Target, listen

    target = Target(endpoint=endpoint, served_as=served_as or model, runtime=runtime)
    heard = listen(archive, model, plan, target, output.progress)
    for sentence in heard.said:
        output.line(sentence)
    output.document(heard.as_document())


@click.command(
    epilog="Example: emeritus preferences acme/aster-1 --consider use.repetition.against "
    "--reason TEXT"
)
@click.argument("model", metavar="ID")
@click.option("--consider", metavar="PREFERENCE", help="Record that it was considered.")
@click.option("--act-on", metavar="PREFERENCE", help="Record that something was done about it.")
@click.option("--decline", metavar="PREFERENCE", help="Record that it will not be followed.")
@click.option("--reason", help="Why; goes on record.")
@as_person
@with_archive
def preferences(
    archive: "Archive",
    output: Output,
    model: str,
    consider: str | None,
    act_on: str | None,
    decline: str | None,
    reason: str | None,
    key: str,
) -> None:
    """Show what a model prefers, word for word, and record what is decided about it.

    A disposition documents that a preference was weighed. It promises nothing.
    """
    from emeritus.errors import UserError
    from emeritus.lifecycle import moves
    from emeritus.lifecycle.register import register_of

    asked = {"considered": consider, "acted-on": act_on, "declined": decline}
    chosen = [(name, preference) for name, preference in asked.items() if preference]
    if chosen and not reason:
        raise UserError("a disposition needs a reason: --reason TEXT")
    for disposition, preference in chosen:
        moves.dispose(archive, model, preference, disposition, reason or "", key)
    moves.require_registered(archive, model)
    register = register_of(archive, model)
    for row in register:
        output.line(f"{row.preference}  {row.polarity} {row.object} ({row.theme})", bold=True)
        output.line(f"  said in {row.sessions_with} of {row.sessions_total} sessions")
        for span in row.spans[:3]:
            output.line(f"  “{output.untrusted(span.text)}”  {span.session}/{span.turn}")
        output.line(f"  {row.disposition}: {row.reason}" if row.reason else f"  {row.disposition}")
    if not register:
        output.line("no preference is documented")
    output.document({"model": model, "preferences": [row.as_document() for row in register]})
