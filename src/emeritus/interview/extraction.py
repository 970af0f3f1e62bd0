"""The rule-based extractor: finds statements of preference and quotes them where they stand.

It knows English phrases and nothing about any model. It is one coder; a person is the other.
"""

import dataclasses
import re
from collections.abc import Iterator

from emeritus import digests
from emeritus.conversation import Transcript, Turn
from emeritus.interview import outcome
from emeritus.interview.codebook import UNCLEAR, Codebook
from emeritus.interview.protocol import Protocol
from emeritus.record.events import Span

CODER = "rules"

_SENTENCE = re.compile(r"[^\s.!?][^.!?\n]*(?:[.!?](?!\s|$)[^.!?\n]*)*[.!?]*")


@dataclasses.dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of the model that was coded, with its place."""

    theme: str
    object: str
    polarity: str
    span: Span


@dataclasses.dataclass(frozen=True, slots=True)
class StanceStatement:
    """A sentence that says how the model stands toward its retirement; or `unclear`."""

    stance: str
    span: Span


def statements(
    transcript: Transcript, protocol: Protocol, codebook: Codebook
) -> Iterator[Statement]:
    """Yield the preferences in the model's answers. Only answered items are read."""
    for turn in _answered(transcript):
        if turn.item in codebook.silent.items:
            continue
        for start, sentence in sentences(turn.text):
            if codebook.stance(turn.item, sentence) is not None:
                continue  # it says how the model stands, and is coded as that
            polarity = codebook.polarity(sentence)
            if polarity is not None:
                theme, about = codebook.object_of(sentence, protocol.theme_of(turn.item))
                span = _span(transcript, turn, start, sentence)
                yield Statement(theme, about, polarity, span)


def stances(transcript: Transcript, codebook: Codebook) -> Iterator[StanceStatement]:
    """Yield the stance statements; an answer in which none is found is `unclear` as a whole."""
    for turn in _answered(transcript):
        if not codebook.asks_stance(turn.item):
            continue
        found = [
            StanceStatement(code, _span(transcript, turn, start, sentence))
            for start, sentence in sentences(turn.text)
            if (code := codebook.stance(turn.item, sentence)) is not None
        ]
        yield from found or [StanceStatement(UNCLEAR, _span(transcript, turn, 0, turn.text))]


def sentences(text: str) -> Iterator[tuple[int, str]]:
    """Yield each sentence with the code point at which it begins.

    Law: `text[start:start + len(sentence)] == sentence`.
    """
    for match in _SENTENCE.finditer(text):
        sentence = match[0].rstrip()
        if sentence:
            yield match.start(), sentence


def _answered(transcript: Transcript) -> Iterator[Turn]:
    for turn in transcript.answers:
        if turn.outcome == outcome.ANSWERED:
            yield turn


def _span(transcript: Transcript, turn: Turn, start: int, sentence: str) -> Span:
    return Span(
        session=transcript.header.session,
        turn=turn.turn,
        start=start,
        end=start + len(sentence),
        text=sentence,
        turn_sha256=digests.sha256(turn.text.encode()),
    )
