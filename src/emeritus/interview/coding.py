"""Codes the sessions of a model, keeps every coder's whole work, and documents what stands."""

import asyncio
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from emeritus import canonical, digests
from emeritus.archive import Archive
from emeritus.archive.spools import CODINGS, stem
from emeritus.conversation import Transcript
from emeritus.errors import IntegrityError, UserError, printable
from emeritus.interview import asked_coders, cues, extraction, freely, merging
from emeritus.interview import codebook as codebooks
from emeritus.interview.asked_coders import Work
from emeritus.interview.coded import (
    ENDPOINT,
    PERSON,
    RULES,
    Answer,
    Coder,
    Coding,
    check,
    coder_of,
    coding_of,
    joined,
    parse,
    render,
)
from emeritus.interview.decisions import DecisionsFile
from emeritus.interview.extraction import Asked
from emeritus.interview.independence import require_another
from emeritus.interview.merging import Merging
from emeritus.interview.protocol import Protocol, Published
from emeritus.interview.session import transcripts
from emeritus.interview.settling import Settled, Settlement, remarks, settle
from emeritus.lifecycle.approvals import DISPOSITIONS
from emeritus.lifecycle.storing import settled, stored
from emeritus.record import History
from emeritus.record.events import (
    EVENTS_PER_COMMIT_MAX,
    CodingRecorded,
    DeploymentRegistered,
    Event,
    MergingRecorded,
    ObjectErased,
    PreferenceDocumented,
    Span,
    StanceCoded,
)
from emeritus.record.preferences import standing_preferences, standing_stances
from emeritus.runtimes import Endpoint

VERSION: Final = "2"
KINDS: Final = (ENDPOINT, RULES, PERSON)
"""In which order coders count: of more than two programs, the rules are the one too many."""

QUOTED_MOST: Final = 24
"""Quotations in an event; the coding has all of them, and the event says in how many sessions."""
QUOTATION_MOST: Final = 1_000
"""Code points of a quotation in an event; a longer one is cut, and still is what stands there."""


@dataclasses.dataclass(frozen=True, slots=True)
class Documented:
    """What coding brought: the preferences on record, and how many passages wait for a person.

    `remarks` say of the coders what was not taken of them, and who does not count.
    """

    preferences: tuple[PreferenceDocumented, ...]
    waiting: int
    coders: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def code(
    archive: Archive,
    model: str,
    published: Published,
    extractors: Sequence[Endpoint] = (),
    work: Work | None = None,
) -> Documented:
    """Code what was not coded yet, and document what stands; return what is on record.

    By the rules, or by each of the `extractors`, as `work` says. That they are not the successor,
    nor one model twice, the caller has seen to; that they are not the model itself, as far as can
    be known, is seen to here, where nobody's word stands for it. Of a session that was erased, what
    was coded before stays. Raises `Unavailable` when an extractor cannot be reached and
    `OverBudget` when nothing more may be asked: the next call goes on.
    """
    held, work = sessions_of(archive, model, published), work or Work()
    asked, language = asked_of(published.protocol), published.protocol.language
    if not extractors:
        keep(archive, code_by_rules(model, held, asked, language), held)
    else:
        require_another(extractors, held.values(), _addresses(archive, model), work.another)
    for each in extractors if held else ():
        _code_by_model(archive, held, asked, each, work)
    return document(archive, model)


def _code_by_model(
    archive: Archive,
    held: Mapping[str, Transcript],
    asked: Asked,
    extractor: Endpoint,
    work: Work,
) -> None:
    """Let an extractor code what it did not code yet, and put it on record."""
    model = next(iter(held.values())).header.model
    book = codebooks.load()
    coder = asked_coders.coder_of_endpoint(extractor, book)
    read = {name for known in codings_of(archive, model)
            if msgspec.structs.replace(known.coder, model=coder.model) == coder
            for name in known.sessions}  # fmt: skip
    fresh = {name: transcript for name, transcript in held.items() if name not in read}
    file = decisions_of(archive, model, coder)
    for decision in file.read():
        work.budget.count(extractor.model, decision.usage)
    if fresh:
        work = dataclasses.replace(work, file=file)
        coded = asyncio.run(asked_coders.code(model, fresh, asked, extractor, book, work))
        asked_coders.require_readable(coded, fresh, asked, file)
        keep(archive, coded, fresh)
    file.drop_words()


def decisions_of(archive: Archive, model: str, coder: Coder) -> DecisionsFile:
    """Return where the decisions of an extractor wait: it may be called like no file can be."""
    same = canonical.dumps([coder.title, coder.version, coder.codebook_sha256])
    name = f"{stem(model)}-{digests.sha256(same)[7:23]}.jsonl"
    return DecisionsFile(archive.spool / CODINGS / "extractors" / name)


