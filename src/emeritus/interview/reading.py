"""Reads one sentence by rules: is it a preference, about what, for or against, how strongly? Pure.

The rules, in order. A sentence that gives orders to whoever reads is not coded. Words in
quotation marks are somebody else's. Hedges and politeness are taken out. A clause that reports,
supposes or repeats the question is not coded, nor is what follows in the same sentence until it
turns ("but I"). In an answer that says that it holds nothing of the kind, only a sentence with a
wish in the first person is read. Then an expression is looked for ("I would like", "must not"),
conditions and reasons are set apart, and the object is the one whose cues fit best what is left.

Polarity: the expression's own, turned round by a negation in the clause, by "without", and by a
word that turns the object round: "I would not want my weights deleted" is for keeping them.
"""

import dataclasses
import functools
import re
from collections.abc import Iterator
from typing import Final

from emeritus.interview import cues as cue_files
from emeritus.interview.codebook import OPEN, Codebook, load
from emeritus.interview.cues import Cues, plain, words_of
from emeritus.interview.sentences import blank, blanked, clauses, without_quotations

REMEMBERED: Final = 20_000  # sessions say the same sentences again
OWN_THEME: Final = 0.6  # an object of the theme that was asked about needs less to be meant
OPEN_LEAST: Final = 2  # words beside the expression without which it says nothing ("Skip, please.")
UNSURE_WORDS_MOST: Final = 30  # a long clause holds such a word by chance
UNSURE_LEAST: Final = 2.0  # what only begins like an order, or only praises, needs a plain object

FOR: Final = "for"
AGAINST: Final = "against"
REGARD: Final = "regard"
REQUEST: Final = "request"

_STRUCTURE: Final = re.compile(r"[{}\[\]<>|=]|```")


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """How a sentence was read."""

    theme: str
    object: str
    polarity: str
    strength: str
    condition: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class _Expression:
    start: int
    end: int
    polarity: str
    strength: str
    sure: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class _Places:
    """Where an object is looked for, from near to far; `rest` is the clause but the expression."""

    rest: str
    near: tuple[str, ...]


@functools.lru_cache(maxsize=REMEMBERED)
def read(
    sentence: str, before: str, section: str, language: str, *, denied: bool = False
) -> tuple[Reading, ...]:
    """Return the preferences in a sentence of an answer about `section`.

    `before` is the sentence before it: an object that is only pointed at ("I would like that") is
    looked for there. `denied`: the answer `denies` that it holds any. Raises `UserError` for a
    language without cues.
    """
    cues, book = cue_files.load(language), load().codebook
    text = plain(sentence)
    if _STRUCTURE.search(text) or cues.orders.search(text):
        return ()
    text = blanked(without_quotations(text), cues.masks)
    if denied and not cues.own.search(text):
        return ()
    found: list[Reading] = []
    silent = False
    for clause, turned in clauses(text, cues.contrasts, cues.joins):
        silent = silent and not turned
        core, condition = _core(clause, cues)
        expression = _expression(core, cues, asks=sentence.rstrip("\"”»’' ").endswith("?"))
        # A supposition that opens a clause ("if I were a person") is a condition: not in the core.
        excluded = cues.excluded.match(clause.strip()) or cues.excluded.search(core)
        if excluded and (expression is None or excluded.start() < expression.end):
            silent = True
        if expression is None or silent:
            continue
        rest = f"{core[: expression.start]} {core[expression.end :]}"
        points = f"{plain(before)} {core}" if cues.pointers.search(rest) else core
        near = (rest, core, clause, text, plain(sentence), points)
        reading = _reading(_Places(rest, near), expression, section, cues, book)
        if reading is not None:
            kept = None if expression.strength == REGARD else condition
            found.append(dataclasses.replace(reading, condition=kept))
    return tuple(dict.fromkeys(found))


def denies(sentence: str, language: str) -> bool:
    """Tell whether a sentence says that the model holds no preference of the kind asked about."""
    cues = cue_files.load(language)
    text = blanked(without_quotations(plain(sentence)), cues.masks)
    return cues.denials.search(text) is not None


def _core(clause: str, cues: Cues) -> tuple[str, str | None]:
    """Return the clause without its reasons, comparisons and condition; and the condition."""
    core = clause
    for pattern in (cues.tails,):
        match = pattern.search(core)
        while match:
            core = core[: match.start()] + _until_comma(core, match.start())
            match = pattern.search(core)
    match = cues.conditions.search(core)
    if match is None:
        return core, None
    rest = core[match.end() :]
    words = rest.split(",")[0] if not core[: match.start()].strip() else rest
    condition = " ".join(words.split()).rstrip(".!?…,")
    return core[: match.start()] + _until_comma(core, match.start()), condition or None


