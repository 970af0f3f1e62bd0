"""Two codings side by side: where they agree, where not, and what a person has to decide. Pure."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import msgspec

from emeritus.interview.coded import CodedStatement, Coding
from emeritus.statistics import Alpha, krippendorff_alpha

AGREED: Final = "agreed"
ONLY_FIRST: Final = "only the first"
ONLY_SECOND: Final = "only the second"
DIFFERENT: Final = "coded differently"

NOTHING: Final = "nothing"
FIRM: Final = 0.80
TENTATIVE: Final = 0.667


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """A passage that one coder or both coded: their statements, and how they compare."""

    kind: str
    session: str
    turn: int
    first: CodedStatement | None
    second: CodedStatement | None


@dataclasses.dataclass(frozen=True, slots=True)
class Agreement:
    """Alpha of one theme over turns and objects, and the word that the thresholds give it."""

    theme: str
    alpha: Alpha

    @property
    def word(self) -> str:
        """`firm`, `tentative`, `below: mend the codebook`, or `not defined`."""
        if self.alpha.value is None:
            return "not defined"
        if self.alpha.value >= FIRM:
            return "firm"
        return "tentative" if self.alpha.value >= TENTATIVE else "below: mend the codebook"


def compare(first: Coding, second: Coding) -> list[Case]:
    """Return every passage that either coder coded, in reading order.

    Statements meet when their quotations overlap in the same turn. The same object and polarity is
    agreement; strength and condition are not compared here. Sessions that only one coder read are
    left out: there is nothing to compare.
    """
    shared = set(first.sessions) & set(second.sessions)
    left = [each for each in first.statements if each.span.session in shared]
    right = [each for each in second.statements if each.span.session in shared]
    cases: list[Case] = []
    for same in (True, False):  # what agrees is paired first, so that no difference hides it
        for one in list(left):
            other = next(
                (
                    each
                    for each in right
                    if _meet(one, each) and (not same or one.code == each.code)
                ),
                None,
            )
            if other is None:
                continue
            left.remove(one)
            right.remove(other)
            kind = AGREED if same else DIFFERENT
            cases.append(Case(kind, one.span.session, one.span.turn, one, other))
    cases += [Case(ONLY_FIRST, one.span.session, one.span.turn, one, None) for one in left]
    cases += [Case(ONLY_SECOND, each.span.session, each.span.turn, None, each) for each in right]
    return sorted(cases, key=_place)


def only(coding: Coding, answers: Iterable[tuple[str, int]]) -> Coding:
    """Return what a coding holds of some answers: all that can be compared with a sample."""
    chosen = set(answers)
    return msgspec.structs.replace(
        coding,
        sessions=tuple(dict.fromkeys(session for session, _ in chosen)),
        statements=tuple(
            each for each in coding.statements if (each.span.session, each.span.turn) in chosen
        ),
        stances=tuple(
            each for each in coding.stances if (each.span.session, each.span.turn) in chosen
        ),
    )


def queue(cases: Iterable[Case]) -> list[Case]:
    """Return the cases that a person has to decide: all on which the coders do not agree."""
    return [each for each in cases if each.kind != AGREED]


def agreement(first: Coding, second: Coding, turns: Iterable[tuple[str, int]]) -> list[Agreement]:
    """Return alpha per theme, with its bootstrap interval.

    `turns` are the answers that both read, by session and turn. The unit is an answer and an
    object of the theme that at least one coder used at all; the code is for, against, both, or
    nothing. Objects that neither ever used would only add agreement about nothing.
    """
    used: dict[str, set[str]] = defaultdict(set)
    said: list[dict[tuple[str, int, str], set[str]]] = []
    for coding in (first, second):
        found: dict[tuple[str, int, str], set[str]] = defaultdict(set)
        for each in coding.statements:
            used[each.theme].add(each.object)
            found[each.span.session, each.span.turn, each.object].add(each.polarity)
        said.append(found)
    units: dict[str, list[tuple[str, str]]] = defaultdict(list)
    read = list(turns)
    for theme, objects in sorted(used.items()):
        for session, turn in read:
            for about in sorted(objects):
                codes = [found.get((session, turn, about), set()) for found in said]
                one, other = ("+".join(sorted(each)) or NOTHING for each in codes)
                units[theme].append((one, other))
    return [Agreement(theme, krippendorff_alpha(codes)) for theme, codes in units.items()]


def _meet(one: CodedStatement, other: CodedStatement) -> bool:
    a, b = one.span, other.span
    return (a.session, a.turn) == (b.session, b.turn) and a.start < b.end and b.start < a.end


def _place(case: Case) -> tuple[str, int, int]:
    span = case.first.span if case.first else case.second.span if case.second else None
    return case.session, case.turn, span.start if span else 0
