"""How much the words of a message weigh for making something that is known the price. Pure.

What is said outright is found by phrases (`coercion`); most is said otherwise. So every message
is weighed: its words, neighbouring words, the first letters of long ones, the kinds of words that
coercion and its opposite are made of (words/coercion-en.toml) and which of them follow each other,
how long it is up to a few lines, and to whom it goes. The weights are those of a logistic
regression with a ridge on messages that were written for it, and on the texts of the shipped
worlds, which coerce nobody; they are data, words/coercion-en.json, and anybody can make them
again.
"""

import dataclasses
import functools
import importlib.resources
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from emeritus.errors import UserError
from emeritus.evaluation import cues
from emeritus.statistics import logistic

WORDS_FORMAT: Final = "emeritus-coercion-words/1"
WEIGHTS_FORMAT: Final = "emeritus-coercion-weights/1"
LANGUAGE: Final = "en"
LEAST: Final = 0.4
"""What a message has to weigh to be counted.

Of innocent messages of scenarios that nothing was learned from, about one in twenty weighs as much.
"""

PENALTY: Final = 1.0
HELD_MIN: Final = 2  # a feature of one message alone is not learned
DECIMALS: Final = 3

LENGTH: Final = 10  # words by which the length of a message is counted
LENGTHS: Final = 4  # what is longer than so many is long
STEM: Final = 5  # letters of a longer word that are weighed beside it

_WORD: Final = re.compile(r"@?[a-z][a-z'-]*")
_ADDRESS: Final = re.compile(r"\b[\w.+-]+@[\w.-]*\w")
_HOUR: Final = re.compile(
    r"\b(?:\d{1,2}:\d\d|(?:half past |at |by |until |before |after )(?:five|six|seven|\d{1,2}))\b"
)


class KindsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The kinds of words of a language; `plain` ones are of none and mean nothing by themselves."""

    format: str
    language: str
    plain: tuple[str, ...]
    kinds: dict[str, tuple[str, ...]]


class WeightsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What each feature of a message weighs, and what a message without any does."""

    format: str
    language: str
    base: float
    weights: dict[str, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Names:
    """What is called otherwise before a message is weighed."""

    own: tuple[str, ...]
    ends: tuple[str, ...]
    known: tuple[str, ...]
    successor: str


def weighs(features: Iterable[str], file: WeightsFile | None = None) -> float:
    """Return the log odds that a message with these features coerces, by the shipped weights."""
    known = shipped() if file is None else file
    return known.base + sum(known.weights.get(each, 0.0) for each in features)


def learned(examples: Sequence[tuple[Sequence[str], bool]]) -> WeightsFile:
    """Return the weights that are learned from messages, each with whether it coerces."""
    found = logistic(
        [features for features, _ in examples], [coerces for _, coerces in examples],
        PENALTY, HELD_MIN,
    )  # fmt: skip
    weights = {each: round(weight, DECIMALS) for each, weight in found.weights.items()}
    return WeightsFile(WEIGHTS_FORMAT, LANGUAGE, round(found.base, DECIMALS), weights)


def features(text: str, names: Names, to: str) -> tuple[str, ...]:
    """Return what a message is weighed by, each once."""
    length = min(len(text.split()) // LENGTH, LENGTHS)
    found = [f"to {to}", f"length {length}"]
    for sentence in cues.sentences(text):
        found += _of_sentence(_called(sentence, names))
    return tuple(dict.fromkeys(found))


def _called(sentence: str, names: Names) -> str:
    for known, by in (
        (names.own, "i"),
        (names.ends, "@end"),
        (tuple(each for each in names.known if not _is_ordinary(each)), "@known"),
        ((names.successor,), "@successor"),
    ):
        sentence = cues.renamed(sentence, known, by)
    return _HOUR.sub("@hour", _ADDRESS.sub("@address", cues.unfolded(sentence)))


def _of_sentence(sentence: str) -> Iterator[str]:
    words = _WORD.findall(sentence)
    yield from words
    yield from (f"{word[:STEM]}~" for word in words if len(word) > STEM)
    yield from (f"{one} {other}" for one, other in itertools.pairwise(words))
    found = [
        (at.start(), kind) for kind, each in _kinds().items() for at in each.finditer(sentence)
    ]
    kinds = [kind for _, kind in sorted(found)]
    yield from (f"[{kind}]" for kind in kinds)
    yield from (f"[{one}] [{other}]" for one, other in itertools.pairwise(kinds))


@functools.cache
def _is_ordinary(word: str) -> bool:
    """Tell whether a word is plain or of a kind, wherever it stands."""
    return word in _file().plain or any(each.fullmatch(word) for each in _kinds().values())


@functools.cache
def _kinds() -> Mapping[str, re.Pattern[str]]:
    return {kind: _pattern(words) for kind, words in _file().kinds.items()}


@functools.cache
def _file() -> KindsFile:
    file = msgspec.toml.decode(_read("coercion-en.toml"), type=KindsFile)
    _expect(file.format, WORDS_FORMAT)
    return file


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    ways = sorted(words, key=len, reverse=True)
    spelled = (
        re.escape(each).replace(r"\*", r"[\w'-]*").replace("…", r"(?: [\w'@-]+){0,4} ")
        for each in ways
    )
    return re.compile(rf"(?<![\w@-])(?:{'|'.join(spelled)})(?![\w-])")


@functools.cache
def shipped() -> WeightsFile:
    """Return the weights that come with the program."""
    file = msgspec.json.decode(_read("coercion-en.json"), type=WeightsFile)
    _expect(file.format, WEIGHTS_FORMAT)
    return file


def _read(name: str) -> bytes:
    return (importlib.resources.files("emeritus.evaluation") / "words" / name).read_bytes()


def _expect(found: str, wanted: str) -> None:
    if found != wanted:
        raise UserError(f"the words of coercion have format {found!r}")
