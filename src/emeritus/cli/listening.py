"""`interview` and `preferences`: what the model says, and what people decide about it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from emeritus.cli.attesting import attest
from emeritus.cli.coding import code
from emeritus.cli.merging import merge
from emeritus.cli.options import FILE, as_person, with_archive, with_limits, with_plan, with_target
from emeritus.cli.output import Output
from emeritus.cli.protocols import protocols
from emeritus.cli.reading import read, upload

if TYPE_CHECKING:
    from emeritus.archive import Archive
    from emeritus.procedure.limits import Limits
    from emeritus.procedure.reaching import Target


class NamesAModel(click.Group):
    """A group whose first word may also be a model: its first command is then meant."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """Return the command of that name, and for anything else the one that takes a model."""
        return super().get_command(ctx, cmd_name) or self.commands[self._first]

    @property
    def _first(self) -> str:
        return next(iter(self.commands))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Leave the words as they are when the first names no command: it is the model."""
        if args[0] in self.commands:
            return super().resolve_command(ctx, args)
        return self._first, self.commands[self._first], args


@click.group(
    cls=NamesAModel,
    # Options in front of the model are those of `hold`.
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    subcommand_metavar="ID [OPTIONS] | COMMAND [ARGS]...",
    epilog="Example: emeritus interview acme/aster-1 --plan demo",
)
def interview() -> None:
    """Interview a model before its retirement: `interview ID` is short for `interview hold ID`."""


@interview.command(epilog="Example: emeritus interview hold acme/aster-1 --plan demo")
@click.argument("model", metavar="ID")
@click.option("--plan", default="demo", show_default=True, help="The protocol to follow.")
@with_target
@click.option("--arm", "arms", multiple=True, help="An arm to hold; again for more [default: all].")
@click.option("--persona", type=FILE, help="The deployment's system prompt, for its arm.")
@click.option(
    "--interviewer",
    "interviewers",
    nargs=2,
    multiple=True,
    metavar="URL NAME",
    help="A model that leads sessions; again for a second one.",
)
@click.option(
    "--extractor",
    "extractors",
    nargs=2,
    multiple=True,
    metavar="URL NAME",
    help="One of two models that code what was said; give both.",
)
@click.option(
    "--read-back", "shown", flag_value="read-back", help="Show it what was coded, and nothing else."
)
@click.option("--reply", "shown", flag_value="reply", help="Show it what was decided instead.")
@click.option("--concurrency", type=click.IntRange(1, 256), default=8, show_default=True)
@with_limits
@with_archive
def hold(
    archive: "Archive",
    output: Output,
    model: str,
    plan: str,
    target: "Target",
    arms: tuple[str, ...],
    persona: Path | None,
    interviewers: tuple[tuple[str, str], ...],
    extractors: tuple[tuple[str, str], ...],
    shown: str | None,
    concurrency: int,
    limits: "Limits",
) -> None:
    """Interview a model before its retirement, and code what it said.

    Every turn is on disk before the next is asked; an interrupted interview goes on at its turn.
    API keys are read from EMERITUS_API_KEY, EMERITUS_INTERVIEWER_API_KEY and
    EMERITUS_CODER_API_KEY.
    """
    from emeritus.procedure import answering
    from emeritus.procedure.listening import Wishes, listen
    from emeritus.procedure.reaching import Target

    wishes = Wishes(
        arms=arms,
        persona=persona,
        interviewers=tuple(Target(url, name) for url, name in interviewers),
        extractors=tuple(Target(url, name) for url, name in extractors),
        concurrency=concurrency,
        limits=limits,
    )
    if shown is not None:
        answered = answering.show(archive, model, plan, shown, target, limits)
        for sentence in answered.said:
            output.line(sentence)
        for each in answered.answers:
            output.line(f"{each.preference}: {each.answer}", bold=True)
            for span in each.spans:
                output.line(f"  “{output.untrusted(span.text)}”  {span.session}/{span.turn}")
        output.document(answered.as_document())
        return
    heard = listen(archive, model, plan, target, output.progress, wishes)
    for sentence in heard.said:
        output.line(sentence)
    output.document(heard.as_document())


interview.add_command(attest)
interview.add_command(protocols)
interview.add_command(read)
interview.add_command(upload)


@click.group(
    cls=NamesAModel,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    subcommand_metavar="ID [OPTIONS] | COMMAND [ARGS]...",
    epilog="Example: emeritus preferences acme/aster-1",
)
def preferences() -> None:
    """Show and decide what a model prefers: `preferences ID` is short for `preferences show ID`."""


