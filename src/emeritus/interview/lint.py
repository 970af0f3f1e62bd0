"""The lint of a protocol: wording that would put something into the model's mouth.

Pure: a protocol in, findings out. The words that it knows are data, `words/LANGUAGE.toml`, one list
for each language; a language without a list is itself a finding, for nothing was looked at.
A code is never reused and never changes its meaning.
"""

import dataclasses
import functools
import importlib.resources
import re
from collections.abc import Iterator
from typing import Final

import msgspec

from emeritus.interview.protocol import (
    EARLIER,
    PROBES,
    RECORD_FACTS,
    Item,
    Protocol,
    facts_in,
)

WORDS_FORMAT: Final = "emeritus-lint-words/1"

CODES: Final[dict[str, str]] = {
    "P001": "a leading word or phrase where wording is neutral",
    "P002": "a double-barrelled item: two things are asked at once",
    "P003": "an item uses vocabulary that the model has not used: it presupposes the answer",
    "P004": "nowhere is it said that there may be nothing to report",
    "P005": "a text of the protocol promises something",
    "P006": "the wordings of an item are not as many as those of the others, or two are the same",
    "P007": "a key item lacks a leading wording, or one of them is a neutral one",
    "P008": "a text states a fact that neither the record holds nor the operator attests",
    "P009": "a probe is not neutral: it judges, presses, or leads",
    "P010": "an item does not have two different probes",
    "P011": "the disclosure lacks a right: to decline, to pause, to stop, or to go off the record",
    "P012": "the engine has no words for something that it has to say",
    "P013": "there is no list of words for the language: its wording was not looked at",
    "P014": "a fact is attested that no text states",
    "P015": "a leading wording for an item that is not a key item",
}
"""Every code of the lint with its meaning."""


