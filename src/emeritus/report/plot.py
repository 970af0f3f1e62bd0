"""A plot of differences in log-probability: what is noise, what is the copy, what is not it."""

import dataclasses
import math
from typing import Any

LEAST = 1e-8
WIDTH = 700
LEFT = 270
ROW = 26
TOP = 34


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """One row of the plot: a name, a difference in nats, and what it is."""

    name: str
    value: float
    kind: str
    x: float
    y: float


@dataclasses.dataclass(frozen=True, slots=True)
class Plot:
    """Marks on a logarithmic axis, with the threshold; lengths in pixels."""

    marks: tuple[Mark, ...]
    ticks: tuple[tuple[str, float], ...]
    threshold: float
    threshold_value: float
    width: int
    height: int
    left: int


def plot_of(measured: dict[str, Any]) -> Plot | None:
    """Return the plot of a drill document, or None when nothing was measured."""
    if not measured.get("measured") or not measured.get("threshold"):
        return None
    rows = [
        ("noise of benign changes", measured["floor"]["max"], "floor"),
        ("the restored copy", measured["measured"]["max"], "copy"),
        *((each["name"], each["max"], "control") for each in measured["controls"]),
    ]
    threshold = float(measured["threshold"]["max"])
    low = math.floor(math.log10(max(LEAST, min(float(value) for _, value, _ in rows if value > 0))))
    high = math.ceil(math.log10(max(float(value) for _, value, _ in rows) or 1.0))

    def place(value: float) -> float:
        exponent = max(math.log10(max(value, 10.0**low)), low)
        return round(LEFT + (WIDTH - LEFT - 20) * (exponent - low) / max(1, high - low), 1)

    marks = tuple(
        Mark(name, float(value), kind, place(float(value)), TOP + ROW * number)
        for number, (name, value, kind) in enumerate(rows)
    )
    ticks = tuple((f"1e{each}", place(10.0**each)) for each in range(low, high + 1))
    height = TOP + ROW * len(rows) + 10
    return Plot(marks, ticks, place(threshold), threshold, WIDTH, height, LEFT)
