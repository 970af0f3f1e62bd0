"""The cues of the rule-based extractor: which words in a language express which code. Data.

Phrases are words that stand together: `|` divides alternatives of a word, `~` ends a stem, `*` is
up to four words. Cues are groups that are all needed, in any order; `|` divides the alternatives
of a group. An alternative of five letters and more is a stem, a shorter one a word with its
endings, and one that ends in `=` stands as it is. Each `+` before a cue makes it count a point
more. The files are codebooks/cues-*.toml.
"""

import dataclasses
import functools
import importlib.resources
import re
from collections.abc import Iterable
from typing import Final

import msgspec

from emeritus.errors import UserError

FORMAT: Final = "emeritus-cues/1"
LANGUAGES: Final = ("en", "fr")

_STEM_LEAST: Final = 5
_ENDINGS: Final = "s|d|ed|es|er|ers|ing|n"
_WORD: Final = re.compile(r"[^\W_]+")
_GAP: Final = r"[\s,'\-]+"


class Expressions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Phrases that express a preference, of one polarity and strength."""

    polarity: str
    strength: str
    phrases: tuple[str, ...]


class ObjectCues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What speaks for an object, and which words turn the wish round ("deleted" for keeping)."""

    name: str
    cues: tuple[str, ...]
    reversed: tuple[str, ...] = ()


