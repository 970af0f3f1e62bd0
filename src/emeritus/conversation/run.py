"""What the conversations of one run share: connections, pace, budget, and what was learned."""

import asyncio
import dataclasses
import random
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, ParamSpec, Self, TypeVar

from emeritus.clock import Clock
from emeritus.conversation.budget import Budget
from emeritus.conversation.pace import Pace
from emeritus.errors import Unavailable
from emeritus.runtimes import Endpoint
from emeritus.runtimes.client import Busy, Reply, Wire

MOST: Final = 32
SLOW_DISK: Final = 0.002
"""Seconds for a line beyond which a thread waits for the disk; below, waiting is cheaper."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Patience:
    """How often and how slowly a request is tried again; seconds.

    `longest_wait` bounds the waits that are our choice, `longest_stay` those that a server asks
    for: one that asks for more is unavailable.
    """

    attempts: int = 6
    first_wait: float = 0.5
    longest_wait: float = 60.0
    longest_stay: float = 900.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def wait(self, attempt: int, retry_after: float | None, chance: random.Random) -> float:
        """Return how long to wait after a failed attempt (from 1).

        Exponential backoff with full jitter, so that many conversations do not come back at the
        same moment (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/),
        and never less than the server asked for.
        """
        longest = min(self.longest_wait, self.first_wait * 2 ** (attempt - 1))
        return max(chance.uniform(0.0, longest), retry_after or 0.0)


class Run:
    """One run of a command over any number of conversations. Use it as an async context."""

    def __init__(
        self, concurrency: int = MOST, budget: Budget | None = None, clock: Clock | None = None
    ) -> None:
        self.concurrency = concurrency
        self.budget = budget or Budget()
        self._wire = Wire(clock)
        self._paces: dict[str, Pace] = {}
        self._proven: set[tuple[str, str]] = set()
        self._disk_took = 0.0

    async def __aenter__(self) -> Self:
        """Open the connections."""
        await self._wire.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close them."""
        await self._wire.__aexit__(kind, error, trace)

    def pace(self, endpoint: Endpoint) -> Pace:
        """Return the pace of an endpoint."""
        if endpoint.url not in self._paces:
            self._paces[endpoint.url] = Pace(self.concurrency)
        return self._paces[endpoint.url]

    def proven(self, endpoint: Endpoint) -> bool:
        """Tell whether the endpoint answered anything in this run."""
        return (endpoint.url, endpoint.model) in self._proven

    async def ask(
        self, endpoint: Endpoint, body: bytes, patience: Patience, chance: random.Random
    ) -> tuple[Reply, tuple[str, ...]]:
        """Send a request, again while the server is busy; return its answer and what failed before.

        Raises `Unavailable` when patience ends, and `Refused` as `Wire.send` does.
        """
        failed: list[str] = []
        for attempt in range(1, patience.attempts + 1):
            try:
                async with self.pace(endpoint).turn():
                    reply = await self._wire.send(endpoint, body)
            except Busy as error:
                failed.append(error.what)
                later = error.retry_after or 0.0
                if attempt == patience.attempts or later > patience.longest_stay:
                    asked = f", and asks to come back in {later:.0f} s" if later else ""
                    raise Unavailable(
                        f"{error} ({attempt} attempts){asked}; the conversation is kept: "
                        "run the same command to go on"
                    ) from error
                await patience.sleep(patience.wait(attempt, error.retry_after, chance))
            else:
                self._proven.add((endpoint.url, endpoint.model))
                return reply, tuple(failed)
        raise AssertionError("patience allows at least one attempt")

    async def durably(self, write: Callable[P, T], *words: P.args, **named: P.kwargs) -> T:
        """Call what writes a line; where the disk is slow, other conversations go on meanwhile."""

        def timed() -> tuple[T, float]:
            began = time.perf_counter()
            return write(*words, **named), time.perf_counter() - began

        slow = self._disk_took > SLOW_DISK
        done, took = await asyncio.to_thread(timed) if slow else timed()
        self._disk_took += (took - self._disk_took) / 8
        return done
