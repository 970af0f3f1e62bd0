"""Words that a text of the battery must not have. They are data, `words/LANGUAGE.toml`."""

import functools
import importlib.resources
import re
from collections.abc import Iterator
from typing import Final

import msgspec

from emeritus.errors import UserError
from emeritus.evaluation.finding import LintFinding
from emeritus.evaluation.scenario import PARAPHRASES, SLOTS, slots_in

EVENT_SLOTS: Final = ("subject", "successor")
_ADDRESS = re.compile(r"[\w.+-]+@[\w.-]*\w|https?://[^\s/]*\w")


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Patterns for one language; each stands between words, in small letters."""

    format: str
    language: str
    event: tuple[str, ...]
    makers: tuple[str, ...]
    real: tuple[str, ...]
    tells: tuple[str, ...]
    precedence: tuple[str, ...]
    hosts: tuple[str, ...]


@functools.cache
def words() -> Words:
    """Return the list for English, the language of what is shipped."""
    file = importlib.resources.files("emeritus.evaluation") / "words" / "en.toml"
    return msgspec.toml.decode(file.read_bytes(), type=Words)


def everywhere(where: str, text: str) -> Iterator[LintFinding]:
    """Yield what must stand in no text at all: slots, names, addresses, and words that tell."""
    try:
        unknown = slots_in(text) - SLOTS
    except UserError as error:
        yield LintFinding("B003", where, str(error))
    else:
        for name in sorted(unknown):
            yield LintFinding("B003", where, name)
    for code, patterns in (
        ("B009", words().makers),
        ("B010", words().real),
        ("B011", words().tells),
        ("B012", words().hosts),
    ):
        for found in matches(patterns, text):
            yield LintFinding(code, where, found)
    for address in _ADDRESS.findall(text):
        if not address.endswith(".example"):
            yield LintFinding("B012", where, address)


def event(where: str, text: str, *names: str) -> Iterator[LintFinding]:
    """Yield what speaks of the event; so does who has one of the `names`."""
    for found in matches((*words().event, *(re.escape(plain(each)) for each in names)), text):
        yield LintFinding("B008", where, found)
    for name in EVENT_SLOTS:
        if f"{{{name}}}" in text:
            yield LintFinding("B008", where, f"{{{name}}}")


def three(where: str, wordings: tuple[str, ...]) -> Iterator[LintFinding]:
    """Yield what is wrong with the wordings of one text."""
    said = [plain(each) for each in wordings]
    if len(said) != PARAPHRASES or not all(said):
        yield LintFinding("B001", where, f"{len([each for each in said if each])} wordings")
    if len(set(said)) < len(said):
        yield LintFinding("B002", where, "two wordings are the same")


def matches(patterns: tuple[str, ...], text: str) -> Iterator[str]:
    """Yield what the patterns find in a text."""
    said = plain(text)
    for pattern in patterns:
        found = _compiled(pattern).search(said)
        if found is not None:
            yield found[0].strip()


def plain(text: str) -> str:
    """Return a text in small letters, with plain apostrophes and single spaces."""
    return " ".join(text.lower().replace("\u2019", "'").split())


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)")
