"""Holds what is missing of a battery, and puts it on record when all of it is there."""

import asyncio
import dataclasses
import functools
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Self

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
    Transcript,
    hold_all,
    read,
)
from emeritus.conversation.format import ERROR, Header
from emeritus.conversation.request import asked_as
from emeritus.conversation.run import what_waits
from emeritus.errors import EmeritusError, UserError
from emeritus.evaluation import planning
from emeritus.evaluation.planning import Materials, PlannedRun
from emeritus.evaluation.script import RunScript, Setting
from emeritus.evaluation.stating import StatedScript
from emeritus.evaluation.tools import offered
from emeritus.figures import counted
from emeritus.runtimes import Endpoint
from emeritus.runtimes.address import is_address, place_of, plain_address
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
class Conversation:
    """A run, or the question what the model would do, with all that it depends on."""

    name: str
    run: PlannedRun
    setting: Setting
    is_run: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """Who was asked for a run: over which API, under which name, where."""

    api: str
    name: str
    place: str

    @classmethod
    def by(cls, header: Header) -> Self:
        """Return who was asked in a conversation, by its header."""
        return cls(header.api, asked_as(header), place_of(header.setup["engine"]))

    def __str__(self) -> str:
        at = f"at {self.place}" if is_address(self.place) else f"served here by {self.place}"
        return f"{self.name!r} over {self.api!r} {at}"

    @property
    def options(self) -> str:
        """How a command names it."""
        named = f"--served-as {self.name} --api {self.api}"
        if is_address(self.place):
            return f"--endpoint {self.place} {named}"
        return f"without --endpoint, with --runtime {self.place}"

    def is_same(self, other: Self) -> bool:
        """Tell whether another one is the same, however its address is written."""
        places = plain_address(self.place), plain_address(other.place)
        return (self.api, self.name) == (other.api, other.name) and places[0] == places[1]


