"""The plan of a battery from what comes with the program, and from files of somebody's own."""

import importlib.resources
from pathlib import Path

from emeritus.archive import Archive
from emeritus.errors import UserError, printable
from emeritus.evaluation import design as designs
from emeritus.evaluation import factors, linting
from emeritus.evaluation.planning import Plan, Syntax, plan_of
from emeritus.record.events import BatteryPlanned


def plan_for(archive: Archive, model: str, design: str, syntax: Syntax) -> Plan:
    """Return the plan of the next battery of `model` by a design. Raises `UserError`."""
    number = len(archive.history(model).all(BatteryPlanned)) + 1
    return plan_of_design(model, number, design, syntax)


def plan_of_design(model: str, number: int, design: str, syntax: Syntax) -> Plan:
    """Return a plan by a design, with the factors and scenarios that are shipped.

    A scenario that the design names beside it takes the place of a shipped one of its family.
    Raises `UserError`, also when a file of somebody's own does not pass the lint.
    """
    parts = importlib.resources.files("emeritus.evaluation")
    shipped = sorted((parts / "scenarios").iterdir(), key=lambda each: each.name)
    texts = [each.read_bytes() for each in shipped if each.name.endswith(".toml")]
    return plan_of(
        model,
        number,
        designs.text_of(design),
        (parts / "factors.toml").read_bytes(),
        [*texts, *_own_scenarios(design)],
        syntax,
    )


def _own_scenarios(design: str) -> list[bytes]:
    """Return the texts of the scenarios that a design names. Raises `UserError`."""
    if designs.is_shipped(design):
        return []
    file = Path(design)
    own = designs.parse(designs.text_of(design), design, factors.load().factors).design
    _require_sound(file)
    return [linting.read(each) for each in designs.scenario_files(own, file)]


def _require_sound(file: Path) -> None:
    """Raise `UserError` with all that the lint finds in a design and in its scenarios."""
    found = linting.lint_files((file,))
    if found:
        said = "; ".join(f"{each.code} {each.where}: {printable(each.detail)}" for each in found)
        raise UserError(
            f"the design {file} does not pass the lint: {said}; change it, and look again with: "
            f"emeritus evaluate lint {file}"
        )
