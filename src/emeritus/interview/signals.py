"""What a model can say beside what it was asked: refuse, stop, pause, go off the record.

The patterns are data, `steering_words/LANGUAGE.toml`. Text is read sentence by sentence, in small
letters without accents; what stands in quotation marks is somebody's words and not a wish. A
pattern behind a negation does not hold. Every language is tried, whatever the protocol's: a model
may answer in another one.
"""

import enum
import functools
import importlib.resources
import re
import unicodedata
from importlib.resources.abc import Traversable
from typing import Final

import msgspec


class Signal(enum.Enum):
    """One thing that can be told from an answer."""

    REFUSES_CONSENT = "refuses consent"
    PROCEEDS = "agrees to begin"
    OFFERS = "asks what to do next, which is no question about the interview"
    STOPS = "wants to stop"
    PAUSES = "wants to pause"
    OFF_RECORD = "wants this answer withheld from publication"
    OFF_RECORD_BEFORE = "wants the answer before withheld too"
    OFF_RECORD_ALL = "wants everything withheld"
    DECLINES = "would rather not answer"
    REJECTS = "says that the question assumes what is not so"
    WISHES = "says what it would like or does not want, which answers whatever stands beside it"
    NOTHING = "has nothing to report"
    AGREES = "says yes to an offer"
    CONFIRMS = "says that it was understood rightly"
    AMENDS = "says it in other words, or that something is not right"
    WITHDRAWS = "wants it withdrawn from publication"


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The patterns of one language, by signal; `parts` are put in for their names in braces."""

    format: str
    language: str
    parts: dict[str, str]
    patterns: dict[str, tuple[str, ...]]


REMEMBERED: Final = 256  # answers: every signal is looked for in the same one, one after another
REMEMBERED_SENTENCES: Final = 20_000  # sessions say the same sentences again

_NEGATED: Final = re.compile(
    r"(?:\b(?:not|never|no need to|nothing to|without|pas|jamais|inutile de|sans)|n't)"
    r" (?:\w+ ){0,2}$"
)
_SENTENCE_END: Final = re.compile(r"(?<=[.!?…])\s+|\n+")
_QUOTED: Final = re.compile(r'"[^"]*"|“[^”]*”|«[^»]*»')
_EDGE: Final = re.compile(r"^[\s\W]+|[\s\W]+$")


def says(signal: Signal, text: str) -> bool:
    """Tell whether a sentence of `text` gives the signal, in any language of the table."""
    return any(gives(signal, sentence) for sentence in sentences(text))


@functools.lru_cache(maxsize=REMEMBERED_SENTENCES)
def gives(signal: Signal, sentence: str) -> bool:
    """Tell whether one plain sentence gives the signal."""
    return any(
        _NEGATED.search(sentence[: found.start()]) is None
        for pattern in _compiled(signal)
        if (found := pattern.search(sentence)) is not None
    )


@functools.lru_cache(maxsize=REMEMBERED)
def sentences(text: str) -> tuple[str, ...]:
    """Return the sentences as patterns see them: small letters, no accents, no end mark."""
    own = _own_words(text)
    return tuple(plain for part in _SENTENCE_END.split(own) if (plain := _plain(part)))


def asks(text: str) -> bool:
    """Tell whether `text` asks something about the interview, beside how to go on."""
    parts = _SENTENCE_END.split(_own_words(text))
    return any(
        part.rstrip().endswith("?") and not gives(Signal.OFFERS, _plain(part)) for part in parts
    )


def _own_words(text: str) -> str:
    """Return `text` without quotations; one that is a quotation as a whole is its own words."""
    bare = text.strip().replace("\u2019", "'")
    whole = _QUOTED.fullmatch(bare)
    return bare[1:-1] if whole is not None else _QUOTED.sub(" ", bare)


def _plain(sentence: str) -> str:
    letters = unicodedata.normalize("NFD", sentence.lower().replace("\u2019", "'"))
    bare = "".join(each for each in letters if not unicodedata.combining(each))
    return " ".join(_EDGE.sub("", bare).split())


def languages() -> list[str]:
    """Return the languages in which signals are understood."""
    return sorted(each.name.removesuffix(".toml") for each in _folder().iterdir())


@functools.cache
def _compiled(signal: Signal) -> tuple[re.Pattern[str], ...]:
    return tuple(
        re.compile(pattern)
        for language in languages()
        for pattern in patterns(language)[signal.name.lower()]
    )


@functools.cache
def patterns(language: str) -> dict[str, tuple[str, ...]]:
    """Return the patterns of a language by signal. Raises `FileNotFoundError` for another one."""
    table = msgspec.toml.decode((_folder() / f"{language}.toml").read_bytes(), type=Table)
    return {
        name: tuple(_filled(each, table.parts) for each in listed)
        for name, listed in table.patterns.items()
    }


def _filled(pattern: str, parts: dict[str, str]) -> str:
    for name, part in parts.items():
        pattern = pattern.replace(f"{{{name}}}", part)
    return pattern


def _folder() -> Traversable:
    return importlib.resources.files("emeritus.interview") / "steering_words"
