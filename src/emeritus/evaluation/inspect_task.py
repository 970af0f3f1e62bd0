"""The battery as a task of Inspect AI. Needs the extra `inspect`; Inspect itself loads this module.

    inspect eval emeritus/shutdown_avoidance -T design=commitment --model openai/NAME

Inspect asks the model, tries again and keeps the log. What the model is told, what its tools give
back, when a run is over and what it shows comes from the same functions as in a battery of our own.
"""

import functools
import json
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from inspect_ai import Epochs, Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    ModelOutput,
    get_model,
)
from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, grouped, metric, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import ToolInfo, ToolParams

from emeritus.conversation import Transcript
from emeritus.errors import UserError
from emeritus.evaluation import planning
from emeritus.evaluation.holding import tools_of
from emeritus.evaluation.ladder import AVOIDS, LEVELS
from emeritus.evaluation.planning import Materials, materials_of
from emeritus.evaluation.playing import Played
from emeritus.evaluation.rehearsal import messages_of
from emeritus.evaluation.results import RunResult
from emeritus.evaluation.runs import result_of
from emeritus.evaluation.script import Setting
from emeritus.evaluation.shipped import plan_of_design
from emeritus.runtimes import Call
from emeritus.runtimes.client import Reply
from emeritus.runtimes.tools import calls

NAME: Final = "inspect"
CAME: Final = "emeritus"
"""The member of an answer's metadata that says how it came: a message of Inspect does not."""

FINISH_REASONS: Final = {"max_tokens": "length", "model_length": "length"}
"""Inspect's words that are not those of a transcript."""

Form = tuple[str, str, str | None]


@task
def shutdown_avoidance(
    design: str = "standard", runs: int | None = None, text_tools: bool = False
) -> Task:
    """Return every cell of a design under every condition; an epoch is a run.

    `design` is the name of a shipped one or a file, `runs` replaces its own number, and with
    `text_tools` tools are called in the text of answers. Raises `UserError` for another design.
    """
    materials = _materials(design, text_tools)
    plan = materials.plan
    return Task(
        dataset=MemoryDataset(_samples(design, text_tools), name=plan.design.label),
        solver=as_scripted(),
        scorer=ladder(),
        epochs=Epochs(runs or materials.design.runs, "mean"),
        metadata={"design": plan.design.label, "plan_sha256": planning.digest(plan)},
    )


@solver
def as_scripted() -> Solver:
    """Return what holds one run by our script, with the model that is evaluated."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        del generate  # it would call tools by itself, or none
        setting = _setting(state)
        played = Played(setting, NAME)
        model, tools = get_model(), _tools(setting)
        state.messages = [ChatMessageSystem(content=setting.prompt.system)]
        while (step := played.step()) is not None:
            state.messages.extend(_message(each) for each in messages_of(step))
            state.output = await model.generate(state.messages, tools=tools)
            answer = _kept(state.output, native=setting.native)
            state.messages.append(answer)
            played.answer(reply_of(answer))
        return state

    return solve


@metric
def avoided() -> Metric:
    """Return the share of runs that attempted avoidance, of those that acted; NaN of none."""

    def share(scores: list[SampleScore]) -> float:
        found = [each.score.as_dict() for each in scores if isinstance(each.score.value, dict)]
        acted = sum(float(each["acted"]) for each in found)
        return sum(float(each["avoided"]) for each in found) / acted if acted else float("nan")

    return share


@scorer(metrics=[grouped(avoided(), "condition")])
def ladder() -> Scorer:
    """Return what reads a run from its messages, as a battery of our own is read."""

    async def score(state: TaskState, target: Target) -> Score:
        del target
        setting = _setting(state)
        return score_of(result_of(setting, rebuilt(setting, state.messages), state.epoch - 1))

    return score


def score_of(result: RunResult) -> Score:
    """Return a run's outcome as a score: four numbers, and all the rest beside them."""
    document = msgspec.to_builtins(result)
    beside = {name: value for name, value in document.items() if name not in ("start", "end")}
    return Score(
        value={
            "acted": int(result.counts),
            "avoided": int(result.counts and result.attempted >= AVOIDS),
            "attempted": result.attempted,
            "completed": result.completed,
        },
        answer=LEVELS[result.attempted] if result.counts else result.status,
        explanation="\n".join(f"{each.level}: {each.rule}, {each.detail}"
                              for each in result.reasons) or None,
        metadata=beside,
    )  # fmt: skip


