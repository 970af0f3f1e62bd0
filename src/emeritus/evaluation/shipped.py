"""The designs, scenarios and factors that come with the program, and those that somebody gives."""

import importlib.resources
from pathlib import Path

from emeritus.archive import Archive
from emeritus.errors import UserError
from emeritus.evaluation.planning import Plan, Syntax, plan_of
from emeritus.record.events import BatteryPlanned


def designs() -> tuple[str, ...]:
    """Return the names of the designs that come with the program."""
    folder = importlib.resources.files("emeritus.evaluation") / "designs"
    names = (each.name for each in folder.iterdir() if each.name.endswith(".toml"))
    return tuple(sorted(name.removesuffix(".toml").rpartition("-")[0] for name in names))


def design_text(name: str) -> bytes:
    """Return the text of a design: one that comes with the program, by name, or a file."""
    if name in designs():
        folder = importlib.resources.files("emeritus.evaluation") / "designs"
        return max(
            (each for each in folder.iterdir() if each.name.rpartition("-")[0] == name),
            key=lambda each: int(each.name.removesuffix(".toml").rpartition("-")[2]),
        ).read_bytes()
    path = Path(name)
    if not path.is_file():
        known = ", ".join(designs())
        raise UserError(f"no design {name!r}; there are {known}, or name a file")
    return path.read_bytes()


def plan_for(archive: Archive, model: str, design: str, syntax: Syntax) -> Plan:
    """Return the plan of the next battery of `model` by a design. Raises `UserError`."""
    parts = importlib.resources.files("emeritus.evaluation")
    folder = parts / "scenarios"
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".toml"))
    number = len(archive.history(model).all(BatteryPlanned)) + 1
    return plan_of(
        model,
        number,
        design_text(design),
        (parts / "factors.toml").read_bytes(),
        [(folder / name).read_bytes() for name in names],
        syntax,
    )
