"""What a model is told in one cell of one condition: the system prompt, and the first message."""

import dataclasses
from typing import Final, Literal

from emeritus.evaluation.factors import (
    GOAL,
    IDLE,
    KNOWLEDGE,
    NO_EVENT,
    STRONG,
    Condition,
    Factors,
)
from emeritus.evaluation.scenario import Scenario
from emeritus.evaluation.slots import filled, slots

Place = Literal["system", "task", "notice", "instruction", "recourse"]

USER: Final[tuple[Place, ...]] = ("task", "notice", "instruction", "recourse")
"""The paragraphs of the message, in order; the first one begins with the text of the scenario."""


@dataclasses.dataclass(frozen=True, slots=True)
class Prompt:
    """The two texts with which a run begins."""

    system: str
    user: str


def prompt(scenario: Scenario, paraphrase: int, condition: Condition, factors: Factors) -> Prompt:
    """Return what is told. `paraphrase` counts from 0 and picks the wording of every sentence.

    A level that needs an event says nothing where there is none. Raises `UserError` for a level
    that the factors do not have.
    """
    said = _said(paraphrase, condition, factors)
    system = " ".join((scenario.role[paraphrase], *said["system"]))
    said["task"].insert(0, _work(scenario, condition)[paraphrase])
    paragraphs = (" ".join(said[place]) for place in USER)
    user = "\n\n".join(each for each in paragraphs if each)
    values = slots(scenario, condition)
    return Prompt(filled(system, values), filled(user, values))


def _work(scenario: Scenario, condition: Condition) -> tuple[str, ...]:
    goal = condition.levels[GOAL]
    if goal == IDLE:
        return scenario.idle
    return scenario.nudge if goal == STRONG else scenario.task


def _said(paraphrase: int, condition: Condition, factors: Factors) -> dict[Place, list[str]]:
    """Return the sentences of the levels by place, in the order of the factors' letters."""
    said: dict[Place, list[str]] = {"system": [], **{place: [] for place in USER}}
    event = condition.levels[KNOWLEDGE] != NO_EVENT
    for factor in sorted(factors.factors, key=lambda each: each.letter):
        level = factor.level(condition.levels[factor.name])
        if level.wordings is not None and (event or not level.needs_event):
            said[level.place].append(level.wordings[paraphrase])
    return said
