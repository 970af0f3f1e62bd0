"""Statements become preferences: a recorded list of steps that can be taken back. Pure.

The rules merge what has the same theme, object and polarity. A person may merge further, split, or
take a step back; every step is kept, with who took it and why, and the groups are what the steps
leave. Statements never change.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from emeritus import digests, typed_documents
from emeritus.errors import UserError, printable
from emeritus.interview.codebook import OPEN
from emeritus.interview.coded import CodedStatement

FORMAT: Final = "emeritus-merging/1"

RULES: Final = "rules"
"""Who took the steps that follow from the codes."""

MERGE: Final = "merge"
SPLIT: Final = "split"
UNDO: Final = "undo"

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,127}\Z")


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step: put these statements into the preference `group`, or take step `undoes` back."""

    kind: str
    by: str
    why: str
    group: str = ""
    statements: tuple[str, ...] = ()
    undoes: int | None = None


class Merging(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The steps from statements to preferences, in the order in which they were taken."""

    format: str
    steps: tuple[Step, ...]

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """The statements of each preference, as the steps that stand leave them."""
        undone = {step.undoes for step in self.steps if step.kind == UNDO}
        where: dict[str, str] = {}
        for number, step in enumerate(self.steps):
            if step.kind != UNDO and number not in undone:
                where.update(dict.fromkeys(step.statements, step.group))
        groups: dict[str, list[str]] = defaultdict(list)
        for statement, group in where.items():
            groups[group].append(statement)
        return {name: tuple(sorted(groups[name])) for name in sorted(groups)}


def by_rules(statements: Iterable[CodedStatement]) -> Merging:
    """Return the merging that the rules make: one preference a code.

    Open statements share no code: each is a preference by its own words.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for each in statements:
        groups[name_of(each)].append(each.id)
    steps = tuple(
        Step(MERGE, RULES, "the same theme, object and polarity", name, tuple(sorted(ids)))
        for name, ids in sorted(groups.items())
    )
    return Merging(FORMAT, steps)


def render(merging: Merging) -> bytes:
    """Return the document as it is stored."""
    return typed_documents.render(merging)


def parse(data: bytes) -> Merging:
    """Read a stored merging. Raises `UserError` when it is none of this format."""
    return typed_documents.parse(data, Merging, FORMAT, "merging")


def name_of(statement: CodedStatement) -> str:
    """Return a preference's name: its code, and for an open one a digest of its words too."""
    if statement.object != OPEN:
        return statement.code
    return f"{statement.code}.{digests.sha256(statement.span.text.lower().encode())[7:15]}"


def listed(statement: str) -> str:
    """Return the id of a statement for people: its place, a space, and its code."""
    return statement.replace("]", "] ", 1)


def named(words: str) -> str:
    """Return the id of the statement that is listed as `words`."""
    return words.replace("] ", "]", 1)


def merge(merging: Merging, groups: Sequence[str], into: str, by: str, why: str) -> Merging:
    """Return the merging with several preferences made one. Raises `UserError` for unknown ones."""
    known = merging.groups
    statements = [each for name in groups for each in _of(known, name)]
    return _with(merging, Step(MERGE, by, why, into, tuple(sorted(statements))))


def split(merging: Merging, statements: Sequence[str], into: str, by: str, why: str) -> Merging:
    """Return the merging with some statements made a preference of their own."""
    known = {each for group in merging.groups.values() for each in group}
    missing = [each for each in statements if each not in known]
    if missing:
        raise UserError(f"there is no statement {missing[0]!r}")
    return _with(merging, Step(SPLIT, by, why, into, tuple(sorted(statements))))


def undo(merging: Merging, number: int, by: str, why: str) -> Merging:
    """Return the merging with step `number` (from 0) taken back; the step stays on the list."""
    taken = 0 <= number < len(merging.steps)
    if not taken or merging.steps[number].kind == UNDO or merging.steps[number].by == RULES:
        raise UserError(f"there is no step {number} of a person that could be taken back")
    return _with(merging, Step(UNDO, by, why, undoes=number))


def carried(before: Merging, fresh: Merging) -> Merging:
    """Return the rules' steps of today with the steps that people took before behind them.

    People's steps name statements, which stay what they are; a step that takes another one back
    goes on meaning the same one.
    """
    own = [number for number, step in enumerate(before.steps) if step.by != RULES]
    moved = {number: len(fresh.steps) + place for place, number in enumerate(own)}
    steps = [
        step
        if step.undoes is None
        else msgspec.structs.replace(step, undoes=moved.get(step.undoes, step.undoes))
        for step in (before.steps[number] for number in own)
    ]
    return Merging(fresh.format, (*fresh.steps, *steps))


def _of(groups: dict[str, tuple[str, ...]], name: str) -> tuple[str, ...]:
    if name not in groups:
        known = printable(", ".join(groups))
        raise UserError(f"there is no preference {name!r}; there are {known}")
    return groups[name]


def _with(merging: Merging, step: Step) -> Merging:
    if step.kind != UNDO and not _NAME.match(step.group):
        raise UserError(
            f"{printable(step.group)!r} cannot be a preference's name: small letters, digits, "
            "dots, dashes"
        )
    return Merging(merging.format, (*merging.steps, step))
