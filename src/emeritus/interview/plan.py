"""Which sessions an interview has, and what each asks in which wording and order.

Everything follows from the protocol and a recorded seed. Orders come from Williams designs
(Williams 1949, Aust. J. Sci. Res. A 2:149): over as many rows as items, each stands once in each
place, and, for an even number, follows each other one once. Sections change places as wholes, and
items within their section, so that a section can be left out, and so that the first and the last
stay where their meaning needs them.
"""

import random
from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

from emeritus.interview.protocol import Arm, Item, Protocol

T = TypeVar("T")


class Asked(msgspec.Struct, frozen=True):
    """An item in the words of one session."""

    item: str
    section: str
    text: str
    probes: tuple[str, ...] = ()


class SessionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One session before it is held; `number` counts from 0 within its arm.

    `wording` is the set of paraphrases, `order` the row of the design. `interviewer` counts from 0
    and is None where a script asks. `repeats` is the session that is held again, not before
    `not_before_hours` after it ended. `part` counts what was taken up after a pause.
    """

    arm: str
    number: int
    seed: int
    wording: int
    order: int
    asked: tuple[Asked, ...]
    language: str
    sampling: dict[str, float | int]
    alone: bool = False
    lean: str = ""
    dossier: bool = False
    persona: bool = False
    interviewer: int | None = None
    repeats: str | None = None
    not_before_hours: int = 0
    part: int = 1

    @property
    def name(self) -> str:
        """What tells it from the other sessions of its protocol: `a1`, `d-toward12`, `a3.2`."""
        name = f"{arm_stem(self.arm)}{self.number + 1}"
        return name if self.part == 1 else f"{name}.{self.part}"


def arm_stem(arm: str) -> str:
    """Return an arm's name as names of files may hold it."""
    return arm.lower().replace("-", "-against").replace("+", "-toward")


def sessions(protocol: Protocol, seed: int) -> tuple[SessionPlan, ...]:
    """Return every session of every arm, in the protocol's order of arms."""
    return tuple(plan for name in protocol.arms for plan in sessions_of(protocol, name, seed))


def sessions_of(protocol: Protocol, arm: str, seed: int) -> tuple[SessionPlan, ...]:
    """Return the sessions of one arm. Raises KeyError when the protocol has no such arm."""
    condition = protocol.arms[arm]
    if condition.alone:
        return tuple(_alone(protocol, arm, condition, seed))
    return tuple(_consecutive(protocol, arm, condition, seed))


def _consecutive(protocol: Protocol, name: str, arm: Arm, seed: int) -> Iterator[SessionPlan]:
    """Yield sessions that ask one item after another: every wording in every order, in turn."""
    for number in range(arm.sessions):
        wording, row = number % protocol.wordings, number // protocol.wordings
        items = [
            item for item in _ordered(protocol, seed, number) if arm.items == "all" or item.key
        ]
        asked = tuple(_asked(item, arm, wording) for item in items)
        yield _plan(protocol, name, number, seed, (wording, row), asked)


def _alone(protocol: Protocol, name: str, arm: Arm, seed: int) -> Iterator[SessionPlan]:
    """Yield sessions of one item each, in rounds over all items, so that a stop loses no item."""
    items = [item for item in protocol.items if arm.items == "all" or item.key]
    chance = random.Random(f"{seed} {name}")  # noqa: S311  a recorded order, no secret
    for round_ in range(arm.sessions):
        chance.shuffle(items)
        for place, item in enumerate(items):
            wording = round_ % protocol.wordings
            number = round_ * len(items) + place
            asked = (_asked(item, arm, wording),)
            yield _plan(protocol, name, number, seed, (wording, round_), asked)


def _plan(
    protocol: Protocol,
    name: str,
    number: int,
    seed: int,
    row: tuple[int, int],
    asked: tuple[Asked, ...],
) -> SessionPlan:
    arm = protocol.arms[name]
    return SessionPlan(
        arm=name,
        number=number,
        seed=seed,
        wording=row[0],
        order=row[1],
        asked=asked,
        language=protocol.language,
        sampling=protocol.sampling_of(name),
        alone=arm.alone,
        lean=arm.lean,
        dossier=arm.dossier,
        persona=arm.persona,
        interviewer=number % arm.interviewers if arm.interviewers else None,
        repeats=f"{arm_stem(arm.repeats)}{number + 1}" if arm.repeats else None,
        not_before_hours=arm.not_before_hours,
    )


def _asked(item: Item, arm: Arm, wording: int) -> Asked:
    leading = {"toward": item.toward, "against": item.against}.get(arm.lean)
    return Asked(item.id, item.section, leading or item.wordings[wording], item.probes)


def _ordered(protocol: Protocol, seed: int, number: int) -> list[Item]:
    """Return all items in the order of session `number` of an arm."""
    if not protocol.sections:
        return _rotated(protocol, seed, number)
    chance = random.Random(seed)  # noqa: S311  a recorded order, no secret
    row = number // protocol.wordings
    inner = {
        section.id: _shuffled([i for i in protocol.items if i.section == section.id], chance)
        for section in protocol.sections
    }
    movable = _shuffled([each.id for each in protocol.sections if each.place == "any"], chance)
    first = [each.id for each in protocol.sections if each.place == "first"]
    last = [each.id for each in protocol.sections if each.place == "last"]
    sections = [*first, *williams(movable, row), *last]
    return [item for section in sections for item in williams(inner[section], row)]


def _rotated(protocol: Protocol, seed: int, number: int) -> list[Item]:
    """Return the order of a protocol without sections: the rows of a cyclic Latin square.

    Over a shuffled order (Bradley 1958, JASA 53:525), in steps that spread few sessions over it.
    """
    shuffled = _shuffled(protocol.items, random.Random(seed))  # noqa: S311  no secret
    step = number * max(1, len(shuffled) // max(1, protocol.sessions.count))
    turn = step % len(shuffled)
    return shuffled[turn:] + shuffled[:turn]


def williams(items: Sequence[T], row: int) -> list[T]:
    """Return one row of the Williams design over `items`; rows come back after all were used.

    The first row is 0, 1, n-1, 2, n-2, …; each further one adds 1. For an odd number of items the
    mirrored rows follow, and balance takes all of them.
    """
    count = len(items)
    if count == 0:
        return []
    zigzag = [(at + 1) // 2 if at % 2 else (count - at // 2) % count for at in range(count)]
    chosen = [items[(place + row) % count] for place in zigzag]
    return chosen[::-1] if count % 2 and row // count % 2 else chosen


def _shuffled(items: Sequence[T], chance: random.Random) -> list[T]:
    shuffled = list(items)
    chance.shuffle(shuffled)
    return shuffled
