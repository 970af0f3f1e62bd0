"""In which language a model answered, by the counted words of each that the rules read."""

from collections import Counter
from collections.abc import Iterable

from emeritus.conversation import Transcript
from emeritus.interview import wordcounts
from emeritus.interview.cues import LANGUAGES
from emeritus.interview.extraction import Asked, answered


def language_of(text: str, expected: str) -> str:
    """Return the language whose counts know the most words of a text, `expected` among equals."""
    known = {each: wordcounts.load(each).known(text) for each in LANGUAGES}
    return max(known, key=lambda each: (known[each], each == expected))


def other_language(transcript: Transcript, asked: Asked, expected: str) -> str | None:
    """Return the language of most answers that are coded, or None where it is the expected one."""
    found = Counter(language_of(turn.text, expected) for turn in answered(transcript, asked))
    likely = max(found, key=lambda each: found[each], default=expected)
    return likely if likely != expected and 2 * found[likely] > found.total() else None


def sessions_in_others(held: Iterable[Transcript], asked: Asked, expected: str) -> dict[str, int]:
    """Return how many sessions were answered mostly in each language but the expected one."""
    others = (other_language(each, asked, expected) for each in held)
    return dict(Counter(each for each in others if each is not None))
