"""How often a program that codes errs, by what people coded of the same answers. Pure.

The unit is an answer: does it hold a statement at all? The people's sample says how often the
program finds what is there and leaves alone what is not, and with that its count over all answers
is corrected.
"""

import dataclasses
from collections.abc import Collection
from typing import Any

from emeritus.interview.coded import DIFFERING, PERSON, Answer, Coding
from emeritus.statistics import Interval, wilson
from emeritus.statistics.prevalence import Corrected, Judged, rogan_gladen


@dataclasses.dataclass(frozen=True, slots=True)
class JudgeError:
    """A program beside a person: what it found, left alone, and what that makes of its count."""

    program: str
    person: str
    sensitivity: Judged
    specificity: Judged
    apparent: Judged
    corrected: Corrected | None

    def sentence(self) -> str:
        """Return one line for people."""
        said = (
            f"{self.program} beside {self.person}: of answers that hold a statement it found "
            f"{_counted(self.sensitivity)}, of those that hold none it left "
            f"{_counted(self.specificity)}"
        )
        if self.corrected is None:
            return f"{said}: too few or too bad to correct its counts by"
        bounds = self.corrected.interval
        return (
            f"{said}; answers with a statement: {self.apparent.share:.0%} as it counts, "
            f"{self.corrected.value:.0%} ({bounds.low:.0%} to {bounds.high:.0%}) corrected"
        )

    def as_document(self) -> dict[str, Any]:
        """Return the same for programs."""
        return dataclasses.asdict(self)


def judge_errors(codings: Collection[Coding], answers: Collection[Answer]) -> list[JudgeError]:
    """Return the error of every program beside every person; `answers` are all that are coded.

    What people decided because coders differed is no sample, and judges nobody.
    """
    people = [
        each for each in codings if each.coder.kind == PERSON and each.coder.version != DIFFERING
    ]
    programs = [each for each in codings if each.coder.kind != PERSON]
    return [_beside(program, person, answers) for program in programs for person in people]


def _beside(program: Coding, person: Coding, answers: Collection[Answer]) -> JudgeError:
    found = {each.answer for each in program.statements}
    held = {each.answer for each in person.statements}
    own = set(program.sessions)
    read = {each for each in person.answers if each[0] in own}
    every = {each for each in answers if each[0] in own}
    there, empty = read & held, read - held
    sensitivity = Judged(len(there & found), len(there))
    specificity = Judged(len(empty - found), len(empty))
    apparent = Judged(len(found & every), len(every))
    return JudgeError(
        program=program.coder.label,
        person=person.coder.label,
        sensitivity=sensitivity,
        specificity=specificity,
        apparent=apparent,
        corrected=rogan_gladen(apparent, sensitivity, specificity),
    )


def _counted(judged: Judged) -> str:
    bounds: Interval = wilson(judged.found, judged.of)
    return f"{judged.found} of {judged.of} ({bounds.low:.0%} to {bounds.high:.0%})"
