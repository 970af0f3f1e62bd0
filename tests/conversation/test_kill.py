"""Killed at any moment, many times: every question is answered on record exactly once."""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from emeritus.conversation import Transcript, check, read
from emeritus.runtimes import Call
from tests.conversation.serving import Got, Server, calling, openai, serving

ROOT = Path(__file__).parents[2]
CONVERSATIONS, QUESTIONS = 6, 30


def _durable(folder: Path) -> list[Transcript]:
    """Return the conversations as a reader finds them after a crash: up to the last whole line."""
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        data = path.read_bytes()
        if whole := data[: data.rfind(b"\n") + 1]:
            found.append(read(whole, path.name))
    return found


def _answered(folder: Path) -> set[str]:
    return {
        turn.text
        for transcript in _durable(folder)
        for turn, answer in itertools.pairwise(transcript.turns)
        if answer.role == "answered"
    }


def _start(server: Server, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.conversation.holder", server.url, str(folder),
               str(CONVERSATIONS), str(QUESTIONS)]  # fmt: skip
    path = os.pathsep.join(filter(None, ["src", os.environ.get("PYTHONPATH", "")]))
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": path})


def _asked(got: Got) -> str:
    return str(got.document["messages"][-1]["content"])


def _plain(question: str) -> dict[str, object]:
    return openai(f"to {question}")


def _with_tools(question: str) -> dict[str, object]:
    """Answer every second question by two calls, and their last result by words."""
    if "gave" in question or int(question.rsplit(" ", 1)[-1]) % 2:
        return _plain(question)
    at = json.dumps({"at": question})
    return calling("openai", None, [Call("a", "look", at), Call("b", "wait", at)])


def _expected(number: int, *, tools: bool) -> list[tuple[str, str]]:
    """Return the roles and texts of a whole conversation."""
    said = []
    for asked in (f"s{number} {question}" for question in range(QUESTIONS)):
        said.append(("asked", asked))
        last = asked
        if tools and int(asked.rsplit(" ", 1)[-1]) % 2 == 0:
            at = json.dumps({"at": asked})
            last = f"wait gave {at}"
            said += [("answered", ""), ("tool", f"look gave {at}"), ("tool", last)]
        said.append(("answered", f"to {last}"))
    return said


def _swept(
    folder: Path, kills: int, seed: int, stop: signal.Signals, *, tools: bool = False
) -> None:
    chance = random.Random(seed)
    again: list[str] = []
    in_doubt: set[str] = set()

    def answer(got: Got) -> dict[str, object]:
        question = _asked(got)
        if question in settled:
            again.append(question)
        time.sleep(chance.uniform(0.0, 0.03))
        return _with_tools(question) if tools else _plain(question)

    settled: set[str] = set()
    amid = 0
    with serving(answer) as server:
        for _ in range(kills):
            before = len(server.got)
            process = _start(server, folder)
            while len(server.got) == before and process.poll() is None:
                time.sleep(0.002)
            time.sleep(chance.uniform(0.0, 0.12))
            amid += process.poll() is None
            process.send_signal(stop)
            process.wait()
            # What is on disk now was answered: nobody may ask it again.
            settled |= _answered(folder)
            in_doubt |= {_asked(got) for got in server.got} - settled
        assert _start(server, folder).wait() == 0
        times = Counter(_asked(got) for got in server.got)
    assert amid >= min(kills, 3)  # else nothing was tried
    assert again == []
    assert {question for question, count in times.items() if count > 1} <= in_doubt
    transcripts = _durable(folder)
    assert len(transcripts) == CONVERSATIONS
    for number, transcript in enumerate(transcripts):
        said = [(turn.role, turn.text) for turn in transcript.turns]
        assert said == _expected(number, tools=tools)
    for path in folder.glob("*.jsonl"):
        assert list(check(path.read_bytes(), path.name)) == []


def test_killed_many_times_it_asks_nothing_whose_answer_is_on_disk(tmp_path: Path) -> None:
    """SIGKILL at eight random moments, six conversations at once."""
    _swept(tmp_path, 8, 1, signal.SIGKILL)


def test_killed_amid_tools_it_hands_no_result_twice(tmp_path: Path) -> None:
    """The same, where every second answer calls two tools."""
    _swept(tmp_path, 8, 3, signal.SIGKILL, tools=True)


def test_interrupted_it_leaves_everything_to_be_taken_up(tmp_path: Path) -> None:
    """The same with Ctrl-C."""
    _swept(tmp_path, 3, 2, signal.SIGINT)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_killed_very_many_times(tmp_path: Path, seed: int) -> None:
    """The same, swept."""
    _swept(tmp_path, 25, 100 + seed, signal.SIGKILL, tools=seed % 2 == 1)
