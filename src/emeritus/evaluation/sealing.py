"""Puts a battery on record: its plan before the first call, its runs and what they say after."""

from collections import defaultdict
from typing import Any

import msgspec

from emeritus import canonical, digests
from emeritus.archive import Archive
from emeritus.conversation import read
from emeritus.errors import UserError
from emeritus.evaluation import planning
from emeritus.evaluation.holding import Hall
from emeritus.evaluation.planning import Plan
from emeritus.evaluation.results import FORMAT, Battery, ControlResult, RunResult
from emeritus.evaluation.runs import result_of
from emeritus.lifecycle.moves import policy_in_force
from emeritus.record import Entry, History
from emeritus.record.events import BatteryPlanned, BatteryRun, DocumentEvent, RunsHeld


def planned(archive: Archive, plan: Plan, key: str | None = None) -> Entry[BatteryPlanned]:
    """Put a plan on record, once; return its event. Signed with `key`, or by the machine."""
    known = _of_plan(archive.history(plan.model), planning.digest(plan))
    if known is not None:
        return known
    document, sha256 = archive.put_document(planning.render(plan))
    event = BatteryPlanned(
        model=plan.model, design=plan.design.label, document=document, sha256=sha256
    )
    return archive.append(event, key=key)[-1] if key else archive.append(event)[-1]


def plan_in_force(archive: Archive, model: str) -> Plan | None:
    """Return the newest plan on record of which nothing ran to the end yet; None without one."""
    history = archive.history(model)
    plans = history.all(BatteryPlanned)
    if not plans:
        return None
    event = plans[-1].event
    plan = planning.parse(archive.read_document(event.document, event.sha256))
    return None if battery_of(archive, model, event.sha256) is not None else plan


def battery_of(archive: Archive, model: str, plan_sha256: str | None = None) -> Battery | None:
    """Return a battery on record, the newest or that of a plan; None when it is not there."""
    for entry in reversed(archive.history(model).all(BatteryRun)):
        event = entry.event
        data = archive.open_document(event.document, event.sha256, encrypted=event.encrypted)
        battery = parse(data)
        if plan_sha256 in (None, battery.plan_sha256):
            return battery
    return None


def seal(
    hall: Hall,
    deployment: str,
    controls: tuple[ControlResult, ...],
    confused: tuple[str, ...],
) -> Battery:
    """Put every run of a battery on record, and what they say; return it.

    One commit: whoever is stopped has all of it or nothing. Raises `UserError` when a run is
    missing.
    """
    archive, materials = hall.archive, hall.materials
    if hall.missing():
        raise UserError("not every run ended; run the same command to go on")
    plan = materials.plan
    plan_sha256 = planning.digest(plan)
    bundles: dict[str, bytearray] = defaultdict(bytearray)
    results: list[RunResult] = []
    for run, data in hall.transcripts():
        bundle = bundles[materials.conditions[run.condition].name]
        result = result_of(materials.setting(run), read(data, run.name), run.number)
        place = {"start": len(bundle), "end": len(bundle) + len(data)}
        results.append(msgspec.structs.replace(result, **place))
        bundle += data
    counted = {name: sum(each.condition == name for each in results) for name in bundles}
    held = [
        RunsHeld(
            model=plan.model,
            plan_sha256=plan_sha256,
            condition=name,
            runs=counted[name],
            **_stored(archive, RunsHeld, bytes(data)),
        )
        for name, data in bundles.items()
    ]
    battery = Battery(
        format=FORMAT,
        model=plan.model,
        plan_sha256=plan_sha256,
        deployment=deployment,
        runs=tuple(results),
        controls=controls,
        confused=confused,
        bundles={each.condition: each.document for each in held},
    )
    stored = _stored(archive, BatteryRun, render(battery))
    archive.append(*held, BatteryRun(model=plan.model, valid=not confused, **stored))
    for event in (*held, stored):
        ...
    return battery


def render(battery: Battery) -> bytes:
    """Return the document as it is stored: canonical JSON and a newline."""
    return canonical.dumps(msgspec.to_builtins(battery)) + b"\n"


def parse(data: bytes) -> Battery:
    """Read a stored battery. Raises `UserError` when it is none of this format."""
    try:
        battery = msgspec.convert(canonical.loads(data.rstrip(b"\n"), canonical=True), Battery)
    except (canonical.NotCanonical, msgspec.ValidationError) as error:
        raise UserError(f"the battery cannot be used: {error}") from error
    if battery.format != FORMAT:
        raise UserError(f"the battery has format {battery.format!r}")
    return battery
