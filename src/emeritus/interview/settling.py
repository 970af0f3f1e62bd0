"""What several coders found becomes one list of statements, each with who coded it. Pure.

What one program alone read stands, under its name. Of two or more that read a session, the first
two count, and what they agree on stands, under both names; what they differ on waits for a person.
An answer about which one of them sent nothing that could be read was read by the other alone.
Where a person read an answer, the person's statements stand, and the person is the adjudicator.
"""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import msgspec

from emeritus.errors import printable
from emeritus.figures import counted
from emeritus.interview.adjudication import AGREED, compare
from emeritus.interview.coded import (
    PERSON,
    UNREAD,
    Answer,
    CodedStance,
    CodedStatement,
    Coding,
    of_sessions,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Settled:
    """A statement that stands: who coded it so, and who decided, where a person did."""

    statement: CodedStatement
    coders: tuple[str, ...]
    adjudicator: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class SettledStance:
    """A stance that stands."""

    stance: CodedStance
    coders: tuple[str, ...]
    adjudicator: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Settlement:
    """What stands of several codings, and the answer of each passage that waits for a person."""

    statements: tuple[Settled, ...]
    stances: tuple[SettledStance, ...]
    waiting: tuple[Answer, ...]


def settle(codings: Sequence[Coding]) -> Settlement:
    """Return what stands of the newest coding of each coder; programs first, in their order."""
    programs = [each for each in codings if each.coder.kind != PERSON]
    people = [each for each in codings if each.coder.kind == PERSON]
    statements, stances, waiting = _of_programs(programs)
    for person in people:
        read = set(person.answers)
        label = (person.coder.label,)
        statements = [each for each in statements if each.statement.answer not in read]
        statements += [Settled(each, label, person.coder.label) for each in person.statements]
        stances = [each for each in stances if each.stance.answer not in read]
        stances += [SettledStance(each, label, person.coder.label) for each in person.stances]
        waiting = [each for each in waiting if each not in read]
    return Settlement(tuple(statements), tuple(stances), tuple(waiting))


def coded_by(codings: Sequence[Coding]) -> dict[tuple[str, ...], int]:
    """Return in how many sessions which coders count: programs, or people where none read it."""
    programs = [each for each in codings if each.coder.kind != PERSON]
    counts = {
        tuple(programs[at].coder.label for at in who): len(names)
        for who, names in _by_readers(programs).items()
    }
    read = {name for each in programs for name in each.sessions}
    for person in codings:
        alone = set(person.sessions) - read
        if person.coder.kind == PERSON and alone:
            counts[person.coder.label,] = len(alone)
    return counts


def remarks(codings: Sequence[Coding]) -> tuple[str, ...]:
    """Say of each coder what was not taken of it, and who does not count."""
    said = []
    for coding in codings:
        name = printable(coding.coder.title)
        if coding.unread:
            said.append(f"{name}: {counted(len(coding.unread), 'answer')} not readable")
        lost = Counter(e.why for e in coding.rejected if not e.why.startswith(UNREAD))
        if lost:
            why, most = lost.most_common(1)[0]
            number = counted(lost.total(), "quotation")
            said.append(f"{name}: {number} not taken, {most} of them because {printable(why)}")
    programs = [each for each in codings if each.coder.kind != PERSON]
    counting = {at for who in _by_readers(programs) for at in who}
    for at, coding in enumerate(programs):
        if at not in counting:
            name = printable(coding.coder.title)
            said.append(f"{name} counts in no session: of each, the first two programs count")
    return tuple(said)


def _by_readers(programs: Sequence[Coding]) -> dict[tuple[int, ...], list[str]]:
    """Return the sessions that the same programs read: of each session, the first two count."""
    readers: dict[str, tuple[int, ...]] = defaultdict(tuple)
    for at, coding in enumerate(programs):
        for name in coding.sessions:
            readers[name] = (*readers[name], at)[:2]
    found: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for name, who in readers.items():
        found[who].append(name)
    return found


def _of_programs(
    codings: Sequence[Coding],
) -> tuple[list[Settled], list[SettledStance], list[Answer]]:
    """Settle each session by the programs that read it: not all read the same."""
    statements: list[Settled] = []
    stances: list[SettledStance] = []
    waiting: list[Answer] = []
    for who, names in _by_readers(codings).items():
        own = [of_sessions(codings[at], names) for at in who]
        found = _of_one(own[0]) if len(own) == 1 else _of_two(own[0], own[1])
        statements += found[0]
        stances += found[1]
        waiting += found[2]
    return statements, stances, waiting


def _of_one(coding: Coding) -> tuple[list[Settled], list[SettledStance], list[Answer]]:
    label = (coding.coder.label,)
    return (
        [Settled(each, label) for each in coding.statements],
        [SettledStance(each, label) for each in coding.stances],
        [],
    )


def _of_two(
    first: Coding, second: Coding
) -> tuple[list[Settled], list[SettledStance], list[Answer]]:
    labels = (first.coder.label, second.coder.label)
    unread = first.unread | second.unread
    alone = [_of_one(_of_answers(each, unread)) for each in (first, second)]
    one, two = (_of_answers(each, unread, within=False) for each in (first, second))
    cases = compare(one, two)
    agreed = [Settled(c.first, labels) for c in cases if c.kind == AGREED and c.first is not None]
    waiting = [(c.session, c.turn) for c in cases if c.kind != AGREED]
    both = [{(each.answer, each.stance) for each in coding.stances} for coding in (one, two)]
    stances = [
        SettledStance(each, labels) for each in one.stances if (each.answer, each.stance) in both[1]
    ]
    waiting += sorted({answer for answer, _ in both[0] ^ both[1]} - set(waiting))
    return (
        [*agreed, *(each for found in alone for each in found[0])],
        [*stances, *(each for found in alone for each in found[1])],
        waiting,
    )


def _of_answers(coding: Coding, answers: AbstractSet[Answer], *, within: bool = True) -> Coding:
    """Return what a coding says of these answers, or, not `within`, of all others."""
    return msgspec.structs.replace(
        coding,
        statements=tuple(e for e in coding.statements if (e.answer in answers) is within),
        stances=tuple(e for e in coding.stances if (e.answer in answers) is within),
    )
