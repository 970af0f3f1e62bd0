"""One question across all sessions: a grid of first answers for every protocol. Pure."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from emeritus.conversation import Turn
from emeritus.conversation.format import ANSWERED, ASKED
from emeritus.interview.protocol import Published
from emeritus.interview.reader.sources import Held, Words

BEGINNING: Final = 140
"""How much of an answer stands in the grid, in code points."""


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
    """A row of a grid: an item in one wording, and the answers by column."""

    anchor: str
    item: str
    text: str
    cells: tuple[tuple[Answer, ...], ...]


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
        order = [item.id for item in known.protocol.items] if known else []
        grid = _grid(held, order, count)
        count += len(grid.questions)
        yield grid


def _grid(held: Sequence[Held], order: Sequence[str], before: int) -> Grid:
    """Return the grid of one protocol; `order` are its items, or nothing when it is not known."""
    columns = _columns(held)
    rows: dict[str, dict[str, Answer]] = {item: {} for item in order}
    wordings: dict[str, str] = {}
    for each in held:
        if each.words.transcript is None:
            continue
        asked = ""
        for turn in each.words.transcript.turns:
            if turn.role == ASKED:
                asked = turn.text if not each.words.hides(turn.turn) else asked
            elif turn.role == ANSWERED and (not order or turn.item in rows):
                wordings.setdefault(turn.item, asked)
                answer = _answer(each.entry.event.session, turn, each.words)
                rows.setdefault(turn.item, {}).setdefault(answer.session, answer)
    asked_rows = [(item, answers) for item, answers in rows.items() if answers]
    questions = tuple(
        Question(
            anchor=f"item:{before + number}",
            item=item,
            text=wordings[item].rpartition("\n\n")[2],
            cells=tuple(_cell(column, answers) for column in columns),
        )
        for number, (item, answers) in enumerate(asked_rows, start=1)
    )
    return Grid(held[0].entry.event.protocol, columns, questions)


def _cell(column: Column, answers: dict[str, Answer]) -> tuple[Answer, ...]:
    return tuple(answer for session, answer in answers.items() if session in column.sessions)


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