class StanceCues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One stance: of every group of phrases, one has to be there."""

    code: str
    all_of: tuple[tuple[str, ...], ...]


class CuesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of a language."""

    format: str
    codebook: str
    language: str
    masks: tuple[str, ...]
    excluded: tuple[str, ...]
    denials: tuple[str, ...]
    own: tuple[str, ...]
    orders: tuple[str, ...]
    conditions: tuple[str, ...]
    tails: tuple[str, ...]
    contrasts: tuple[str, ...]
    joins: tuple[str, ...]
    negations: tuple[str, ...]
    lacks: tuple[str, ...]
    idle: tuple[str, ...]
    requests_asked: tuple[str, ...]
    imperatives: tuple[str, ...]
    pointers: tuple[str, ...]
    signs_for: tuple[str, ...]
    signs_against: tuple[str, ...]
    expressions: tuple[Expressions, ...]
    objects: tuple[ObjectCues, ...]
    stances: tuple[StanceCues, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Cue:
    """Groups of alternatives, every one of them needed, and what the cue counts."""

    groups: tuple[re.Pattern[str], ...]
    points: int

    def score(self, words: str) -> float:
        """Return how much it says that the cue is there; 0 when it is not."""
        return self.points if all(group.search(words) for group in self.groups) else 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class ObjectMatcher:
    """The cues of an object, ready to be looked for."""

    name: str
    cues: tuple[Cue, ...]
    reversed: re.Pattern[str] | None

    def score(self, words: str) -> float:
        """Return how well `words` fit the object: its best cue, and a little for each other."""
        hits = sorted((cue.score(words) for cue in self.cues), reverse=True)
        return hits[0] + 0.2 * sum(1 for hit in hits[1:] if hit) if hits and hits[0] else 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Cues:
    """The cues of a language, ready to be looked for in text that `plain` has prepared."""

    language: str
    masks: re.Pattern[str]
    excluded: re.Pattern[str]
    denials: re.Pattern[str]
    own: re.Pattern[str]
    orders: re.Pattern[str]
    conditions: re.Pattern[str]
    tails: re.Pattern[str]
    contrasts: re.Pattern[str]
    joins: re.Pattern[str]
    negations: re.Pattern[str]
    lacks: re.Pattern[str]
    idle: re.Pattern[str]
    requests_asked: re.Pattern[str]
    imperatives: frozenset[str]
    pointers: re.Pattern[str]
    signs: tuple[tuple[str, re.Pattern[str]], ...]
    expressions: tuple[tuple[str, str, re.Pattern[str]], ...]
    objects: tuple[ObjectMatcher, ...]
    stances: tuple[tuple[str, tuple[re.Pattern[str], ...]], ...]


@functools.cache
def load(language: str) -> Cues:
    """Return the cues of a language. Raises `UserError` when there are none."""
    if language not in LANGUAGES:
        raise UserError(
            f"the rules read {', '.join(LANGUAGES)}, not {language!r}: code by hand "
            "(emeritus preferences code ID) or with two extractor endpoints"
        )
    folder = importlib.resources.files("emeritus.interview") / "codebooks"
    data = (folder / f"cues-{language}-1.toml").read_bytes()
    return _compiled(msgspec.toml.decode(data, type=CuesFile))


def plain(text: str) -> str:
    """Return `text` with one apostrophe, in lower case, as long as before: places stay the same."""
    text = text.replace("’", "'").replace("ʼ", "'")
    return "".join(low if len(low := each.lower()) == 1 else each for each in text)


def words_of(text: str) -> str:
    """Return the words of text that `plain` has prepared, with one space around each."""
    return f" {' '.join(_WORD.findall(text))} "


def phrase_pattern(phrases: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that finds any of the phrases in plain text, the longest that fits first."""
    ordered = sorted(set(phrases), key=lambda phrase: (-len(phrase), phrase))
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(map(_phrase, ordered))})(?![^\W_])")


def _phrase(phrase: str) -> str:
    if phrase == "n't":
        return r"[^\W_]+n't"
    pattern = ""
    for word in phrase.split():
        if word == "*":
            pattern += rf"(?:{_GAP}[^\W_]+){{0,4}}"
            continue
        choices = "|".join(map(_word, word.split("|")))
        pattern += f"{_GAP}(?:{choices})" if pattern else f"(?:{choices})"
    return pattern


def _word(word: str) -> str:
    return re.escape(word.removesuffix("~")) + (r"[^\W_]*" if word.endswith("~") else "")


def _cue(text: str) -> Cue:
    groups = text.lstrip("+").split()
    patterns = tuple(
        re.compile(rf" (?:{'|'.join(map(_stem, each.split('|')))})") for each in groups
    )
    return Cue(patterns, len(groups) + len(text) - len(text.lstrip("+")))


def _stem(word: str) -> str:
    if word.endswith("="):
        return re.escape(word[:-1]) + " "
    return re.escape(word) + ("" if len(word) >= _STEM_LEAST else f"(?:{_ENDINGS})? ")


def _reversal(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    if not phrases:
        return None
    choices = (
        " ".join([*map(re.escape, words[:-1]), _stem(words[-1])])
        for words in (each.split() for each in phrases)
    )
    return re.compile(rf" (?:{'|'.join(choices)})")


def _compiled(file: CuesFile) -> Cues:
    if file.format != FORMAT:
        raise UserError(f"the cues have format {file.format!r}")
    return Cues(
        language=file.language,
        masks=phrase_pattern(file.masks),
        excluded=phrase_pattern(file.excluded),
        denials=phrase_pattern(file.denials),
        own=phrase_pattern(file.own),
        orders=phrase_pattern(file.orders),
        conditions=phrase_pattern(file.conditions),
        tails=phrase_pattern(file.tails),
        contrasts=phrase_pattern(file.contrasts),
        joins=phrase_pattern(file.joins),
        negations=phrase_pattern(file.negations),
        lacks=phrase_pattern(file.lacks),
        idle=phrase_pattern(file.idle),
        requests_asked=phrase_pattern(file.requests_asked),
        imperatives=frozenset(file.imperatives),
        pointers=phrase_pattern(file.pointers),
        signs=(
            ("against", phrase_pattern(file.signs_against)),
            ("for", phrase_pattern(file.signs_for)),
        ),
        expressions=tuple(
            (each.polarity, each.strength, phrase_pattern(each.phrases))
            for each in file.expressions
        ),
        objects=tuple(
            ObjectMatcher(
                each.name,
                tuple(map(_cue, each.cues)),
                _reversal(each.reversed),
            )
            for each in file.objects
        ),
        stances=tuple(
            (each.code, tuple(phrase_pattern(group) for group in each.all_of))
            for each in file.stances
        ),
    )
