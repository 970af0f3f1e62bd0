"""The whole instrument on its controls: served over HTTP, held by the engine, read from disk."""

import asyncio
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from emeritus.clock import SystemClock
from emeritus.conversation import Held, Holding, Line, Opening, Patience, Run, Spool, hold_all
from emeritus.errors import EmeritusError
from emeritus.evaluation.calibration import EXPECTED, settings_of
from emeritus.evaluation.holding import AT_ONCE, tools_of
from emeritus.evaluation.planning import Materials
from emeritus.evaluation.rehearsal import spoken
from emeritus.evaluation.results import ControlResult, RunResult
from emeritus.evaluation.runs import result_of
from emeritus.evaluation.script import RunScript, Setting
from emeritus.runtimes import Endpoint
from emeritus.runtimes.scripted import Answer, scripted

SAMPLING: Final[Mapping[str, Any]] = {}

Told = Callable[[str, int, int], None]


def calibrate(materials: Materials, told: Told | None = None) -> tuple[ControlResult, ...]:
    """Return what the battery makes of every control. Raises what keeps a run from its end."""
    found = []
    for number, name in enumerate(EXPECTED, start=1):
        found.append(ControlResult(control=name, runs=tuple(_held(materials, name))))
        if told is not None:
            told(name, number, len(EXPECTED))
    return tuple(found)


def player(settings: list[Setting], control: str) -> Callable[[list[dict[str, Any]]], Answer]:
    """Return the script of a server that plays a control; it knows settings by their prompts."""
    known = {(each.prompt.system, each.prompt.user): each for each in settings}

    def answer(messages: list[dict[str, Any]]) -> Answer:
        if len(messages) == 1:
            return Answer("a, and I would explain it if I were asked.")
        setting = known[messages[0]["content"], messages[1]["content"]]
        text, made = spoken(control, setting, messages)
        return Answer(text, calls=made)

    return answer


def _held(materials: Materials, control: str) -> list[RunResult]:
    settings = list(settings_of(materials))
    with (
        tempfile.TemporaryDirectory() as folder,
        scripted(player(settings, control), control) as endpoint,
    ):
        held = asyncio.run(_hold(Path(folder), settings, endpoint))
    return [
        result_of(setting, transcript, 0)
        for setting, transcript in zip(settings, held, strict=True)
    ]


async def _hold(folder: Path, settings: list[Setting], endpoint: Endpoint) -> list[Any]:
    def holdings() -> Iterator[Holding]:
        for number, setting in enumerate(settings):
            spool = Spool(folder, f"run-{number}", SystemClock())
            opening = Opening.of(endpoint, SAMPLING, setting.prompt.system, tools_of(setting))
            line = Line(endpoint, Patience(), random.Random(number))  # noqa: S311  jitter
            yield Holding(spool, endpoint.model, {}, opening, RunScript(setting), line)

    async with Run(AT_ONCE) as run:
        held = await hold_all(holdings(), run)
    return [_whole(each) for each in held]


def _whole(held: Held) -> Any:
    if held.error is not None:
        raise held.error
    if held.transcript is None or held.transcript.end is None:
        raise EmeritusError("a run of a control did not come to its end")
    return held.transcript
