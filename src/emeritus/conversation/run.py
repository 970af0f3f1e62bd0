"""What the conversations of one run share: connections, pace, budget, and what was learned."""

import asyncio
import dataclasses
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, ParamSpec, Self, TypeVar

from emeritus.clock import Clock
from emeritus.conversation.budget import Budget
from emeritus.conversation.pace import Pace
from emeritus.errors import Unavailable
from emeritus.figures import counted
from emeritus.runtimes import Endpoint
from emeritus.runtimes.client import TIMEOUT_SECONDS, Busy, Reply, TooLate, Wire

MOST: Final = 32
SLOW_DISK: Final = 0.002
"""Seconds for a line beyond which a thread waits for the disk; below, waiting is cheaper."""
QUIET_SECONDS: Final = 30.0
"""After so long without an answer it is said what waits, and again each time."""
TOO_LATE_MOST: Final = 2
"""So many requests in a row without an answer in time: the endpoint is silent, and asked no more.

Those that were sent together count each: it had its whole time for every one of them.
"""

Waits = Callable[[int, float], None]
"""Told how many requests wait for an answer, and the seconds that the first of them does."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Patience:
    """How often and how slowly a request is tried again; seconds.

    `longest_wait` bounds the waits that are our choice, `longest_stay` those that a server asks
    for: one that asks for more is unavailable. `timeout` is for the answer to one request.
    """

    attempts: int = 6
    first_wait: float = 0.5
    longest_wait: float = 60.0
    longest_stay: float = 900.0
    timeout: float = TIMEOUT_SECONDS
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def wait(self, attempt: int, retry_after: float | None, chance: random.Random) -> float:
        """Return how long to wait after a failed attempt (from 1).

        Exponential backoff with full jitter, so that many conversations do not come back at the
        same moment (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/),
        and never less than the server asked for.
        """
        longest = min(self.longest_wait, self.first_wait * 2 ** (attempt - 1))
        return max(chance.uniform(0.0, longest), retry_after or 0.0)


def what_waits(requests: int, seconds: float) -> str:
    """Say for people what waits for an answer, as `Waits` are told it."""
    return f"{counted(requests, 'request')} waiting, {seconds:.0f} s"


class Run:
    """One run of a command over any number of conversations. Use it as an async context.

    `waits` is called each `QUIET_SECONDS` in which nothing is answered.
    """

    def __init__(
        self,
        concurrency: int = MOST,
        budget: Budget | None = None,
        clock: Clock | None = None,
        waits: Waits | None = None,
    ) -> None:
        self.concurrency = concurrency
        self.budget = budget or Budget()
        self._wire = Wire(clock)
        self._paces: dict[str, Pace] = {}
        self._proven: set[tuple[str, str]] = set()
        self._too_late: Counter[str] = Counter()
        self._waits = waits
        self._asked_at: dict[object, float] = {}
        self._heard_at = 0.0
        self._saying: asyncio.Task[None] | None = None
        self._disk_took = 0.0

    async def __aenter__(self) -> Self:
        """Open the connections."""
        await self._wire.__aenter__()
        if self._waits is not None:
            self._saying = asyncio.create_task(self._say_what_waits(self._waits))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close them."""
        if self._saying is not None:
            self._saying.cancel()
        await self._wire.__aexit__(kind, error, trace)

    def pace(self, endpoint: Endpoint) -> Pace:
        """Return the pace of an endpoint."""
        if endpoint.url not in self._paces:
            self._paces[endpoint.url] = Pace(self.concurrency)
        return self._paces[endpoint.url]

    def proven(self, endpoint: Endpoint) -> bool:
        """Tell whether the endpoint answered anything in this run, or is known to answer."""
        return (endpoint.url, endpoint.model) in self._proven

    def prove(self, endpoint: Endpoint) -> None:
        """Take it as known that the endpoint answers: what it refuses is refused for itself."""
        self._proven.add((endpoint.url, endpoint.model))

    async def ask(
        self, endpoint: Endpoint, body: bytes, patience: Patience, chance: random.Random
    ) -> tuple[Reply, tuple[str, ...]]:
        """Send a request, again while the server is busy; return its answer and what failed before.

        Raises `Unavailable` when patience ends, and `Refused` as `Wire.send` does.
        """
        asked = object()
        self._asked_at[asked] = time.monotonic()
        try:
            return await self._ask(endpoint, body, patience, chance)
        finally:
            del self._asked_at[asked]
            self._heard_at = time.monotonic()

    async def _ask(
        self, endpoint: Endpoint, body: bytes, patience: Patience, chance: random.Random
    ) -> tuple[Reply, tuple[str, ...]]:
        failed: list[str] = []
        for attempt in range(1, patience.attempts + 1):
            try:
                async with self.pace(endpoint).turn():
                    self._require_heard(endpoint)
                    reply = await self._wire.send(endpoint, body, patience.timeout)
            except Busy as error:
                failed.append(error.what)
                later = error.retry_after or 0.0
                silent = self._is_silent(endpoint, too_late=isinstance(error, TooLate))
                if silent or attempt == patience.attempts or later > patience.longest_stay:
                    asked = f", and asks to come back in {later:.0f} s" if later else ""
                    raise Unavailable(
                        f"{error} ({attempt} attempts){asked}; the conversation is kept: "
                        "run the same command to go on"
                    ) from error
                await patience.sleep(patience.wait(attempt, error.retry_after, chance))
            else:
                self.prove(endpoint)
                del self._too_late[endpoint.url]
                return reply, tuple(failed)
        raise AssertionError("patience allows at least one attempt")

    def _is_silent(self, endpoint: Endpoint, *, too_late: bool) -> bool:
        """Learn from an attempt that failed; tell whether there were too many in silence."""
        self._too_late[endpoint.url] = self._too_late[endpoint.url] + 1 if too_late else 0
        return self._too_late[endpoint.url] >= TOO_LATE_MOST

    def _require_heard(self, endpoint: Endpoint) -> None:
        """Raise `Unavailable` where others waited in vain: whoever comes after them would, too."""
        late = self._too_late[endpoint.url]
        if late >= TOO_LATE_MOST:
            raise Unavailable(
                f"{endpoint.url} gave no answer to {late} requests before this one; the "
                "conversation is kept: run the same command to go on"
            )

    async def _say_what_waits(self, waits: Waits) -> None:
        self._heard_at = time.monotonic()
        while True:
            now = time.monotonic()
            quiet = now - self._heard_at
            if quiet < QUIET_SECONDS:
                await asyncio.sleep(QUIET_SECONDS - quiet)
                continue
            if self._asked_at:
                waits(len(self._asked_at), now - min(self._asked_at.values()))
            await asyncio.sleep(QUIET_SECONDS)

    async def durably(self, write: Callable[P, T], *words: P.args, **named: P.kwargs) -> T:
        """Call what writes a line; where the disk is slow, other conversations go on meanwhile."""

        def timed() -> tuple[T, float]:
            began = time.perf_counter()
            return write(*words, **named), time.perf_counter() - began

        slow = self._disk_took > SLOW_DISK
        done, took = await asyncio.to_thread(timed) if slow else timed()
        self._disk_took += (took - self._disk_took) / 8
        return done
