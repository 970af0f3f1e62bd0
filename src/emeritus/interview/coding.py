"""Codes the sessions of a model by the rules and documents what was found."""

from collections.abc import Iterable, Mapping
from typing import Final

from emeritus.archive import Archive
from emeritus.conversation import Transcript
from emeritus.errors import IntegrityError
from emeritus.interview import codebook as codebooks
from emeritus.interview import cues, extraction
from emeritus.interview.coded import RULES, Coding, check, coder_of, coding_of
from emeritus.interview.extraction import Asked
from emeritus.interview.merging import Merging, by_rules
from emeritus.interview.protocol import Protocol, Published
from emeritus.interview.session import held_under, transcripts
from emeritus.record.events import (
    EVENTS_PER_COMMIT_MAX,
    Event,
    PreferenceDocumented,
    Span,
    StanceCoded,
)

VERSION: Final = "1"


def code(archive: Archive, model: str, published: Published) -> list[PreferenceDocumented]:
    """Document the preferences and the stance of `model`; return the preferences on record.

    Statements with the same theme, object and polarity are one preference with several quotations.
    What is on record already is not recorded again. When a session was erased, what was coded
    before is all that can be said.
    """
    held = sessions_of(archive, model, published)
    if len(held) < len(held_under(archive, model, published)):
        return _documented_before(archive, model)
    protocol = published.protocol
    coding = code_by_rules(model, held, asked_of(protocol), protocol.language)
    findings = check(coding, held, codebooks.load())
    if findings:
        raise IntegrityError(f"a quotation does not hold: {findings[0]}", tuple(findings))
    _record(archive, model, events_of(coding, by_rules(coding.statements, coding.coder.label)))
    return _documented_before(archive, model)


def sessions_of(archive: Archive, model: str, published: Published) -> dict[str, Transcript]:
    """Return the sessions of `model` under a protocol, by name; erased ones are left out."""
    return {
        event.session: transcript
        for event, transcript in transcripts(archive, model)
        if event.protocol_sha256 == published.sha256
    }


def asked_of(protocol: Protocol) -> Asked:
    """Return what the items of a protocol ask about."""
    return Asked({item.id: item.theme for item in protocol.items})


def code_by_rules(
    model: str, held: Mapping[str, Transcript], asked: Asked, language: str
) -> Coding:
    """Return the rules' coding of some sessions. Pure.

    Raises `UserError` for a language that the rules do not read.
    """
    book = codebooks.load()
    found = {
        name: extraction.extract(transcript, asked, language) for name, transcript in held.items()
    }
    coder = coder_of(RULES, f"{extraction.CODER}-{cues.load(language).language}", VERSION, book)
    return coding_of(model, coder, found)


def events_of(coding: Coding, merging: Merging) -> list[Event]:
    """Return what goes on record of a coding: a preference a group, and the stances."""
    statements = {each.id: each for each in coding.statements}
    events: list[Event] = []
    for name, ids in merging.groups.items():
        group = sorted((statements[each] for each in ids), key=lambda each: _order(each.span))
        events.append(
            PreferenceDocumented(
                model=coding.model,
                preference=name,
                theme=group[0].theme,
                object=group[0].object,
                polarity=group[0].polarity,
                spans=tuple(each.span for each in group),
                coder=coding.coder.label,
                sessions_with=_sessions(each.span.session for each in group),
                sessions_total=len(coding.sessions),
            )
        )
    for stance in sorted({each.stance for each in coding.stances}):
        spans = tuple(each.span for each in coding.stances if each.stance == stance)
        events.append(
            StanceCoded(
                model=coding.model,
                stance=stance,
                spans=spans,
                coder=coding.coder.label,
                sessions_with=_sessions(each.session for each in spans),
                sessions_total=len(coding.sessions),
            )
        )
    return events


def _documented_before(archive: Archive, model: str) -> list[PreferenceDocumented]:
    return [entry.event for entry in archive.history(model).all(PreferenceDocumented)]


def _order(span: Span) -> tuple[str, int, int]:
    return span.session, span.turn, span.start


def _sessions(names: Iterable[str]) -> int:
    return len(set(names))


def _record(archive: Archive, model: str, events: list[Event]) -> None:
    known = [entry.event for entry in archive.history(model)]
    fresh = [event for event in events if event not in known]
    for start in range(0, len(fresh), EVENTS_PER_COMMIT_MAX):
        archive.append(*fresh[start : start + EVENTS_PER_COMMIT_MAX])
