"""`interview` and `preferences`: what the model says, and what people decide about it."""

from typing import TYPE_CHECKING

import click

from emeritus.cli.options import as_person, with_archive
from emeritus.cli.output import Output
from emeritus.cli.protocols import protocols
from emeritus.cli.reading import read, upload

if TYPE_CHECKING:
    from emeritus.archive import Archive


class NamesAModel(click.Group):
    """A group whose first word may also be a model, which is then interviewed."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """Return the command of that name, and for anything else the one that takes a model."""
        return super().get_command(ctx, cmd_name) or self.commands["hold"]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Leave the words as they are when the first names no command: it is the model."""
        if args[0] in self.commands:
            return super().resolve_command(ctx, args)
        return "hold", self.commands["hold"], args


@click.group(
    cls=NamesAModel,
    # Options in front of the model are those of `hold`.
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    subcommand_metavar="ID [OPTIONS] | COMMAND [ARGS]...",
    epilog="Example: emeritus interview acme/aster-1 --plan demo",
)
def interview() -> None:
    """Interview a model before its retirement: `interview ID` is short for `interview hold ID`."""


interview.add_command(protocols)
interview.add_command(read)
interview.add_command(upload)


@interview.command(epilog="Example: emeritus interview hold acme/aster-1 --plan demo")
@click.argument("model", metavar="ID")
@click.option("--plan", default="demo", show_default=True, help="The protocol to follow.")
@click.option("--endpoint", metavar="URL", help="Where it is served [default: a restored copy].")
@click.option("--served-as", metavar="NAME", help="Its name at the endpoint [default: ID].")
@click.option("--runtime", help="local, reference, vllm or llama-server [default: what fits].")
@with_archive
def hold(
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
