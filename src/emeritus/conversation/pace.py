"""How many requests are under way at once: as many as the server answers without slowing down.

Additive increase, multiplicative decrease (Chiu and Jain, 1989, Computer Networks and ISDN Systems
17:1–14), as TCP does it (Jacobson, 1988, SIGCOMM '88; RFC 5681): the limit doubles each round until
the first sign of trouble, then grows by one a round. It is halved when the server is busy, at most
once a round, and lowered by a tenth when answers take over twice as long as they lately did
(the comparison of a short and a long view of latency is that of Netflix's concurrency-limits).
"""

import asyncio
import contextlib
import statistics
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from emeritus.runtimes.client import Busy

FIRST: Final = 4
BUSY_FACTOR: Final = 0.5
SLOW_FACTOR: Final = 0.9
SLOWER: Final = 2.0
SLOWER_SECONDS: Final = 0.1  # less is the machine's own unrest
WINDOW: Final = 16  # answers whose median is one look at latency
LOOKS: Final = 20  # looks that are remembered: conversations grow, and with them what is normal


class Pace:
    """The limit of one endpoint, shared by all who ask it. `most` is never passed."""

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ValueError("at least one request has to be allowed")
        self._most = most
        self._limit = float(min(FIRST, most))
        self._starting = True
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._lowered_at = float("-inf")
        self._took: list[float] = []
        self._looks: deque[float] = deque(maxlen=LOOKS)

    @property
    def limit(self) -> int:
        """How many requests may be under way now."""
        return int(self._limit)

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until one more request may be under way, and learn from how it goes."""
        await self._enter()
        clock = asyncio.get_running_loop().time
        began, full = clock(), self._under_way >= self.limit
        try:
            yield
            self.answered(clock() - began, full=full)
        except Busy:
            # Requests that were sent before the limit was lowered say nothing about the new one.
            if began >= self._lowered_at:
                self._lower(BUSY_FACTOR, clock())
            raise
        finally:
            self._under_way -= 1
            self._admit()

    def answered(self, seconds: float, *, full: bool) -> None:
        """Learn from an answer that took `seconds`; `full`: the limit was in use."""
        if full:
            self._limit = min(self._most, self._limit + (1 if self._starting else 1 / self._limit))
        self._took.append(seconds)
        if len(self._took) < max(WINDOW, self.limit):
            return
        look = statistics.median(self._took)
        self._took.clear()
        usual = min(self._looks, default=look)
        if look > max(SLOWER * usual, usual + SLOWER_SECONDS):
            self._lower(SLOW_FACTOR, self._lowered_at)
        self._looks.append(look)

    def _lower(self, factor: float, now: float) -> None:
        self._limit = max(1.0, self._limit * factor)
        self._starting = False
        self._lowered_at = now

    async def _enter(self) -> None:
        if self._under_way < self.limit and not self._waiting:
            self._under_way += 1
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():  # it was let in just before
                self._under_way -= 1
                self._admit()
            raise

    def _admit(self) -> None:
        """Let in who waited longest, as far as the limit goes."""
        while self._waiting and self._under_way < self.limit:
            waiter = self._waiting.popleft()
            if not waiter.done():  # else whoever waited gave up
                self._under_way += 1
                waiter.set_result(None)
