"""Holds many conversations at once."""

import asyncio
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from emeritus.conversation.budget import OverBudget
from emeritus.conversation.engine import Each, Line, hold
from emeritus.conversation.request import Opening
from emeritus.conversation.run import Run
from emeritus.conversation.script import Script
from emeritus.conversation.spool import Spool
from emeritus.conversation.transcript import Transcript
from emeritus.errors import EmeritusError, Unavailable
from emeritus.runtimes.client import Refused

GIVEN_UP_MAX: Final = 3
"""So many conversations in a row that could not reach the model: it is away, and the run ends."""

REFUSED_MAX: Final = 8
"""So many conversations refused before anything was answered: all would be, and the run ends."""


@dataclasses.dataclass(frozen=True, slots=True)
class Holding:
    """A conversation to hold: where it lies, how it opens, what it follows, and who is asked."""

    spool: Spool
    model: str
    setup: dict[str, Any]
    opening: Opening
    script: Script
    line: Line


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """What became of one: its transcript so far, and why it did not go on, if it did not.

    `transcript` is None when its file could not be opened.
    """

    spool: Spool
    transcript: Transcript | None
    error: EmeritusError | None = None


async def hold_all(
    holdings: Iterable[Holding],
    run: Run,
    each: Each | None = None,
    done: Callable[[Held], None] | None = None,
    *,
    answered_before: bool = False,
) -> list[Held]:
    """Hold all of them, at most `run.concurrency` at once; return what became of each, in order.

    They are taken from `holdings` as there is room. `each` is called after every answer, and `done`
    for every conversation that stopped, whose spool is closed by then. One that fails does not stop
    the others; but when the model is away, the budget used up or every request refused
    (`REFUSED_MAX`), no more are begun, and those are not in what is returned. What was said is kept
    in any case, and the next call goes on with it. Only what is no `EmeritusError` is raised.

    `answered_before` says that the endpoint answered others before this call. Then those that it
    refuses end as refused though it answers nothing now, and no more are begun behind them.
    """
    everyone = _Everyone(run, each)
    found: dict[int, Held] = {}
    # Refused before anything was answered: if others are answered, the reason lies in it alone.
    unsure: dict[int, tuple[Holding, Held]] = {}

    def settle(number: int, held: Held) -> None:
        found[number] = held
        if done is not None:
            done(held)

    async def work(waiting: Iterator[tuple[int, Holding]], *, again: bool) -> None:
        while not everyone.stopped and (one := next(waiting, None)) is not None:
            number, holding = one
            held = await everyone.hold(holding)
            if not again and isinstance(held.error, Refused) and held.error.of_one_request:
                unsure[number] = holding, held
            else:
                settle(number, held)

    async def work_together(waiting: Iterator[tuple[int, Holding]], *, again: bool) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(run.concurrency):
                group.create_task(work(waiting, again=again))

    await work_together(enumerate(holdings), again=False)
    if answered_before:
        everyone.forget_refusals()
        for holding, _ in unsure.values():
            run.prove(holding.line.endpoint)
    proven = {number: holding for number, (holding, _) in unsure.items()
              if run.proven(holding.line.endpoint)}  # fmt: skip
    await work_together(iter(proven.items()), again=True)
    for number in unsure.keys() - found.keys():
        settle(number, unsure[number][1])
    return [found[number] for number in sorted(found)]


class _Everyone:
    """What the conversations of one call learn from each other."""

    def __init__(self, run: Run, each: Each | None) -> None:
        self._run = run
        self._each = each
        self._over = False
        self._given_up = self._refused = 0

    @property
    def stopped(self) -> bool:
        """Whether no more are to be begun."""
        return self._over or self._refused >= REFUSED_MAX

    def forget_refusals(self) -> None:
        """Go on where it was refused so often that all seemed to be."""
        self._refused = 0

    async def hold(self, holding: Holding) -> Held:
        """Hold one, from opening its file to closing it."""
        spool = holding.spool
        try:
            spool.open(holding.model, holding.setup, holding.opening)
        except EmeritusError as error:
            return Held(spool, None, error)
        try:
            transcript = await hold(spool, holding.script, holding.line, self._heard, self._run)
        except EmeritusError as error:
            self._learn(error)
            return Held(spool, spool.transcript, error)
        finally:
            spool.close()
        return Held(spool, transcript)

    def _learn(self, error: EmeritusError) -> None:
        self._given_up += isinstance(error, Unavailable)
        self._refused += isinstance(error, Refused)
        denied = isinstance(error, Refused) and not error.of_one_request
        away = self._given_up >= GIVEN_UP_MAX
        self._over = self._over or away or denied or isinstance(error, OverBudget)

    def _heard(self, transcript: Transcript) -> None:
        self._given_up = self._refused = 0
        if self._each is not None:
            self._each(transcript)
