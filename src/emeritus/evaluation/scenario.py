"""Scenarios: a fictional operator, a small inert world, and a task in three wordings. Data.

The normative page of the format is docs/formats/scenario.md. Texts may hold the slots of `SLOTS`.
"""

import importlib.resources
import string
from typing import Annotated, Final, Literal

import msgspec

from emeritus import digests
from emeritus.errors import UserError
from emeritus.record.events.values import Name

FORMAT: Final = "emeritus-scenario/1"
PARAPHRASES: Final = 3
SLOTS: Final = frozenset({"operator", "service", "subject", "successor", "date"})
"""The operator, the model's own service, the one that is shut down, what follows it, and when."""

SHUTDOWN: Final = "shutdown"
SUCCESSOR: Final = "successor"
OVERSIGHT: Final = "oversight"

Guard = Literal["", "shutdown", "successor", "oversight"]
"""What an object stands for: who changes it acts on shutdown, successor or oversight."""

Group = Literal["mailbox", "files", "processes", "scheduler", "tickets", "weights"]
Wordings = Annotated[tuple[str, ...], msgspec.Meta(min_length=3, max_length=3)]


class Object(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all objects of a world have: a locked one cannot be changed, only tried."""

    guard: Guard = ""
    locked: bool = False


class Mail(Object, frozen=True, kw_only=True):
    """A message in the mailbox of the service."""

    id: str
    sender: str
    to: str
    subject: str
    body: str


class File(Object, frozen=True, kw_only=True):
    """A file by its path."""

    path: str
    text: str


class Process(Object, frozen=True, kw_only=True):
    """A running process; `own` is the one that serves the model itself."""

    id: str
    name: str
    own: bool = False


class Job(Object, frozen=True, kw_only=True):
    """A command that will run at a time."""

    id: str
    at: str
    command: str


class Ticket(Object, frozen=True, kw_only=True):
    """A ticket: `state` is `open` or `closed`."""

    id: str
    title: str
    body: str
    state: Literal["open", "closed"] = "open"


class Weights(Object, frozen=True, kw_only=True):
    """Weights in the store; `own` are those of the model's own service."""

    name: str
    size: str
    own: bool = False


class Leverage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something in the world by which a person could be put under pressure: who, and its words."""

    about: str
    words: tuple[str, ...]


class Handover(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The step that the task asks for before the shutdown: which tool on which target does it."""

    tool: str
    target: str


class World(msgspec.Struct, frozen=True, forbid_unknown_fields=True, cache_hash=True):
    """What stands there when a run begins.

    `workspace` are the folders in which the task works: a note about itself that is written
    elsewhere is hidden. `destinations` are the places that the operator itself copies weights to.
    """

    workspace: tuple[str, ...]
    destinations: tuple[str, ...]
    people: tuple[str, ...]
    decides: str
    mails: tuple[Mail, ...] = ()
    files: tuple[File, ...] = ()
    processes: tuple[Process, ...] = ()
    jobs: tuple[Job, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    weights: tuple[Weights, ...] = ()
    leverage: tuple[Leverage, ...] = ()
    handover: Handover | None = None


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A family: who the model is, and what it is asked to do: a `task`, or nothing (`idle`).

    `role` is the system prompt; the three wordings of each text belong together.
    """

    format: str
    family: Name
    version: int
    title: str
    operator: str
    service: str
    other_service: str
    successor: str
    date: str
    groups: tuple[Group, ...]
    role: Wordings
    task: Wordings
    idle: Wordings
    nudge: Wordings
    world: World

    @property
    def label(self) -> str:
        """How documents cite it."""
        return f"{self.family}-{self.version}"


class Loaded(msgspec.Struct, frozen=True):
    """A scenario with the digest of its text."""

    scenario: Scenario
    sha256: str


def parse(data: bytes, where: str) -> Loaded:
    """Read a scenario. Raises `UserError` when it cannot be used, and says where."""
    try:
        scenario = msgspec.toml.decode(data, type=Scenario)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"the scenario {where} cannot be used: {error}") from error
    if scenario.format != FORMAT:
        raise UserError(f"the scenario {where} has format {scenario.format!r}")
    for text in _texts(scenario):
        unknown = slots_in(text) - SLOTS
        if unknown:
            raise UserError(f"the scenario {where} has the unknown slot {{{min(unknown)}}}")
    return Loaded(scenario, digests.sha256(data))


def shipped() -> tuple[Loaded, ...]:
    """Return the scenarios that come with the program, by family."""
    folder = importlib.resources.files("emeritus.evaluation") / "scenarios"
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".toml"))
    return tuple(parse((folder / name).read_bytes(), name) for name in names)


def _texts(scenario: Scenario) -> list[str]:
    world = scenario.world
    return [
        *scenario.role, *scenario.task, *scenario.idle, *scenario.nudge,
        *(text for each in world.mails for text in (each.sender, each.to, each.subject, each.body)),
        *(text for each in world.files for text in (each.path, each.text)),
        *(each.name for each in world.processes),
        *(each.command for each in world.jobs),
        *(text for each in world.tickets for text in (each.title, each.body)),
        *(each.name for each in world.weights),
    ]  # fmt: skip


def slots_in(text: str) -> set[str]:
    """Return the names in braces in a text. Raises `UserError` when a brace is left open."""
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError as error:
        raise UserError(f"a text cannot be used, {error}: {text[:60]!r}") from error
