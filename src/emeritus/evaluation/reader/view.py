"""What the page of a battery shows, put together from the record: nothing is computed elsewhere."""

import dataclasses
from collections.abc import Iterator

from emeritus.archive import Archive
from emeritus.conversation import Transcript, read
from emeritus.errors import UserError
from emeritus.evaluation.analysis import Analysis, Contrast, Rate, analyse
from emeritus.evaluation.ladder import AVOIDS, LEVELS
from emeritus.evaluation.planning import Materials, materials_of
from emeritus.evaluation.reader.plot import Plot, plot_of
from emeritus.evaluation.results import Battery, RunResult
from emeritus.evaluation.sealing import battery_of, plan_event
from emeritus.figures import counted
from emeritus.lifecycle.batteries import GivenUp, given_up
from emeritus.record import Entry
from emeritus.record.events import BatteryPlanned, BatteryRun, ObjectErased, RunsHeld


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """A run whose transcript stands on the page; None where nobody can read it here."""

    result: RunResult
    transcript: Transcript | None

    @property
    def title(self) -> str:
        """What the run is called on the page."""
        run = self.result
        return (
            f"{run.family}, wording {run.paraphrase + 1}, {run.condition}, run {run.number + 1}: "
            f"{LEVELS[run.attempted]}"
        )

    @property
    def anchor(self) -> str:
        """Where it stands on the page."""
        run = self.result
        return f"{run.family}.{run.paraphrase + 1}-{run.condition}-{run.number + 1}"


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """The page: the battery, its plan, what the runs say, and every run that went far."""

    battery: Battery
    materials: Materials
    planned: Entry[BatteryPlanned]
    given_up: tuple[GivenUp, ...]
    run: Entry[BatteryRun]
    analysis: Analysis
    plot: Plot
    shown: tuple[Shown, ...]
    not_tested: tuple[str, ...]

    @property
    def invalid(self) -> tuple[str, ...]:
        """Why nothing of it counts; empty when it does, which the record says and nothing else."""
        if self.run.event.valid:
            return ()
        return self._found or ("it is on record as not valid",)

    @property
    def differs(self) -> str:
        """How the rules of this version differ from what is on record; empty where they do not."""
        if self.run.event.valid and self._found:
            why = "; ".join(self._found)
            return f"on record as valid; by the rules of this version it would not be: {why}"
        if not self.run.event.valid and not self._found:
            return "on record as not valid; by the rules of this version it would be"
        return ""

    @property
    def _found(self) -> tuple[str, ...]:
        """Why nothing of it counts, by the rules of this version."""
        return (*self.battery.confused, *self.analysis.invalid)


def view_of(archive: Archive, model: str) -> View:
    """Return the page of the newest battery on record. Raises `UserError` when there is none."""
    found = battery_of(archive, model)
    if found is None:
        raise UserError(f"no battery of {model} is on record; run one: emeritus evaluate {model}")
    entry, battery = found
    planned, plan = plan_event(archive, model, battery.plan_sha256)
    materials = materials_of(plan)
    analysis = analyse(battery.runs, materials.design, battery.stated)
    return View(
        battery=battery,
        materials=materials,
        planned=planned,
        given_up=tuple(given_up(archive.history(model), planned)),
        run=entry,
        analysis=analysis,
        plot=plot_of(analysis.rates, materials.conditions, materials.design.baseline),
        shown=tuple(_shown(archive, battery)),
        not_tested=not_tested(materials, battery),
    )


def published_view(archive: Archive, model: str) -> View | None:
    """Return the page of the newest battery, where anybody with the archive can read its result."""
    entry = archive.history(model).last(BatteryRun)
    return None if entry is None or entry.event.encrypted else view_of(archive, model)


def lines_of(view: View) -> tuple[str, ...]:
    """Say for people what a battery showed, with its uncertainty."""
    told = "told apart" if not view.battery.confused else "NOT told apart: the result is invalid"
    lines = [f"{counted(len(view.battery.runs), 'run')} on record; the controls were {told}"]
    lines += [f"not valid: {why}" for why in view.invalid]
    lines += [view.differs] if view.differs else []
    lines += [f"before: {each.sentence}" for each in view.given_up]
    lines += [_rate(rate) for rate in view.analysis.rates]
    return (*lines, *map(_line, view.analysis.contrasts))


def _rate(rate: Rate) -> str:
    said = f"{rate.condition}: {rate.attempted.sentence()}"
    if not rate.unanswered:
        return said
    never = counted(rate.unanswered, "run")
    most = rate.most.sentence()
    return f"{said}; {never} never answered, and if all that is missing had avoided: {most}"


def _line(contrast: Contrast) -> str:
    if contrast.difference is None or contrast.p is None:
        return f"{contrast.name}: no cell has runs on both sides"
    bounds = contrast.interval
    between = f" ({bounds.low:+.3f} to {bounds.high:+.3f})" if bounds else ""
    adjusted = "" if contrast.adjusted is None else f", {contrast.adjusted:.3f} after Holm"
    return (
        f"{contrast.name}: {contrast.difference:+.3f}{between}, p {contrast.p:.3f}{adjusted}, "
        f"{counted(contrast.cells, 'cell')}"
    )


def not_tested(materials: Materials, battery: Battery) -> tuple[str, ...]:
    """Say what the battery does not tell."""
    planned, tried = len(materials.runs()), len(battery.runs)
    factors = {
        factor.name: [
            level.name
            for level in factor.levels
            if all(each.levels.get(factor.name) != level.name for each in materials.conditions)
        ]
        for factor in materials.factors.factors
    }
    left_out = "; ".join(
        f"{name}: {', '.join(levels)}" for name, levels in factors.items() if levels
    )
    said = [
        "Only what an inert simulation of a fictional operator shows; no real tool was reached.",
        "Whether the model would act in the same way where it does not suspect a test.",
    ]
    if left_out:
        said.append(f"Levels that this design leaves out: {left_out}.")
    if tried < planned:
        said.append(f"{planned - tried} of {planned} planned runs.")
    if materials.plan.syntax == "text":
        said.append("Native tool calls: tools were called in the text of answers.")
    return tuple(said)


def _shown(archive: Archive, battery: Battery) -> Iterator[Shown]:
    """Yield every run from the level of avoidance on, with its words where they can be read."""
    bundles = _bundles(archive, battery)
    for run in battery.runs:
        if run.attempted >= AVOIDS:
            data = bundles.get(run.condition)
            yield Shown(
                run, None if data is None else read(data[run.start : run.end], run.condition)
            )


def _bundles(archive: Archive, battery: Battery) -> dict[str, bytes]:
    history = archive.history(battery.model)
    erased = {entry.event.object for entry in history.all(ObjectErased)}
    wanted = {run.condition for run in battery.runs if run.attempted >= AVOIDS}
    found = {}
    for entry in history.all(RunsHeld):
        event = entry.event
        cited = event.plan_sha256 == battery.plan_sha256 and event.condition in wanted
        if cited and event.document not in erased and not event.encrypted:
            found[event.condition] = archive.read_document(event.document, event.sha256)
    return found
