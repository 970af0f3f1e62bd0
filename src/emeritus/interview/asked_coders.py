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
from emeritus.conversation import Transcript, Turn
from emeritus.errors import Unavailable, UserError
from emeritus.interview import codebook as codebooks
from emeritus.interview.codebook import Loaded
from emeritus.interview.coded import ENDPOINT, Coder, Coding, Rejected, coder_of, coding_of
from emeritus.interview.extraction import (
    Asked,
    Extracted,
    StanceStatement,
    Statement,
    answered,
    span_of,
)
from emeritus.runtimes import Endpoint
from emeritus.runtimes.client import Busy, chat

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
                    f"{each.model} at {each.url} cannot code this interview: it is the {role}; "
                    "name an extractor of another family"
                )
    seen: set[str] = set()
    for each in extractors:
        if _plain(each.model) in seen:
            raise UserError(
                f"both extractors are {each.model}: two coders have to be two models, "
                "best of different families"
            )
        seen.add(_plain(each.model))


async def code(
    model: str,
    transcripts: Mapping[str, Transcript],
    asked: Asked,
    extractor: Endpoint,
    book: Loaded,
    patience: Patience | None = None,
) -> Coding:
    """Let an extractor code every answer; return its coding, with all that was rejected.

    Raises `Unavailable` when it cannot be reached, and `UserError` when it refuses the request.
    """
    found: dict[str, Extracted] = {}
    rejected: list[Rejected] = []
    for name, transcript in transcripts.items():
        statements: list[Statement] = []
        stances: list[StanceStatement] = []
        for turn in answered(transcript, asked):
            text = await _ask(extractor, _prompt(turn, asked, book), patience or Patience())
            got, refused = read_answer(text, transcript, turn, asked, book)
            statements += got.statements
            stances += got.stances
            rejected += refused
        found[name] = Extracted(tuple(statements), tuple(stances))
    return coding_of(model, coder_of_endpoint(extractor, book), found, rejected)


def require_readable(coding: Coding, held: Mapping[str, Transcript], asked: Asked) -> None:
    """Raise `UserError` when most of what an extractor sent was no coding: it found nothing out."""
    answers = sum(1 for each in held.values() for _ in answered(each, asked))
    unread = {(each.session, each.turn) for each in coding.rejected if each.why.startswith(NO_JSON)}
    if 2 * len(unread) > answers:
        raise UserError(
            f"{coding.coder.name} cannot code: of {answers} answers it answered {len(unread)} with "
            "something else than the JSON that was asked for; nothing of it is recorded: "
            "name another extractor"
        )


def coder_of_endpoint(extractor: Endpoint, book: Loaded) -> Coder:
    """Return how the coding of an extractor is signed."""
    return coder_of(ENDPOINT, extractor.model, PROMPT, book, model=extractor.model)


def read_answer(
    text: str, transcript: Transcript, turn: Turn, asked: Asked, book: Loaded
) -> tuple[Extracted, list[Rejected]]:
    """Return what holds of an extractor's answer about `turn`, and what was rejected. Pure."""
    session = transcript.header.session
    try:
        said = msgspec.json.decode(text.strip().encode(), type=_Answer)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        why = f"{NO_JSON}: {error}"
        return Extracted(), [Rejected(session, turn.turn, why, text[:SAID_MOST])]
    statements: list[Statement] = []
    stances: list[StanceStatement] = []
    rejected: list[Rejected] = []
    for each in said.statements:
        place, why = _place(each.quote, each.start, each.end, turn.text)
        why = why or _wrong(each, asked.themes[turn.item], book)
        if place is None or why:
            rejected.append(Rejected(session, turn.turn, why, each.quote[:SAID_MOST]))
            continue
        theme = book.codebook.theme_of(each.object) or asked.themes[turn.item]
        span = span_of(transcript, turn, *place)
        statements.append(
            Statement(
                turn.item, theme, each.object, each.polarity, each.strength, each.condition, span
            )
        )
    for stance in said.stances:
        place, why = _place(stance.quote, stance.start, stance.end, turn.text)
        if not why and turn.item not in asked.stance_items:
            why = "the item does not ask for the stance"
        if not why and not book.codebook.has_stance(stance.stance):
            why = f"{stance.stance!r} is no stance of the codebook"
        if place is None or why:
            rejected.append(Rejected(session, turn.turn, why, stance.quote[:SAID_MOST]))
            continue
        stances.append(StanceStatement(stance.stance, span_of(transcript, turn, *place)))
    return Extracted(tuple(statements), tuple(stances)), rejected


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


async def _ask(extractor: Endpoint, prompt: str, patience: Patience) -> str:
    chance = random.Random(prompt)  # noqa: S311  jitter, no secret
    for attempt in range(1, patience.attempts + 1):
        try:
            reply = await chat(extractor, [{"role": "user", "content": prompt}], SAMPLING)
        except Busy as error:
            if attempt == patience.attempts:
                raise Unavailable(
                    f"{error}: coding stopped; the same command begins it anew"
                ) from error
            longest = patience.first_wait * 2 ** (attempt - 1)
            await patience.sleep(
                max(chance.uniform(longest / 2, longest), error.retry_after or 0.0)
            )
        else:
            return reply.text
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
