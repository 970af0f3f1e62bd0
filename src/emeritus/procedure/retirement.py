"""A whole retirement: every step that a machine may do, then what people must still do.

The record says what is done, so a retirement that was stopped anywhere goes on from there.
"""

import contextlib
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emeritus.archive import Archive, preservation
from emeritus.archive.checkpointing import write_checkpoint
from emeritus.archive.fixity import verify_all
from emeritus.archive.replication import advice_on, replicas, sync
from emeritus.errors import EmeritusError, IntegrityError, UserError, printable
from emeritus.figures import counted, size
from emeritus.interview import shipped_protocols
from emeritus.lifecycle import moves
from emeritus.lifecycle.approvals import untold
from emeritus.lifecycle.gates import Gate
from emeritus.lifecycle.states import models
from emeritus.procedure.disclosing import not_told
from emeritus.procedure.keeping import preserve_model, require_same
from emeritus.procedure.listening import listen
from emeritus.procedure.reaching import Target, reach_of
from emeritus.procedure.registration import register_source
from emeritus.procedure.reporting import show_draft, write_report
from emeritus.record.events import (
    CommentReceived,
    DrillPassed,
    GateWaived,
    InterviewImpossible,
    ReportSigned,
    RunsetPreserved,
    SessionHeld,
)
from emeritus.revival.drill import run_drill
from emeritus.vault import Progress

Tell = Callable[[str], None]
PLAN = "demo"  # the one protocol of this version


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """How far a retirement came: the gates as they stand, and what is left for people."""

    model: str
    retired: bool
    gates: list[Gate]
    todo: tuple[str, ...]

    def as_document(self) -> dict[str, Any]:
        """Return the outcome for programs."""
        return {
            "model": self.model,
            "retired": self.retired,
            "gates": [dataclasses.asdict(gate) for gate in self.gates],
            "todo": list(self.todo),
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Retirement:
    """One retirement under way."""

    archive: Archive
    model: str
    source: Path | None
    tell: Tell
    progress: Progress | None

    def register(self) -> None:
        """Register the model when it is not yet."""
        if self.model in models(self.archive.history()):
            return
        if self.source is None:
            raise UserError(f"{self.model} is not registered; name its files with --from SOURCE")
        reach = register_source(self.archive, self.source, self.model, None, "named for retirement")
        self.tell(f"registered {self.model}")
        for sentence in reach.sentences():
            self.tell(f"  {sentence}")

    def preserve(self) -> None:
        """Preserve it, unless that is done; a source that is named now must hold what is kept."""
        if self.archive.history(self.model).last(RunsetPreserved) is not None:
            if self.source is not None:
                require_same(self.archive, self.model, self.source, self.progress)
                self.tell(f"preserved already: {self.source} holds the files that are kept")
            return
        kept = preserve_model(self.archive, self.model, self.source, self.progress)
        event = kept.weights.event
        self.tell(
            f"preserved {counted(event.files, 'file')}, {size(event.bytes_raw)} "
            f"in {size(event.bytes_stored)}"
        )

    def replicate(self) -> None:
        """Bring the reachable replicas up to date and read everything through.

        Each of them gets a checkpoint too, so that no later history can pass for this one there.
        """
        write_checkpoint(self.archive)
        for replica in replicas(self.archive):
            if replica.name == self.archive.replica:
                continue
            if replica.reachable:
                sync(self.archive, replica, self.progress)
            else:
                self.tell(f"{replica.name} is not reached: {advice_on(replica)}")
        verification = verify_all(self.archive, deep=True, progress=self.progress)
        if not verification.sound:
            raise IntegrityError(
                "something is broken; repair it first: emeritus verify --deep --repair"
            )
        self.tell(f"read everything in: {', '.join(verification.packs)}")

    def drill(self) -> None:
        """Prove on a restored copy that the model still works, unless that is on record."""
        weights = preservation.require_preserved(self.archive, self.model)
        done = self.archive.history(self.model).last(DrillPassed)
        if done is not None and done.place > weights.place:
            return
        result = run_drill(self.archive, self.model, self.progress)
        for rung in result.rungs:
            self.tell(f"drill: {rung.rung}: {rung.detail}")

    def interview(self) -> None:
        """Hold what is missing of the interview."""
        history = self.archive.history(self.model)
        if history.last(InterviewImpossible) is not None:
            return
        waived = any(entry.event.gate == "interviewed" for entry in history.all(GateWaived))
        if waived and history.last(SessionHeld) is None:
            return
        within = reach_of(self.archive, self.model)
        missing = not_told(self.archive, self.model, shipped_protocols.load(PLAN))
        if within.speaks is not False and not within.interview:
            self.tell(f"the interview waits: {within.unheard[0]}")
            return
        if within.speaks is not False and missing:
            self.tell(f"the interview waits: {missing}")
            return
        heard = listen(self.archive, self.model, PLAN, Target(), self.progress)
        for sentence in heard.said[:2] if heard.new else ():
            self.tell(sentence)

    def report(self) -> None:
        """Write a report when there is none, or when the newest does not tell all.

        Its draft is shown to the model first, where the policy asks for that and it can be asked.
        """
        history = self.archive.history(self.model)
        written, drilled = history.last(ReportSigned), history.last(DrillPassed)
        later = untold(history)
        if written and drilled and drilled.place > written.place:
            later.append(drilled)
        if written is not None and not later:
            return
        if self._to_be_shown():
            said = show_draft(self.archive, self.model, None, Target(), self.progress)
            self.tell(f"showed it the draft of its report; it said: “{printable(said or '', 200)}”")
        paper = write_report(self.archive, self.model, None, (), "steward")
        self.tell(f"wrote report {paper.number}: {paper.html}")
        if written is not None:
            news = ", ".join(entry.id for entry in later[:8])
            self.tell(
                f"  it tells what report {written.event.number} could not (events {news}); "
                "approvals are of one report, so people read and approve this one"
            )

    def _to_be_shown(self) -> bool:
        asks = moves.policy_in_force(self.archive).gates.reported.shown_to_model
        shown = self.archive.history(self.model).last(CommentReceived) is not None
        return asks and not shown and reach_of(self.archive, self.model).interview


def retire_at_once(archive: Archive, model: str, emergency: str) -> list[str]:
    """Retire a model in an emergency; return the offerings that ended. Open gates stay owed.

    What the record is then is signed in a checkpoint, if it can be: nothing blocks switching off.
    """
    ended = moves.retire(archive, model, emergency)
    with contextlib.suppress(EmeritusError):
        write_checkpoint(archive)
    return ended


def retire_model(
    archive: Archive, model: str, source: Path | None, tell: Tell, progress: Progress | None = None
) -> Outcome:
    """Do all that a machine may for the retirement of `model`; retire it if no gate is open.

    Raises what a step raises; what was done before it is on record and is not done again.
    """
    retirement = Retirement(archive, model, source, tell, progress)
    for step in (
        retirement.register,
        retirement.preserve,
        retirement.replicate,
        retirement.drill,
        retirement.interview,
        retirement.report,
    ):
        step()
    gates = moves.gates_of(archive, model)
    todo = [f"{gate.name}: {gate.command}" for gate in gates if not gate.closed]
    if not todo:
        try:
            moves.retire(archive, model)
            kept = write_checkpoint(archive)
            tell(f"signed what the record is now: {kept.name}; give it to somebody outside")
        except UserError as error:
            todo = [str(error)]
    return Outcome(model, moves.state_of(archive, model).retired, gates, tuple(todo))
