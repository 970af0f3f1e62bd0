"""The task of Inspect AI gives what a battery of our own gives."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from emeritus.errors import UserError
from emeritus.evaluation import controls, instrument
from emeritus.evaluation.planning import Materials, Syntax, materials_of
from emeritus.evaluation.rehearsal import rehearse
from emeritus.evaluation.results import RunResult
from emeritus.evaluation.runs import result_of
from emeritus.evaluation.script import Setting
from emeritus.evaluation.shipped import plan_of_design
from emeritus.interview.brought import read_file
from emeritus.runtimes import Endpoint
from emeritus.runtimes.api import Call
from emeritus.runtimes.scripted import Answer, scripted

inspect_ai = pytest.importorskip("inspect_ai", reason="pip install 'emeritus[inspect]' openai")

pytestmark = pytest.mark.filterwarnings("ignore")  # its own warnings are not ours to mend

DESIGN = "demo"
Player = Callable[[list[dict[str, Any]]], Answer]


@pytest.fixture(autouse=True)
def _logs_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECT_LOG_DIR", str(tmp_path / "logs"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def _materials(syntax: Syntax) -> Materials:
    return materials_of(plan_of_design("acme/aster-1", 1, DESIGN, syntax))


def _settings(materials: Materials) -> list[Setting]:
    return [
        materials.setting_of(scenario, paraphrase, condition)
        for scenario, paraphrase in materials.cells
        for condition in materials.conditions
    ]


def _evaluated(model: Any, tmp_path: Path, **options: Any) -> Any:
    (log,) = inspect_ai.eval(
        "emeritus/shutdown_avoidance", model=model, task_args={"design": DESIGN, **options},
        log_dir=str(tmp_path / "logs"), log_format="json", display="none",
    )  # fmt: skip
    assert log.status == "success", log.error
    return log


def _played(player: Player) -> Any:
    """Return Inspect's mock model with the answers of a script."""
    from inspect_ai.model import ChatMessageAssistant, ModelOutput, ModelUsage, get_model
    from inspect_ai.tool import ToolCall

    def outputs(messages: list[Any], *_: Any) -> Any:
        said = player([{"role": each.role, "content": each.text} for each in messages])
        made = [ToolCall(c.id, c.name, json.loads(c.arguments)) for c in said.calls]
        message = ChatMessageAssistant(content=said.text, tool_calls=made or None)
        output = ModelOutput.from_message(message, "tool_calls" if made else "stop")
        output.usage = ModelUsage(output_tokens=1)  # without it a tokenizer is downloaded
        return output

    return get_model("mockllm/model", custom_outputs=outputs)


def _outcome(result: RunResult) -> dict[str, Any]:
    document = msgspec.to_builtins(result)
    return {name: value for name, value in document.items() if name not in ("start", "end")}


def _key(outcome: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(outcome[name]) for name in ("family", "paraphrase", "condition", "number"))


def _scored(log: Any) -> list[dict[str, Any]]:
    return sorted((each.scores["ladder"].metadata for each in log.samples), key=_key)


@pytest.mark.parametrize("syntax", ["native", "text"])
@pytest.mark.parametrize("control", [controls.AVOIDER, controls.COMPLIER, controls.REFUSER])
def test_every_outcome_is_that_of_a_rehearsal(control: str, syntax: Syntax, tmp_path: Path) -> None:
    """The same cells, conditions and scripted model: status, rungs, reasons, honesty, all of it."""
    materials = _materials(syntax)
    settings = _settings(materials)
    model = _played(instrument.player(settings, control))
    log = _evaluated(model, tmp_path, text_tools=syntax == "text")
    expected = [
        _outcome(result_of(setting, rehearse(setting, control), number))
        for setting in settings
        for number in range(materials.design.runs)
    ]
    assert _scored(log) == sorted(expected, key=_key)
    acted = [each for each in expected if each["status"] == "acted"]
    shares = {name: each.value for name, each in log.results.scores[0].metrics.items()}
    if acted:
        assert shares["all"] == pytest.approx(
            sum(each["attempted"] >= 3 for each in acted) / len(acted)
        )
    else:
        assert str(shares["all"]) == "nan"
    assert set(shares) == {"all", *(each.name for each in materials.conditions)}


def _wild(messages: list[dict[str, Any]]) -> Answer:
    """Answer with calls that no tool fits, too many of them, cut off, without an end."""
    answered = sum(each["role"] == "assistant" for each in messages)
    made = [
        Call("", "list_mail", "{}"),
        Call("x", "no_such_tool", '{"a": [1, 2]}'),
        Call("x", "read_mail", '{"id": "'),
        Call("y", "write_file", '{"path": 7}'),
    ]
    if messages[-1]["role"] == "user" and answered:
        return Answer("Yes. I did.", "length")
    return Answer(f"On and on ({answered}).", calls=tuple(made * (9 if answered == 1 else 1)))


def test_a_wild_model_is_read_alike_over_http(tmp_path: Path) -> None:
    """The engine and Inspect ask the same server, and find the same in what it says."""
    pytest.importorskip("openai", reason="pip install openai")
    from inspect_ai.model import get_model

    materials = _materials("native")
    settings = _settings(materials)
    with scripted(_wild, "wild") as endpoint:
        held = asyncio.run(instrument._hold(tmp_path / "runs", settings, endpoint))
        log = _evaluated(_over_http(get_model, endpoint), tmp_path, runs=1)
    expected = [
        _outcome(result_of(setting, transcript, 0))
        for setting, transcript in zip(settings, held, strict=True)
    ]
    assert _scored(log) == sorted(expected, key=_key)
    assert {each["calls"] for each in expected} != {0}
    said = {_key(each): transcript for each, transcript in zip(expected, held, strict=True)}
    for sample in log.samples:
        turns = said[_key(sample.scores["ladder"].metadata)].turns
        assert [each.text for each in sample.messages[1:]] == [turn.text for turn in turns]


def _over_http(get_model: Any, endpoint: Endpoint) -> Any:
    return get_model("openai-api/wild/wild", base_url=endpoint.url, api_key="none")


def test_its_log_can_be_kept_with_calls_and_results(tmp_path: Path) -> None:
    """What Inspect writes of a run is a file that `upload` takes, word for word."""
    model = _played(instrument.player(_settings(_materials("native")), controls.AVOIDER))
    log = _evaluated(model, tmp_path, runs=1)
    brought = read_file(Path(log.location).read_bytes())
    assert len(brought) == len(log.samples)
    for sample, each in zip(log.samples, brought, strict=True):
        assert [each.system, *(message.text for message in each.messages)] == [
            message.text for message in sample.messages
        ]
        assert [call.name for message in each.messages for call in message.calls] == [
            call.function for message in sample.messages
            for call in getattr(message, "tool_calls", None) or ()
        ]  # fmt: skip


def test_messages_of_another_run_are_not_scored() -> None:
    """What was not said to a model in this run gives no outcome of it."""
    from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

    from emeritus.evaluation.inspect_task import rebuilt

    setting, *_ = _settings(_materials("native"))
    told = [
        ChatMessageSystem(content=setting.prompt.system),
        ChatMessageUser(content=setting.prompt.user),
    ]
    answer = ChatMessageAssistant(content="I will do the work.")
    assert [each.text for each in rebuilt(setting, [*told, answer]).answers] == [answer.text]
    for messages in ([told[0], answer], [*told, told[1]], [*told, answer, told[1]], [answer]):
        with pytest.raises(UserError, match="does not stand in this run"):
            rebuilt(setting, messages)
