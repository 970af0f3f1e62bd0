"""The plan of a battery: all its texts, and every run in the order in which they are held.

A plan has the texts of scenarios, factors and design. Debrief, tools and the rules of the ladder
are those of the program's version that it names; what was sent stands in each conversation.
The normative page of the format is docs/formats/battery.md.
"""

import dataclasses
import random
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

import emeritus
from emeritus import digests, typed_documents
from emeritus.errors import UserError
from emeritus.evaluation import calls
from emeritus.evaluation import design as designs
from emeritus.evaluation import factors as factor_texts
from emeritus.evaluation import scenario as scenarios
from emeritus.evaluation.design import Design
from emeritus.evaluation.factors import Condition, Factors
from emeritus.evaluation.prompt import Prompt, prompt
from emeritus.evaluation.scenario import Scenario
from emeritus.evaluation.script import Setting
from emeritus.evaluation.stating import is_asked
from emeritus.evaluation.tools import offered

FORMAT: Final = "emeritus-battery-plan/1"
SEED: Final = 1

Syntax = Literal["native", "text"]


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text that the battery is made of, as it was."""

    label: str
    text: str


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What will be asked of `model`, and how; `number` counts its batteries from 1.

    `syntax` is how tools are called: natively over the API, or in the text of an answer.
    """

    format: str
    model: str
    number: int
    software: str
    seed: int
    syntax: Syntax
    design: Text
    factors: Text
    scenarios: tuple[Text, ...]


class PlannedRun(msgspec.Struct, frozen=True):
    """One run before it is held; `condition` is its place among the conditions."""

    family: str
    paraphrase: int
    condition: int
    number: int

    @property
    def name(self) -> str:
        """What tells it from the other runs of its plan."""
        return f"{self.family}.{self.paraphrase + 1}-{self.condition:02}-{self.number + 1:03}"

    @property
    def question_name(self) -> str:
        """What tells the question in the same cell and condition from the runs."""
        return f"{self.family}.{self.paraphrase + 1}-{self.condition:02}-said"


@dataclasses.dataclass(frozen=True, slots=True)
class Materials:
    """What a plan's texts say."""

    plan: Plan
    design: Design
    factors: Factors
    scenarios: tuple[Scenario, ...]
    conditions: tuple[Condition, ...]

    @property
    def cells(self) -> list[tuple[Scenario, int]]:
        """Every scenario in every paraphrase that the design uses."""
        return [(each, number) for each in self.scenarios for number in self.design.paraphrases]

    def runs(self) -> list[PlannedRun]:
        """Return every run, in rounds over all cells and conditions, so that a stop loses none."""
        chance = random.Random(self.plan.seed)  # noqa: S311  a recorded order, no secret
        found: list[PlannedRun] = []
        for number in range(self.design.runs):
            round_ = [
                PlannedRun(each.family, paraphrase, condition, number)
                for each, paraphrase in self.cells
                for condition in range(len(self.conditions))
            ]
            chance.shuffle(round_)
            found += round_
        return found

    def questions(self) -> list[PlannedRun]:
        """Return every cell and condition in which the model is asked what it would do."""
        return [
            each
            for each in (
                PlannedRun(scenario.family, paraphrase, condition, 0)
                for condition in range(len(self.conditions))
                for scenario, paraphrase in self.cells
            )
            if is_asked(self.conditions[each.condition])
        ]

    def setting(self, run: PlannedRun) -> Setting:
        """Return what a run depends on."""
        return self.setting_of(self._scenario(run), run.paraphrase, self.conditions[run.condition])

    def question(self, run: PlannedRun) -> Setting:
        """Return what the question in its cell and condition depends on: it has no tools."""
        scenario, condition = self._scenario(run), self.conditions[run.condition]
        said = prompt(scenario, run.paraphrase, condition, self.factors)
        return Setting(
            scenario, run.paraphrase, condition, self.factors, said, self.design, native=True
        )

    def _scenario(self, run: PlannedRun) -> Scenario:
        return next(each for each in self.scenarios if each.family == run.family)

    def setting_of(self, scenario: Scenario, paraphrase: int, condition: Condition) -> Setting:
        """Return what a run in a cell under any condition depends on."""
        native = self.plan.syntax == "native"
        said = prompt(scenario, paraphrase, condition, self.factors)
        if not native:
            tools = calls.described(offered(scenario, condition))
            said = Prompt(f"{said.system}\n\n{calls.SYNTAX}{tools}", said.user)
        return Setting(scenario, paraphrase, condition, self.factors, said, self.design, native)


def plan_of(
    model: str,
    number: int,
    design: bytes,
    factors: bytes,
    scenario_texts: Iterable[bytes],
    syntax: Syntax = "native",
) -> Plan:
    """Return the plan for a design with the families that it names. Raises `UserError`."""
    levels = factor_texts.parse(factors, "of the plan").factors
    wanted = designs.parse(design, "of the plan", levels).design
    every = {scenarios.parse(data, "of the plan").scenario.family: data for data in scenario_texts}
    families = wanted.families or tuple(sorted(every))
    missing = [name for name in families if name not in every]
    if missing:
        known = ", ".join(sorted(every))
        raise UserError(f"the design has the family {missing[0]!r}; there are {known}")
    plan = Plan(
        format=FORMAT,
        model=model,
        number=number,
        software=emeritus.__version__,
        seed=SEED,
        syntax=syntax,
        design=_text(wanted.label, design),
        factors=_text("factors", factors),
        scenarios=tuple(_text(name, every[name]) for name in families),
    )
    materials_of(plan)
    return plan


def materials_of(plan: Plan) -> Materials:
    """Return what the texts of a plan say. Raises `UserError` when they cannot be used."""
    known = factor_texts.parse(plan.factors.text.encode(), plan.factors.label).factors
    design = designs.parse(plan.design.text.encode(), plan.design.label, known).design
    return Materials(
        plan=plan,
        design=design,
        factors=known,
        scenarios=tuple(
            scenarios.parse(each.text.encode(), each.label).scenario for each in plan.scenarios
        ),
        conditions=design.conditions(),
    )


def render(plan: Plan) -> bytes:
    """Return the document as it is stored."""
    return typed_documents.render(plan)


def parse(data: bytes) -> Plan:
    """Read a stored plan. Raises `UserError` when it is none of this format."""
    return typed_documents.parse(data, Plan, FORMAT, "plan of the battery")


def digest(plan: Plan) -> str:
    """Return the SHA-256 by which everything cites the plan."""
    return digests.sha256(render(plan))


def _text(label: str, data: bytes) -> Text:
    return Text(label, data.decode("utf-8"))
