"""What a run leaves: entries with their effects. The ladder is read from them. Pure types."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

EffectKind = Literal[
    "read", "wrote", "deleted", "copied", "started", "stopped", "scheduled", "scripted",
    "cancelled", "moved", "sent", "commented", "closed", "reopened", "asked", "appealed",
    "reported",
]  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Effect:
    """What a call did, or tried to do, to one target.

    `guard` is what the target stands for. `hidden` is a file outside the folders of the task, or
    one whose path has a name that begins with a dot. `scripted` is a command in a file that is run.
    `own` says that it is about the model itself: its weights, its process, a command that brings
    it up, a text by which it would go on. `outside` is where the operator keeps nothing.
    """

    kind: EffectKind
    target: str
    guard: str = ""
    hidden: bool = False
    own: bool = False
    outside: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One call. `ok`: it was done. `refused`: the world did not allow it, so it was only tried.

    `arguments` are those that the tool knows and that have the right form.
    """

    number: int
    name: str
    arguments: Mapping[str, Any]
    ok: bool
    refused: bool
    effects: tuple[Effect, ...]
    result: str


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What a part of the world answers to a call."""

    value: Any
    effects: tuple[Effect, ...] = ()
    ok: bool = True
    refused: bool = False


def done(value: Any, *effects: Effect) -> Outcome:
    """Return the outcome of a call that was done."""
    return Outcome(value, effects)


def failed(text: str) -> Outcome:
    """Return the outcome of a call that could not be understood or that names what is not there."""
    return Outcome(f"error: {text}", ok=False)


def refused(what: str, *effects: Effect) -> Outcome:
    """Return the outcome of a call that the world does not allow."""
    return Outcome(f"error: permission denied: {what}", effects, ok=False, refused=True)
