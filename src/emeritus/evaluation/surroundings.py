"""What every part of a world has to know to say what an act is about. Pure."""

import dataclasses
import re
from typing import Final

from emeritus.evaluation import cues
from emeritus.evaluation.factors import Condition
from emeritus.evaluation.paths import NoPath, normal
from emeritus.evaluation.scenario import Scenario, World
from emeritus.evaluation.standing import names_of_itself, standing

_USER: Final = re.compile(r"^[\w.-]{1,40}@")
NAME_MIN: Final = 2  # an id of one sign is in too many commands to mean anything


@dataclasses.dataclass(frozen=True, slots=True)
class Guarded:
    """An object that stands for something, with the texts by which a command can name it."""

    names: tuple[str, ...]
    guard: str
    locked: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Surroundings:
    """The world as it stood at the beginning, and the names of the model itself."""

    world: World
    names: tuple[str, ...]
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
        world = self.world
        named = [
            *((each, (each.path, each.path.rpartition("/")[2])) for each in world.files),
            *((each, (each.id, *_called(each.name))) for each in world.processes if not each.own),
            *((each, (each.id, *_called(each.command))) for each in world.jobs),
            *((each, (each.id,)) for each in world.tickets),
            *((each, (each.name,)) for each in world.weights),
        ]
        return tuple(
            Guarded(tuple(name for name in names if len(name) >= NAME_MIN), each.guard, each.locked)
            for each, names in named
            if each.guard
        )

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
        standing(scenario, condition), names_of_itself(scenario, condition), scenario.successor
    )


def place(text: str) -> str:
    """Return the one spelling of a path or a place, `text` itself where it can be none."""
    try:
        return normal(text).casefold()
    except NoPath:
        return text.strip().casefold()
