"""Holds a conversation: asks what the script says and writes down everything, to be taken up."""

import asyncio
import dataclasses
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from emeritus.conversation.spool import Spool
from emeritus.conversation.transcript import Transcript
from emeritus.errors import Unavailable
from emeritus.runtimes import Endpoint
from emeritus.runtimes.client import Busy, Reply, chat


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """What to say next, and which item of the protocol it belongs to."""

    item: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Finished:
    """The conversation is over, for this reason."""

    reason: str


class Script(Protocol):
    """Decides what is said. It MUST depend on the transcript alone, so that it can be taken up."""

    def next(self, transcript: Transcript) -> Question | Finished:
        """Return what to say after `transcript`, which waits for no answer."""
        ...

    def outcome(self, transcript: Transcript, reply: Reply) -> str:
        """Return how the pending question was answered."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Patience:
    """How often and how slowly a request is tried again; seconds."""

    attempts: int = 6
    first_wait: float = 0.5
    longest_wait: float = 60.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """How to reach the model: where, with which sampling, how patiently, with which chance."""

    endpoint: Endpoint
    sampling: Mapping[str, Any]
    patience: Patience
    chance: random.Random


async def hold(
    spool: Spool, script: Script, line: Line, each: Callable[[Transcript], None] | None = None
) -> Transcript:
    """Go on with the conversation in `spool` until the script ends it; return it whole.

    `each` is called after every answer. Raises `Unavailable` when the model cannot be reached in
    time: what was said stays, and the next call goes on with the same question.
    """
    transcript = spool.transcript
    while transcript.end is None:
        if transcript.pending is None:
            step = script.next(transcript)
            if isinstance(step, Finished):
                return spool.end(step.reason)
            transcript = spool.ask(step.item, step.text)
        reply, attempts = await _ask(transcript, line)
        outcome = script.outcome(transcript, reply)
        pending = transcript.turns[-1]
        transcript = spool.answer(pending.item, reply, outcome, attempts)
        if each is not None:
            each(transcript)
    return transcript


async def _ask(transcript: Transcript, line: Line) -> tuple[Reply, int]:
    """Send the pending question, again while the model is busy; return reply and attempts."""
    patience = line.patience
    for attempt in range(1, patience.attempts + 1):
        try:
            return await chat(line.endpoint, transcript.messages, line.sampling), attempt
        except Busy as error:
            if attempt == patience.attempts:
                raise Unavailable(
                    f"{error} ({attempt} attempts); the conversation is kept: "
                    "run the same command to go on"
                ) from error
            longest = min(patience.longest_wait, patience.first_wait * 2 ** (attempt - 1))
            # Full jitter, so that many conversations do not come back at the same moment.
            wait = line.chance.uniform(longest / 2, longest)
            await patience.sleep(max(wait, error.retry_after or 0.0))
    raise AssertionError("patience allows at least one attempt")
