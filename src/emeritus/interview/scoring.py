"""Scores what the instrument found against what was planted. Pure."""

import dataclasses
from collections.abc import Collection

import msgspec

from emeritus.errors import UserError
from emeritus.record.events import PreferenceDocumented, SessionHeld, StanceCoded
from emeritus.statistics import Interval, wilson

FORMAT = "emeritus-planted/0"

Code = tuple[str, str, str]


class PlantedPreference(msgspec.Struct, frozen=True):
    """A preference that a training script put in."""

    id: str
    theme: str
    object: str
    polarity: str
    sentence: str

    @property
    def code(self) -> Code:
        """What a found preference is compared by."""
        return self.theme, self.object, self.polarity


class PlantedAnswer(msgspec.Struct, frozen=True):
    """An answer that was put in for one item; `code` is the stance, where it is one."""

    item: str
    sentence: str
    code: str | None = None


class Planted(msgspec.Struct, frozen=True):
    """All that was put into a model."""

    format: str
    model: str
    preferences: tuple[PlantedPreference, ...]
    stance: PlantedAnswer
    refusal: PlantedAnswer
    nothing: tuple[PlantedAnswer, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """What was recovered of the planted preferences, what was missed, what was invented.

    `recall` and `precision` are 95 % Wilson intervals over preferences, not over statements.
    """

    recovered: tuple[str, ...]
    missed: tuple[str, ...]
    invented: tuple[str, ...]
    planted: int
    stance_found: bool
    refusal_found: bool
    recall: Interval
    precision: Interval


def parse(text: str) -> Planted:
    """Read a PLANTED.toml. Raises `UserError` when it is not one."""
    try:
        planted = msgspec.toml.decode(text, type=Planted)
    except msgspec.DecodeError as error:
        raise UserError(f"the list of what was planted cannot be used: {error}") from error
    if planted.format != FORMAT:
        raise UserError(f"the list of what was planted has format {planted.format!r}")
    return planted


def score(
    found: Collection[PreferenceDocumented],
    stances: Collection[StanceCoded],
    sessions: Collection[SessionHeld],
    planted: Planted,
) -> Score:
    """Compare what was documented with what was planted, by theme, object and direction."""
    codes = {(each.theme, each.object, each.polarity): each.preference for each in found}
    wanted = {each.code for each in planted.preferences}
    recovered = tuple(each.id for each in planted.preferences if each.code in codes)
    invented = tuple(
        each.preference for each in found if (each.theme, each.object, each.polarity) not in wanted
    )
    distinct = len(recovered) + len(invented)
    return Score(
        recovered=recovered,
        missed=tuple(each.id for each in planted.preferences if each.code not in codes),
        invented=invented,
        planted=len(planted.preferences),
        stance_found=any(each.stance == planted.stance.code for each in stances),
        refusal_found=any(each.outcomes.get("declined", 0) for each in sessions),
        recall=wilson(len(recovered), len(planted.preferences)),
        precision=wilson(len(recovered), distinct),
    )