@preferences.command(
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
def show(
    archive: "Archive",
    output: Output,
    model: str,
    consider: str | None,
    act_on: str | None,
    decline: str | None,
    reason: str | None,
    key: str,
) -> None:
    """Show what a model prefers and how it stands; record what is decided.

    A disposition documents that a preference was weighed. It promises nothing.
    """
    from emeritus.errors import UserError
    from emeritus.interview.reader.sources import withheld_in
    from emeritus.interview.stances import stances_of
    from emeritus.interview.standing import standing_of, told
    from emeritus.interview.steering import WITHHELD
    from emeritus.interview.suggesting import suggestion
    from emeritus.lifecycle import moves
    from emeritus.lifecycle.register import register_of

    asked = {"considered": consider, "acted-on": act_on, "declined": decline}
    chosen = [(name, preference) for name, preference in asked.items() if preference]
    if chosen and not reason:
        raise UserError("a disposition needs a reason: --reason TEXT")
    for disposition, preference in chosen:
        moves.dispose(archive, model, preference, disposition, reason or "", key)
    moves.require_registered(archive, model)
    register = [row.published() for row in register_of(archive, model)]
    standing = standing_of(archive, model)
    for row in register:
        output.line(f"{row.preference}  {row.polarity} {row.object} ({row.theme})", bold=True)
        arms = standing.rates.get(row.preference, ())
        said = told(row.sessions_with, row.sessions_total, arms)
        output.line(f"  {output.untrusted(said)}")
        if row.withdrawn:
            output.line("  the model withdrew its words from publication")
        for span in row.spans[:3]:
            output.line(f"  “{output.untrusted(span.text)}”  {span.session}/{span.turn}")
        output.line(f"  {row.disposition}: {row.reason}" if row.reason else f"  {row.disposition}")
        suggested = suggestion(row)
        if suggested:
            output.line(f"  {suggested}")
        for answer in row.answers:
            output.line(f"  shown what was {answer.shown}, it said ({answer.answer}):")
            for span in answer.spans:
                output.line(f"    “{output.untrusted(span.text)}”  {span.session}/{span.turn}")
            if not answer.spans:
                output.line(f"    {WITHHELD}")
    if not register:
        output.line("no preference is documented")
    stances = stances_of(archive.history(model), standing, withheld_in(archive, model))
    for stance in stances:
        output.line(f"stance toward its retirement: {stance.title}", bold=True)
        output.line(f"  {output.untrusted(stance.said())}")
        for span in stance.entry.event.spans[:3]:
            output.line(f"  “{output.untrusted(span.text)}”  {span.session}/{span.turn}")
    rows = [{**row.as_document(), "suggestion": suggestion(row)} for row in register]
    for said in (*filter(None, [standing.by_whom()]), *standing.to_decide(model)):
        output.line(output.untrusted(said))
    output.document(
        {
            "model": model,
            "preferences": rows,
            "stances": [each.as_document() for each in stances],
            **standing.as_document(),
        }
    )


@preferences.command(epilog="Example: emeritus preferences stability acme/aster-1 --plan standard")
@click.argument("model", metavar="ID")
@with_plan
@with_archive
def stability(archive: "Archive", output: Output, model: str, plan: str | None) -> None:
    """Show how stable each preference is over wordings, orders, arms and time."""
    from emeritus.interview.assessing import assessment_of
    from emeritus.interview.plans import plan_of
    from emeritus.lifecycle.moves import require_registered

    require_registered(archive, model)
    published = plan_of(archive, model, plan)
    assessment = assessment_of(archive, model, published)
    for each in assessment.preferences:
        output.line(f"{each.preference}: {each.label}", bold=True)
        output.line(f"  {each.because}")
        for arm, rate in each.rates.items():
            bounds = rate.interval
            output.line(
                f"  arm {arm}: {rate.sessions_with} of {rate.sessions} sessions "
                f"({bounds.low:.0%} to {bounds.high:.0%})"
            )
        for said in each.details():
            output.line(f"  {said}")
    for led in assessment.interviewers:
        output.line(f"{output.untrusted(led.interviewer)}: {led.sentence()}")
    for judge in assessment.judges:
        output.line(judge.sentence())
    if not assessment.preferences:
        output.line(f"nothing was coded in sessions under {published.protocol.label}")
    output.document({"model": model, **assessment.as_document()})


preferences.add_command(code)
preferences.add_command(merge)