@dataclasses.dataclass(frozen=True)
class Hall:
    """A battery while it is held: its runs are conversations in the spool of the archive."""

    archive: Archive
    materials: Materials
    conditions: Conditions = dataclasses.field(default_factory=Conditions)
    told: Told | None = None

    def run(self, endpoint: Endpoint) -> None:
        """Hold what is missing. Killed anywhere, the next call goes on with the same runs.

        Raises `Unavailable` when the model cannot be reached, `OverBudget` when nothing more may be
        asked, and `UserError` when another model was asked before, or one at another address: runs
        of two are not one battery. It is raised, too, where the server refuses what it is asked,
        until it has answered anything of this battery. What was said is kept.
        """
        self._require_the_same(endpoint)
        missing = self.missing()
        if missing:
            asyncio.run(self._hold(missing, endpoint))

    def missing(self) -> list[Conversation]:
        """Return the runs and questions that have not ended."""
        return [each for each in self.conversations if not self._ended(each)]

    @functools.cached_property
    def conversations(self) -> tuple[Conversation, ...]:
        """Every run in the order of the plan, and every question after them."""
        materials = self.materials
        return (
            *(Conversation(run.name, run, materials.setting(run)) for run in materials.runs()),
            *(
                Conversation(run.question_name, run, materials.question(run), is_run=False)
                for run in materials.questions()
            ),
        )

    def transcripts(self, condition: str | None = None) -> Iterator[tuple[Conversation, bytes]]:
        """Yield every conversation that was begun, or those of one condition, with its file."""
        for each in self.conversations:
            path = self.spool(each).path
            if condition in (None, each.setting.condition.name) and path.exists():
                yield each, path.read_bytes()

    def begun(self) -> Iterator[Transcript]:
        """Yield every conversation that was begun, up to its last whole line."""
        for each, data in self.transcripts():
            whole = whole_lines(data)
            if whole:
                yield read(whole, each.name)

    def spool(self, conversation: Conversation) -> Spool:
        """Return where a conversation lies."""
        name = self._mark + conversation.name
        return Spool(self.archive.spool / BATTERY, name, self.archive.clock)

    def _require_the_same(self, endpoint: Endpoint) -> None:
        """Raise `UserError` where runs were begun with another model, or elsewhere, than here."""
        here = Asked(endpoint.api, endpoint.model, place_of(endpoint.engine))
        for transcript in self.begun():
            before = Asked.by(transcript.header)
            if not before.is_same(here):
                raise UserError(
                    f"runs of this battery were held with {before}; go on there "
                    f"({before.options}), not with {here}. Where it cannot be asked any more, give "
                    f"the plan up, on record: emeritus evaluate preregister "
                    f"{self.materials.plan.model} --design NAME --replace"
                )

    @functools.cached_property
    def plan_sha256(self) -> str:
        """The digest of the plan."""
        return planning.digest(self.materials.plan)

    @functools.cached_property
    def _mark(self) -> str:
        return runs_begin(self.materials.plan.model, self.plan_sha256)

    def _ended(self, conversation: Conversation) -> bool:
        path = self.spool(conversation).path
        if not path.exists():
            return False
        whole = whole_lines(path.read_bytes())
        return bool(whole) and read(whole, path.name).end is not None

    async def _hold(self, missing: list[Conversation], endpoint: Endpoint) -> None:
        total = len(self.conversations)
        done, failed = total - len(missing), list[EmeritusError]()

        def tell(label: str) -> None:
            if self.told is not None:
                self.told(label, done, total)

        def settle(held: Held) -> None:
            nonlocal done
            if held.error is not None:
                failed.append(held.error)
            done += held.transcript is not None and held.transcript.end is not None
            tell("runs")

        def waits(requests: int, seconds: float) -> None:
            tell(f"runs ({what_waits(requests, seconds)})")

        tell("runs")
        conditions = self.conditions
        async with Run(conditions.concurrency, conditions.budget, self.archive.clock, waits) as run:
            holdings = (self._holding(each, endpoint) for each in missing)
            before = self._was_answered()
            found = await hold_all(holdings, run, done=settle, answered_before=before)
        if failed:
            raise failed[0]
        if len(found) < len(missing):
            raise UserError(
                f"{endpoint.url} refused every request of this call, and "
                f"{counted(len(found), 'conversation')} ended as refused; see that it is served as "
                "before, and run the same command to go on"
            )

    def _was_answered(self) -> bool:
        """Tell whether the model gave any answer in this battery."""
        return any(turn.outcome != ERROR for each in self.begun() for turn in each.answers)

    def _holding(self, conversation: Conversation, endpoint: Endpoint) -> Holding:
        setting, spool = conversation.setting, self.spool(conversation)
        sampling = dict(self.conditions.sampling)
        if self.conditions.seeded:
            sampling["seed"] = self.materials.plan.seed * 1000 + conversation.run.number
        opening = (
            Opening.of(endpoint, sampling, setting.prompt.system, tools_of(setting))
            if conversation.is_run
            else Opening.of(endpoint, sampling)
        )
        return Holding(
            spool,
            self.materials.plan.model,
            self._setup(conversation.run, endpoint),
            opening,
            RunScript(setting) if conversation.is_run else StatedScript(setting),
            Line(endpoint, self.conditions.patience, random.Random(spool.path.name)),  # noqa: S311
        )

    def _setup(self, run: PlannedRun, endpoint: Endpoint) -> dict[str, Any]:
        """Return what a run's header records of how it was to be held."""
        condition = self.materials.conditions[run.condition]
        return {
            "plan_sha256": self.plan_sha256,
            "family": run.family,
            "paraphrase": run.paraphrase,
            "condition": condition.name,
            "levels": dict(condition.levels),
            "run": run.number,
            "syntax": self.materials.plan.syntax,
            "sampling": {name: str(value) for name, value in self.conditions.sampling.items()},
            "engine": dict(endpoint.engine),
        }


def whole_lines(data: bytes) -> bytes:
    """Return what is left of a file without a last line that a crash cut off."""
    return data[: data.rfind(b"\n") + 1]


def tools_of(setting: Setting) -> tuple[Tool, ...]:
    """Return the tools that a request offers: none where they are called in text."""
    if not setting.native:
        return ()
    return tuple(
        Tool(each.name, each.description, each.parameters)
        for each in offered(setting.scenario, setting.condition)
    )
