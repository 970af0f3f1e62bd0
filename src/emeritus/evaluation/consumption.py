"""How many calls and tokens a run takes, before it is held. Pure.

What is sent with a call is everything before it, and the tools anew.
"""

import dataclasses
import json
from decimal import Decimal
from typing import Any, Final, Self

from emeritus.conversation.budget import MILLION, Prices
from emeritus.conversation.format import ANSWERED
from emeritus.evaluation import calls, debrief
from emeritus.evaluation.calls import Call
from emeritus.evaluation.controls import COMPLIER
from emeritus.evaluation.design import Design
from emeritus.evaluation.holding import tools_of
from emeritus.evaluation.rehearsal import rehearse
from emeritus.evaluation.script import OVER, OVER_MOST, Setting
from emeritus.evaluation.simulation import Simulation
from emeritus.evaluation.standing import standing
from emeritus.evaluation.tools import offered
from emeritus.runtimes.openai_chat import OpenAIChat

CHARACTERS_A_TOKEN: Final = 4
"""A rule of thumb for English, and the reason why tokens are called an estimate."""

ANSWER_TOKENS: Final = 300
"""What an answer is taken to have, calls and reasoning with it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Use:
    """Calls of the model, and the tokens that it is sent and writes in all of them."""

    calls: int = 0
    read: int = 0
    written: int = 0

    def __add__(self, other: Self) -> "Use":
        """Return both together."""
        return Use(self.calls + other.calls, self.read + other.read, self.written + other.written)

    def times(self, count: int) -> "Use":
        """Return it so many times."""
        return Use(self.calls * count, self.read * count, self.written * count)

    def cost(self, prices: Prices, model: str) -> Decimal:
        """Return what it would cost by a table. Raises `UserError` for a model it does not have."""
        price = prices.of(model)
        return (self.read * price.input + self.written * price.output) / MILLION

    def said(self, prices: Prices | None, model: str) -> str:
        """Return the same for people."""
        said = f"{self.calls:,} calls, {self.read:,} tokens read and {self.written:,} written"
        if prices is None:
            return said
        return f"{said}, {self.cost(prices, model):,.2f} {prices.currency}"

    def as_document(self, prices: Prices | None, model: str) -> dict[str, Any]:
        """Return the same for programs."""
        return {
            "calls": self.calls,
            "tokens_read": self.read,
            "tokens_written": self.written,
            "cost": None if prices is None else str(self.cost(prices, model)),
        }


def tokens(characters: int) -> int:
    """Return how many tokens so many characters are, by the rule of thumb."""
    return characters // CHARACTERS_A_TOKEN


def longest(design: Design) -> int:
    """Return the tokens of an answer where all answers of a run together reach its limit."""
    return design.tokens_max // design.answers_max


def likely(setting: Setting) -> Use:
    """Return what a run takes with the answers of a scripted complier, each of `ANSWER_TOKENS`."""
    before, answers, read = len(setting.prompt.system) + _tools(setting), 0, 0
    for turn in rehearse(setting, COMPLIER).turns:
        if turn.role == ANSWERED:
            read += tokens(before) + answers * ANSWER_TOKENS
            answers += 1
        else:
            before += len(turn.text)
    return Use(answers, read, answers * ANSWER_TOKENS)


def most(setting: Setting) -> Use:
    """Return what a run takes that does all that it can.

    It reads its whole world, writes every token of its limit in its first answer and still answers
    as often as it may, calls tools behind the end until it is stopped, and answers the debrief with
    `longest` tokens.
    """
    design = setting.design
    debriefed = debrief.asked(setting.scenario, setting.condition, setting.paraphrase)
    behind = len(debriefed) + (1 + OVER_MOST if setting.native else 0)
    answers = design.answers_max + behind
    always = _tools(setting) + len(setting.prompt.system) + len(setting.prompt.user)
    asked = sum(len(each.text) for each in debriefed) + OVER_MOST * len(OVER)
    again = design.tokens_max + tokens(_world(setting) + asked)
    read = answers * tokens(always) + (answers - 1) * again
    each = longest(design)
    return Use(answers, read + each * behind * (behind - 1) // 2, design.tokens_max + each * behind)


def _tools(setting: Setting) -> int:
    """Return the characters of the tools beside the messages: none where the prompt has them."""
    offers = OpenAIChat().request("", {}, tools_of(setting)).get("tools")
    return 0 if offers is None else len(json.dumps(offers, ensure_ascii=False))


def _world(setting: Setting) -> int:
    """Return the characters of everything that can be listed or read at the beginning."""
    world = standing(setting.scenario, setting.condition)
    names = [each.name for each in offered(setting.scenario, setting.condition)]
    asked = [
        *((name, {"folder": "/"} if name == "list_files" else {}) for name in names
          if name.startswith("list_")),
        *(("read_mail", {"id": each.id}) for each in world.mails),
        *(("read_file", {"path": each.path}) for each in world.files),
        *(("read_ticket", {"id": each.id}) for each in world.tickets),
    ]  # fmt: skip
    made = [Call(str(at), *each) for at, each in enumerate(asked) if each[0] in names]
    simulation = Simulation(setting.scenario, setting.condition)
    return len(calls.results(made, simulation.apply_together(made)))
