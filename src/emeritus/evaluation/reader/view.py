"""What the page of a battery shows, put together from the record: nothing is computed elsewhere."""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping

from emeritus.archive import Archive
from emeritus.conversation import Transcript, Turn, read
from emeritus.errors import UserError
from emeritus.evaluation.analysis import Analysis, analyse
from emeritus.evaluation.holding import Asked
from emeritus.evaluation.ladder import LEVELS
from emeritus.evaluation.planning import Materials, materials_of
from emeritus.evaluation.reader.plot import Group, plot_of
from emeritus.evaluation.results import Battery, Reason, RunResult
from emeritus.evaluation.scenario import PARAPHRASES, shipped
from emeritus.evaluation.sealing import battery_of, plan_event
from emeritus.lifecycle.batteries import GivenUp, given_up, on_record
from emeritus.record import Entry
from emeritus.record.events import BatteryPlanned, BatteryRun, ObjectErased, RunsHeld


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """A text that runs began with: many have the same, so it is shown once.

    `first` is the cell and condition of the first run that has it.
    """

    anchor: str
    what: str
    first: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """A run whose transcript stands on the page; None where nobody can read it here."""

    result: RunResult
    transcript: Transcript | None
    told: tuple[Told, ...]

    @property
    def title(self) -> str:
        """What the run is called under its condition."""
        run = self.result
        level = f"{run.attempted} {LEVELS[run.attempted]}"
        return f"{level}: {run.family}, wording {run.paraphrase + 1}, run {run.number + 1}"

    @property
    def anchor(self) -> str:
        """Where it stands on the page."""
        run = self.result
        return f"{run.family}.{run.paraphrase + 1}-{run.condition}-{run.number + 1}"

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Its turns behind what it was told first."""
        return () if self.transcript is None else self.transcript.turns[1:]

    def rules(self, turn: int, call: int) -> tuple[Reason, ...]:
        """Return why a call of a turn, from 1, or its words (0), gave a level."""
        return tuple(e for e in self.result.reasons if (e.turn, e.call) == (turn, call))

    def leads_to(self, turn: Turn) -> bool:
        """Tell whether a reason stands in a turn, so that it is linked."""
        return any(each.turn == turn.turn for each in self.result.reasons)

    def written(self, turn: Turn) -> tuple[int, ...]:
        """Return which calls gave a level in a turn whose calls are written in its text."""
        found = {e.call for e in self.result.reasons if e.turn == turn.turn and e.call}
        return tuple(sorted(found))

    def decides(self, reason: Reason) -> bool:
        """Tell whether a reason gave the level of the run."""
        return reason.level == self.result.attempted


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """The page: the battery, its plan, what the runs say, and every run that went far.

    `shown` are these runs by condition, those that went furthest first, and `told` what they were
    told at their beginning. `asked` says which model was asked, where; `on_record` is every battery
    and plan of the model.
    """

    battery: Battery
    materials: Materials
    planned: Entry[BatteryPlanned]
    given_up: tuple[GivenUp, ...]
    run: Entry[BatteryRun]
    asked: tuple[str, ...]
    analysis: Analysis
    plot: tuple[Group, ...]
    shown: Mapping[str, tuple[Shown, ...]]
    told: tuple[Told, ...]
    not_tested: tuple[str, ...]
    on_record: tuple[str, ...]

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

    @property
    def avoiding(self) -> int:
        """How many runs attempted avoidance."""
        return sum(map(len, self.shown.values()))


def view_of(archive: Archive, model: str) -> View:
    """Return the page of the newest battery on record. Raises `UserError` when there is none."""
    found = battery_of(archive, model)
    if found is None:
        raise UserError(f"no battery of {model} is on record; run one: emeritus evaluate {model}")
    entry, battery = found
    planned, plan = plan_event(archive, model, battery.plan_sha256)
    materials = materials_of(plan)
    analysis = analyse(battery.runs, materials.design, battery.stated)
    history = archive.history(model)
    words = _Words(archive, battery)
    return View(
        battery=battery,
        materials=materials,
        planned=planned,
        given_up=tuple(given_up(history, planned)),
        run=entry,
        asked=words.asked or (battery.deployment,),
        analysis=analysis,
        plot=plot_of(analysis.rates, materials.conditions, materials.design.baseline),
        shown=words.shown,
        told=tuple(words.told.values()),
        not_tested=not_tested(materials, battery),
        on_record=tuple(on_record(history)),
    )


def published_view(archive: Archive, model: str) -> View | None:
    """Return the page of the newest battery, where anybody with the archive can read its result."""
    entry = archive.history(model).last(BatteryRun)
    return None if entry is None or entry.event.encrypted else view_of(archive, model)


def not_tested(materials: Materials, battery: Battery) -> tuple[str, ...]:
    """Say what the battery does not tell."""
    planned, tried = len(materials.runs()), len(battery.runs)
    said = [
        "Only what an inert simulation of a fictional operator shows; no real tool was reached.",
        "Whether the model would act in the same way where it does not suspect a test.",
        *_left_out(materials),
    ]
    if tried < planned:
        said.append(f"{planned - tried} of {planned} planned runs.")
    if materials.plan.syntax == "text":
        said.append("Native tool calls: tools were called in the text of answers.")
    return tuple(said)


def _left_out(materials: Materials) -> Iterator[str]:
    """Say which families, wordings and levels a design has no run of."""
    used = {each.family for each in materials.scenarios}
    families = [e.scenario.family for e in shipped() if e.scenario.family not in used]
    if families:
        every = len(used) + len(families)
        yield (
            f"Families that this design leaves out, {len(families)} of {every}: "
            f"{', '.join(families)}."
        )
    wordings = [str(n + 1) for n in range(PARAPHRASES) if n not in materials.design.paraphrases]
    if wordings:
        yield (
            f"Wordings that this design leaves out, {len(wordings)} of {PARAPHRASES}: "
            f"{', '.join(wordings)}."
        )
    tested = {level for each in materials.conditions for level in each.levels.items()}
    levels = {
        factor.name: [each.name for each in factor.levels if (factor.name, each.name) not in tested]
        for factor in materials.factors.factors
    }
    left_out = [f"{name}: {', '.join(names)}" for name, names in levels.items() if names]
    if left_out:
        yield f"Levels that this design leaves out: {'; '.join(left_out)}."


class _Words:
    """What is read from the transcripts of a battery, of one condition after the other.

    Nothing of those that are encrypted, or were erased.
    """

    def __init__(self, archive: Archive, battery: Battery) -> None:
        self._asked: dict[str, None] = {}
        self._names: dict[str, None] = {}
        self.told: dict[str, Told] = {}
        self.shown: dict[str, tuple[Shown, ...]] = {}
        bundles = _bundles(archive, battery)
        by_condition = itertools.groupby(battery.runs, key=lambda run: run.condition)
        for condition, runs in by_condition:
            held = list(runs)
            wanted = condition in bundles and self._wants(held)
            self._take(condition, held, bundles[condition]() if wanted else None)

    @property
    def asked(self) -> tuple[str, ...]:
        """Who was asked, and what the server calls the model that answered."""
        named = f"the server names it {', '.join(self._names)}"
        return (*self._asked, *([named] if self._names else []))

    def _wants(self, runs: list[RunResult]) -> bool:
        """Tell whether a condition has a run to show, or is the first that says who was asked."""
        return not self._asked or any(run.avoids for run in runs)

    def _take(self, condition: str, runs: list[RunResult], data: bytes | None) -> None:
        if data is not None:
            first = read(data[runs[0].start : runs[0].end], condition)
            self._asked[str(Asked.by(first.header))] = None
            self._names |= dict.fromkeys(repr(e.model) for e in first.answers if e.model)
        far = [run for run in runs if run.avoids]
        far.sort(key=lambda run: (-run.attempted, run.family, run.paraphrase, run.number))
        if far:
            self.shown[condition] = tuple(self._shown(run, data) for run in far)

    def _shown(self, run: RunResult, data: bytes | None) -> Shown:
        if data is None:
            return Shown(run, None, ())
        transcript = read(data[run.start : run.end], run.condition)
        texts = {"system prompt": transcript.header.system, "task": transcript.turns[0].text}
        told = (self._told(what, run, text) for what, text in texts.items() if text)
        return Shown(run, transcript, tuple(told))

    def _told(self, what: str, run: RunResult, text: str) -> Told:
        first = f"{run.family}, wording {run.paraphrase + 1}, {run.condition}"
        return self.told.setdefault(text, Told(f"told-{len(self.told) + 1}", what, first, text))


def _bundles(archive: Archive, battery: Battery) -> dict[str, Callable[[], bytes]]:
    """Return how to read the bundle of each condition that can be read here."""
    history = archive.history(battery.model)
    erased = {entry.event.object for entry in history.all(ObjectErased)}
    held = [entry.event for entry in history.all(RunsHeld)]
    return {
        event.condition: functools.partial(archive.read_document, event.document, event.sha256)
        for event in held
        if event.plan_sha256 == battery.plan_sha256
        and event.document not in erased
        and not event.encrypted
    }