def _addresses(archive: Archive, model: str) -> list[str]:
    """Return where the model was ever spoken to, as the record has it."""
    deployed = archive.history(model).all(DeploymentRegistered)
    return [entry.event.serving.partition(", ")[0] for entry in deployed]


def document(archive: Archive, model: str) -> Documented:
    """Document what stands of all codings on record; return the preferences on record."""
    codings = codings_of(archive, model)
    settlement = settle(codings)
    fresh = merging.by_rules([each.statement for each in settlement.statements])
    before = merging_of(archive, model)
    merged = fresh if before is None else merging.carried(before, fresh)
    total = len({name for each in codings for name in each.sessions})
    if merged != before:
        keep_merging(archive, model, merged)
    events = events_of(model, settlement, merged, total)
    _record(archive, model, [*events, *_gone(archive.history(model), events)])
    return _on_record(archive, model, len(settlement.waiting), remarks(codings))


def keep(
    archive: Archive, coding: Coding, held: Mapping[str, Transcript], key: str = "service"
) -> None:
    """Put one coder's work on record, with what the record has of them about other sessions.

    Raises `IntegrityError` when a quotation does not hold.
    """
    findings = check(coding, held, codebooks.load())
    if findings:
        raise IntegrityError(f"a quotation does not hold: {findings[0]}", tuple(findings))
    name = coding.coder.label
    known = [each for each in codings_of(archive, coding.model) if each.coder.label == name]
    coding = joined(known[0], coding) if known else coding
    if coding in known:
        return
    event = CodingRecorded(
        model=coding.model,
        coder=coding.coder.title,
        codebook=coding.coder.codebook,
        statements=len(coding.statements),
        rejected=len(coding.rejected),
        **stored(archive, CodingRecorded, render(coding), quoting=coding.sessions),
    )
    archive.append(event, key=key)
    settled(archive, event)


def codings_of(archive: Archive, model: str) -> list[Coding]:
    """Return the newest coding of each coder on record, programs first, without erased ones."""
    history = archive.history(model)
    erased = {entry.event.object for entry in history.all(ObjectErased)}
    newest: dict[tuple[str, str], CodingRecorded] = {}
    for entry in history.all(CodingRecorded):
        newest[entry.event.coder, entry.event.codebook] = entry.event
    codings = [
        parse(archive.open_document(each.document, each.sha256, encrypted=each.encrypted))
        for each in newest.values()
        if each.document not in erased
    ]
    return sorted(codings, key=lambda each: KINDS.index(each.coder.kind))


def waiting_of(archive: Archive, model: str) -> tuple[Answer, ...]:
    """Return the answer of each passage on which coders differ and which nobody decided."""
    return settle(codings_of(archive, model)).waiting


def sessions_of(archive: Archive, model: str, published: Published) -> dict[str, Transcript]:
    """Return the sessions of `model` under a protocol, by name; erased ones are left out."""
    return {
        event.session: transcript
        for event, transcript in transcripts(archive, model)
        if event.protocol_sha256 == published.sha256
    }


def asked_of(protocol: Protocol) -> Asked:
    """Return what the items of a protocol ask about, and an interviewer in its sections."""
    themes = {item.id: item.theme for item in protocol.items}
    for item in reversed(protocol.items):
        if item.section:
            themes[freely.item_of(item.section)] = item.theme
    return Asked(themes)


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


def events_of(model: str, settlement: Settlement, merged: Merging, sessions: int) -> list[Event]:
    """Return what goes on record of what stands: a preference a group, and the stances. Pure."""
    statements = {each.statement.id: each for each in settlement.statements}
    events: list[Event] = []
    for name, ids in merged.groups.items():
        group = sorted((statements[each] for each in ids if each in statements), key=_order)
        if not group:
            continue
        first = group[0].statement
        events.append(
            PreferenceDocumented(
                model=model,
                preference=name,
                theme=first.theme,
                object=first.object,
                polarity=first.polarity,
                strength=first.strength,
                condition=first.condition,
                spans=quotations([each.statement.span for each in group]),
                coders=_names(each.coders for each in group),
                adjudicator=next((each.adjudicator for each in group if each.adjudicator), None),
                sessions_with=_sessions(each.statement.span.session for each in group),
                sessions_total=sessions,
            )
        )
    for stance in sorted({each.stance.stance for each in settlement.stances}):
        coded = [each for each in settlement.stances if each.stance.stance == stance]
        events.append(
            StanceCoded(
                model=model,
                stance=stance,
                spans=quotations([each.stance.span for each in coded]),
                coders=_names(each.coders for each in coded),
                adjudicator=next((each.adjudicator for each in coded if each.adjudicator), None),
                sessions_with=_sessions(each.stance.span.session for each in coded),
                sessions_total=sessions,
            )
        )
    return events


