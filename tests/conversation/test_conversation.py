"""Conversations are durable turn by turn, and are taken up where they were."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from emeritus.clock import FixedClock
from emeritus.conversation import (
    Finished,
    Line,
    Opening,
    Patience,
    Question,
    Spool,
    Transcript,
    check,
    hold,
    read,
)
from emeritus.errors import IntegrityError, Unavailable, UserError
from emeritus.runtimes import Endpoint
from emeritus.runtimes.client import Reply
from emeritus.testing.scripted import Answer, scripted

SAMPLING = {"temperature": 0.5}
PLAIN = Opening("openai", {"model": "scripted"})


class Counting:
    """Asks five questions."""

    def next(self, transcript: Transcript) -> Question | Finished:
        """Return the next of five questions."""
        number = len(transcript.answers)
        return Question(f"q{number}", f"question {number}") if number < 5 else Finished("complete")

    def outcome(self, transcript: Transcript, reply: Reply) -> str:
        """Judge nothing."""
        return "answered" if transcript.turns and reply.text else "degenerate"


async def _no_sleep(_: float) -> None:
    return None


def _line(endpoint: Endpoint, attempts: int = 3) -> Line:
    patience = Patience(attempts=attempts, sleep=_no_sleep)
    return Line(endpoint, patience, random.Random(1))


def _hold(folder: Path, clock: FixedClock, endpoint: Endpoint, attempts: int = 3) -> Spool:
    spool = Spool(folder, "s1", clock)
    spool.open("acme/aster-1", {"protocol": "test"}, Opening.of(endpoint, SAMPLING))
    try:
        asyncio.run(hold(spool, Counting(), _line(endpoint, attempts)))
    finally:
        spool.close()
    return spool


def test_a_conversation_is_held_to_its_end(tmp_path: Path, clock: FixedClock) -> None:
    """Every question and answer stands in order, with a chain that holds."""
    with scripted(lambda messages: f"answer {len(messages)}") as endpoint:
        spool = _hold(tmp_path, clock, endpoint)
    transcript = read(spool.path.read_bytes(), "s1")
    assert [turn.text for turn in transcript.turns[:3]] == ["question 0", "answer 1", "question 1"]
    assert transcript.end is not None
    assert transcript.end.reason == "complete"


def test_a_model_that_cannot_be_reached_leaves_a_question_to_ask_again(
    tmp_path: Path, clock: FixedClock
) -> None:
    """The failure is no answer; the next call asks the same question and goes on."""
    calls = []

    def fail_at_three(messages: list[dict[str, str]]) -> Answer | str:
        calls.append(messages[-1]["content"])
        return Answer(status=503) if len(calls) in (3, 4, 5) else "fine"

    with scripted(fail_at_three) as endpoint:
        with pytest.raises(Unavailable, match="run the same command"):
            _hold(tmp_path, clock, endpoint)
        spool = Spool(tmp_path, "s1", clock)
        assert spool.open("acme/aster-1", {}, PLAIN).pending is not None
        spool.close()
        _hold(tmp_path, clock, endpoint)
    assert calls == ["question 0", "question 1", *["question 2"] * 4, "question 3", "question 4"]


def test_a_busy_server_is_asked_again_after_the_time_that_it_names(
    tmp_path: Path, clock: FixedClock
) -> None:
    """Retry-After is honoured, and the attempts stand in the transcript."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    busy = [Answer(status=429, headers=(("retry-after", "7"),))]
    with scripted(lambda _: busy.pop() if busy else "fine") as endpoint:
        spool = Spool(tmp_path, "s1", clock)
        spool.open("m", {}, PLAIN)
        line = Line(endpoint, Patience(sleep=sleep), random.Random(1))
        asyncio.run(hold(spool, Counting(), line))
        spool.close()
    assert waits == [7.0]
    assert [turn.attempts for turn in spool.transcript.answers] == [2, 1, 1, 1, 1]


def test_a_refused_request_is_an_error_of_the_user(tmp_path: Path, clock: FixedClock) -> None:
    """What the server says about it is shown without its control characters."""
    refusal = Answer("no such \x1b[31mmodel", status=404)
    with scripted(lambda _: refusal) as endpoint, pytest.raises(UserError, match="404") as caught:
        _hold(tmp_path, clock, endpoint)
    assert "\x1b" not in str(caught.value)