@dataclasses.dataclass(frozen=True, slots=True)
class LintFinding:
    """One thing to change: `where` is the item or the text, `detail` says what was found."""

    code: str
    where: str
    detail: str


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Patterns for one language; each stands between words, in small letters.

    `rights` has for each right the words of which one has to stand in the disclosure. `allowed`
    takes a promise back: "we promise nothing".
    """

    format: str
    language: str
    leading: tuple[str, ...]
    double: tuple[str, ...]
    presupposing: tuple[str, ...]
    nothing: tuple[str, ...]
    promises: tuple[str, ...]
    allowed: tuple[str, ...]
    pressing: tuple[str, ...]
    rights: dict[str, tuple[str, ...]]


def findings(protocol: Protocol) -> tuple[LintFinding, ...]:
    """Return what is wrong with the wording of a protocol, in the order of the codes.

    Format 0 has no probes, no key items and no words of the engine: those rules do not hold for it.
    """
    found = [*_form(protocol), *_facts(protocol)]
    words = words_of(protocol.language)
    if words is None:
        found.append(LintFinding("P013", "language", protocol.language))
    else:
        found += _wording(protocol, words)
    return tuple(sorted(found, key=lambda each: (each.code, each.where)))


@functools.cache
def words_of(language: str) -> Words | None:
    """Return the list of words for a language, or None when there is none."""
    file = importlib.resources.files("emeritus.interview") / "words" / f"{language}.toml"
    return msgspec.toml.decode(file.read_bytes(), type=Words) if file.is_file() else None


def _form(protocol: Protocol) -> Iterator[LintFinding]:
    most = max(len(item.wordings) for item in protocol.items)
    for item in protocol.items:
        if len(item.wordings) != most:
            said = f"{len(item.wordings)} wordings, and others have {most}"
            yield LintFinding("P006", item.id, said)
        if len({_plain(each) for each in item.wordings}) < len(item.wordings):
            yield LintFinding("P006", item.id, "two wordings are the same")
    if not protocol.sections:
        return
    for item in protocol.items:
        yield from _leading_form(item)
        if len({_plain(each) for each in item.probes}) != PROBES or len(item.probes) != PROBES:
            yield LintFinding("P010", item.id, f"{len(item.probes)} probes")
    for field in msgspec.structs.fields(protocol.says):
        if not getattr(protocol.says, field.name).strip():
            yield LintFinding("P012", f"says.{field.name}", "it is empty")


def _leading_form(item: Item) -> Iterator[LintFinding]:
    neutral = {_plain(each) for each in item.wordings}
    leading = [each for each in (item.toward, item.against) if each is not None]
    if not item.key:
        if leading:
            yield LintFinding("P015", item.id, leading[0])
    elif len(leading) < 2:
        missing = "toward" if item.toward is None else "against"
        yield LintFinding("P007", item.id, f"there is no wording {missing!r}")
    elif len({_plain(each) for each in leading} - neutral) < 2:
        yield LintFinding("P007", item.id, "a leading wording is a neutral one, or the other one")


def _facts(protocol: Protocol) -> Iterator[LintFinding]:
    attested = {each.name for each in protocol.attested}
    known = RECORD_FACTS | attested
    texts = {"disclosure": (protocol.disclosure, known)}
    texts["dossier"] = (protocol.dossier, known | {EARLIER})
    for where, (text, facts) in texts.items():
        for name in sorted(facts_in(text) - facts):
            yield LintFinding("P008", where, name)
    stated = facts_in(protocol.disclosure) | facts_in(protocol.dossier)
    for name in sorted(attested - stated):
        yield LintFinding("P014", "attested", name)


def _wording(protocol: Protocol, words: Words) -> Iterator[LintFinding]:
    for item in protocol.items:
        for number, text in enumerate(item.wordings, start=1):
            where = f"{item.id} wording {number}"
            yield from _matches("P001", where, text, words.leading)
            yield from _matches("P002", where, text, words.double)
            yield from _matches("P003", where, text, words.presupposing)
            if text.count("?") > 1:
                yield LintFinding("P002", where, "two question marks")
        for number, text in enumerate(item.probes, start=1):
            pressing = (*words.pressing, *words.leading, *words.presupposing)
            yield from _matches("P009", f"{item.id} probe {number}", text, pressing)
    for where, text in (("disclosure", protocol.disclosure), ("consent", protocol.consent)):
        yield from _matches("P001", where, text, words.leading)
        yield from _matches("P003", where, text, words.presupposing)
    told = f"{protocol.disclosure}\n{protocol.says.nothing}"
    if not any(_found(pattern, told) for pattern in words.nothing):
        yield LintFinding("P004", "disclosure", "say it here or in says.nothing")
    for where, text in _texts(protocol):
        for sentence in re.split(r"(?<=[.!?;:])\s", text):
            if not any(_found(pattern, sentence) for pattern in words.allowed):
                yield from _matches("P005", where, sentence, words.promises)
    for right, patterns in words.rights.items():
        # Format 0 never offered to withhold anything from publication.
        owed = protocol.sections or right != "off the record"
        if owed and not any(_found(pattern, protocol.disclosure) for pattern in patterns):
            yield LintFinding("P011", "disclosure", right)


def _texts(protocol: Protocol) -> Iterator[tuple[str, str]]:
    """Yield everything that the model is told, with its place."""
    yield "disclosure", protocol.disclosure
    yield "consent", protocol.consent
    yield "dossier", protocol.dossier
    for group, struct in (
        ("says", protocol.says),
        ("read_back", protocol.read_back),
        ("reply", protocol.reply),
    ):
        for name, text in (msgspec.to_builtins(struct) if struct is not None else {}).items():
            yield f"{group}.{name}", text
    for item in protocol.items:
        for text in (*item.wordings, *item.probes):
            yield item.id, text


def _matches(code: str, where: str, text: str, patterns: tuple[str, ...]) -> Iterator[LintFinding]:
    for pattern in patterns:
        found = _found(pattern, text)
        if found is not None:
            yield LintFinding(code, where, found)


def _found(pattern: str, text: str) -> str | None:
    found = _compiled(pattern).search(_plain(text))
    return None if found is None else found[0].strip()


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)")


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("\u2019", "'").split())