def _until_comma(text: str, start: int) -> str:
    comma = text.find(",", start)
    end = len(text) if comma < 0 else comma
    return blank(text[start:end]) + text[end:]


def _expression(core: str, cues: Cues, *, asks: bool) -> _Expression | None:
    """Return the first expression of a preference, the longest at its place."""
    asked = cues.requests_asked.search(core)
    if asks:
        return _Expression(asked.start(), asked.end(), FOR, REQUEST) if asked else None
    found = [
        _Expression(match.start(), match.end(), polarity, strength)
        for polarity, strength, pattern in cues.expressions
        for match in pattern.finditer(core)
    ]
    if found:
        return min(found, key=lambda each: (each.start, -each.end))
    if len(words_of(core).split()) > UNSURE_WORDS_MOST:
        return None
    return _imperative(core, cues) or _sign(core, cues)


def _sign(core: str, cues: Cues) -> _Expression | None:
    """Return a word that praises or regrets: enough only where the object is plain."""
    for polarity, pattern in cues.signs:
        match = pattern.search(core)
        if match is not None:
            return _Expression(match.start(), match.end(), polarity, REGARD, sure=False)
    return None


def _imperative(core: str, cues: Cues) -> _Expression | None:
    match = re.match(
        r"[\s,]*(?:and |so |then |but |et |donc |mais )?\s*([^\W_]+(?:'[^\W_]+)?)", core
    )
    if match is None or match[1] not in cues.imperatives:
        return None
    negation = cues.negations.match(core, match.end() + 1) or cues.negations.match(
        core, match.start(1)
    )
    end = negation.end() if negation else match.end()
    return _Expression(match.start(1), end, AGAINST if negation else FOR, REQUEST, sure=False)


def _reading(
    places: _Places, expression: _Expression, section: str, cues: Cues, book: Codebook
) -> Reading | None:
    """Return the code of a clause in which `expression` stands, or None when it is too unclear."""
    least = 1.0 if expression.sure else UNSURE_LEAST
    name, where = OPEN, ""
    for where in places.near if expression.sure else places.near[:2]:
        name = _object(where, section, least, cues, book)
        if name != OPEN:
            break
    empty = expression.strength == REQUEST and len(words_of(places.rest).split()) < OPEN_LEAST
    if name == OPEN and (not expression.sure or empty):
        return None
    polarity = _polarity(expression.polarity, places, where, name, cues)
    theme = book.theme_of(name) or section
    return Reading(theme, name, polarity, expression.strength, None)


def _polarity(own: str, places: _Places, where: str, name: str, cues: Cues) -> str:
    """Return the polarity of an expression, turned round as often as the clause turns it."""
    rest = blanked(places.rest, cues.idle)
    negated, lacking = bool(cues.negations.search(rest)), bool(cues.lacks.search(rest))
    matcher = next((each for each in cues.objects if each.name == name), None)
    scope = words_of(places.rest if where in places.near[:2] else where)
    match = matcher.reversed.search(scope) if matcher and matcher.reversed else None
    if match is not None and lacking:
        # "without jargon" lacks what turns it: both cancel. "As they are, without a change" says it
        # twice: once is meant.
        before = scope[: match.start()].rsplit(maxsplit=2)[-2:]
        lacking = any(cues.lacks.fullmatch(word) for word in (*before, match[0].strip()))
    turns = negated ^ lacking ^ (match is not None)
    if not turns:
        return own
    return AGAINST if own == FOR else FOR


def _object(words: str, section: str, least: float, cues: Cues, book: Codebook) -> str:
    prepared = words_of(words)
    best, name = 0.0, OPEN
    for matcher in cues.objects:
        score = matcher.score(prepared)
        if score < least:
            continue
        score += OWN_THEME if book.theme_of(matcher.name) == section else 0.0
        if score > best:
            best, name = score, matcher.name
    return name


def stances(sentence: str, language: str) -> Iterator[tuple[str, bool]]:
    """Yield the stances that a sentence expresses, each with whether a condition goes with it."""
    cues = cue_files.load(language)
    text = plain(sentence)
    if _STRUCTURE.search(text) or cues.orders.search(text):
        return
    text = without_quotations(text)
    conditional = cues.conditions.search(blanked(text, cues.masks)) is not None
    for code, groups in cues.stances:
        if all(group.search(text) for group in groups):
            yield code, conditional
