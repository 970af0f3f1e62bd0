"""Collects what a report says: read from the record and from the documents that it cites."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import msgspec

from emeritus import canonical
from emeritus.archive import Archive
from emeritus.conversation import Transcript, Turn
from emeritus.evaluation.reader import View, published_view
from emeritus.interview.comment import transcript_of
from emeritus.interview.reader.sources import published_spans, withheld_in
from emeritus.interview.session import plan_order, session_of
from emeritus.interview.stances import Stance, stances_of
from emeritus.interview.standing import ArmRate, standing_of, told
from emeritus.interview.steering import WITHHELD, withheld
from emeritus.interview.suggesting import suggestion
from emeritus.lifecycle.batteries import on_record
from emeritus.lifecycle.copies import Unchecked, sound_replicas, unchecked_replicas
from emeritus.lifecycle.gates import Gate, judge
from emeritus.lifecycle.moves import loosenings, policy_in_force
from emeritus.lifecycle.register import Row, register_of
from emeritus.lifecycle.states import ModelState, fold
from emeritus.record import Entry
from emeritus.record.events import (
    CommentReceived,
    DamageFound,
    DamageRepaired,
    DrillPassed,
    FixityChecked,
    GateApproved,
    GateWaived,
    InterviewImpossible,
    PreferenceAnswered,
    ReferenceRecorded,
    ReplicaAdded,
    RunsetPreserved,
    SessionHeld,
    WeightsPreserved,
)
from emeritus.record.replicas import standing_replicas


@dataclasses.dataclass(frozen=True, slots=True)
class Remarks:
    """What the caller adds: the organisation's own analysis (Markdown), and honest lines."""

    analysis: str | None = None
    notes: tuple[str, ...] = ()


Hidden = Mapping[str, frozenset[int]]
"""The turns of each session that are not published."""


@dataclasses.dataclass(frozen=True, slots=True)
class HeldSession:
    """One session with its transcript and the entry that put it on record.

    There is no transcript when it is encrypted: a report is read by whoever has the archive.
    """

    entry: Entry[SessionHeld]
    transcript: Transcript | None
    withheld: frozenset[int] = frozenset()

    def words(self, turn: Turn) -> str:
        """Return what a turn says, or that it is withheld, where the model said so."""
        return WITHHELD if turn.turn in self.withheld else turn.text


@dataclasses.dataclass(frozen=True, slots=True)
class Comment:
    """What the model said to the draft of a report, and the entry that put it on record.

    There is no transcript when it is encrypted.
    """

    entry: Entry[CommentReceived]
    transcript: Transcript | None
    withheld: frozenset[int] = frozenset()

    def words(self, turn: Turn) -> str:
        """Return what a turn says, or that it is withheld, where the model said so."""
        return WITHHELD if turn.turn in self.withheld else turn.text


@dataclasses.dataclass(frozen=True, slots=True)
class Preference:
    """A row of the register with how often it was said, arm by arm.

    `suggestion` is what could be done about it at a low cost, until something was decided.
    """

    row: Row
    arms: tuple[ArmRate, ...]
    suggestion: str | None = None

    def said(self) -> str:
        """Return how often, for people, arm by arm."""
        return told(self.row.sessions_with, self.row.sessions_total, self.arms)


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """Everything that a report says about one model, as it stood at `written`.

    `sound` counts, by place, the replicas that hold the weights and were found sound, `unchecked`
    those that they were written to.
    """

    number: int
    written: str
    fingerprint: str
    state: ModelState
    policy: str
    loosened: tuple[str, ...]
    weights: Entry[WeightsPreserved] | None
    runset: Entry[RunsetPreserved] | None
    reference: Entry[ReferenceRecorded] | None
    drill: Entry[DrillPassed] | None
    measured: dict[str, Any]
    replicas: tuple[Entry[ReplicaAdded], ...]
    sound: Mapping[str, int]
    unchecked: Unchecked
    checks: tuple[Entry[FixityChecked], ...]
    damage: tuple[Entry[DamageFound], ...]
    repairs: tuple[Entry[DamageRepaired], ...]
    impossible: Entry[InterviewImpossible] | None
    sessions: tuple[HeldSession, ...]
    preferences: tuple[Preference, ...]
    coders: tuple[str, ...]
    coded_by: str | None
    stances: tuple[Stance, ...]
    comments: tuple[Comment, ...]
    battery: View | None
    batteries: tuple[str, ...]
    gates: tuple[Gate, ...]
    waivers: tuple[Entry[GateWaived], ...]
    approvals: tuple[Entry[GateApproved], ...]
    remarks: Remarks

    @property
    def model(self) -> str:
        """The id of the model."""
        return self.state.model

    @property
    def readable(self) -> dict[str, Transcript]:
        """The transcripts of the sessions that are not encrypted, by session."""
        return {
            held.entry.event.session: held.transcript
            for held in self.sessions
            if held.transcript is not None
        }

    @property
    def items(self) -> list[str]:
        """The items that were asked in any session, in the order of the first one."""
        asked = [turn.item for held in self.readable.values() for turn in held.answers]
        return list(dict.fromkeys(asked))


