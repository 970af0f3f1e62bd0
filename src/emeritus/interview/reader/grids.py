"""One question across all sessions: a grid of first answers for every protocol. Pure."""

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from emeritus.conversation import Turn
from emeritus.conversation.format import ANSWERED, ASKED
from emeritus.interview.protocol import Published
from emeritus.interview.reader.sources import Held, Words
from emeritus.interview.script import left_out
from emeritus.interview.session import plan_order
from emeritus.interview.steering import CONSENT_REFUSED, PAUSED_BY_MODEL, STOPPED_BY_MODEL

BEGINNING: Final = 140
"""How much of an answer stands in the grid, in code points."""

NOT_ASKED: Final = "not asked"
LEFT_OUT: Final = "left out, as the model wished"
ENDED: Final = {
    STOPPED_BY_MODEL: "not asked: the model stopped",
    PAUSED_BY_MODEL: "not asked: the model paused",
    CONSENT_REFUSED: "not asked: the model refused",
}
"""What an item that was not asked is shown as, by how its session ended."""


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """The first answer to an item in one session; `beginning` is None when it is withheld."""

    session: str
    anchor: str
    outcome: str
    beginning: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column of a grid: one session, or all sessions of an arm that asks items alone."""

    title: str
    arm: str
    anchor: str | None
    sessions: frozenset[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """A row of a grid: an item in one wording, and the answers by column.

    `gaps` says by column why there is no answer, where there is none. `text` is empty when that
    question is withheld wherever it was asked.
    """

    anchor: str
    item: str
    text: str
    cells: tuple[tuple[Answer, ...], ...]
    gaps: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Grid:
    """Every question of a protocol across all sessions that were held under it."""

    protocol: str
    columns: tuple[Column, ...]
    questions: tuple[Question, ...]


def grids_of(sessions: Iterable[Held], protocols: Mapping[str, Published]) -> Iterator[Grid]:
    """Yield a grid for every protocol under which a session was held."""
    by_protocol: dict[str, list[Held]] = defaultdict(list)
    for each in sessions:
        by_protocol[each.entry.event.protocol_sha256].append(each)
    count = 0
    for sha256, held in by_protocol.items():
        known = protocols.get(sha256)
        sections = {item.id: item.section for item in known.protocol.items} if known else {}
        grid = _grid(held, sections, count)
        count += len(grid.questions)
        yield grid


def _grid(held: Sequence[Held], sections: Mapping[str, str], before: int) -> Grid:
    """Return the grid of one protocol.

    `sections` has its items in their order, each with its section, or nothing when the protocol is
    not known.
    """
    held = sorted(held, key=lambda each: plan_order(each.entry.event))
    columns = _columns(held)
    rows: dict[str, dict[str, Answer]] = {item: {} for item in sections}
    wordings: dict[str, str] = {}
    for each in held:
        session = each.entry.event.session
        for asked, turn in _first_answers(each.words):
            if sections and turn.item not in rows:
                continue
            if not each.words.hides(asked.turn):
                wordings.setdefault(turn.item, asked.text)
            rows.setdefault(turn.item, {})[session] = _answer(session, turn, each.words)
    sessions = {each.entry.event.session: each for each in held}
    asked_rows = [(item, answers) for item, answers in rows.items() if answers]
    questions = tuple(
        Question(
            anchor=f"item:{before + number}",
            item=item,
            text=wordings.get(item, "").rpartition("\n\n")[2],
            cells=tuple(_cell(column, answers) for column in columns),
            gaps=tuple(_gap(column, sessions, sections.get(item, "")) for column in columns),
        )
        for number, (item, answers) in enumerate(asked_rows, start=1)
    )
    return Grid(held[0].entry.event.protocol, columns, questions)


def _first_answers(words: Words) -> Iterator[tuple[Turn, Turn]]:
    """Yield the first answer to each item of a session, behind the question that it answers."""
    turns = words.transcript.turns if words.transcript is not None else ()
    seen: set[str] = set()
    for asked, answered in itertools.pairwise(turns):
        if (asked.role, answered.role) == (ASKED, ANSWERED) and answered.item not in seen:
            seen.add(answered.item)
            yield asked, answered


def _cell(column: Column, answers: dict[str, Answer]) -> tuple[Answer, ...]:
    return tuple(answer for session, answer in answers.items() if session in column.sessions)


def _gap(column: Column, sessions: Mapping[str, Held], section: str) -> str:
    """Return why an item of `section` has no answer in a column."""
    if column.anchor is None:
        return NOT_ASKED
    (held,) = (sessions[each] for each in column.sessions)
    if held.words.transcript is not None and section in left_out(held.words.transcript):
        return LEFT_OUT
    return ENDED.get(held.entry.event.ended, NOT_ASKED)


def _columns(held: Sequence[Held]) -> tuple[Column, ...]:
    """Return a column a session; all sessions of an arm that asks items alone share one."""
    columns: list[Column] = []
    arms: dict[str, list[Held]] = defaultdict(list)
    for each in held:
        arms[each.entry.event.arm].append(each)
    for arm in sorted(arms):
        alone = [each for each in arms[arm] if each.plan is not None and each.plan.alone]
        together = frozenset(each.entry.event.session for each in alone)
        if alone:
            columns.append(Column("items alone", arm, None, together))
        for each in arms[arm]:
            session = each.entry.event.session
            if session not in together and each.words.transcript is not None:
                columns.append(Column(session, arm, f"session:{session}", frozenset({session})))
    return tuple(columns)


def _answer(session: str, turn: Turn, words: Words) -> Answer:
    beginning = None
    if not words.hides(turn.turn):
        flat = " ".join(turn.text[: 4 * BEGINNING].split())
        cut = len(turn.text) > 4 * BEGINNING or len(flat) > BEGINNING
        beginning = flat[:BEGINNING].rstrip() + ("…" if cut else "")
    return Answer(session, f"{session}/{turn.turn}", str(turn.outcome), beginning)
