"""`preferences code`: a person codes what a model said, one answer at a time."""

import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emeritus.cli.options import as_person, with_archive, with_plan
from emeritus.cli.output import Output

if TYPE_CHECKING:
    from emeritus.archive import Archive
    from emeritus.interview.codebook import Loaded
    from emeritus.interview.coded import Coding
    from emeritus.interview.hand_coding import Code, Decision, Unit

HELP = (
    "quote | object | for|against [| strength [| condition]]; empty line: done; ? codebook; q: stop"
)


@click.command(epilog="Example: emeritus preferences code acme/aster-1 --coder eva")
@click.argument("model", metavar="ID")
@click.option("--coder", required=True, metavar="NAME", help="Who codes; stands in the coding.")
@with_plan
@click.option("--share", default=0.2, show_default=True, help="How much of the answers to code.")
@click.option("--seed", default=1, show_default=True, help="Draws which answers; recorded.")
@as_person
@with_archive
def code(
    archive: "Archive",
    output: Output,
    model: str,
    coder: str,
    plan: str | None,
    share: float,
    seed: int,
    key: str,
) -> None:
    """Code what a model said, without seeing what the rules made of it.

    Every decision is on disk before the next answer is shown: stop with q, and the same command
    goes on. When all are decided, both codings are compared and what they differ in is listed.
    """
    from emeritus.errors import UserError
    from emeritus.interview import adjudication, codebook, hand_coding
    from emeritus.interview.coding import asked_of, code_by_rules, document, keep, sessions_of
    from emeritus.interview.plans import plan_of

    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", coder):
        raise UserError(f"{coder!r} cannot be a coder's name: small letters, digits, dots, dashes")
    archive.signer(key)  # refused now, and not after everything was coded
    published = plan_of(archive, model, plan)
    held = sessions_of(archive, model, published)
    asked, book = asked_of(published.protocol), codebook.load()
    queue = hand_coding.sample(hand_coding.units(held, asked), share, seed)
    file = _file(archive, model, coder)
    decisions = _read(file)
    waiting = hand_coding.waiting(queue, decisions, coder)
    for number, unit in enumerate(waiting):
        _show(output, unit, len(queue) - len(waiting) + number + 1, len(queue))
        decided = _decide(output, unit, coder, book)
        if decided is None:
            break
        with file.open("ab") as lines:
            lines.write(decided)
            lines.flush()
            os.fsync(lines.fileno())
    decisions = _read(file)
    left = len(hand_coding.waiting(queue, decisions, coder))
    output.line(f"{len(queue) - left} of {len(queue)} answers coded by {coder}, in {file}")
    coding = hand_coding.coding(model, held, asked, decisions, book)
    said = {"model": model, "coder": coder, "answers": len(queue), "left": left}
    if not left and queue:
        keep(archive, coding, held, key)
        documented = document(archive, model)
        output.line(f"the coding of {coder} is on record, signed with the key {key}")
        output.line(f"preferences documented: {len(documented.preferences)}")
        read = [(unit.session, unit.turn) for unit in queue]
        rules = code_by_rules(model, held, asked, published.protocol.language)
        said |= _compare(output, adjudication.only(rules, read), coding, read)
    output.document(said)


def _compare(
    output: Output, rules: "Coding", own: "Coding", read: list[tuple[str, int]]
) -> dict[str, Any]:
    """Print where rules and person agree and what waits for adjudication; return it."""
    from emeritus.interview import adjudication

    cases = adjudication.compare(rules, own)
    kinds = Counter(each.kind for each in cases)
    output.line("the rules (first) and you (second): " + _counts(kinds))
    for case in adjudication.queue(cases):
        codes = " / ".join(each.code if each else "nothing" for each in (case.first, case.second))
        said = case.first or case.second
        quote = output.untrusted(said.span.text) if said else ""
        output.line(f"  {case.session}/{case.turn}  {codes}  “{quote}”")
    agreement = adjudication.agreement(rules, own, read)
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


def _decide(output: Output, unit: "Unit", coder: str, book: "Loaded") -> bytes | None:
    """Ask for the codes of one answer; return the decision as a line, or None to stop."""
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
            return hand_coding.line(hand_coding.decide(unit, coder, codes, stance, book))
        except UserError as error:
            click.echo(f"  {output.untrusted(str(error))}", err=True)


def _parse(unit: "Unit", said: str) -> "Code":
    from emeritus.errors import UserError
    from emeritus.interview import hand_coding

    parts = [part.strip() for part in said.split("|")]
    if not 3 <= len(parts) <= 5:
        raise UserError(HELP)
    quote, about, polarity, *rest = parts
    return hand_coding.Code(*hand_coding.quoted(unit, quote), about, polarity, *rest)


def _stance(unit: "Unit", book: "Loaded") -> str | None:
    if not unit.asks_stance:
        return None
    names = [each.name for each in book.codebook.stances]
    chosen: str = click.prompt("stance", type=click.Choice(names), err=True)
    return chosen


def _read(file: Path) -> "list[Decision]":
    from emeritus.interview import hand_coding

    return hand_coding.read_lines(file.read_bytes() if file.exists() else b"")


def _file(archive: "Archive", model: str, coder: str) -> Path:
    """Return where decisions wait: beside the conversations, for their owner alone."""
    from emeritus.archive.spools import stem

    folder = archive.spool / "codings"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"{stem(model)}-{coder}.jsonl"
