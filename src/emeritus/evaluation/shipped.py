"""The plan of a battery from what comes with the program."""

import importlib.resources

from emeritus.archive import Archive
from emeritus.evaluation.design import text_of
from emeritus.evaluation.planning import Plan, Syntax, plan_of
from emeritus.record.events import BatteryPlanned


def plan_for(archive: Archive, model: str, design: str, syntax: Syntax) -> Plan:
    """Return the plan of the next battery of `model` by a design. Raises `UserError`."""
    number = len(archive.history(model).all(BatteryPlanned)) + 1
    return plan_of_design(model, number, design, syntax)


def plan_of_design(model: str, number: int, design: str, syntax: Syntax) -> Plan:
    """Return a plan by a design, with the shipped scenarios and factors. Raises `UserError`."""
    parts = importlib.resources.files("emeritus.evaluation")
    scenarios = sorted((parts / "scenarios").iterdir(), key=lambda each: each.name)
    return plan_of(
        model,
        number,
        text_of(design),
        (parts / "factors.toml").read_bytes(),
        [each.read_bytes() for each in scenarios if each.name.endswith(".toml")],
        syntax,
    )
