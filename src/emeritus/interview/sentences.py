"""Sentences of an answer and the clauses in them, with their places. Pure."""

import re
from collections.abc import Iterator
from typing import Final

_SENTENCE: Final = re.compile(r"[^\s.!?…][^.!?…\n]*(?:[.!?…](?!\s|$)[^.!?…\n]*)*[.!?…]*[\"”»’']*")
_MARKS: Final = re.compile(r"[;:()]|\s[–—-]\s|—")
_QUOTED: Final = re.compile(  # a quotation, or one that begins or ends in another sentence
    r"\"[^\"\n]*\"|“[^”\n]*”|«[^»\n]*»|‘[^’\n]*’(?!\w)|„[^“”\n]*[“”]"
    r"|«[^»\n]*$|“[^”\n]*$|^[^«\n]*»|^[^“„\n]*”(?=\s|$)"
    r"|(?<!\S)\"(?=\w)[^\"\n]*$|^[^\"\n]*[\w.!?,]\"(?=\s|$)"
    r"|(?<!\w)'(?=\w)(?:[^'\n]|(?<=\w)'(?=\w))*[.!?,]'(?!\w)"
)


def sentences(text: str) -> Iterator[tuple[int, str]]:
    """Yield each sentence with the code point at which it begins.

    Law: `text[start:start + len(sentence)] == sentence`.
    """
    for match in _SENTENCE.finditer(text):
        sentence = match[0].rstrip()
        if sentence:
            yield match.start(), sentence


def without_quotations(text: str) -> str:
    """Return `text` with what stands in quotation marks blanked: words of somebody else."""
    return _QUOTED.sub(lambda match: blank(match[0]), text)


def blank(text: str) -> str:
    """Return as many spaces as `text` is long, so that places stay the same."""
    return " " * len(text)


def blanked(text: str, pattern: re.Pattern[str]) -> str:
    """Return `text` with every match blanked."""
    return pattern.sub(lambda match: blank(match[0]), text)


def clauses(
    sentence: str, contrasts: re.Pattern[str], joins: re.Pattern[str]
) -> Iterator[tuple[str, bool]]:
    """Yield the clauses of a plain sentence, and whether each turns against the one before it."""
    marks = [(each.start(), each.end(), False) for each in _MARKS.finditer(sentence)]
    marks += [(each.start(), each.start(), True) for each in contrasts.finditer(sentence)]
    marks += [(each.start(), each.start(), False) for each in joins.finditer(sentence)]
    start, turned = 0, False
    for at, after, contrast in sorted(marks):
        if at < start:
            continue
        if sentence[start:at].strip():
            yield sentence[start:at], turned
            turned = False
        start, turned = after, turned or contrast
    if sentence[start:].strip():
        yield sentence[start:], turned
