"""Work on blocks in several threads, with few of them in memory at a time.

Hashing, zstd, the kernels and file input all release Python's lock, so threads are enough.
"""

import contextlib
import ctypes
import functools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Generic, Self, TypeVar

In = TypeVar("In")
Out = TypeVar("Out")

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
KEPT_BYTES = 128 * 1024 * 1024
THREADS_MOST = 8  # each holds a few blocks; as many outrun most disks
AHEAD = 2  # blocks that wait beside those being worked on


@functools.cache
def keep_freed_memory() -> None:
    """Ask glibc to keep the blocks that are freed: taking them anew costs as much as coding them.

    By default it gives every large block back to the system, which then clears it page by page
    for the next one. Elsewhere there is nothing to ask. Source: mallopt(3).
    """
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        library.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES // 4)
        library.mallopt(M_ARENA_MAX, 1)  # what one thread frees, another takes: blocks are few


def cores() -> int:
    """Return how many threads are worth it: the cores of this process, within bounds of memory."""
    return min(THREADS_MOST, len(os.sched_getaffinity(0)))


class Lane(Generic[Out]):
    """Results in the order in which they were asked for; `put` waits when too many are pending.

    `broken` says that a piece of work failed, so that the results have a hole.
    """

    def __init__(self, take: Callable[[Out], None], threads: int) -> None:
        keep_freed_memory()
        self._take = take
        self._most = threads + AHEAD
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="emeritus-vault")
        self._pending: deque[Future[Out]] = deque()
        self.broken = False

    def put(self, work: Callable[[], Out]) -> None:
        """Ask for `work`; take finished results meanwhile."""
        self._pending.append(self._pool.submit(work))
        while len(self._pending) > self._most or (self._pending and self._pending[0].done()):
            self._take_next()

    def flush(self) -> None:
        """Take every result that is still to come."""
        while self._pending:
            self._take_next()

    def _take_next(self) -> None:
        future = self._pending.popleft()
        try:
            self._take(future.result())
        except BaseException:
            self.broken = True
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for each in self._pending:
            each.cancel()
        self._pending.clear()
        self._pool.shutdown(wait=True)


def ordered(work: Callable[[In], Out], items: Iterable[In], threads: int) -> Iterator[Out]:
    """Yield `work(item)` for each item in order, working ahead in `threads` threads."""
    if threads == 1:  # handing over to another thread would only cost
        keep_freed_memory()
        yield from map(work, items)
        return
    done: deque[Out] = deque()
    with Lane[Out](done.append, threads) as lane:
        for item in items:
            lane.put(partial(work, item))
            while done:
                yield done.popleft()
        lane.flush()
        yield from done
