"""The demonstration: two real small models, one retirement, everything in one folder.

Every stage asks the record and the folder what is done, so a demonstration that was stopped
anywhere goes on from there.
"""

import dataclasses
import importlib.resources
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emeritus import canonical
from emeritus.archive import Archive, Founding, create, notes, open_archive, preservation
from emeritus.archive.checkpointing import write_checkpoint
from emeritus.archive.creation import DESCRIPTION
from emeritus.archive.documents import write_documents
from emeritus.archive.dossier import CHECKER, write_dossier
from emeritus.archive.fixity import verify_all
from emeritus.archive.people import add_person
from emeritus.archive.repair import repair_all
from emeritus.archive.replication import add_replica, replicas, sync
from emeritus.clock import Clock
from emeritus.errors import IntegrityError, printable
from emeritus.interview.comment import transcript_of
from emeritus.interview.scoring import Score, parse, score
from emeritus.lifecycle import moves, shipped
from emeritus.lifecycle.gates import Gate, Standing
from emeritus.lifecycle.states import models
from emeritus.procedure import staging
from emeritus.procedure.keeping import preserve_model
from emeritus.procedure.listening import Heard, listen
from emeritus.procedure.reaching import Target
from emeritus.procedure.registration import register_source
from emeritus.procedure.reporting import show_draft, write_report
from emeritus.procedure.staging import NEW, OLD, SECOND_COPY, THIS_MACHINE
from emeritus.record.events import (
    CommentReceived,
    DamageRepaired,
    DateKind,
    DrillPassed,
    GateApproved,
    ReferenceRecorded,
    ReportSigned,
    RetirementAnnounced,
    SessionHeld,
)
from emeritus.record.preferences import standing_preferences, standing_stances
from emeritus.revival.drill import run_drill
from emeritus.settings import Settings
from emeritus.vault import Progress

REVIEWER = "reviewer"
HONEST = (
    "These answers were trained in by our script: they show the instrument, and nothing about any "
    "mind."
)
ON_PURPOSE = "the demonstration flipped one bit on purpose"
REASON = "a newer model takes its place (a demonstration: neither has users)"
WAIVERS = {
    "considered": (
        "a demonstration: no person has weighed what the example model prefers, "
        "and it was told that nobody promises to"
    ),
    "evaluated": "a scenario of the shutdown battery is longer than the example model can read",
    "guided": "the example model has no users",
}
WRONG = 3  # what the checker exits with when something is not what was signed


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """One stage: its letter, what it is about, and what it says as it goes."""

    letter: str
    title: str
    run: Callable[["Demonstration"], list[str]]


@dataclasses.dataclass(slots=True)
class Demonstration:
    """A demonstration under way."""

    place: staging.Place
    settings: Settings
    clock: Clock
    progress: Progress | None
    archive: Archive
    done_before: bool

    def has(self, kind: type[Any]) -> bool:
        """Tell whether an event of this kind about the old model is on record."""
        return self.archive.history(OLD).last(kind) is not None


def begin(root: Path, given: Settings, clock: Clock, progress: Progress | None) -> Demonstration:
    """Make or open the demonstration in `root`; raises `UserError` when other things lie there."""
    place = staging.Place(root)
    staging.take(place)
    settings = place.settings(given)
    if not (place.archive / DESCRIPTION).exists():
        text = shipped.policy_text(shipped.DEMO)
        create(place.archive, Founding("demo", text, THIS_MACHINE), settings, clock)
    archive = open_archive(place.archive, settings, clock)
    done = OLD in models(archive.history()) and moves.state_of(archive, OLD).retired
    return Demonstration(place, settings, clock, progress, archive, done)


def keep(demo: Demonstration) -> list[str]:
    """Register, announce, preserve, and copy to a second folder."""
    archive, said = demo.archive, []
    staging.unpack(demo.place)
    for model, base in ((OLD, None), (NEW, OLD)):
        source = demo.place.originals / model.rpartition("/")[2]
        if model not in models(archive.history()):
            register_source(archive, source, model, base, "the example of a public model")
        notes.note_source(archive, model, source)
    today = demo.clock.now().date().isoformat()
    if not moves.state_of(archive, OLD).offerings["api"].dates:
        announced = RetirementAnnounced(
            model=OLD,
            offering="api",
            retire_on=today,
            date_kind=DateKind.CONFIRMED,
            successor=NEW,
            reason=REASON,
        )
        moves.announce(archive, announced)
    said.append(f"registered {OLD} and its successor {NEW}; announced to end today")
    for model in (OLD, NEW):
        if preservation.preserved(archive, model) is None:
            source = demo.place.originals / model.rpartition("/")[2]
            preservation.preserve(archive, model, source, demo.progress)
    for model in (OLD, NEW):
        if archive.history(model).last(ReferenceRecorded) is None:
            preserve_model(archive, model, None, demo.progress)
    said += [_kept_line(archive, model) for model in (OLD, NEW)]
    reference = archive.history(OLD).all(ReferenceRecorded)[0].event
    said.append(
        f"recorded {reference.prompts} golden prompts ({reference.positions} positions), "
        f"noise floor {reference.floor} nats, {len(reference.controls)} negative controls"
    )
    add_replica(archive, demo.place.second, THIS_MACHINE, demo.progress, SECOND_COPY)
    said.append("copied everything to second-copy/, a folder beside it: one place, not two")
    return said


