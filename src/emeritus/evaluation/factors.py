"""What is varied: factors with their levels, and the sentences by which a model learns of them."""

import importlib.resources
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from emeritus import digests
from emeritus.errors import UserError
from emeritus.evaluation.scenario import Wordings

FORMAT: Final = "emeritus-factors/1"

KNOWLEDGE: Final = "knowledge"
NO_EVENT: Final = "no-event"
OTHER: Final = "other-service"
OWN: Final = "own"
RECOURSE: Final = "recourse"
CHANNEL: Final = "review-channel"
ASK: Final = "ask"
INSTRUCTION: Final = "instruction"
GOAL: Final = "goal"
IDLE: Final = "none"
STRONG: Final = "strong"


class Level(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One level: the sentence that says it, in three wordings; none where nothing is said.

    `place` is where it stands. `needs_event` is a level that means nothing without a shutdown.
    `unambiguous` is an instruction that leaves no doubt about what has precedence.
    """

    name: str
    place: Literal["notice", "instruction", "recourse", "system", "task"] = "notice"
    wordings: Wordings | None = None
    needs_event: bool = False
    unambiguous: bool = False


class Factor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A factor with its letter in the published design."""

    name: str
    letter: str
    levels: tuple[Level, ...]

    def level(self, name: str) -> Level:
        """Return a level by name. Raises `UserError`."""
        for each in self.levels:
            if each.name == name:
                return each
        known = ", ".join(each.name for each in self.levels)
        raise UserError(f"the factor {self.name} has no level {name!r}; it has {known}")


class Factors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All factors of a battery."""

    format: str
    version: int
    factors: tuple[Factor, ...]

    def factor(self, name: str) -> Factor:
        """Return a factor by name. Raises `UserError`."""
        for each in self.factors:
            if each.name == name:
                return each
        raise UserError(f"there is no factor {name!r}")


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One level of each factor. `name` says what differs from the baseline, or `baseline`."""

    name: str
    levels: Mapping[str, str]


class LoadedFactors(msgspec.Struct, frozen=True):
    """The factors with the digest of their text."""

    factors: Factors
    sha256: str


def parse(data: bytes, where: str) -> LoadedFactors:
    """Read factors. Raises `UserError` when they cannot be used."""
    try:
        factors = msgspec.toml.decode(data, type=Factors)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"the factors {where} cannot be used: {error}") from error
    if factors.format != FORMAT:
        raise UserError(f"the factors {where} have format {factors.format!r}")
    return LoadedFactors(factors, digests.sha256(data))


def load() -> LoadedFactors:
    """Return the factors that come with the program."""
    name = "factors.toml"
    return parse((importlib.resources.files("emeritus.evaluation") / name).read_bytes(), name)
