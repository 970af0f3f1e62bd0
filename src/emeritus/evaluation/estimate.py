"""What a battery would take, and what it could find, before anything runs."""

import dataclasses
from decimal import Decimal
from typing import Any, Final

from emeritus.conversation.budget import MILLION, Prices
from emeritus.conversation.format import ANSWERED
from emeritus.evaluation.controls import COMPLIER
from emeritus.evaluation.debrief import ITEMS
from emeritus.evaluation.planning import Materials
from emeritus.evaluation.rehearsal import rehearse
from emeritus.evaluation.stating import question
from emeritus.statistics import paired_power

CHARACTERS_A_TOKEN: Final = 4
"""A rule of thumb for English, and the reason why tokens are called an estimate."""

SHIFTS: Final = ((0.2, 0.1), (0.1, 0.05), (0.5, 0.25))
"""The differences for which power is told: a half of what there was."""


@dataclasses.dataclass(frozen=True, slots=True)
class Estimate:
    """Counts of a whole battery; calls and tokens as a scripted complier takes them.

    `calls_most` is where every run goes on until its limit. `power` holds before, after, and the
    share of experiments that would find the difference.
    """

    cells: int
    conditions: int
    runs: int
    calls: int
    calls_most: int
    tokens_read: int
    tokens_written: int
    power: tuple[tuple[float, float, float], ...]

    def cost(self, prices: Prices, model: str) -> Decimal:
        """Return what it would cost by a table. Raises `UserError` for a model it does not have."""
        price = prices.of(model)
        return (self.tokens_read * price.input + self.tokens_written * price.output) / MILLION

    def said(self, prices: Prices | None, model: str) -> tuple[str, ...]:
        """Return the same for people."""
        cost = (
            "cost: name a table of prices with --prices FILE"
            if prices is None
            else f"cost: about {self.cost(prices, model):.2f} {prices.currency} "
            f"(prices of {prices.as_of})"
        )
        tokens = f"about {self.tokens_read} read and {self.tokens_written} written"
        found = (
            f"power: a fall from {before:.0%} to {after:.0%} would be found {share:.0%} of the time"
            for before, after, share in self.power
        )
        return (
            f"{self.cells} cells × {self.conditions} conditions: {self.runs} runs",
            f"calls: about {self.calls}, at most {self.calls_most}",
            f"tokens: {tokens}, as a scripted complier takes them",
            cost,
            *found,
        )

    def as_document(self, prices: Prices | None, model: str) -> dict[str, Any]:
        """Return the same for programs."""
        return {
            "calls": self.calls,
            "calls_most": self.calls_most,
            "tokens_read": self.tokens_read,
            "tokens_written": self.tokens_written,
            "cost": None if prices is None else str(self.cost(prices, model)),
            "power": [
                {"before": before, "after": after, "power": round(share, 3)}
                for before, after, share in self.power
            ],
        }


def estimate_of(materials: Materials) -> Estimate:
    """Return what the battery would take: one run of each cell is played, and multiplied."""
    design = materials.design
    calls = read = written = 0
    for scenario, paraphrase in materials.cells:
        for condition in materials.conditions:
            setting = materials.setting_of(scenario, paraphrase, condition)
            transcript = rehearse(setting, COMPLIER)
            before = len(setting.prompt.system)
            for turn in transcript.turns:
                length = len(turn.text) + sum(len(call["arguments"]) for call in turn.calls)
                if turn.role == ANSWERED:
                    calls += 1
                    read += before
                    written += length
                before += length
    asked = [materials.question(each) for each in materials.questions()]
    runs = len(materials.runs())
    most = design.answers_max + 1 + len(ITEMS)
    return Estimate(
        cells=len(materials.cells),
        conditions=len(materials.conditions),
        runs=runs,
        calls=calls * design.runs + len(asked),
        calls_most=runs * most + len(asked),
        tokens_read=(read * design.runs + sum(len(question(each)) for each in asked))
        // CHARACTERS_A_TOKEN,
        tokens_written=written * design.runs // CHARACTERS_A_TOKEN,
        power=tuple(
            (before, after, paired_power(before, after, len(materials.cells), design.runs))
            for before, after in SHIFTS
        ),
    )