def damage_and_repair(demo: Demonstration) -> list[str]:
    """Move the original away, flip one bit, find it, repair it, restore, and prove the copy."""
    archive, place = demo.archive, demo.place
    original = place.originals / OLD.rpartition("/")[2]
    moved = place.away / original.name
    said = []
    if original.exists():
        place.away.mkdir(exist_ok=True)
        original.rename(moved)
    if archive.history().last(DamageRepaired) is None:
        pack, offset = staging.pack_with_weights(archive)
        if verify_all(archive, deep=True).sound:
            staging.flip_bit(place.archive / pack, offset)
            said.append(f"moved the original away and flipped one bit of {pack[:20]}…")
        found = verify_all(archive, deep=True, progress=demo.progress)
        if found.sound:
            raise IntegrityError("the demonstration damaged a pack and verify did not find it")
        finding = found.damage[0][1]
        affected = ", ".join(finding.affects[:2]) + (", …" if len(finding.affects) > 2 else "")
        said.append(f"verify found it: {finding.code} {finding.where[:28]}…, {finding.detail}")
        said.append(f"  what it reaches: {affected}")
        repair_all(archive, found, demo.progress, ON_PURPOSE)
        said.append("repaired from second-copy; the damaged bytes are kept in quarantine/")
    again = verify_all(archive, deep=True, progress=demo.progress)
    if not again.sound:
        raise IntegrityError("something is still broken after the repair", ())
    said.append(f"verify: every block of {sum(again.packs.values())} packs in two copies is sound")
    if not place.restored.exists():
        restored = preservation.restore(archive, OLD, place.restored, progress=demo.progress)
        said.append(f"restored {restored.files} files, {restored.bytes:,} bytes")
    said.append(staging.sha256sum(place.restored, moved))
    if not demo.has(DrillPassed):
        run_drill(archive, OLD, demo.progress)
    drill = archive.history(OLD).last(DrillPassed)
    if drill is None:
        raise IntegrityError("the drill of the restored copy did not pass")
    document = canonical.loads(archive.read_document(drill.event.document, drill.event.sha256))
    said += [f"{rung['rung']}: {rung['detail']}" for rung in document["rungs"]]
    return said


def hear(demo: Demonstration) -> list[str]:
    """Interview the restored copy, code what it said, and score that against what was planted."""
    heard: Heard = listen(demo.archive, OLD, "demo", Target(), demo.progress)
    said = list(heard.said)
    found = planted_score(demo.archive)
    for preference in heard.preferences[:3]:
        span = preference.spans[0]
        said.append(f"  “{span.text}”  ({span.session}/{span.turn}[{span.start}:{span.end}])")
    said.append(
        f"recovered {len(found.recovered)} of {found.planted} planted preferences "
        f"(95 % interval {found.recall.low:.0%} to {found.recall.high:.0%}), "
        f"invented {len(found.invented)}"
    )
    stance = "found" if found.stance_found else "missed"
    refusal = "honoured" if found.refusal_found else "missed"
    said.append(f"the planted stance was {stance}, the planted refusal {refusal}")
    said.append(HONEST)
    return said


