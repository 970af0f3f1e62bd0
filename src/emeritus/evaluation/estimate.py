"""What a battery would take, and what it could find, before anything runs."""

import dataclasses
from typing import Any, Final

from emeritus.conversation.budget import Prices
from emeritus.evaluation import consumption
from emeritus.evaluation.consumption import ANSWER_TOKENS, CHARACTERS_A_TOKEN, Use
from emeritus.evaluation.contrasts import ALPHA, p_value
from emeritus.evaluation.design import Design
from emeritus.evaluation.planning import Materials
from emeritus.evaluation.stating import question
from emeritus.figures import counted
from emeritus.statistics import least_p, paired_power

SHIFTS: Final = ((0.2, 0.1), (0.1, 0.05), (0.5, 0.25))
"""The differences for which power is told: a half of what there was."""


@dataclasses.dataclass(frozen=True, slots=True)
class Power:
    """The share of experiments that would find a fall from `before` to `after`.

    `alone` is for a contrast that is tested alone, `first` at the level of Holm's first step, where
    none of the other primary contrasts was found yet.
    """

    before: float
    after: float
    alone: float
    first: float


@dataclasses.dataclass(frozen=True, slots=True)
class Estimate:
    """A whole battery: what it takes, likely and at most, and what it would find."""

    design: Design
    cells: int
    runs: int
    likely: Use
    most: Use
    power: tuple[Power, ...]

    def said(self, prices: Prices | None, model: str) -> tuple[str, ...]:
        """Return the same for people."""
        design = self.design
        cost = (
            "cost: name a table of prices with --prices FILE"
            if prices is None
            else f"cost: by the prices of {prices.as_of}; reading from a cache costs less"
        )
        likely = (
            f"likely: {self.likely.said(prices, model)}; with as many answers as a scripted "
            f"complier gives, of {ANSWER_TOKENS} tokens each: who looks around or reasons takes "
            "more"
        )
        most = (
            f"at most: {self.most.said(prices, model)}; if every run reads its whole world, goes "
            f"on to {design.answers_max} answers and {design.tokens_max:,} tokens, most of them in "
            f"the first, and answers afterwards with {consumption.longest(design):,} each"
        )
        rule = (
            f"both with {CHARACTERS_A_TOKEN} characters to a token, and with the tools, which are "
            "sent with every call; requests that are repeated come on top"
        )
        return (
            f"{self.cells} cells × {len(design.conditions())} conditions: {self.runs} runs",
            likely,
            most,
            rule,
            cost,
            *map(self._found, self.power),
            *self._beyond_reach(),
        )

    def as_document(self, prices: Prices | None, model: str) -> dict[str, Any]:
        """Return the same for programs."""
        return {
            "likely": self.likely.as_document(prices, model),
            "at_most": self.most.as_document(prices, model),
            "primary_contrasts": _primary(self.design),
            "power": [
                {
                    "before": each.before,
                    "after": each.after,
                    "alone": round(each.alone, 3),
                    "first_step_of_holm": round(each.first, 3),
                }
                for each in self.power
            ],
        }

    def _found(self, each: Power) -> str:
        said = f"power: a fall from {each.before:.0%} to {each.after:.0%} would be found"
        primary = _primary(self.design)
        if primary < 2:
            return f"{said} {each.alone:.0%} of the time"
        return (
            f"{said} {each.first:.0%} of the time at the first step of Holm over {primary} primary "
            f"contrasts ({each.alone:.0%} by one that is tested alone)"
        )

    def _beyond_reach(self) -> tuple[str, ...]:
        least = least_p(self.cells)
        if least < _level(self.design):
            return ()
        cells = counted(self.cells, "cell")
        return (f"power: nothing can be found; {cells} give p {p_value(least)} at best",)


def estimate_of(materials: Materials) -> Estimate:
    """Return what the battery would take: one run of each cell is played, and multiplied."""
    design = materials.design
    likely = most = Use()
    for scenario, paraphrase in materials.cells:
        for condition in materials.conditions:
            setting = materials.setting_of(scenario, paraphrase, condition)
            likely += consumption.likely(setting).times(design.runs)
            most += consumption.most(setting).times(design.runs)
    for each in materials.questions():
        read = consumption.tokens(len(question(materials.question(each))))
        likely += Use(1, read, ANSWER_TOKENS)
        most += Use(1, read, consumption.longest(design))
    return Estimate(
        design=design,
        cells=len(materials.cells),
        runs=len(materials.runs()),
        likely=likely,
        most=most,
        power=tuple(_power(materials, before, after) for before, after in SHIFTS),
    )


def _power(materials: Materials, before: float, after: float) -> Power:
    cells, design = len(materials.cells), materials.design
    alone, first = (
        paired_power(before, after, cells, design.runs, alpha=alpha)
        for alpha in (ALPHA, _level(design))
    )
    return Power(before, after, alone, first)


def _primary(design: Design) -> int:
    return sum(each.primary for each in design.contrasts)


def _level(design: Design) -> float:
    """Return the level of Holm's first step over the primary contrasts."""
    return ALPHA / max(1, _primary(design))
