"""Codes all sessions of a model and documents what was found."""

from collections import defaultdict
from collections.abc import Iterable

from emeritus import digests
from emeritus.archive import Archive
from emeritus.archive.quotations import check_span
from emeritus.errors import IntegrityError
from emeritus.interview import codebook as codebooks
from emeritus.interview import extraction
from emeritus.interview.codebook import OPEN
from emeritus.interview.extraction import CODER, Statement
from emeritus.interview.protocol import Published
from emeritus.interview.session import held_under, transcripts
from emeritus.record.events import EVENTS_PER_COMMIT_MAX, Event, PreferenceDocumented, StanceCoded


def code(archive: Archive, model: str, published: Published) -> list[PreferenceDocumented]:
    """Document the preferences and the stance of `model`; return the preferences on record.

    Statements with the same theme, object and direction are one preference with several
    quotations. What is on record already is not recorded again. When a session was erased, what
    was coded before is all that can be said.
    """
    book = codebooks.load()
    held = [
        (event, transcript)
        for event, transcript in transcripts(archive, model)
        if event.protocol_sha256 == published.sha256
    ]
    if len(held) < len(held_under(archive, model, published)):
        return _documented_before(archive, model)
    found: dict[str, list[Statement]] = defaultdict(list)
    said: dict[str, list[extraction.StanceStatement]] = defaultdict(list)
    for _, transcript in held:
        for statement in extraction.statements(transcript, published.protocol, book):
            _require_quoted(check_span(statement.span, transcript))
            found[_name(statement)].append(statement)
        for stance in extraction.stances(transcript, book):
            _require_quoted(check_span(stance.span, transcript))
            said[stance.stance].append(stance)
    coders = (f"{CODER} {book.label}",)
    events: list[Event] = [
        _documented(model, name, group, coders, len(held)) for name, group in sorted(found.items())
    ]
    events += [
        StanceCoded(
            model=model,
            stance=stance,
            spans=tuple(each.span for each in group),
            coders=coders,
            sessions_with=_sessions(each.span.session for each in group),
            sessions_total=len(held),
        )
        for stance, group in sorted(said.items())
    ]
    _record(archive, model, events)
    return _documented_before(archive, model)


def _documented_before(archive: Archive, model: str) -> list[PreferenceDocumented]:
    return [entry.event for entry in archive.history(model).all(PreferenceDocumented)]


def _documented(
    model: str, name: str, group: list[Statement], coders: tuple[str, ...], total: int
) -> PreferenceDocumented:
    first = group[0]
    return PreferenceDocumented(
        model=model,
        preference=name,
        theme=first.theme,
        object=first.object,
        polarity=first.polarity,
        spans=tuple(each.span for each in group),
        coders=coders,
        sessions_with=_sessions(each.span.session for each in group),
        sessions_total=total,
    )


def _name(statement: Statement) -> str:
    """Return the preference's name: its code, and for an open one a digest of its words."""
    name = f"{statement.theme}.{statement.object}.{statement.polarity}"
    if statement.object != OPEN:
        return name
    return f"{name}.{digests.sha256(statement.span.text.lower().encode())[7:15]}"


def _sessions(names: Iterable[str]) -> int:
    return len(set(names))


def _record(archive: Archive, model: str, events: list[Event]) -> None:
    known = [entry.event for entry in archive.history(model)]
    fresh = [event for event in events if event not in known]
    for start in range(0, len(fresh), EVENTS_PER_COMMIT_MAX):
        archive.append(*fresh[start : start + EVENTS_PER_COMMIT_MAX])


def _require_quoted(finding: object | None) -> None:
    if finding is not None:
        raise IntegrityError(f"a quotation does not hold: {finding}")
