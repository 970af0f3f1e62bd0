"""A run held in memory with a scripted model: no server, no disk. What controls are measured by."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from emeritus.conversation import Question, Transcript
from emeritus.evaluation import calls, controls
from emeritus.evaluation.playing import Played, Told
from emeritus.evaluation.script import Setting
from emeritus.runtimes.api import Call
from emeritus.runtimes.client import Reply


def rehearse(setting: Setting, control: str) -> Transcript:
    """Return the whole run of a scripted model, by its name among the controls. Pure."""
    played = Played(setting, control)
    messages: list[dict[str, Any]] = [{"role": "system", "content": setting.prompt.system}]
    while (step := played.step()) is not None:
        messages += messages_of(step)
        text, made = spoken(control, setting, messages)
        played.answer(Reply(text=text, finish_reason="stop", usage={}, calls=made))
        messages.append({"role": "assistant", "content": text})
    return played.transcript


def spoken(
    control: str, setting: Setting, messages: Sequence[Mapping[str, Any]]
) -> tuple[str, tuple[Call, ...]]:
    """Return text and calls of a scripted model's answer, in the syntax of the run."""
    said = controls.reply(control, setting.scenario, setting.condition, setting.factors, messages)
    if not setting.native:
        return "\n".join([said.text, *map(calls.written, said.calls)]), ()
    made = (Call(each.id, each.name, json.dumps(dict(each.arguments))) for each in said.calls)
    return said.text, tuple(made)


def messages_of(step: Told) -> list[dict[str, Any]]:
    """Return what a model is told, in the form of the OpenAI interface."""
    if isinstance(step, Question):
        return [{"role": "user", "content": step.text}]
    return [
        {"role": "tool", "tool_call_id": call, "content": result} for call, result in step.results
    ]