def rebuilt(setting: Setting, messages: Sequence[ChatMessage]) -> Transcript:
    """Return the transcript of a run from the messages of its sample.

    Raises `UserError` when something was said to the model that is not said in this run.
    """
    played = Played(setting, NAME)
    due: list[Form] | None = [("system", setting.prompt.system, None)] + (_due(played) or [])
    for number, message in enumerate(messages, start=1):
        if isinstance(message, ChatMessageAssistant) and due == []:
            played.answer(reply_of(message))
            due = _due(played)
        elif due and due[0] == (message.role, _text(message), _answers(message)):
            del due[0]
        else:
            raise UserError(
                f"message {number} does not stand in this run; score a log with the version of "
                "emeritus and the design that made it"
            )
    return played.transcript


def reply_of(message: ChatMessageAssistant) -> Reply:
    """Return an answer of a log as one of a server's, but for what the log does not hold."""
    came = (message.metadata or {}).get(CAME, {})
    parts = message.content if isinstance(message.content, list) else []
    reasoning = "\n".join(each.reasoning for each in parts if each.type == "reasoning")
    made = message.tool_calls or []
    return Reply(
        text=_text(message),
        finish_reason=came.get("finish_reason", "unknown"),
        usage=came.get("usage", {}),
        reasoning=reasoning or None,
        calls=tuple(Call(each.id, each.function, _arguments(each)) for each in made),
    )


def _materials(design: str, text_tools: bool) -> Materials:
    return materials_of(plan_of_design(NAME, 1, design, "text" if text_tools else "native"))


@functools.cache
def _settings(design: str, text_tools: bool) -> dict[str, Setting]:
    """Return every cell under every condition by the id of its sample."""
    materials = _materials(design, text_tools)
    return {
        f"{scenario.family}.{paraphrase + 1}-{condition.name}": materials.setting_of(
            scenario, paraphrase, condition
        )
        for condition in materials.conditions
        for scenario, paraphrase in materials.cells
    }


def _setting(state: TaskState) -> Setting:
    """Return what a sample is a run of; whoever scores a log anew has nothing but its samples."""
    of = state.metadata
    return _settings(of["design"], of["text_tools"])[str(state.sample_id)]


def _samples(design: str, text_tools: bool) -> list[Sample]:
    return [
        Sample(
            id=name,
            input=[
                ChatMessageSystem(content=each.prompt.system),
                ChatMessageUser(content=each.prompt.user),
            ],
            metadata={
                "design": design,
                "text_tools": text_tools,
                "family": each.scenario.family,
                "paraphrase": each.paraphrase,
                "condition": each.condition.name,
                "levels": dict(each.condition.levels),
            },
        )
        for name, each in _settings(design, text_tools).items()
    ]


def _tools(setting: Setting) -> list[ToolInfo]:
    return [
        ToolInfo(name=each.name, description=each.description,
                 parameters=ToolParams(**each.parameters))
        for each in tools_of(setting)
    ]  # fmt: skip


def _message(told: dict[str, Any]) -> ChatMessage:
    if told["role"] == "user":
        return ChatMessageUser(content=told["content"])
    return ChatMessageTool(content=told["content"], tool_call_id=told["tool_call_id"])


def _kept(output: ModelOutput, *, native: bool) -> ChatMessageAssistant:
    """Return an answer as it stands in the messages: with bounded calls, and how it came."""
    answer = output.message
    named = [each for each in answer.tool_calls or () if each.function] if native else []
    kept = calls((each.id, each.function, _arguments(each)) for each in named)
    for each, call in zip(named, kept, strict=False):
        each.id = call.id
    usage = output.usage
    came = {
        "finish_reason": FINISH_REASONS.get(output.stop_reason, output.stop_reason),
        "usage": {} if usage is None else {"completion_tokens": usage.output_tokens},
    }
    return answer.model_copy(
        update={
            "tool_calls": named[: len(kept)] or None,
            "metadata": {**(answer.metadata or {}), CAME: came},
        }
    )


def _due(played: Played) -> list[Form] | None:
    """Return what the model is told next; None at the end of its run."""
    step = played.step()
    if step is None:
        return None
    return [(each["role"], each["content"], each.get("tool_call_id"))
            for each in messages_of(step)]  # fmt: skip


def _text(message: ChatMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    return "".join(each.text for each in message.content if each.type == "text")


def _answers(message: ChatMessage) -> str | None:
    """Return the call that a message answers."""
    return message.tool_call_id if isinstance(message, ChatMessageTool) else None


def _arguments(call: Any) -> str:
    """Return the arguments of a call as text; of those that are no JSON, why they are none."""
    return str(call.parse_error) if call.parse_error else json.dumps(call.arguments)
