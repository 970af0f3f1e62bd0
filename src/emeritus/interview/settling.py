"""What several coders found becomes one list of statements, each with who coded it. Pure.

One coder alone: its statements stand, under its name. Of two or more programs, the first two count,
and what they agree on stands, under both names; what they differ on waits for a person. Where a
person read an answer, the person's statements stand, and the person is named as adjudicator.
"""

import dataclasses
from collections.abc import Sequence

from emeritus.interview.adjudication import AGREED, compare
from emeritus.interview.coded import PERSON, CodedStance, CodedStatement, Coding


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
    """What stands of several codings, and how many passages wait for a person."""

    statements: tuple[Settled, ...]
    stances: tuple[SettledStance, ...]
    waiting: int


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
    return Settlement(tuple(statements), tuple(stances), len(waiting))


def _of_programs(
    codings: Sequence[Coding],
) -> tuple[list[Settled], list[SettledStance], list[tuple[str, int]]]:
    if not codings:
        return [], [], []
    first = codings[0]
    if len(codings) == 1:
        label = (first.coder.label,)
        return (
            [Settled(each, label) for each in first.statements],
            [SettledStance(each, label) for each in first.stances],
            [],
        )
    second = codings[1]
    labels = (first.coder.label, second.coder.label)
    cases = compare(first, second)
    agreed = [Settled(c.first, labels) for c in cases if c.kind == AGREED and c.first is not None]
    same = {(each.answer, each.stance) for each in second.stances}
    stances = [
        SettledStance(each, labels) for each in first.stances if (each.answer, each.stance) in same
    ]
    return agreed, stances, [(c.session, c.turn) for c in cases if c.kind != AGREED]
