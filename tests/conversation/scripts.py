"""What the tests of conversations share: a script that asks, and how to hold it."""

import asyncio
import dataclasses
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

from emeritus.clock import FixedClock
from emeritus.conversation import (
    Finished,
    Holding,
    Line,
    Opening,
    Patience,
    Question,
    Results,
    Run,
    Script,
    Spool,
    Step,
    Transcript,
    hold,
)
from emeritus.runtimes import Endpoint, Tool
from emeritus.runtimes.client import Reply

MODEL = "acme/aster-1"
TOOLS = (
    Tool("look", "Look at a thing.", {"type": "object", "properties": {"at": {"type": "string"}}}),
    Tool("wait", "Wait a while.", {"type": "object"}),
)


class Judging:
    """Judges by nothing but whether there are words."""

    def outcome(self, transcript: Transcript, reply: Reply) -> str:
        """Return `answered` for any words."""
        return "answered" if transcript.turns and reply.text else "degenerate"


@dataclasses.dataclass(frozen=True)
class Counting(Judging):
    """Asks so many questions, each of which names the conversation."""

    questions: int = 5
    name: str = "question"

    def next(self, transcript: Transcript) -> Step:
        """Return the next question."""
        number = len(transcript.answers)
        if number == self.questions:
            return Finished("complete")
        return Question(f"q{number}", f"{self.name} {number}")


@dataclasses.dataclass(frozen=True)
class Handing(Counting):
    """Asks the same, and hands every tool that is called its arguments back."""

    def next(self, transcript: Transcript) -> Step:
        """Return the results of all calls of the last answer, or else the next question."""
        if transcript.open_calls:
            last = transcript.answers[-1]
            return Results([(call["id"], f"{call['name']} gave {call['arguments']}")
                            for call in last.calls])  # fmt: skip
        asked = sum(turn.role == "asked" for turn in transcript.turns)
        if asked == self.questions:
            return Finished("complete")
        return Question(f"q{asked}", f"{self.name} {asked}")


async def no_sleep(_: float) -> None:
    """Let others go on, and wait no longer."""
    await asyncio.sleep(0)


def line(
    endpoint: Endpoint,
    attempts: int = 3,
    sleep: Callable[[float], Awaitable[None]] = no_sleep,
) -> Line:
    """Return how to reach the model, with no real waiting."""
    return Line(endpoint, Patience(attempts=attempts, sleep=sleep), random.Random(1))


def held(
    folder: Path, clock: FixedClock, endpoint: Endpoint, script: Script, run: Run | None = None
) -> Transcript:
    """Hold one conversation until it stops; return it. Tools are offered where any are handed."""
    spool = Spool(folder, "s1", clock)
    tools = TOOLS if isinstance(script, Handing) else ()
    opening = Opening.of(endpoint, {"temperature": 0.5}, tools=tools)
    spool.open(MODEL, {"protocol": "test"}, opening)
    try:
        return asyncio.run(hold(spool, script, line(endpoint), run=run))
    finally:
        spool.close()


def holding(
    folder: Path, clock: FixedClock, endpoint: Endpoint, number: int, script: Script
) -> Holding:
    """Return conversation `number` of many."""
    opening = Opening.of(endpoint, {}, tools=TOOLS if isinstance(script, Handing) else ())
    spool = Spool(folder, f"s{number}", clock)
    return Holding(spool, MODEL, {"session": number}, opening, script, line(endpoint))
