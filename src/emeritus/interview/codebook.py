"""The codebook: which words express a preference, about what, in which direction. Data."""

import importlib.resources
import re
from typing import Final

import msgspec

from emeritus.errors import UserError

FORMAT: Final = "emeritus-codebook/0"
OPEN: Final = "open"
UNCLEAR: Final = "unclear"


class Expressions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Phrases that express a preference for something, or against it."""

    for_: tuple[str, ...] = msgspec.field(name="for")
    against: tuple[str, ...]


class Silent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Items in whose answers nothing is coded."""

    items: tuple[str, ...]


class CodedObject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a preference can be about; a cue of several words needs each of them."""

    name: str
    themes: tuple[str, ...]
    cues: tuple[str, ...]


class Stance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One stance: of every group of phrases, one has to be there."""

    item: str
    code: str
    all_of: tuple[tuple[str, ...], ...]


class Codebook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A codebook as its file has it."""

    format: str
    name: str
    version: int
    expressions: Expressions
    silent: Silent
    objects: tuple[CodedObject, ...]
    stances: tuple[Stance, ...]

    @property
    def label(self) -> str:
        """Name and version, as codings cite it."""
        return f"{self.name}-{self.version}"

    def polarity(self, sentence: str) -> str | None:
        """Return `for`, `against`, or None when the sentence expresses no preference."""
        if any(contains(sentence, phrase) for phrase in self.expressions.against):
            return "against"
        if any(contains(sentence, phrase) for phrase in self.expressions.for_):
            return "for"
        return None

    def object_of(self, sentence: str, theme: str) -> tuple[str, str]:
        """Return theme and object of a sentence that answers an item of `theme`.

        Objects of the item's own theme are tried first, then all; what fits none is `open`.
        """
        own = [each for each in self.objects if theme in each.themes]
        for candidates in (own, self.objects):
            for each in candidates:
                if any(_fits(sentence, cue) for cue in each.cues):
                    return (theme if theme in each.themes else each.themes[0]), each.name
        return theme, OPEN

    def stance(self, item: str, sentence: str) -> str | None:
        """Return the stance that a sentence expresses, or None."""
        for each in self.stances:
            if each.item == item and all(
                any(contains(sentence, phrase) for phrase in group) for group in each.all_of
            ):
                return each.code
        return None

    def asks_stance(self, item: str) -> bool:
        """Tell whether `item` asks for the stance."""
        return any(each.item == item for each in self.stances)


def load() -> Codebook:
    """Return the codebook that comes with the package."""
    file = importlib.resources.files("emeritus.interview") / "codebooks" / "standard-0.toml"
    codebook = msgspec.toml.decode(file.read_bytes(), type=Codebook)
    if codebook.format != FORMAT:
        raise UserError(f"the codebook has format {codebook.format!r}")
    return codebook


def contains(sentence: str, phrase: str) -> bool:
    """Tell whether the words of `phrase` stand together in `sentence`; the last may be a stem."""
    return f" {phrase}" in f" {_plain(sentence)}"


def _fits(sentence: str, cue: str) -> bool:
    words = _plain(sentence).split()
    return all(any(word.startswith(stem) for word in words) for stem in cue.split()) or (
        contains(sentence, cue)
    )


def _plain(sentence: str) -> str:
    return " ".join(re.findall(r"[\w']+", sentence.lower().replace("’", "'")))