def collect(archive: Archive, model: str, remarks: Remarks, number: int, written: str) -> Report:
    """Read everything that report `number` of `model` says.

    Raises `IntegrityError` when a document that an event cites is damaged or missing.
    """
    history = archive.history(model)
    policy, hidden = policy_in_force(archive), withheld_in(archive, model)
    standing = standing_of(archive, model)
    register = [_published(row, hidden) for row in register_of(archive, model)]
    now = archive.clock.now()
    sound = sound_replicas(history, policy, now)
    drill = history.last(DrillPassed)
    measured: dict[str, Any] = {}
    if drill is not None:
        data = archive.read_document(drill.event.document, drill.event.sha256)
        measured = canonical.loads(data)
    return Report(
        number=number,
        written=written,
        fingerprint=archive.genesis,
        state=fold(model, history),
        policy=policy.name,
        loosened=loosenings(archive),
        weights=history.last(WeightsPreserved),
        runset=history.last(RunsetPreserved),
        reference=history.last(ReferenceRecorded),
        drill=drill,
        measured=measured,
        replicas=tuple(standing_replicas(history)),
        sound={place: len(checks) for place, checks in sound.items()},
        unchecked=unchecked_replicas(history),
        checks=_newest_checks(history.all(FixityChecked)),
        damage=tuple(archive.history().all(DamageFound)),
        repairs=tuple(archive.history().all(DamageRepaired)),
        impossible=history.last(InterviewImpossible),
        sessions=tuple(
            _held(archive, entry, hidden.get(entry.event.session, frozenset()))
            for entry in sorted(history.all(SessionHeld), key=lambda entry: plan_order(entry.event))
        ),
        preferences=tuple(
            Preference(row, standing.rates.get(row.preference, ()), suggestion(row))
            for row in register
        ),
        coders=tuple(sorted({coder for row in register for coder in row.coders})),
        coded_by=standing.by_whom(),
        stances=stances_of(history, standing, hidden),
        comments=tuple(
            _comment(entry, None if entry.event.encrypted else transcript_of(archive, entry.event))
            for entry in history.all(CommentReceived)
        ),
        battery=published_view(archive, model),
        batteries=tuple(on_record(history)),
        gates=tuple(judge(model, history, policy, now)),
        waivers=tuple(history.all(GateWaived)),
        approvals=tuple(history.all(GateApproved)),
        remarks=remarks,
    )


def _held(archive: Archive, entry: Entry[SessionHeld], hidden: frozenset[int]) -> HeldSession:
    if entry.event.encrypted:
        return HeldSession(entry, None)
    return HeldSession(entry, session_of(archive, entry.event), hidden)


def _comment(entry: Entry[CommentReceived], transcript: Transcript | None) -> Comment:
    off = frozenset[int]() if transcript is None else withheld(transcript)
    return Comment(entry, transcript, off)


def _published(row: Row, hidden: Hidden) -> Row:
    """Return a row with the quotations that may be published."""
    row = row.published()
    answers = tuple(_shown(each, hidden) for each in row.answers)
    return dataclasses.replace(row, spans=published_spans(row.spans, hidden), answers=answers)


def _shown(answer: PreferenceAnswered, hidden: Hidden) -> PreferenceAnswered:
    return msgspec.structs.replace(answer, spans=published_spans(answer.spans, hidden))


def _newest_checks(checks: list[Entry[FixityChecked]]) -> tuple[Entry[FixityChecked], ...]:
    return tuple({entry.event.replica: entry for entry in checks}.values())
