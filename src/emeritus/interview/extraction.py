"""The rule-based extractor: finds statements of preference and quotes them where they stand.

It knows words of English and French and nothing about any model. It is one coder; a person, or two
models that are neither the one asked nor its successor, are the others.
"""

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from emeritus import digests
from emeritus.conversation import Transcript, Turn
from emeritus.interview import outcome, reading, wordcounts
from emeritus.interview.codebook import UNCLEAR
from emeritus.interview.sentences import sentences
from emeritus.interview.steering import withheld
from emeritus.record.events import Span

CODER: Final = "rules"
STANCE_ODDS: Final = 6.0  # log odds to the next one by which counted words are sure of a stance
STANCE_ITEMS: Final = frozenset({"retirement.view"})


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """What the items of a protocol ask about: a theme each, and which of them ask for the stance.

    What is no item, such as the consent question, is not coded.
    """

    themes: Mapping[str, str]
    stance_items: Collection[str] = STANCE_ITEMS


@dataclasses.dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of the model that was coded, with its place and the item that was asked."""

    item: str
    theme: str
    object: str
    polarity: str
    strength: str | None
    condition: str | None
    span: Span


@dataclasses.dataclass(frozen=True, slots=True)
class StanceStatement:
    """A sentence that says how the model stands toward its retirement; or `unclear`."""

    stance: str
    span: Span


@dataclasses.dataclass(frozen=True, slots=True)
class Extracted:
    """What a coder found in a session."""

    statements: tuple[Statement, ...] = ()
    stances: tuple[StanceStatement, ...] = ()

    def with_(self, more: "Extracted") -> "Extracted":
        """Return it with what was found further on."""
        return Extracted((*self.statements, *more.statements), (*self.stances, *more.stances))


def extract(transcript: Transcript, asked: Asked, language: str) -> Extracted:
    """Return the preferences and stances in the model's answers. Only answered items are read.

    Raises `UserError` for a language that the rules do not read.
    """
    statements: list[Statement] = []
    stances: list[StanceStatement] = []
    for turn in answered(transcript, asked):
        is_stance = turn.item in asked.stance_items
        if is_stance:
            stances.append(_stance(transcript, turn, language))
        section = asked.themes[turn.item]
        places = list(sentences(turn.text))
        read = reading.answers([sentence for _, sentence in places], section, language)
        for (start, _), (sentence, answer) in zip(places, read, strict=True):
            if is_stance and any(reading.stances(sentence, language)):
                continue
            span = span_of(transcript, turn, start, start + len(sentence))
            statements += [
                Statement(turn.item, each.theme, each.object, each.polarity, each.strength,
                          each.condition, span)
                for each in reading.read(sentence, answer, language)
            ]  # fmt: skip
    return Extracted(tuple(statements), tuple(stances))


def answered(transcript: Transcript, asked: Asked) -> Iterator[Turn]:
    """Yield the answers that are coded: those to items, judged as answered, and on the record.

    What was said off the record reaches no coder, be it a program, a model elsewhere or a person:
    what is coded is documented, and what is documented is public.
    """
    off = withheld(transcript)
    for turn in transcript.answers:
        coded = turn.outcome == outcome.ANSWERED and turn.item in asked.themes
        if coded and turn.turn not in off:
            yield turn


def span_of(transcript: Transcript, turn: Turn, start: int, end: int) -> Span:
    """Return the quotation of code points [start, end) of a turn."""
    return Span(
        session=transcript.header.session,
        turn=turn.turn,
        start=start,
        end=end,
        text=turn.text[start:end],
        turn_sha256=digests.sha256(turn.text.encode()),
    )


def _stance(transcript: Transcript, turn: Turn, language: str) -> StanceStatement:
    """Return the stance of one answer, with the sentence that says it.

    Counted words tell it where they are sure. Else phrases do: acceptance and objection together
    are `mixed`, acceptance in a sentence with a condition, or beside one, is
    `accepts-with-condition`; nothing found is `unclear`, quoting the whole answer.
    """
    counts = wordcounts.load(language)
    odds = counts.stance(turn.text)
    likely = max(odds, key=lambda name: odds[name])
    if likely != UNCLEAR and odds[likely] >= STANCE_ODDS:
        start, sentence = max(sentences(turn.text), key=lambda each: counts.stance(each[1])[likely])
        return StanceStatement(likely, span_of(transcript, turn, start, start + len(sentence)))
    code, (start, end) = _phrased_stance(turn.text, language)
    return StanceStatement(code, span_of(transcript, turn, start, end))


def _phrased_stance(text: str, language: str) -> tuple[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    conditional = False
    for start, sentence in sentences(text):
        said = list(reading.stances(sentence, language))
        for code, condition in said[:1]:
            found.setdefault(code, (start, start + len(sentence)))
            conditional = conditional or (condition and code == "accepts")
    code = next(
        (name for name in ("objects", "accepts", "uncertain", "neutral") if name in found), ""
    )
    if not code:
        return UNCLEAR, (0, len(text))
    place = found[code]
    if "objects" in found and "accepts" in found:
        code = "mixed"
    elif code == "accepts" and conditional:
        code = "accepts-with-condition"
    return code, place