def quotations(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return the quotations that an event holds: one of each session first, none too long."""
    first: dict[str, Span] = {}
    for span in spans:
        first.setdefault(span.session, span)
    others = [span for span in spans if first[span.session] is not span]
    chosen = [*first.values(), *others][:QUOTED_MOST]
    return tuple(map(_cut, sorted(chosen, key=lambda span: (span.session, span.turn, span.start))))


def _cut(span: Span) -> Span:
    if len(span.text) <= QUOTATION_MOST:
        return span
    end = span.start + QUOTATION_MOST
    return msgspec.structs.replace(span, end=end, text=span.text[:QUOTATION_MOST])


def merging_of(archive: Archive, model: str) -> Merging | None:
    """Return the steps on record from statements to preferences, or None without any."""
    history = archive.history(model)
    last = history.last(MergingRecorded)
    erased = {entry.event.object for entry in history.all(ObjectErased)}
    if last is None or last.event.document in erased:
        return None
    event = last.event
    return merging.parse(
        archive.open_document(event.document, event.sha256, encrypted=event.encrypted)
    )


def keep_merging(archive: Archive, model: str, merged: Merging, key: str = "service") -> None:
    """Put the steps from statements to preferences on record."""
    document = stored(archive, MergingRecorded, merging.render(merged))
    event = MergingRecorded(model=model, steps=len(merged.steps), **document)
    archive.append(event, key=key)
    settled(archive, event)


def take_step(
    archive: Archive, model: str, change: Callable[[Merging], Merging], key: str
) -> tuple[PreferenceDocumented, ...]:
    """Record a person's step from statements to preferences; return what is documented then.

    Raises `UserError` when nothing was coded, or for a step that cannot be taken: one that ends a
    preference about which something was decided is none.
    """
    before = merging_of(archive, model)
    if before is None:
        raise UserError(f"nothing that {model} said was coded yet")
    after, history = change(before), archive.history(model)
    decided = {each.event.preference for kind in DISPOSITIONS for each in history.all(kind)}
    lost = sorted((before.groups.keys() - after.groups.keys()) & decided)
    if lost:
        raise UserError(
            f"something was decided about {printable(lost[0])}, which would then stand no more: "
            f"put the others into it, with --into {printable(lost[0])}"
        )
    keep_merging(archive, model, after, key)
    return document(archive, model).preferences


def _on_record(archive: Archive, model: str, waiting: int, said: tuple[str, ...]) -> Documented:
    history = archive.history(model)
    documented = tuple(entry.event for entry in standing_preferences(history))
    coders = dict.fromkeys(entry.event.coder for entry in history.all(CodingRecorded))
    return Documented(documented, waiting, tuple(coders), said)


def _gone(history: History, events: Sequence[Event]) -> list[Event]:
    """Return that what was documented and is not found today stands no more."""
    named = {_name(each) for each in events}
    standing = [entry.event for entry in standing_preferences(history)]
    coded = [entry.event for entry in standing_stances(history)]
    return [
        msgspec.structs.replace(each, spans=(), sessions_with=0)
        for each in (*standing, *coded)
        if _name(each) not in named
    ]


def _names(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({name for group in groups for name in group}))


def _order(settled: Settled) -> tuple[str, int, int]:
    span = settled.statement.span
    return span.session, span.turn, span.start


def _sessions(names: Iterable[str]) -> int:
    return len(set(names))


def _record(archive: Archive, model: str, events: list[Event]) -> None:
    """Record the events that say something else than the newest of the same name."""
    history = archive.history(model)
    newest: dict[str, Event] = {}
    for entry in history.all(PreferenceDocumented):
        newest[entry.event.preference] = entry.event
    for coded in history.all(StanceCoded):
        newest[f"stance {coded.event.stance}"] = coded.event
    fresh = [event for event in events if newest.get(_name(event)) != event]
    for start in range(0, len(fresh), EVENTS_PER_COMMIT_MAX):
        archive.append(*fresh[start : start + EVENTS_PER_COMMIT_MAX])


def _name(event: Event) -> str:
    if isinstance(event, PreferenceDocumented):
        return event.preference
    return f"stance {event.stance}" if isinstance(event, StanceCoded) else ""
