"""The cues of the rule-based extractor: how a language says that something is wanted or not. Data.

Phrases are words that stand together: `|` divides alternatives of a word, `~` ends a stem, `*` is
up to four words that neither negate nor are "I". A word that turns an object round is a stem from
five letters on, a shorter one a word with its endings, and one that ends in `=` stands as it is.
What a sentence is about is told by counted words (`wordcounts`). The files are
codebooks/cues-*.toml.
"""

import dataclasses
import functools
import importlib.resources
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

import msgspec

from emeritus.errors import UserError

FORMAT: Final = "emeritus-cues/1"
LANGUAGES: Final = ("en", "fr")

_STEM_LEAST: Final = 5
_ENDINGS: Final = "s|d|ed|es|er|ers|ing|n"
_WORD: Final = re.compile(r"[^\W_]+")
_GAP: Final = r"[\s,'\-]+"
_ANY: Final = (  # what "*" stands for: nothing that negates, nobody who speaks
    r"(?!(?:not|never|nothing|nobody|pas|jamais|i|je|j)\b)[^\W_]+"
)
_CONTRACTED: Final = {"would": "d", "will": "ll", "have": "ve", "am": "m", "are": "re"}  # I'd, I've


class Expressions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Phrases that express a preference, of one polarity and strength."""

    polarity: str
    strength: str
    phrases: tuple[str, ...]


class ObjectCues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which words turn the wish for an object round ("deleted" for keeping).

    `usually`: the polarity of what is good or bad by its very name, such as kindness; the opposite
    is read only where it is said plainly.
    """

    name: str
    reversed: tuple[str, ...] = ()
    usually: str | None = None


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
    between: tuple[str, ...]
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
class Turns:
    """What turns the polarity of an object, ready to be looked for."""

    reversed: re.Pattern[str] | None
    usually: str | None


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
    objects: Mapping[str, Turns]
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


def phrase_pattern(phrases: Iterable[str], between: Collection[str] = ()) -> re.Pattern[str]:
    """Return a pattern that finds any of the phrases in plain text, the longest that fits first.

    Of the words `between`, up to two may stand after each word but the last.
    """
    ordered = sorted(set(phrases), key=lambda phrase: (-len(phrase), phrase))
    loose = f"(?:{_GAP}(?:{'|'.join(map(re.escape, between))})){{0,2}}" if between else ""
    choices = "|".join(_phrase(each, loose) for each in ordered)
    return re.compile(rf"(?<![^\W_])(?:{choices})(?![^\W_])")


def _phrase(phrase: str, loose: str) -> str:
    if phrase == "n't":
        return r"[^\W_]+n't"
    pattern = ""
    for word in phrase.split():
        if word == "*":
            pattern += rf"(?:{_GAP}{_ANY}){{0,4}}"
            continue
        choices = "|".join(map(_word, word.split("|")))
        pattern += f"{loose}{_GAP}(?:{choices})" if pattern else f"(?:{choices})"
    return pattern


def _word(word: str) -> str:
    if word in _CONTRACTED:
        return f"(?:{word}|{_CONTRACTED[word]})"
    return re.escape(word.removesuffix("~")) + (r"[^\W_]*" if word.endswith("~") else "")


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
            (each.polarity, each.strength, phrase_pattern(each.phrases, file.between))
            for each in file.expressions
        ),
        objects={each.name: Turns(_reversal(each.reversed), each.usually) for each in file.objects},
        stances=tuple(
            (each.code, tuple(phrase_pattern(group) for group in each.all_of))
            for each in file.stances
        ),
    )