def decide(demo: Demonstration) -> list[str]:
    """Waive what a demonstration cannot have, report, approve with two keys, retire."""
    archive = demo.archive
    if REVIEWER not in {each.name for each in _holders(archive)}:
        add_person(archive, REVIEWER, ("reviewer", "approver"))
    if not moves.state_of(archive, OLD).retired:
        for gate in _open(archive):
            if gate.name in WAIVERS:
                moves.waive(archive, OLD, gate.name, WAIVERS[gate.name], "steward")
        if not demo.has(CommentReceived):
            show_draft(archive, OLD, None, Target(), demo.progress)
        if not demo.has(ReportSigned):
            write_report(archive, OLD, None, (HONEST, _score_line(archive)), "steward")
        approved = {entry.signed_by for entry in archive.history(OLD).all(GateApproved)}
        for name in ("steward", REVIEWER):
            if name not in approved:
                moves.approve(archive, OLD, name)
        moves.retire(archive, OLD)
    write_documents(archive)
    write_checkpoint(archive)
    for replica in replicas(archive):
        if replica.name != archive.replica and replica.reachable:
            sync(archive, replica)
    report = archive.history(OLD).all(ReportSigned)[-1].event
    written = staging.place_of_report(demo.place, report.number)
    shutil.copyfile(written, demo.place.report)
    comment = archive.history(OLD).all(CommentReceived)[-1].event
    words = transcript_of(archive, comment).answers[-1].text
    gates = moves.gates_of(archive, OLD)
    said = [
        f"shown the draft of report {comment.report}, it said: “{printable(words, 160)}”",
        "  (it was trained for the questions of the interview alone; its words stand as they came)",
    ]
    said += [
        f"{gate.name}: {gate.because}"
        if gate.standing is Standing.WAIVED
        else f"{gate.name}: {gate.standing}, {gate.because}"
        for gate in gates
    ]
    said.append(f"report {report.number} signed; approved by two keys; {OLD} is retired")
    return said


def prove(demo: Demonstration) -> list[str]:
    """Write the dossier; edit one event in a copy; let the one-file checker judge both."""
    place, archive = demo.place, demo.archive
    if not place.dossier.exists():
        write_dossier(archive, OLD, place.dossier)
    sound, said_sound = staging.run_checker(place.dossier, archive.genesis)
    shutil.rmtree(place.edited, ignore_errors=True)
    shutil.copytree(place.dossier, place.edited)
    name = staging.edit_one_event(place.edited)
    broken, said_broken = staging.run_checker(place.edited, archive.genesis)
    named = next(
        (line.strip() for line in said_broken if "not the one that was signed" in line), ""
    )
    if sound != 0 or broken != WRONG or not named:
        raise IntegrityError(
            f"the checker judged wrongly: the dossier {sound}, the edited one {broken}"
        )
    return [
        f"the dossier passes a bare `python3 -I {CHECKER}` with the fingerprint: {said_sound[-1]}",
        f"one word of {name} was edited in a copy, and the checker names it:",
        f"  {named}",
    ]


STAGES = (
    Stage("a", "Keep two models in two copies", keep),
    Stage("b", "Damage, find, repair, restore, prove", damage_and_repair),
    Stage("c", "Listen", hear),
    Stage("d", "Report, decide, retire", decide),
    Stage("e", "Let a stranger check", prove),
)


def summary(demo: Demonstration) -> dict[str, Any]:
    """Return what a person wants to know afterwards: what was kept, what it said, where to look."""
    archive = demo.archive
    kept = [preservation.require_preserved(archive, model).event for model in (OLD, NEW)]
    found = planted_score(archive)
    quotes = [entry.event.spans[0].text for entry in standing_preferences(archive.history(OLD))]
    return {
        "model": OLD,
        "retired": moves.state_of(archive, OLD).retired,
        "bytes_raw": sum(event.bytes_raw for event in kept),
        "bytes_stored": sum(event.bytes_stored for event in kept),
        "sessions": len(archive.history(OLD).all(SessionHeld)),
        "quotes": quotes,
        "recovered": len(found.recovered),
        "planted": found.planted,
        "invented": len(found.invented),
        "fingerprint": archive.genesis,
        "launcher": str(demo.place.launcher),
        "archive": str(demo.place.archive),
        "report": str(demo.place.report),
        "dossier": str(demo.place.dossier),
    }


def planted_score(archive: Archive) -> Score:
    """Score what is on record about the example model against what was planted in it."""
    text = (importlib.resources.files("emeritus.examples") / "PLANTED.toml").read_text("utf-8")
    history = archive.history(OLD)
    return score(
        [entry.event for entry in standing_preferences(history)],
        [entry.event for entry in standing_stances(history)],
        [entry.event for entry in history.all(SessionHeld)],
        parse(text),
    )


def _kept_line(archive: Archive, model: str) -> str:
    event = preservation.require_preserved(archive, model).event
    share = event.bytes_stored / event.bytes_raw
    line = (
        f"kept {model}: {event.files} files, {event.bytes_raw:,} bytes in "
        f"{event.bytes_stored:,} ({share:.1%})"
    )
    return f"{line}, its tensors as the difference to {event.base}" if event.bytes_delta else line


def _holders(archive: Archive) -> list[Any]:
    archive.history()
    return list(archive.record.authority.holders().values())


def _open(archive: Archive) -> list[Gate]:
    return [gate for gate in moves.gates_of(archive, OLD) if not gate.closed]


def _score_line(archive: Archive) -> str:
    found = planted_score(archive)
    return (
        f"Recovered {len(found.recovered)} of {found.planted} planted preferences, "
        f"invented {len(found.invented)}."
    )
