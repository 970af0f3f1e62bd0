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
import re
import string
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import msgspec

from emeritus import canonical, digests
from emeritus.conversation import Budget, Patience, Run, Transcript, Turn
from emeritus.conversation.run import what_waits
from emeritus.conversation.spool import as_text
from emeritus.errors import EmeritusError, UserError, printable
from emeritus.interview import codebook as codebooks
from emeritus.interview.codebook import Loaded
from emeritus.interview.coded import (
    ENDPOINT,
    UNREAD,
    Coder,
    Coding,
    Rejected,
    coder_of,
    coding_of,
)
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
from emeritus.runtimes.apis import api
from emeritus.runtimes.client import Reply

PROMPT: Final = "extract-1"
SAMPLING: Final = {"temperature": 0.0, "max_tokens": 2048, "seed": 1}
SAID_MOST: Final = 400
AT_ONCE: Final = 8
UNREAD_FIRST: Final = 20
"""So many first answers of which none is a coding: it cannot code, and is not asked on."""

_FENCED: Final = re.compile(r"```(?:json)?[ \t]*\n(.*?)\n?```", re.DOTALL)
"""A fence around the JSON, which many models put there; nothing may stand beside it."""

Told = Callable[[str, int, int], None]

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
class Work:
    """Where an extractor's decisions wait, what it may use, how patiently, and on whose word.

    `another` is the operator's word that it is not the model that answers at the same address.
    """

    file: DecisionsFile | None = None
    budget: Budget = dataclasses.field(default_factory=Budget)
    another: str = ""
    patience: Patience = dataclasses.field(default_factory=Patience)
    told: Told | None = None


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

    `AT_ONCE` answers are under way together, or one where there is a limit. Every decision is
    durable when it came, and what was decided is not asked again. Raises `Unavailable` when it
    cannot be reached, `OverBudget` when nothing more may be asked, and `UserError` when it refuses
    the request or sends no coding.
    """
    work = work or Work()
    asking = _Asking(extractor, asked, book, work)
    answers = [(transcript, turn) for transcript in transcripts.values()
               for turn in answered(transcript, asked)]  # fmt: skip
    await asking.decide(answers)
    found = {name: Extracted() for name in transcripts}
    rejected: list[Rejected] = []
    for transcript, turn in answers:
        name = transcript.header.session
        decision = asking.decisions[f"{name}/{turn.turn}"]
        found[name] = found[name].with_(extracted(decision, transcript, turn, asked, book))
        rejected += decision.rejected
    return coding_of(model, asking.coder, found, rejected)


class _Asking:
    """One extractor while it is asked; `decisions` are those that are there, by their answers."""

    def __init__(self, extractor: Endpoint, asked: Asked, book: Loaded, work: Work) -> None:
        self.coder = coder_of_endpoint(extractor, book, work.another)
        known = work.file.read() if work.file else []
        self.decisions: dict[str, Decision] = {each.place: each for each in known}
        self._extractor, self._asked, self._book, self._work = extractor, asked, book, work
        self._api = api(extractor.api)
        self._request = self._api.request(extractor.model, SAMPLING)
        self._failed: list[EmeritusError] = []

    async def decide(self, answers: Sequence[tuple[Transcript, Turn]]) -> None:
        """Ask about every answer that nothing is decided of. Raises the first thing that fails."""
        waiting = iter([
            (transcript, turn)
            for transcript, turn in answers
            if f"{transcript.header.session}/{turn.turn}" not in self.decisions
        ])  # fmt: skip

        def tell(more: str = "") -> None:
            if self._work.told is not None:
                label = f"answers by {self._extractor.model}{more}"
                self._work.told(label, len(self.decisions), len(answers))

        def waits(requests: int, seconds: float) -> None:
            tell(f" ({what_waits(requests, seconds)})")

        async def work() -> None:
            while not self._failed and (one := next(waiting, None)) is not None:
                try:
                    await self._decide(run, *one)
                except EmeritusError as error:
                    self._failed.append(error)
                tell()

        tell()
        # What is under way when a limit is reached is paid for: with a limit, that is one answer.
        at_once = 1 if self._work.budget.limited else AT_ONCE
        told = Run(at_once, self._work.budget, waits=waits)
        async with told as run, asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(work())
        if self._failed:
            raise self._failed[0]

    async def _decide(self, run: Run, transcript: Transcript, turn: Turn) -> None:
        name, work = self._extractor.model, self._work
        work.budget.require_left(name)
        prompt = _prompt(turn, self._asked, self._book)
        messages = self._api.messages("user", prompt)
        body = canonical.dumps(self._api.body(self._request, None, messages))
        chance = random.Random(prompt)  # noqa: S311  jitter, no secret
        reply, _ = await run.ask(self._extractor, body, work.patience, chance)
        decision = read_answer(reply, self.coder, transcript, turn, self._asked, self._book)
        if work.file is not None:
            work.file.add(decision)
        self.decisions[decision.place] = decision
        work.budget.count(name, decision.usage)
        if len(self.decisions) >= UNREAD_FIRST and not any(map(_was_read, self.decisions.values())):
            raise _cannot_code(name, f"its first {len(self.decisions)} answers are", work.file)


def _was_read(decision: Decision) -> bool:
    return not any(each.why.startswith(UNREAD) for each in decision.rejected)


def require_readable(
    coding: Coding, held: Mapping[str, Transcript], asked: Asked, file: DecisionsFile
) -> None:
    """Raise `UserError` when most of what an extractor sent was no coding: it found nothing out."""
    answers = sum(1 for each in held.values() for _ in answered(each, asked))
    unread = coding.unread
    if 2 * len(unread) > answers:
        said = f"of {answers} answers it answered {len(unread)} with"
        raise _cannot_code(coding.coder.name, said, file)


def _cannot_code(name: str, said: str, file: DecisionsFile | None) -> UserError:
    anew = "" if file is None else f", or delete {file.path} to ask this one anew"
    return UserError(
        f"{printable(name)} cannot code: {said} something else than the JSON that was asked for; "
        f"nothing of it is recorded: name another extractor{anew}"
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
    fenced = _FENCED.fullmatch(text.strip())
    decision = Decision(FORMAT, coder.title, session, turn.turn, (), usage=dict(reply.usage))
    try:
        said = msgspec.json.decode((fenced[1] if fenced else text).strip().encode(), type=_Answer)
    except (msgspec.DecodeError, RecursionError) as error:
        why = f"{UNREAD}: {error}"
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
