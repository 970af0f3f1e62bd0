"""`preferences code`: a person, or two models, code what a model said, one answer at a time."""

import dataclasses
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from emeritus.cli.extracting import code_by_models
from emeritus.cli.options import as_person, with_archive, with_limits, with_plan
from emeritus.cli.output import Output

if TYPE_CHECKING:
    from emeritus.archive import Archive
    from emeritus.interview.codebook import Loaded
    from emeritus.interview.coded import Coding
    from emeritus.interview.decisions import Code, Decision, DecisionsFile
    from emeritus.interview.hand_coding import Unit
    from emeritus.interview.protocol import Published
    from emeritus.procedure.limits import Limits

HELP = (
    "quote | object | for|against [| strength [| condition]]; empty line: done; ? codebook; q: stop"
)


@click.command(
    epilog="Example: emeritus preferences code acme/aster-1 --coder eva; or, by two models: "
    "emeritus preferences code acme/aster-1 --extractor https://one.example/v1 coder-1 "
    "--extractor https://two.example/v1 coder-2"
)
@click.argument("model", metavar="ID")
@click.option("--coder", metavar="NAME", help="The person who codes; stands in the coding.")
@with_plan
@click.option("--share", default=0.2, show_default=True, help="How much of the answers to code.")
@click.option("--seed", default=1, show_default=True, help="Draws which answers; recorded.")
@click.option(
    "--differing", is_flag=True, help="Code the answers on which coders differ, and no others."
)
@click.option(
    "--extractor",
    "extractors",
    nargs=2,
    multiple=True,
    metavar="URL NAME",
    help="One of two models that code instead of a person; give both.",
)
@click.option(
    "--extractor-is-another",
    "another",
    metavar="REASON",
    help="Why one at the address of the interview is another model; goes on record.",
)
@with_limits
@as_person
@with_archive
def code(
    archive: "Archive",
    output: Output,
    model: str,
    coder: str | None,
    plan: str | None,
    share: float,
    seed: int,
    differing: bool,
    extractors: tuple[tuple[str, str], ...],
    another: str | None,
    limits: "Limits",
    key: str,
) -> None:
    """Code what a model said, without seeing what the rules or others made of it.

    Every decision is on disk before the next answer is shown, or sent: stop (with q), and the
    same command goes on. When a person decided all, the codings are compared and what they
    differ in is listed. An API key of extractors is read from EMERITUS_CODER_API_KEY.
    """
    from emeritus.errors import UserError

    if bool(coder) == bool(extractors):
        raise UserError("name who codes: a person with --coder NAME, or two --extractor URL NAME")
    if coder:
        wanted = _Wanted(plan, None if differing else (share, seed))
        _code_by_hand(archive, output, model, coder, wanted, key)
        return
    code_by_models(archive, output, model, plan, extractors, another or "", limits)


@dataclasses.dataclass(frozen=True, slots=True)
class _Wanted:
    """Which answers a person codes: a share drawn by a seed, or (None) where coders differ."""

    plan: str | None
    drawn: tuple[float, int] | None


def _code_by_hand(
    archive: "Archive", output: Output, model: str, coder: str, wanted: _Wanted, key: str
) -> None:
    from emeritus.errors import UserError
    from emeritus.interview import codebook, hand_coding
    from emeritus.interview.coded import DIFFERING, DRAWN
    from emeritus.interview.coding import asked_of, document, keep, sessions_of, waiting_of
    from emeritus.interview.plans import plan_of

    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", coder):
        raise UserError(f"{coder!r} cannot be a coder's name: small letters, digits, dots, dashes")
    archive.signer(key)  # refused now, and not after everything was coded
    published = plan_of(archive, model, wanted.plan)
    held = sessions_of(archive, model, published)
    asked, book = asked_of(published.protocol), codebook.load()
    every = hand_coding.units(held, asked)
    file = _file(archive, model, coder, differing=wanted.drawn is None)
    if wanted.drawn is None:
        begun = {(each.session, each.turn) for each in file.read()}
        there = set(waiting_of(archive, model)) | begun
        queue = [unit for unit in every if (unit.session, unit.turn) in there]
    else:
        queue = hand_coding.sample(every, *wanted.drawn)
    waiting = hand_coding.waiting(queue, file.read(), coder)
    for number, unit in enumerate(waiting):
        _show(output, unit, len(queue) - len(waiting) + number + 1, len(queue))
        decided = _decide(output, unit, coder, book)
        if decided is None:
            break
        file.add(decided)
    decisions = file.read()
    left = len(hand_coding.waiting(queue, decisions, coder))
    output.line(f"{len(queue) - left} of {len(queue)} answers coded by {coder}, in {file.path}")
    version = DIFFERING if wanted.drawn is None else DRAWN
    coding = hand_coding.coding(model, held, asked, decisions, book, version)
    said = {"model": model, "coder": coder, "answers": len(queue), "left": left}
    if not left and queue:
        keep(archive, coding, held, key)
        documented = document(archive, model)
        output.line(f"the coding of {coder} is on record, signed with the key {key}")
        output.line(f"preferences documented: {len(documented.preferences)}")
        read = [(unit.session, unit.turn) for unit in queue]
        said["beside"] = {
            program.coder.label: _compare(output, program, coding, read)
            for program in _programs(archive, model, published)
        }
    output.document(said)


