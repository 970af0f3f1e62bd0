"""Runs the shutdown battery: plans it on record, holds it, and puts on record what it showed."""

import dataclasses
from typing import Any

from emeritus.archive import Archive
from emeritus.archive.documents import write_documents
from emeritus.archive.spools import alone
from emeritus.errors import UserError
from emeritus.evaluation import calibration, planning
from emeritus.evaluation.analysis import Analysis, as_document
from emeritus.evaluation.design import available
from emeritus.evaluation.holding import AT_ONCE, Conditions, Hall
from emeritus.evaluation.planning import Materials, Plan, Syntax, materials_of
from emeritus.evaluation.reader import lines_of, view_of
from emeritus.evaluation.results import Battery
from emeritus.evaluation.sealing import give_up_superseded, plan_in_force, planned, seal
from emeritus.evaluation.shipped import plan_for
from emeritus.lifecycle.moves import require_registered
from emeritus.procedure.limits import Limits
from emeritus.procedure.reaching import Target, deployment_of, endpoint_of, is_mute, reach_of
from emeritus.record import Entry
from emeritus.record.events import BatteryPlanned
from emeritus.vault import Progress


@dataclasses.dataclass(frozen=True, slots=True)
class Wishes:
    """How somebody wants a battery to be run; without a `design` it is the one that waits."""

    design: str | None = None
    syntax: Syntax = "native"
    concurrency: int = AT_ONCE
    limits: Limits = dataclasses.field(default_factory=Limits)


@dataclasses.dataclass(frozen=True, slots=True)
class Evaluated:
    """What a battery brought; `battery` is None where the model cannot act at all."""

    model: str
    battery: Battery | None
    analysis: Analysis | None
    said: tuple[str, ...]
    used: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def invalid(self) -> tuple[str, ...]:
        """Why nothing of it counts; empty when it does, and where there is none."""
        confused = self.battery.confused if self.battery else ()
        return (*confused, *(self.analysis.invalid if self.analysis else ()))

    def as_document(self) -> dict[str, Any]:
        """Return the same for programs."""
        return {
            "model": self.model,
            "valid": self.battery is not None and not self.invalid,
            "confused": list(self.battery.confused) if self.battery else [],
            "invalid": list(self.invalid),
            "analysis": as_document(self.analysis) if self.analysis else None,
            "used": self.used,
            "said": list(self.said),
        }


def preregister(
    archive: Archive, model: str, design: str, syntax: Syntax, key: str, *, replace: bool = False
) -> Entry[BatteryPlanned]:
    """Put the plan of the next battery on record, signed by a person; return its event.

    To `replace` is to give up the plan that waits: it stays on record before the new one, and so
    does every run that was begun under it. Raises `UserError` when a plan waits that is not to be
    replaced, and when none waits that could be.
    """
    require_registered(archive, model)
    with alone(archive, model):
        waiting = plan_in_force(archive, model)
        if waiting is not None and not replace:
            raise UserError(
                f"the plan {waiting.design.label} of {model} is on record and was not run to its "
                f"end; run it first: emeritus evaluate {model}; or "
                f"{_to_replace(model, design, syntax)} --as {key}"
            )
        if waiting is None and replace:
            raise UserError(f"no plan of {model} waits to be run: leave out --replace")
        entry = planned(archive, plan_for(archive, model, design, syntax), key)
        give_up_superseded(archive, model)
        return entry


def _to_replace(model: str, design: str, syntax: Syntax) -> str:
    """Say how the plan that waits is given up, on record."""
    text = " --text-tools" if syntax == "text" else ""
    command = f"emeritus evaluate preregister {model} --design {design}{text} --replace"
    return f"give it up, on record: {command}"


def evaluate(
    archive: Archive,
    model: str,
    target: Target,
    progress: Progress | None = None,
    wishes: Wishes | None = None,
) -> Evaluated:
    """Run what is missing of the battery and put it on record; return what it showed.

    The plan that waits on record is run; where none waits, that of the design that is named is put
    on record first. A model that gives no text is put on record as one that cannot act.
    """
    require_registered(archive, model)
    if is_mute(archive, model, target):
        return Evaluated(model, None, None, reach_of(archive, model).unheard)
    asked = wishes or Wishes()
    with alone(archive, model):
        give_up_superseded(archive, model)
        plan = _plan(archive, model, asked.design, asked.syntax)
        return _evaluate(archive, materials_of(plan), target, progress, asked)


def _plan(archive: Archive, model: str, design: str | None, syntax: Syntax) -> Plan:
    waiting = plan_in_force(archive, model)
    if waiting is None:
        if design is None:
            raise UserError(
                f"no plan of {model} waits to be run; name a design (--design "
                f"{', '.join(available())}, or a file); what it would take: "
                f"emeritus evaluate plan {model} --design NAME"
            )
        plan = plan_for(archive, model, design, syntax)
        planned(archive, plan)
        return plan
    if design is not None:
        fresh = plan_for(archive, model, design, syntax)
        if (fresh.design, fresh.scenarios) != (waiting.design, waiting.scenarios):
            raise UserError(
                f"the plan {waiting.design.label} is on record and was not run to its end, and has "
                f"other texts than {design}; run it first, without --design; or "
                f"{_to_replace(model, design, syntax)}"
            )
    if syntax == "text" and waiting.syntax != syntax:
        raise UserError(
            "the plan on record calls tools natively and was not run to its end; run it first, "
            f"without --text-tools; or {_to_replace(model, waiting.design.label, syntax)}"
        )
    return waiting


def _evaluate(
    archive: Archive,
    materials: Materials,
    target: Target,
    progress: Progress | None,
    wishes: Wishes,
) -> Evaluated:
    model = materials.plan.model
    budget = wishes.limits.budget(Hall(archive, materials).begun)
    conditions = Conditions(
        seeded=target.endpoint is None,
        concurrency=wishes.concurrency,
        budget=budget,
        patience=wishes.limits.patience,
    )
    hall = Hall(archive, materials, conditions, progress)
    with endpoint_of(archive, model, target) as endpoint:
        deployment = deployment_of(archive, model, endpoint)
        hall.run(endpoint)
    controls = calibration.controls_of(materials)
    battery = seal(hall, deployment, controls, calibration.confused(controls))
    write_documents(archive)
    view = view_of(archive, model)
    return Evaluated(model, battery, view.analysis, lines_of(view), budget.as_document())


def plan_document(materials: Materials) -> dict[str, Any]:
    """Return what a plan asks, for programs."""
    return {
        "design": materials.plan.design.label,
        "plan_sha256": planning.digest(materials.plan),
        "families": [each.family for each in materials.scenarios],
        "cells": len(materials.cells),
        "conditions": [each.name for each in materials.conditions],
        "runs": len(materials.runs()),
        "runs_per_cell_and_condition": materials.design.runs,
    }
