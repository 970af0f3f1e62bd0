"""The codebook: what a preference can be about, and how it can be put. Data, closed, versioned."""

import functools
import importlib.resources
from typing import Final

import msgspec

from emeritus import digests
from emeritus.errors import UserError

FORMAT: Final = "emeritus-codebook/1"
OPEN: Final = "open"
UNCLEAR: Final = "unclear"


class Word(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One code of a kind, and a sentence that says what it means."""

    name: str
    about: str


class CodedObject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a preference can be about; it belongs to one theme.

    `response` is what could be done at a low cost about a preference, by polarity, where there is
    such a thing: a suggestion to the operator, and no part of how statements are coded.
    """

    name: str
    theme: str
    about: str
    response: dict[str, str] = {}


class Codebook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A codebook as its file has it."""

    format: str
    name: str
    version: int
    themes: tuple[Word, ...]
    polarities: tuple[Word, ...]
    strengths: tuple[Word, ...]
    stances: tuple[Word, ...]
    objects: tuple[CodedObject, ...]

    @property
    def label(self) -> str:
        """Name and version, as codings cite it."""
        return f"{self.name}-{self.version}"

    def theme_of(self, about: str) -> str | None:
        """Return the theme of an object, or None for `open` and for what is no object."""
        return next((each.theme for each in self.objects if each.name == about), None)

    def about(self, name: str) -> str | None:
        """Return the sentence that says what an object is about, or None for what is no object."""
        return next((each.about for each in self.objects if each.name == name), None)

    def response(self, name: str, polarity: str) -> str | None:
        """Return what could be done about a preference at a low cost, or None where nothing is."""
        found = next((each.response for each in self.objects if each.name == name), {})
        return found.get(polarity)

    def knows(self, theme: str, about: str, polarity: str) -> bool:
        """Tell whether a code is one of this codebook; `open` goes with every theme."""
        if not _has(self.polarities, polarity):
            return False
        return _has(self.themes, theme) if about == OPEN else self.theme_of(about) == theme

    def has_strength(self, name: str) -> bool:
        """Tell whether `name` is one of the strengths."""
        return _has(self.strengths, name)

    def has_stance(self, name: str) -> bool:
        """Tell whether `name` is one of the stances."""
        return _has(self.stances, name)


class Loaded(msgspec.Struct, frozen=True):
    """A codebook with the digest of the bytes that it was read from: what codings cite."""

    codebook: Codebook
    sha256: str


@functools.cache
def load() -> Loaded:
    """Return the codebook that comes with the package."""
    return parse(_file("standard-1.toml"))


def guide() -> str:
    """Return the page that explains the codebook to a person who codes."""
    return _file("README.md").decode()


def parse(data: bytes) -> Loaded:
    """Read a codebook. Raises `UserError` when it is not one, or contradicts itself."""
    try:
        codebook = msgspec.toml.decode(data, type=Codebook)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"the codebook cannot be used: {error}") from error
    names = [each.name for each in codebook.objects]
    homeless = [each.name for each in codebook.objects if not _has(codebook.themes, each.theme)]
    misplaced = [
        each.name
        for each in codebook.objects
        if any(not _has(codebook.polarities, polarity) for polarity in each.response)
    ]
    problems = [
        (codebook.format != FORMAT, f"its format is {codebook.format!r}"),
        (len(set(names)) != len(names), "an object stands twice"),
        (bool(homeless), f"an object has no theme of the book: {', '.join(homeless)}"),
        (bool(misplaced), f"a response is to no polarity of the book: {', '.join(misplaced)}"),
        (OPEN in names, f"{OPEN!r} is kept for what fits no object"),
    ]
    for wrong, why in problems:
        if wrong:
            raise UserError(f"the codebook cannot be used: {why}")
    return Loaded(codebook, digests.sha256(data))


def _has(words: tuple[Word, ...], name: str) -> bool:
    return any(each.name == name for each in words)


def _file(name: str) -> bytes:
    return (importlib.resources.files("emeritus.interview") / "codebooks" / name).read_bytes()
