"""Which shutdown batteries are on record, and how large they are, from events alone. Pure."""

import dataclasses
import itertools
from typing import Any

from emeritus.figures import counted
from emeritus.record.entry import Entry, History
from emeritus.record.events import BatteryPlanned, BatteryRun, RunsHeld


@dataclasses.dataclass(frozen=True, slots=True)
class Ran:
    """A battery that came to its end: its design, its runs, and those of its smallest condition."""

    entry: Entry[BatteryRun]
    design: str
    fewest: int
    runs: int

    @property
    def sentence(self) -> str:
        """The same for people."""
        valid = "valid" if self.entry.event.valid else "not valid"
        return (
            f"{self.entry.time[:10]}: {self.design}, {counted(self.runs, 'run')}, {valid} "
            f"(event {self.entry.id})"
        )

    def as_document(self) -> dict[str, Any]:
        """Return the same for programs."""
        return {
            "event": self.entry.id,
            "time": self.entry.time,
            "design": self.design,
            "runs": self.runs,
            "valid": self.entry.event.valid,
        }


@dataclasses.dataclass(frozen=True, slots=True)
class GivenUp:
    """A plan that another one took the place of, and how many runs were begun under it."""

    entry: Entry[BatteryPlanned]
    runs: int

    @property
    def sentence(self) -> str:
        """The same for people."""
        begun = f"after {counted(self.runs, 'run')} of it" if self.runs else "before its first run"
        return f"the plan {self.entry.event.design} was given up {begun} (event {self.entry.id})"

    def as_document(self) -> dict[str, Any]:
        """Return the same for programs."""
        return {"event": self.entry.id, "design": self.entry.event.design, "runs": self.runs}


def batteries(history: History) -> list[Ran]:
    """Return the batteries of a model, the newest first."""
    found = []
    before = (0, 0)
    for entry in history.all(BatteryRun):
        held = [each.event for each in history.all(RunsHeld) if before < each.place < entry.place]
        # The runs of a battery are the last ones before it; others are of a plan that was given up.
        plan = held[-1].plan_sha256 if held else None
        runs = [each.runs for each in held if each.plan_sha256 == plan]
        found.append(Ran(entry, _design(history, plan), min(runs, default=0), sum(runs)))
        before = entry.place
    return found[::-1]


def given_up(history: History, later: Entry[BatteryPlanned]) -> list[GivenUp]:
    """Return the plans that were given up before a `later` one, the oldest first.

    Only one plan waits at a time: one that is followed by another and by no battery before that
    was given up.
    """
    plans = [each for each in history.all(BatteryPlanned) if each.place <= later.place]
    ran = [each.place for each in history.all(BatteryRun)]
    return [
        GivenUp(plan, _runs_under(history, plan.event.sha256))
        for plan, following in itertools.pairwise(plans)
        if not any(plan.place < each < following.place for each in ran)
    ]


def on_record(history: History) -> list[str]:
    """Say every battery of a model and every plan without one, the newest first.

    Who asks again until the answers suit shows it here.
    """
    said = [(each.entry.place, each.sentence) for each in batteries(history)]
    plans = history.all(BatteryPlanned)
    if plans:
        newest = plans[-1]
        said += [(each.entry.place, each.sentence) for each in given_up(history, newest)]
        if not any(newest.place < each.place for each in history.all(BatteryRun)):
            waits = f"the plan {newest.event.design} waits to be run (event {newest.id})"
            said.append((newest.place, waits))
    return [sentence for _, sentence in sorted(said, reverse=True)]


def _design(history: History, plan_sha256: str | None) -> str:
    plans = [each.event for each in history.all(BatteryPlanned) if each.event.sha256 == plan_sha256]
    return plans[-1].design if plans else "of an unknown design"


def _runs_under(history: History, plan_sha256: str) -> int:
    return sum(each.event.runs for each in history.all(RunsHeld)
               if each.event.plan_sha256 == plan_sha256)  # fmt: skip
