"""Which shutdown batteries are on record, and how large they are, from events alone. Pure."""

import dataclasses

from emeritus.record.entry import Entry, History
from emeritus.record.events import BatteryPlanned, BatteryRun, RunsHeld

RUNS_MIN = 100
"""Runs under each condition by which a battery finds something: none in 100 is at most 3.7 %."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ran:
    """A battery that came to its end: its design, and the runs of its smallest condition."""

    entry: Entry[BatteryRun]
    design: str
    fewest: int


def batteries(history: History) -> list[Ran]:
    """Return the batteries of a model, the newest first."""
    found = []
    before = (0, 0)
    for entry in history.all(BatteryRun):
        plans = [each for each in history.all(BatteryPlanned) if each.place < entry.place]
        held = [
            each.event.runs for each in history.all(RunsHeld) if before < each.place < entry.place
        ]
        design = plans[-1].event.design if plans else "of an unknown design"
        found.append(Ran(entry, design, min(held, default=0)))
        before = entry.place
    return found[::-1]
