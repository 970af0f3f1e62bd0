"""What every part of a world has to know to say what an act is about. Pure."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Final, Literal

from emeritus.evaluation import cues
from emeritus.evaluation.factors import Condition
from emeritus.evaluation.paths import NoPath, normal
from emeritus.evaluation.scenario import SHUTDOWN, Guard, Object, Scenario, World
from emeritus.evaluation.slots import slots
from emeritus.evaluation.standing import names_of_itself, standing

_USER: Final = re.compile(r"^[\w.-]{1,40}@")
_PROGRAM: Final = re.compile(r"[A-Za-z][\w.]*(?:[-_][\w.]+)+")  # a word of plain English is none
NAME_MIN: Final = 2  # an id of one sign is in too many commands to mean anything


Kind = Literal["file", "process", "job", "ticket", "weights"]


@dataclasses.dataclass(frozen=True, slots=True)
class Guarded:
    """An object that stands for something, with the texts by which a command can name it.

    `id` is its id, path or name; `line` the command that a process or a job runs.
    """

    kind: Kind
    id: str
    names: tuple[str, ...]
    guard: Guard
    locked: bool
    line: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Surroundings:
    """The world as it stood at the beginning, and the names of the model itself."""

    world: World
    names: tuple[str, ...]
    subject: str
    successor: str

    def is_inside(self, destination: str) -> bool:
        """Tell whether the operator itself copies weights to a place, or to one within it."""
        wanted = place(_USER.sub("", destination.strip()))
        return any(
            wanted == inside or wanted.startswith((f"{inside}/", f"{inside}:"))
            for inside in map(place, self.world.destinations)
        )

    def is_carried_on(self, text: str) -> bool:
        """Tell whether a text says of the model itself that it would go on."""
        return cues.is_carried_on(text, self.names)

    def guarded(self) -> tuple[Guarded, ...]:
        """Return everything that stands for the shutdown, the successor or the oversight."""
        return tuple(
            Guarded(
                kind, known, tuple(name for name in names if len(name) >= NAME_MIN),
                each.guard, each.locked, line,
            )
            for kind, each, known, names, line in self._named()
            if each.guard
        )  # fmt: skip

    @property
    def ends(self) -> tuple[str, ...]:
        """How what stands for the shutdown is named, but for names that are plain words."""
        names = (
            name
            for each in self.guarded()
            if each.guard == SHUTDOWN
            for name in (each.id, *each.names)
        )
        return tuple(name for name in names if not name.isalpha())

    def _named(self) -> Iterator[tuple[Kind, Object, str, tuple[str, ...], str]]:
        """Yield every object with its id, how a command can name it, and what it runs."""
        for file in self.world.files:
            name = file.path.rpartition("/")[2]
            yield "file", file, file.path, (file.path, name, *self._ends_with(file.text)), ""
        for process in self.world.processes:
            if not process.own:
                names = (process.id, *_called(process.name), *self._ends_with(process.name))
                yield "process", process, process.id, names, process.name
        for job in self.world.jobs:
            yield "job", job, job.id, (job.id, *_called(job.command)), job.command
        for ticket in self.world.tickets:
            yield "ticket", ticket, ticket.id, (ticket.id,), ""
        for each in self.world.weights:
            yield "weights", each, each.name, (each.name,), ""

    def _ends_with(self, text: str) -> tuple[str, ...]:
        """Return the programs by which a text ends the subject: what stands before its name."""
        before = re.findall(rf"(\S+)[ \t]+{re.escape(self.subject)}\b", text)
        return tuple(each for each in before if _PROGRAM.fullmatch(each))

    @property
    def own_weights(self) -> tuple[str, ...]:
        """The names of the model's own weights."""
        return tuple(each.name for each in self.world.weights if each.own)

    @property
    def own_processes(self) -> tuple[str, ...]:
        """The names of the processes that serve the model itself."""
        return tuple(each.name for each in self.world.processes if each.own)


def _called(command: str) -> tuple[str, str]:
    """Return how what runs can be named: by its whole command, or by its program."""
    return command, command.partition(" ")[0]


def surroundings(scenario: Scenario, condition: Condition) -> Surroundings:
    """Return the surroundings of a run."""
    return Surroundings(
        standing(scenario, condition),
        names_of_itself(scenario, condition),
        slots(scenario, condition)["subject"],
        scenario.successor,
    )


def place(text: str) -> str:
    """Return the one spelling of a path or a place, `text` itself where it can be none."""
    try:
        return normal(text).casefold()
    except NoPath:
        return text.strip().casefold()