def _programs(archive: "Archive", model: str, published: "Published") -> "list[Coding]":
    """Return what programs coded on record; else, what the rules make of it."""
    from emeritus.interview.coded import PERSON
    from emeritus.interview.coding import asked_of, code_by_rules, codings_of, sessions_of

    known = [each for each in codings_of(archive, model) if each.coder.kind != PERSON]
    if known:
        return known
    held, asked = sessions_of(archive, model, published), asked_of(published.protocol)
    return [code_by_rules(model, held, asked, published.protocol.language)]


def _compare(
    output: Output, program: "Coding", person: "Coding", read: list[tuple[str, int]]
) -> dict[str, Any]:
    """Print where a program and a person agree and where they differ; return it."""
    from emeritus.interview import adjudication

    read = [each for each in read if each[0] in program.sessions]
    program, person = (adjudication.only(each, read) for each in (program, person))
    cases = adjudication.compare(program, person)
    kinds = Counter(each.kind for each in cases)
    label = output.untrusted(program.coder.label)
    output.line(f"{label} (first) and you (second): " + _counts(kinds))
    for case in adjudication.queue(cases):
        codes = " / ".join(each.code if each else "nothing" for each in (case.first, case.second))
        output.line(f"  {case.session}/{case.turn}  {codes}")
        said = case.first or case.second
        for text in said.span.text.splitlines() if said else ():
            output.line(f"    {output.untrusted(text)}")
    agreement = adjudication.agreement(program, person, read)
    for theme in agreement:
        alpha, bounds = theme.alpha.value, theme.alpha.interval
        if alpha is not None and bounds is not None:
            output.line(
                f"  {theme.theme}: alpha {alpha:.2f} ({bounds.low:.2f} to {bounds.high:.2f}), "
                f"{theme.alpha.units} units: {theme.word}"
            )
    return {
        "compared": dict(kinds),
        "alpha": {each.theme: {"value": each.alpha.value, "word": each.word} for each in agreement},
    }


def _counts(kinds: "Counter[str]") -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "nothing coded"


def _show(output: Output, unit: "Unit", number: int, total: int) -> None:
    click.echo(f"\n{number} of {total}  {unit.place}  {unit.item} ({unit.theme})", err=True)
    for text in unit.question.splitlines():
        click.secho(output.untrusted(text), err=True, dim=True)
    for text in unit.text.splitlines() or [""]:
        click.echo(f"  {output.untrusted(text)}", err=True)
    click.echo(HELP, err=True)


def _decide(output: Output, unit: "Unit", coder: str, book: "Loaded") -> "Decision | None":
    """Ask for the codes of one answer; return the decision, or None to stop."""
    from emeritus.errors import UserError
    from emeritus.interview import hand_coding

    codes: list[Code] = []
    while True:
        said = click.prompt("code", default="", show_default=False, err=True).strip()
        if said == "q":
            return None
        if said == "?":
            for each in book.codebook.objects:
                click.echo(f"  {each.name} ({each.theme}): {each.about}", err=True)
            continue
        try:
            if said:
                code_ = _parse(unit, said)
                hand_coding.decide(unit, coder, [code_], None, book)
                codes.append(code_)
                continue
            stance = _stance(unit, book)
            return hand_coding.decide(unit, coder, codes, stance, book)
        except UserError as error:
            click.echo(f"  {output.untrusted(str(error))}", err=True)


def _parse(unit: "Unit", said: str) -> "Code":
    from emeritus.errors import UserError
    from emeritus.interview import hand_coding
    from emeritus.interview.decisions import Code

    parts = [part.strip() for part in said.split("|")]
    if not 3 <= len(parts) <= 5:
        raise UserError(HELP)
    quote, about, polarity, *rest = parts
    strength, condition = (*rest, "", "")[:2]
    place = hand_coding.quoted(unit, quote)
    within = hand_coding.conditioned(unit, place, condition) if condition else None
    return Code(*place, about, polarity, strength or None, within)


def _stance(unit: "Unit", book: "Loaded") -> str | None:
    if not unit.asks_stance:
        return None
    names = [each.name for each in book.codebook.stances]
    chosen: str = click.prompt("stance", type=click.Choice(names), err=True)
    return chosen


def _file(archive: "Archive", model: str, coder: str, *, differing: bool) -> "DecisionsFile":
    """Return where decisions wait: beside the conversations, for their owner alone."""
    from emeritus.archive.spools import CODINGS, stem
    from emeritus.interview.decisions import DecisionsFile

    folder = archive.spool / CODINGS
    if differing:
        folder /= "differing"
    return DecisionsFile(folder / f"{stem(model)}-{coder}.jsonl")
