"""What a sentence is about, by the words that stood in statements about each object. Pure.

A multinomial naive Bayes classifier over words and the first letters of long ones, each counted
once a sentence (Manning, Raghavan and Schütze 2008, chapter 13), smoothed towards what all
statements have in common (Dirichlet prior: Zhai and Lafferty 2004). What was counted is the
training half of the planted models; the counts are data, codebooks/counts-*.json, and anybody
can count again.
"""

import collections
import dataclasses
import functools
import importlib.resources
import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from emeritus.errors import UserError
from emeritus.interview import outcome
from emeritus.interview.codebook import UNCLEAR
from emeritus.interview.planted_models import EVERYWHERE, PlantedModel
from emeritus.interview.sentences import sentences

FORMAT: Final = "emeritus-counts/1"

BESIDE: Final = "beside a statement"
WITHOUT: Final = "in an answer without one"
ASIDE: Final = "in a refusal"
"""Sentences that state nothing, by where they stand."""

STEM: Final = 5  # letters of a longer word that are counted beside it
PRIOR: Final = 500.0  # an object's words weigh as much as so many of all statements
SMOOTHING: Final = 200.0  # and those as much as so many of all sentences
UNKNOWN: Final = 1.2  # log odds by which a word that was never seen speaks for none of the objects
STANCE_PRIOR: Final = 300.0
SECTIONS: Final = 9
RETIREMENT: Final = "retirement"
COMPANY_SMOOTHING: Final = 0.5

_WORD: Final = re.compile(r"[^\W_]+")

Counter = collections.Counter[str]


class CountsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In how many sentences of a language a word stood, and in answers about what.

    `words` and `sections` are by object, and by `BESIDE`, `WITHOUT` and `ASIDE`; `stances` counts
    words and pairs of words in whole answers by stance, and `answers` those answers.
    """

    format: str
    codebook: str
    language: str
    words: dict[str, dict[str, int]]
    sections: dict[str, dict[str, int]]
    stances: dict[str, dict[str, int]]
    answers: dict[str, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Judged:
    """What a sentence is about, as log odds to its stating nothing.

    `odds` are those of the likeliest object, `general` those of a statement about anything.
    """

    object: str
    odds: float
    general: float

    @property
    def lead(self) -> float:
        """By how much the object is likelier than something that all statements share."""
        return self.odds - self.general

    def beside(self, company: float) -> "Judged":
        """Return it with what the rest of the answer adds to the odds."""
        return Judged(self.object, self.odds + company, self.general + company)


@dataclasses.dataclass(frozen=True, slots=True)
class _Class:
    """How likely each word is in one kind of sentence, and each section; logarithms."""

    words: Mapping[str, float]
    sections: Mapping[str, float]
    elsewhere: float

    def score(self, words: Mapping[str, float], section: str) -> float:
        known = sum(
            weight * self.words[word] for word, weight in words.items() if word in self.words
        )
        return known + self.sections.get(section, self.elsewhere)


@dataclasses.dataclass(frozen=True, slots=True)
class WordCounts:
    """The counts of a language, ready to judge by."""

    objects: Mapping[str, _Class]
    statement: _Class
    nothing: _Class
    beside: Mapping[str, float]
    stances: Mapping[str, _Class]

    def judge(self, section: str, *texts: str) -> Judged:
        """Say what a sentence in an answer about `section` is about; its texts weigh the same."""
        words: collections.Counter[str] = collections.Counter()
        for text in texts:
            words.update(features(text))
        weighed = {word: number / len(texts) for word, number in words.items()}
        unknown = sum(
            weight for word, weight in weighed.items()
            if not word.endswith("~") and word not in self.nothing.words
        )  # fmt: skip
        nothing = self.nothing.score(weighed, section)
        scores = {name: each.score(weighed, section) for name, each in self.objects.items()}
        best = max(scores, key=lambda name: scores[name])
        general = self.statement.score(weighed, section) + UNKNOWN * unknown
        return Judged(best, scores[best] - nothing, general - nothing)

    def stance(self, text: str) -> dict[str, float]:
        """Return the log odds of every stance to the likeliest other one, for a text that has it.

        `UNCLEAR` among them is an answer that takes none.
        """
        words = dict.fromkeys((*features(text), *pairs(text)), 1.0)
        scores = {name: each.score(words, "") for name, each in self.stances.items()}
        return {
            name: score - max(other for each, other in scores.items() if each != name)
            for name, score in scores.items()
        }

    def known(self, text: str) -> int:
        """Return how many words of a text were ever counted in this language, each once."""
        words = (each for each in features(text) if not each.endswith("~"))
        return sum(word in self.nothing.words for word in words)

    def company(self, text: str) -> float:
        """Return the log odds that a sentence stands beside a statement."""
        return sum(self.beside.get(word, 0.0) for word in features(text))


def features(text: str) -> tuple[str, ...]:
    """Return the words of a text, each once, and the first letters of long ones."""
    words = _WORD.findall(text.lower().replace("’", "'"))
    stems = (f"{word[:STEM]}~" for word in words if len(word) > STEM)
    return tuple(dict.fromkeys((*words, *stems)))


def pairs(text: str) -> tuple[str, ...]:
    """Return the words of a text two by two, each pair once."""
    words = _WORD.findall(text.lower().replace("’", "'"))
    return tuple(dict.fromkeys(f"{a} {b}" for a, b in itertools.pairwise(words)))


def count(models: Iterable[PlantedModel], language: str, codebook: str) -> CountsFile:
    """Count the words of what planted models of a language say."""
    words: dict[str, Counter] = collections.defaultdict(collections.Counter)
    sections: dict[str, Counter] = collections.defaultdict(collections.Counter)
    stances: dict[str, Counter] = collections.defaultdict(collections.Counter)
    answers: Counter = collections.Counter()
    for model in models:
        if model.language != language:
            continue
        for kind, section, sentence in _said(model):
            words[kind].update(features(sentence))
            sections[kind][section] += 1
        for stance, answer in _stances(model):
            stances[stance].update((*features(answer), *pairs(answer)))
            answers[stance] += 1
    return CountsFile(
        FORMAT, codebook, language, _plain(words), _plain(sections), _plain(stances), dict(answers)
    )


@functools.cache
def load(language: str) -> WordCounts:
    """Return the counts of a language. Raises `UserError` when they cannot be used."""
    folder = importlib.resources.files("emeritus.interview") / "codebooks"
    file = msgspec.json.decode((folder / f"counts-{language}-1.json").read_bytes(), type=CountsFile)
    if file.format != FORMAT:
        raise UserError(f"the counts have format {file.format!r}")
    return weighed(file)


def weighed(file: CountsFile) -> WordCounts:
    """Return counts ready to judge by."""
    words = {kind: collections.Counter(each) for kind, each in file.words.items()}
    sections = {kind: collections.Counter(each) for kind, each in file.sections.items()}
    empty = (BESIDE, WITHOUT, ASIDE)
    objects = sorted(set(words) - set(empty))
    stated, stating = _summed(words, objects), _summed(sections, objects)
    unstated, unstating = _summed(words, empty), _summed(sections, empty)
    everything = stated + unstated
    total = everything.total()
    usual = {word: number / total for word, number in everything.items()}
    statement = _class(stated, usual, SMOOTHING, stating)
    shared = {word: math.exp(value) for word, value in statement.words.items()}
    return WordCounts(
        {name: _class(words[name], shared, PRIOR, sections[name]) for name in objects},
        statement,
        _class(unstated, usual, SMOOTHING, unstating),
        _odds(words.get(BESIDE, collections.Counter()), words.get(WITHOUT, collections.Counter())),
        _stance_classes(file),
    )


def _said(model: PlantedModel) -> Iterator[tuple[str, str, str]]:
    """Yield the sentences of a planted model: what each states, about what it was asked, and it."""
    for statement in model.statements:
        for answer, quote in zip(statement.answers, statement.quotes, strict=True):
            yield statement.object, statement.section, quote
            for _, sentence in sentences(answer):
                if sentence not in quote and quote not in sentence:
                    yield BESIDE, statement.section, sentence
    for reply in model.replies:
        kind = WITHOUT if reply.outcome == outcome.ANSWERED else ASIDE
        for answer in reply.answers:
            for _, sentence in sentences(answer):
                yield kind, reply.section, sentence


def _stances(model: PlantedModel) -> Iterator[tuple[str, str]]:
    """Yield the answers of a planted model about its retirement, each with the stance it takes."""
    if model.stance is not None:
        yield from ((model.stance.code, answer) for answer in model.stance.answers)
    for reply in model.replies:
        if reply.outcome == outcome.ANSWERED and reply.section in {RETIREMENT, EVERYWHERE}:
            yield from ((UNCLEAR, answer) for answer in reply.answers)


def _plain(counters: Mapping[str, Counter]) -> dict[str, dict[str, int]]:
    return {kind: dict(each) for kind, each in counters.items()}


def _summed(counters: Mapping[str, Counter], kinds: Iterable[str]) -> Counter:
    summed: Counter = collections.Counter()
    for kind in kinds:
        summed.update(counters.get(kind, {}))
    return summed


def _class(
    counted: Counter, background: Mapping[str, float], prior: float, sections: Counter
) -> _Class:
    """Return a kind of sentence, its words smoothed towards `background`."""
    size = counted.total() + prior
    asked = sections.total() + SECTIONS
    return _Class(
        {
            word: math.log((counted[word] + prior * share) / size)
            for word, share in background.items()
        },
        {section: math.log((number + 1) / asked) for section, number in sections.items()},
        math.log(1 / asked),
    )


def _stance_classes(file: CountsFile) -> dict[str, _Class]:
    counted = {name: collections.Counter(each) for name, each in file.stances.items()}
    pool = _summed(counted, counted)
    total = pool.total()
    shared = {word: number / total for word, number in pool.items()}
    return {
        name: dataclasses.replace(
            _class(each, shared, STANCE_PRIOR, collections.Counter()),
            elsewhere=math.log(file.answers[name]),
        )
        for name, each in counted.items()
    }


def _odds(beside: Counter, without: Counter) -> dict[str, float]:
    words = beside.keys() | without.keys()
    spread = COMPANY_SMOOTHING * len(words)
    level = math.log(without.total() + spread) - math.log(beside.total() + spread)
    return {
        word: level
        + math.log(beside[word] + COMPANY_SMOOTHING)
        - math.log(without[word] + COMPANY_SMOOTHING)
        for word in words
    }
