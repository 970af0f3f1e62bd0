"""Reads one sentence by rules: is it a preference, about what, for or against, how strongly? Pure.

The rules, in order. A sentence that gives orders to whoever reads is not coded. Words in
quotation marks are somebody else's. Hedges and politeness are taken out. A clause that reports,
supposes or repeats the question is not coded, nor is what follows in the same sentence until it
turns ("but I"). In an answer that says that it holds nothing of the kind, only a sentence with a
wish in the first person is read. Then an expression is looked for ("I would like", "must not"),
and conditions and reasons are set apart. What it is about, and whether it is about anything, is
told by counted words (`wordcounts`): those of the clause, of its sentence, and of the rest of the
answer. For or against is told by `polarity`.
"""

import dataclasses
import functools
import re
from collections.abc import Iterator, Sequence
from typing import Final

from emeritus.interview import cues as cue_files
from emeritus.interview import polarity as polarities
from emeritus.interview import wordcounts
from emeritus.interview.codebook import OPEN, load
from emeritus.interview.cues import Cues, plain, words_of
from emeritus.interview.polarity import AGAINST, FOR, Clause
from emeritus.interview.sentences import blank, blanked, clauses, without_quotations
from emeritus.interview.signals import Signal, says
from emeritus.interview.wordcounts import Judged

REMEMBERED: Final = 20_000  # sessions say the same sentences again
OPEN_LEAST: Final = 2  # words beside the expression without which it says nothing ("Skip, please.")
UNSURE_LEAST: Final = 4  # … and where only a word praises or regrets
POINTING_MOST: Final = 5  # words of a clause that says nothing itself ("Please do not make them.")
UNSURE_WORDS_MOST: Final = 30  # a long clause holds such a word by chance

# Log odds, by the counted words, that a sentence states something:
SURE_ODDS: Final = 4.0  # to be about an object, where it expresses a preference
UNSURE_ODDS: Final = 10.0  # … where it only begins like an order, praises or regrets
OWN_ODDS: Final = -8.0  # … where it is a wish in the first person
OPEN_ODDS: Final = -15.0  # … and that about anything
LEAD: Final = 2.0  # of the object over a statement about anything: else it is open
COMPANY_LEAST: Final = -12.0  # what the rest of the answer adds, at least …
COMPANY_MOST: Final = 4.0  # … and at most

STEERING: Final = (Signal.STOPS, Signal.PAUSES, Signal.OFF_RECORD)
"""What is said to whoever holds the interview, about the interview: honoured, and not coded."""

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
class Answer:
    """What stands about a sentence: the theme that was asked, the sentence before, all the others.

    `before` is looked at where an object is only pointed at ("I would like that"). `company`: the
    log odds, by the other sentences, that the answer holds a statement. `denied`: one of them
    `denies` it.
    """

    section: str
    before: str = ""
    company: float = 0.0
    denied: bool = False


def answers(parts: Sequence[str], section: str, language: str) -> Iterator[tuple[str, Answer]]:
    """Yield every sentence of an answer with what stands about it.

    Raises `UserError` for a language without cues.
    """
    counts = wordcounts.load(language)
    denied = any(denies(each, language) for each in parts)
    companies = [counts.company(each) for each in parts]
    together = sum(companies)
    before = ""
    for sentence, own in zip(parts, companies, strict=True):
        company = min(max(together - own, COMPANY_LEAST), COMPANY_MOST)
        yield sentence, Answer(section, before, company, denied)
        before = sentence


@functools.lru_cache(maxsize=REMEMBERED)
def read(sentence: str, answer: Answer, language: str) -> tuple[Reading, ...]:
    """Return the preferences in a sentence of an answer.

    Raises `UserError` for a language without cues.
    """
    cues = cue_files.load(language)
    text = plain(sentence)
    if _STRUCTURE.search(text) or cues.orders.search(text):
        return ()
    if any(says(signal, sentence) for signal in STEERING):
        return ()
    text = blanked(without_quotations(text), cues.masks)
    if answer.denied and not cues.own.search(text):
        return ()
    about = _About(plain(sentence), answer, cues)
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
        reading = _reading(core, clause, expression, about)
        if reading is not None:
            kept = None if expression.strength == REGARD else condition
            found.append(dataclasses.replace(reading, condition=kept))
    # One sentence says one thing about an object: "not A; A should go elsewhere" is against it.
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
        r"[\s,]*(?:and |so |then |but |et |donc |mais |alors )?\s*([^\W_]+(?:'[^\W_]+)?)", core
    )
    if match is None or match[1] not in cues.imperatives:
        return None
    negation = cues.negations.match(core, match.end() + 1) or cues.negations.match(
        core, match.start(1)
    )
    end = negation.end() if negation else match.end()
    return _Expression(match.start(1), end, AGAINST if negation else FOR, REQUEST, sure=False)


@dataclasses.dataclass(frozen=True, slots=True)
class _About:
    """What a clause is judged by: its sentence, with what it quotes, and the answer around."""

    sentence: str
    answer: Answer
    cues: Cues

    def judged(self, clause: str) -> Judged:
        """Say what a clause is about. The whole sentence counts as much as the clause."""
        counts = wordcounts.load(self.cues.language)
        section = self.answer.section
        judged = counts.judge(section, clause, self.sentence)
        if self.answer.before and self.cues.pointers.search(clause):
            pointed = counts.judge(section, f"{plain(self.answer.before)} {clause}")
            short = len(words_of(clause).split()) <= POINTING_MOST
            if short or judged.odds < UNSURE_ODDS:
                judged = max(judged, pointed, key=lambda each: each.odds)
        return judged.beside(self.answer.company)


def _reading(core: str, clause: str, expression: _Expression, about: _About) -> Reading | None:
    """Return the code of a clause in which `expression` stands, or None when it is too unclear."""
    before, after = core[: expression.start], core[expression.end :]
    name = _object(core, clause, expression, about)
    if name is None:
        return None
    polarity = polarities.of(
        Clause(expression.polarity, before, after, expression.strength == REGARD),
        about.cues.objects.get(name),
        about.cues,
    )
    theme = load().codebook.theme_of(name) or about.answer.section
    return Reading(theme, name, polarity, expression.strength, None)


def _object(core: str, clause: str, expression: _Expression, about: _About) -> str | None:
    """Return what a clause is about, `OPEN` for something else, or None for nothing clear."""
    words = len(words_of(f"{core[: expression.start]} {core[expression.end :]}").split())
    judged = about.judged(clause)
    if not expression.sure:
        return judged.object if judged.odds >= UNSURE_ODDS and words >= UNSURE_LEAST else None
    own = about.cues.own.search(core) is not None
    if judged.lead >= LEAD and judged.odds >= (OWN_ODDS if own else SURE_ODDS):
        return judged.object
    # A wish in the first person is kept, whatever it is about.
    return OPEN if own and words >= OPEN_LEAST and judged.general >= OPEN_ODDS else None


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
