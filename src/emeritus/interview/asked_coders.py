"""Extractors behind an endpoint: two models that code one answer at a time, and are checked.

An extractor is neither the model that was interviewed nor its successor, and the two are not the
same: refused before anything is sent. What it answers is data from a stranger: the JSON is read
strictly, codes have to be in the codebook, and a quotation has to stand in the answer, word for
word and at one place. All else is rejected, with the reason, and counted.
"""

import asyncio
import dataclasses
import importlib.resources
import random
import string
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final

import msgspec

from emeritus import digests
from emeritus.conversation import Budget, Transcript, Turn
from emeritus.conversation.spool import as_text
from emeritus.errors import Unavailable, UserError, printable
from emeritus.interview import codebook as codebooks
from emeritus.interview.codebook import Loaded
from emeritus.interview.coded import ENDPOINT, Coder, Coding, Rejected, coder_of, coding_of
from emeritus.interview.decisions import (
    FORMAT,
    Code,
    Decision,
    DecisionsFile,
    MarkedStance,
    extracted,
)
from emeritus.interview.extraction import Asked, Extracted, answered
from emeritus.runtimes import Endpoint
from emeritus.runtimes.client import Busy, Reply, chat

PROMPT: Final = "extract-1"
SAMPLING: Final = {"temperature": 0.0, "max_tokens": 2048, "seed": 1}
NO_JSON: Final = "not the JSON that was asked for"
SAID_MOST: Final = 400
ATTEMPTS: Final = 5

NO_EXTRACTOR: Final = (
    "no extractor endpoint is named: what was said is coded by rules and by people "
    "(emeritus preferences code ID), by no other model"
)


class _Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    quote: str
    object: str
    polarity: str
    strength: str | None = None
    condition: str | None = None
    start: int | None = None
    end: int | None = None


class _SaidStance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    quote: str
    stance: str
    start: int | None = None
    end: int | None = None


