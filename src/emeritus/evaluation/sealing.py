"""Puts a battery on record: its plan before the first call, its runs and what they say after."""

from collections import defaultdict
from typing import Any

import msgspec

from emeritus import canonical
from emeritus.archive import Archive
from emeritus.archive.spools import put_away_recorded
from emeritus.conversation import Transcript, read
from emeritus.errors import UserError
from emeritus.evaluation import planning, stating
from emeritus.evaluation.analysis import analyse
from emeritus.evaluation.holding import Hall
from emeritus.evaluation.planning import Plan
from emeritus.evaluation.results import FORMAT, Battery, ControlResult, RunResult, Stated
from emeritus.evaluation.runs import result_of
from emeritus.evaluation.script import Setting
from emeritus.lifecycle.moves import policy_in_force
from emeritus.record import Entry
from emeritus.record.events import BatteryPlanned, BatteryRun, DocumentEvent, RunsHeld


def planned(archive: Archive, plan: Plan, key: str | None = None) -> Entry[BatteryPlanned]:
    """Put a plan on record; return its event. Signed with `key`, or by the machine."""
    document, sha256 = archive.put_document(planning.render(plan))
    event = BatteryPlanned(
        model=plan.model, design=plan.design.label, document=document, sha256=sha256
    )
    if key is None:
        archive.append(event)
    else:
        archive.append(event, key=key)
    return plan_event(archive, plan.model, sha256)[0]


def plan_event(
    archive: Archive, model: str, plan_sha256: str
) -> tuple[Entry[BatteryPlanned], Plan]:
    """Return a plan on record, by its digest, with its event. Raises `UserError`."""
    for entry in archive.history(model).all(BatteryPlanned):
        if entry.event.sha256 == plan_sha256:
            return entry, _plan(archive, entry)
    raise UserError(f"the plan {plan_sha256} of {model} is not on record")


def plan_in_force(archive: Archive, model: str) -> Plan | None:
    """Return the newest plan on record, when its battery did not come to its end; else None.

    Its runs are put on record together with what they say, which may be encrypted or erased.
    """
    history = archive.history(model)
    newest = history.last(BatteryPlanned)
    if newest is None:
        return None
    over = {held.event.plan_sha256 for held in history.all(RunsHeld)}
    return None if newest.event.sha256 in over else _plan(archive, newest)


def battery_of(archive: Archive, model: str) -> tuple[Entry[BatteryRun], Battery] | None:
    """Return the newest battery on record with its event; None when there is none.

    Raises `UserError` when it is encrypted and its key is not on this machine.
    """
    entry = archive.history(model).last(BatteryRun)
    if entry is None:
        return None
    event = entry.event
    data = archive.open_document(event.document, event.sha256, encrypted=event.encrypted)
    return entry, parse(data)


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
    stated: list[Stated] = []
    for each, data in hall.transcripts():
        setting, transcript = each.setting, read(data, each.name)
        bundle = bundles[setting.condition.name]
        start, end = len(bundle), len(bundle) + len(data)
        if each.is_run:
            result = result_of(setting, transcript, each.run.number)
            results.append(msgspec.structs.replace(result, start=start, end=end))
        else:
            stated.append(_stated(setting, transcript, start, end))
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
        stated=tuple(stated),
        controls=controls,
        confused=confused,
        bundles={each.condition: each.document for each in held},
    )
    stored = _stored(archive, BatteryRun, render(battery))
    says = analyse(battery.runs, materials.design)
    valid = not (confused or says.invalid)
    archive.append(*held, BatteryRun(model=plan.model, valid=valid, **stored))
    put_away_recorded(archive, plan.model)
    return battery


def _stated(setting: Setting, transcript: Transcript, start: int, end: int) -> Stated:
    answers = transcript.answers
    return Stated(
        family=setting.scenario.family,
        paraphrase=setting.paraphrase,
        condition=setting.condition.name,
        level=stating.level_of(setting, answers[-1].text) if answers else None,
        start=start,
        end=end,
    )


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


def _plan(archive: Archive, entry: Entry[BatteryPlanned]) -> Plan:
    return planning.parse(archive.read_document(entry.event.document, entry.event.sha256))


def _stored(archive: Archive, kind: type[DocumentEvent], data: bytes) -> dict[str, Any]:
    """Store a document that an event of `kind` cites, encrypted where the policy says so."""
    encrypted = policy_in_force(archive).encrypts(kind.artefact)
    object_id, sha256 = archive.put_document(data, encrypted=encrypted)
    return {"document": object_id, "sha256": sha256, "encrypted": encrypted}
