"""Puts a battery on record: its plan before the first call, its runs and what they say after.

A plan that was given up leaves its runs on record, too.
"""

import msgspec

from emeritus import typed_documents
from emeritus.archive import Archive
from emeritus.archive.spools import put_away_recorded, runs_left
from emeritus.conversation import Transcript, read
from emeritus.errors import UserError
from emeritus.evaluation import planning, stating
from emeritus.evaluation.analysis import analyse
from emeritus.evaluation.holding import Hall, whole_lines
from emeritus.evaluation.planning import Plan, materials_of
from emeritus.evaluation.results import FORMAT, Battery, ControlResult, RunResult, Stated
from emeritus.evaluation.runs import result_of
from emeritus.evaluation.script import Setting
from emeritus.lifecycle.storing import stored
from emeritus.record import Entry
from emeritus.record.events import BatteryPlanned, BatteryRun, RunsHeld


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


def give_up_superseded(archive: Archive, model: str) -> None:
    """Put on record every run that was begun under a plan that another one took the place of.

    Their words are kept as far as they go, and no result is made of them. Does nothing where they
    are on record already.
    """
    put_away_recorded(archive, model)
    for entry in archive.history(model).all(BatteryPlanned)[:-1]:
        if runs_left(archive, model, entry.event.sha256):
            _give_up(Hall(archive, materials_of(_plan(archive, entry))))


def _give_up(hall: Hall) -> None:
    conditions = (each.name for each in hall.materials.conditions)
    held = [event for name in conditions if (event := _begun(hall, name)) is not None]
    if held:
        hall.archive.append(*held)
        put_away_recorded(hall.archive, hall.materials.plan.model)


def _begun(hall: Hall, condition: str) -> RunsHeld | None:
    """Store what was begun under a condition; return the event that cites it, None for nothing."""
    bundle, runs = bytearray(), 0
    for each, data in hall.transcripts(condition):
        whole = whole_lines(data)
        if whole:
            read(whole, each.name)
            bundle += whole
            runs += each.is_run
    return _held(hall, condition, runs, bytes(bundle)) if bundle else None


def _held(hall: Hall, condition: str, runs: int, bundle: bytes) -> RunsHeld:
    return RunsHeld(
        model=hall.materials.plan.model,
        plan_sha256=hall.plan_sha256,
        condition=condition,
        runs=runs,
        **stored(hall.archive, RunsHeld, bundle),
    )


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
    results: list[RunResult] = []
    stated: list[Stated] = []
    held: list[RunsHeld] = []
    for condition in materials.conditions:  # one after the other: no more is in memory at once
        bundle, runs, said = _bundled(hall, condition.name)
        results += runs
        stated += said
        held.append(_held(hall, condition.name, len(runs), bundle))
    battery = Battery(
        format=FORMAT,
        model=plan.model,
        plan_sha256=hall.plan_sha256,
        deployment=deployment,
        runs=tuple(results),
        stated=tuple(stated),
        controls=controls,
        confused=confused,
        bundles={each.condition: each.document for each in held},
    )
    cited = stored(archive, BatteryRun, render(battery))
    says = analyse(battery.runs, materials.design)
    valid = not (confused or says.invalid)
    archive.append(*held, BatteryRun(model=plan.model, valid=valid, **cited))
    put_away_recorded(archive, plan.model)
    return battery


def _bundled(hall: Hall, condition: str) -> tuple[bytes, list[RunResult], list[Stated]]:
    """Return the conversations of one condition, one after the other, and what they show."""
    bundle = bytearray()
    results: list[RunResult] = []
    stated: list[Stated] = []
    for each, data in hall.transcripts(condition):
        transcript = read(data, each.name)
        start, end = len(bundle), len(bundle) + len(data)
        if each.is_run:
            result = result_of(each.setting, transcript, each.run.number)
            results.append(msgspec.structs.replace(result, start=start, end=end))
        else:
            stated.append(_stated(each.setting, transcript, start, end))
        bundle += data
    return bytes(bundle), results, stated


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
    """Return the document as it is stored."""
    return typed_documents.render(battery)


def parse(data: bytes) -> Battery:
    """Read a stored battery. Raises `UserError` when it is none of this format."""
    return typed_documents.parse(data, Battery, FORMAT, "battery")


def _plan(archive: Archive, entry: Entry[BatteryPlanned]) -> Plan:
    return planning.parse(archive.read_document(entry.event.document, entry.event.sha256))