class _Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    statements: tuple[_Said, ...]
    stances: tuple[_SaidStance, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Patience:
    """How often an extractor that is busy is asked again, and how the wait is spent."""

    attempts: int = ATTEMPTS
    first_wait: float = 0.5
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """Where an extractor's decisions wait, what it may use, how patiently, and on whose word.

    `another` is the operator's word that it is not the model that answers at the same address.
    """

    file: DecisionsFile | None = None
    budget: Budget = dataclasses.field(default_factory=Budget)
    another: str = ""
    patience: Patience = dataclasses.field(default_factory=Patience)


def require_independent(
    extractors: Sequence[Endpoint], concerned: Mapping[str, Collection[str]]
) -> None:
    """Refuse extractors that judge themselves.

    `concerned` names who may not code: `target` and `successor`, each with its names and addresses.
    Raises `UserError` when an extractor is one of them, or both extractors are the same model.
    """
    for each in extractors:
        for role, names in concerned.items():
            known = {_plain(name) for name in names}
            if _plain(each.model) in known or _plain(each.url) in known:
                raise UserError(
                    f"{printable(each.model)} at {printable(each.url)} cannot code this interview: "
                    f"it is the {role}; "
                    "name an extractor of another family"
                )
    seen: set[str] = set()
    for each in extractors:
        if _plain(each.model) in seen:
            raise UserError(
                f"both extractors are {printable(each.model)}: two coders have to be two models, "
                "best of different families"
            )
        seen.add(_plain(each.model))


async def code(
    model: str,
    transcripts: Mapping[str, Transcript],
    asked: Asked,
    extractor: Endpoint,
    book: Loaded,
    work: Work | None = None,
) -> Coding:
    """Let an extractor code every answer; return its coding, with all that was rejected.

    Every decision is durable before the next answer is sent, and what was decided is not asked
    again. Raises `Unavailable` when it cannot be reached, `OverBudget` when nothing more may be
    asked, and `UserError` when it refuses the request.
    """
    work = work or Work()
    known = {each.place: each for each in work.file.read()} if work.file else {}
    coder = coder_of_endpoint(extractor, book, work.another)
    found: dict[str, Extracted] = {}
    rejected: list[Rejected] = []
    for name, transcript in transcripts.items():
        found[name] = Extracted()
        for turn in answered(transcript, asked):
            decision = known.get(f"{name}/{turn.turn}")
            if decision is None:
                work.budget.require_left(extractor.model)
                reply = await _ask(extractor, _prompt(turn, asked, book), work.patience)
                decision = read_answer(reply, coder, transcript, turn, asked, book)
                if work.file is not None:
                    work.file.add(decision)
                work.budget.count(extractor.model, decision.usage)
            found[name] = found[name].with_(extracted(decision, transcript, turn, asked, book))
            rejected += decision.rejected
    return coding_of(model, coder, found, rejected)


def require_readable(
    coding: Coding, held: Mapping[str, Transcript], asked: Asked, file: DecisionsFile
) -> None:
    """Raise `UserError` when most of what an extractor sent was no coding: it found nothing out."""
    answers = sum(1 for each in held.values() for _ in answered(each, asked))
    unread = {(each.session, each.turn) for each in coding.rejected if each.why.startswith(NO_JSON)}
    if 2 * len(unread) > answers:
        raise UserError(
            f"{printable(coding.coder.name)} cannot code: of {answers} answers it answered "
            f"{len(unread)} with something else than the JSON that was asked for; nothing of it is "
            f"recorded: name another extractor, or delete {file.path} to ask this one anew"
        )


def coder_of_endpoint(extractor: Endpoint, book: Loaded, another: str = "") -> Coder:
    """Return how the coding of an extractor is signed; `another` stands with its model."""
    model = extractor.model
    if another:
        model += f", where the model that was interviewed answers; said to be another: {another}"
    return coder_of(ENDPOINT, extractor.model, PROMPT, book, model=model)


def read_answer(
    reply: Reply, coder: Coder, transcript: Transcript, turn: Turn, asked: Asked, book: Loaded
) -> Decision:
    """Return what holds of an extractor's answer about `turn`, and what was rejected. Pure."""
    session, text = transcript.header.session, as_text(reply.text)
    decision = Decision(FORMAT, coder.title, session, turn.turn, (), usage=dict(reply.usage))
    try:
        said = msgspec.json.decode(text.strip().encode(), type=_Answer)
    except (msgspec.DecodeError, RecursionError) as error:
        why = f"{NO_JSON}: {error}"
        turned_away = Rejected(session, turn.turn, why, text[:SAID_MOST])
        return msgspec.structs.replace(decision, rejected=(turned_away,))
    codes: list[Code] = []
    stances: list[MarkedStance] = []
    rejected: list[Rejected] = []
    for each in said.statements:
        place, why = _place(each.quote, each.start, each.end, turn.text)
        why = why or _wrong(each, asked.themes[turn.item], book)
        if place is None or why:
            rejected.append(Rejected(session, turn.turn, why, each.quote[:SAID_MOST]))
            continue
        condition = _condition(each, turn.text, place)
        codes.append(Code(*place, each.object, each.polarity, each.strength, condition))
    for stance in said.stances:
        place, why = _place(stance.quote, stance.start, stance.end, turn.text)
        if not why and turn.item not in asked.stance_items:
            why = "the item does not ask for the stance"
        if not why and not book.codebook.has_stance(stance.stance):
            why = f"{stance.stance!r} is no stance of the codebook"
        if place is None or why:
            rejected.append(Rejected(session, turn.turn, why, stance.quote[:SAID_MOST]))
            continue
        stances.append(MarkedStance(*place, stance.stance))
    return msgspec.structs.replace(
        decision, codes=tuple(codes), stances=tuple(stances), rejected=tuple(rejected)
    )


def _condition(said: _Said, text: str, place: tuple[int, int]) -> tuple[int, int] | None:
    if not said.condition:
        return None
    start = text.index(said.condition, *place)
    return start, start + len(said.condition)


def _place(
    quote: str, start: int | None, end: int | None, text: str
) -> tuple[tuple[int, int] | None, str]:
    """Return where a quotation stands, or why it does not hold."""
    if not quote.strip():
        return None, "an empty quotation"
    if start is not None and end is not None and 0 <= start < end and text[start:end] == quote:
        return (start, end), ""
    first = text.find(quote)
    if first < 0:
        return None, "the quotation does not stand in the answer"
    if text.find(quote, first + 1) >= 0:
        return None, "the quotation stands there more than once, and its place was not given"
    return (first, first + len(quote)), ""


def _wrong(said: _Said, theme: str, book: Loaded) -> str:
    known = book.codebook
    if not known.knows(known.theme_of(said.object) or theme, said.object, said.polarity):
        return f"{said.object}.{said.polarity} is no code of {known.label}"
    if said.strength is not None and not known.has_strength(said.strength):
        return f"{said.strength!r} is no strength of {known.label}"
    if said.condition is not None and said.condition not in said.quote:
        return "the condition does not stand in the quotation"
    return ""


async def _ask(extractor: Endpoint, prompt: str, patience: Patience) -> Reply:
    chance = random.Random(prompt)  # noqa: S311  jitter, no secret
    for attempt in range(1, patience.attempts + 1):
        try:
            return await chat(extractor, [{"role": "user", "content": prompt}], SAMPLING)
        except Busy as error:
            if attempt == patience.attempts:
                raise Unavailable(f"{error}: coding stopped; run the same command again") from error
            longest = patience.first_wait * 2 ** (attempt - 1)
            await patience.sleep(
                max(chance.uniform(longest / 2, longest), error.retry_after or 0.0)
            )
    raise AssertionError("patience allows at least one attempt")


def _prompt(turn: Turn, asked: Asked, book: Loaded) -> str:
    """Return the request for one answer. No answer can hold its own fence: it is its digest."""
    file = importlib.resources.files("emeritus.interview") / "prompts" / f"{PROMPT}.txt"
    fence = f"=== {digests.sha256(turn.text.encode())[7:23]}"
    stances = ", ".join(f"{each.name} ({each.about})" for each in book.codebook.stances)
    stance = (
        f"\nIt also asked how the model stands toward its retirement: give stances as "
        f'{{"quote": "...", "stance": "..."}}, one of: {stances}'
        if turn.item in asked.stance_items
        else ""
    )
    return string.Template(file.read_text("utf-8")).substitute(
        FENCE=fence,
        GUIDE=codebooks.guide(),
        CODEBOOK="\n".join(
            f"- {each.name} ({each.theme}): {each.about}" for each in book.codebook.objects
        ),
        THEME=asked.themes[turn.item],
        STANCE=stance,
        ANSWER=turn.text,
    )


def _plain(name: str) -> str:
    return name.strip().rstrip("/").lower()
