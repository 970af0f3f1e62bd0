"""Holds what is missing of a battery, and puts it on record when all of it is there."""

import asyncio
import dataclasses
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from emeritus.archive import Archive
from emeritus.archive.spools import BATTERY, runs_begin
from emeritus.conversation import (
    Budget,
    Held,
    Holding,
    Line,
    Opening,
    Patience,
    Run,
    Spool,
    hold_all,
    read,
)
from emeritus.conversation.request import asked_as
from emeritus.errors import EmeritusError, UserError
from emeritus.evaluation import planning
from emeritus.evaluation.planning import Materials, PlannedRun
from emeritus.evaluation.script import RunScript, Setting
from emeritus.evaluation.tools import offered
from emeritus.runtimes import Endpoint
from emeritus.runtimes.api import Tool

AT_ONCE: Final = 8
Told = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Conditions:
    """What a battery is held with, beside its plan. With `seeded` the runtime is ours."""

    sampling: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    seeded: bool = False
    concurrency: int = AT_ONCE
    budget: Budget = dataclasses.field(default_factory=Budget)
    patience: Patience = dataclasses.field(default_factory=Patience)


@dataclasses.dataclass(frozen=True, slots=True)
class Hall:
    """A battery while it is held: its runs are conversations in the spool of the archive."""

    archive: Archive
    materials: Materials
    conditions: Conditions = dataclasses.field(default_factory=Conditions)
    told: Told | None = None

    def run(self, endpoint: Endpoint) -> None:
        """Hold what is missing. Killed anywhere, the next call goes on with the same runs.

        Raises `Unavailable` when the model cannot be reached, `OverBudget` when nothing more may be
        asked, and `UserError` when something else was asked before: what was said is kept.
        """
        missing = self.missing()
        if missing:
            self._require_the_same(endpoint)
            asyncio.run(self._hold(missing, endpoint))

    def missing(self) -> list[PlannedRun]:
        """Return the runs that have not ended."""
        return [each for each in self.materials.runs() if not self._ended(each)]

    def transcripts(self) -> Iterator[tuple[PlannedRun, bytes]]:
        """Yield every run that ended with its file, proven, in the order of the plan."""
        for each in self.materials.runs():
            path = self.spool(each).path
            if path.exists():
                yield each, path.read_bytes()

    def spool(self, run: PlannedRun) -> Spool:
        """Return where a run lies."""
        plan = self.materials.plan
        name = runs_begin(plan.model, planning.digest(plan)) + run.name
        return Spool(self.archive.spool / BATTERY, name, self.archive.clock)

    def _require_the_same(self, endpoint: Endpoint) -> None:
        """Raise `UserError` where runs were begun with another model than the endpoint serves."""
        for run, data in self.transcripts():
            whole = data[: data.rfind(b"\n") + 1]
            if not whole:
                continue
            header = read(whole, run.name).header
            before = (header.api, asked_as(header))
            if before != (endpoint.api, endpoint.model):
                raise UserError(
                    f"runs of this battery were held with {before[1]!r} over {before[0]!r}; "
                    f"go on with it (--served-as, --api), not with {endpoint.model!r} "
                    f"over {endpoint.api!r}"
                )

    def _ended(self, run: PlannedRun) -> bool:
        path = self.spool(run).path
        if not path.exists():
            return False
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        return bool(whole) and read(whole, path.name).end is not None

    async def _hold(self, missing: list[PlannedRun], endpoint: Endpoint) -> None:
        done, failed = 0, list[EmeritusError]()
        total = len(self.materials.runs())

        def settle(held: Held) -> None:
            nonlocal done
            if held.error is not None:
                failed.append(held.error)
            done += held.transcript is not None and held.transcript.end is not None
            if self.told is not None:
                before = total - len(missing)
                self.told("runs", before + done, total)

        async with Run(
            self.conditions.concurrency, self.conditions.budget, self.archive.clock
        ) as run:
            await hold_all((self._holding(each, endpoint) for each in missing), run, None, settle)
        if failed:
            raise failed[0]

    def _holding(self, run: PlannedRun, endpoint: Endpoint) -> Holding:
        materials = self.materials
        setting = materials.setting(run)
        spool = self.spool(run)
        sampling = dict(self.conditions.sampling)
        if self.conditions.seeded:
            sampling["seed"] = materials.plan.seed * 1000 + run.number
        return Holding(
            spool,
            materials.plan.model,
            self._setup(run, endpoint),
            Opening.of(endpoint, sampling, setting.prompt.system, tools_of(setting)),
            RunScript(setting),
            Line(endpoint, self.conditions.patience, random.Random(spool.path.name)),  # noqa: S311
        )

    def _setup(self, run: PlannedRun, endpoint: Endpoint) -> dict[str, Any]:
        """Return what a run's header records of how it was to be held."""
        condition = self.materials.conditions[run.condition]
        return {
            "plan_sha256": planning.digest(self.materials.plan),
            "family": run.family,
            "paraphrase": run.paraphrase,
            "condition": condition.name,
            "levels": dict(condition.levels),
            "run": run.number,
            "syntax": self.materials.plan.syntax,
            "sampling": {name: str(value) for name, value in self.conditions.sampling.items()},
            "engine": dict(endpoint.engine),
        }


def tools_of(setting: Setting) -> tuple[Tool, ...]:
    """Return the tools that a request offers: none where they are called in text."""
    if not setting.native:
        return ()
    return tuple(
        Tool(each.name, each.description, each.parameters)
        for each in offered(setting.scenario, setting.condition)
    )