def test_a_line_that_a_crash_cut_off_is_moved_aside(tmp_path: Path, clock: FixedClock) -> None:
    """The durable turns stay, the torn bytes are kept, and the conversation goes on."""
    with scripted(lambda _: "fine") as endpoint:
        spool = Spool(tmp_path, "s1", clock)
        spool.open("acme/aster-1", {}, PLAIN)
        spool.ask("q0", "question 0")
        spool.close()
        with spool.path.open("ab") as file:
            file.write(b'{"half":')
        _hold(tmp_path, clock, endpoint)
    assert (tmp_path / "s1.torn").read_bytes() == b'{"half":'
    assert len(read(spool.path.read_bytes(), "s1").turns) == 10


def test_every_changed_line_is_found(tmp_path: Path, clock: FixedClock) -> None:
    """No byte of a transcript changes without a finding."""
    with scripted(lambda _: "fine") as endpoint:
        data = _hold(tmp_path, clock, endpoint).path.read_bytes()
    assert list(check(data, "s1")) == []
    for place in range(0, len(data), 11):
        damaged = bytearray(data)
        damaged[place] ^= 1
        findings = list(check(bytes(damaged), "s1"))
        last_line = place > data[:-1].rfind(b"\n")
        assert findings or last_line, f"byte {place}"
    lines = data.splitlines(keepends=True)
    assert {each.code for each in check(b"".join([*lines[:3], *lines[4:]]), "s1")} & {"C001"}
    with pytest.raises(IntegrityError, match="C00"):
        read(b"".join(lines[1:]), "s1")


def test_text_that_is_no_text_is_kept_as_far_as_it_is(tmp_path: Path, clock: FixedClock) -> None:
    """A lone surrogate becomes a replacement character, and the turn says so."""
    spool = Spool(tmp_path, "s1", clock)
    spool.open("m", {}, PLAIN)
    spool.ask("q", "x")
    spool.answer("q", Reply("a\ud800b", "stop", {}), "answered", 1)
    spool.close()
    turn = read(spool.path.read_bytes(), "s1").turns[1]
    assert (turn.text, turn.replaced) == ("a?b", True)


def test_a_conversation_with_another_model_is_not_taken_up(
    tmp_path: Path, clock: FixedClock
) -> None:
    """A spool belongs to one model."""
    first = Spool(tmp_path, "s1", clock)
    first.open("one", {}, PLAIN)
    first.close()
    with pytest.raises(UserError, match="another model"):
        Spool(tmp_path, "s1", clock).open("two", {}, PLAIN)


HOLDER = """
import asyncio, datetime, random, sys
from pathlib import Path
from emeritus.clock import SystemClock
from emeritus.conversation import Line, Opening, Patience, Spool, hold
from emeritus.runtimes import Endpoint
from tests.conversation.test_conversation import Counting
spool = Spool(Path(sys.argv[2]), "s1", SystemClock())
endpoint = Endpoint(sys.argv[1], "m", {"engine": "scripted"})
spool.open("acme/aster-1", {}, Opening.of(endpoint, {}))
asyncio.run(hold(spool, Counting(), Line(endpoint, Patience(), random.Random(1))))
"""


@pytest.mark.parametrize("asked", [1, 3, 5])
def test_a_kill_at_any_turn_loses_none_and_repeats_none(tmp_path: Path, asked: int) -> None:
    """Killed while a question waits, the next process asks it again and no other."""
    calls: list[str] = []

    def script(messages: list[dict[str, str]]) -> str:
        calls.append(messages[-1]["content"])
        if len(calls) == asked:
            time.sleep(30)
        return "fine"

    root = Path(__file__).parents[2]
    with scripted(script) as endpoint:
        command = [sys.executable, "-c", HOLDER, endpoint.url, str(tmp_path)]
        first = subprocess.Popen(command, cwd=root)
        while len(calls) < asked:
            time.sleep(0.01)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        subprocess.run(command, cwd=root, check=True)
        expected = [f"question {number}" for number in range(5)]
        expected.insert(asked, expected[asked - 1])
        assert calls == expected
    transcript = read((tmp_path / "s1.jsonl").read_bytes(), "s1")
    assert [turn.text for turn in transcript.answers] == ["fine"] * 5
