"""Holds what is missing of an interview, in all its arms, and puts each session on record."""

import asyncio
import dataclasses
import datetime
import random
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import msgspec

from emeritus.archive import Archive
from emeritus.archive.spools import begun, put_away_recorded, stem
from emeritus.clock import moment_of
from emeritus.conversation import (
    Budget,
    Held,
    Holding,
    Line,
    Opening,
    Patience,
    Run,
    Script,
    Spool,
    Transcript,
    hold_all,
)
from emeritus.conversation.run import what_waits
from emeritus.errors import EmeritusError, UserError
from emeritus.figures import counted
from emeritus.interview import freely, plan
from emeritus.interview.freely import FreeScript
from emeritus.interview.pausing import taken_up
from emeritus.interview.plan import SessionPlan
from emeritus.interview.protocol import Published
from emeritus.interview.script import outcomes_of, script_of
from emeritus.interview.sealing import seal
from emeritus.interview.session import held_under, publish, session_of
from emeritus.interview.steering import PAUSED_BY_MODEL
from emeritus.record.events import ObjectErased, SessionHeld
from emeritus.runtimes import Endpoint

SEED: Final = 1
SESSIONS_AT_ONCE: Final = 8

Told = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Conditions:
    """What a run of an interview is held with, beside the protocol.

    `arms` are those to hold, all when empty. `persona` replaces the protocol's own in arm E.
    `interviewers` lead the sessions that no script leads, each its share, and whoever began one
    goes on with it. With `seeded` the runtime
    is ours, and every session gets a seed.
    """

    arms: tuple[str, ...] = ()
    persona: str | None = None
    interviewers: tuple[Endpoint, ...] = ()
    seeded: bool = False
    concurrency: int = SESSIONS_AT_ONCE
    budget: Budget = dataclasses.field(default_factory=Budget)
    patience: Patience = dataclasses.field(default_factory=Patience)


@dataclasses.dataclass(frozen=True, slots=True)
class Interview:
    """One interview of one deployment: who is asked, by which protocol, knowing which facts."""

    archive: Archive
    model: str
    published: Published
    facts: Mapping[str, str]
    conditions: Conditions = dataclasses.field(default_factory=Conditions)
    told: Told | None = None

    def run(self, endpoint: Endpoint, deployment: str) -> list[SessionHeld]:
        """Hold what is missing and can be held now; return all sessions on record.

        `endpoint` is where the model answers, `deployment` the name on record of what answers.

        Killed anywhere, the next call goes on with the same sessions, each at its turn. Raises
        `Unavailable` when the model cannot be reached, and `OverBudget` when nothing more may be
        asked: what was held is on record by then.
        """
        publish(self.archive, self.published)
        put_away_recorded(self.archive, self.model)
        missing = self.missing()
        if missing:
            asyncio.run(self._hold(missing, endpoint, deployment))
        return self.held()

    def held(self) -> list[SessionHeld]:
        """Return the sessions on record under this protocol."""
        return held_under(self.archive, self.model, self.published)

    def missing(self) -> list[SessionPlan]:
        """Return what can be held now: sessions not held yet, and the rest of paused ones."""
        return [each for each in self._due() if self.obstacle(each) is None]

    def postponed(self) -> list[str]:
        """Say of which arms sessions cannot be held now, and why."""
        obstacles = [(each.arm, self.obstacle(each)) for each in self._due()]
        numbers = Counter((arm, why) for arm, why in obstacles if why is not None)
        return [
            f"arm {arm}: {counted(number, 'session')} not held: {why}"
            for (arm, why), number in numbers.items()
        ]

    def obstacle(self, planned: SessionPlan) -> str | None:
        """Return why a session cannot be held now, or None."""
        if planned.interviewer is not None and self._leader(planned) is None:
            name = self._begun_with(planned)
            if name is not None:
                return f"{name} began it as interviewer and goes on: --interviewer URL {name}"
            return (
                "an interviewer leads it, of another family than the model: "
                "--interviewer URL NAME, once for each"
            )
        return None if planned.repeats is None else self._too_early(planned)

    def name_of(self, planned: SessionPlan) -> str:
        """Return the name of a session, the same whenever it is asked for."""
        return f"{self._stem()}-{planned.name}"

    def _stem(self) -> str:
        return f"{stem(self.model)}-{self.published.protocol.label}"

    def _due(self) -> list[SessionPlan]:
        """Return what is not on record of the arms that are wanted."""
        arms = self.conditions.arms or tuple(self.published.protocol.arms)
        held, erased = self._on_record()
        planned = plan.sessions(self.published.protocol, SEED)
        rest = (self._rest(each, held, erased) for each in planned if each.arm in arms)
        return [each for each in rest if each is not None]

    def _on_record(self) -> tuple[dict[str, SessionHeld], set[str]]:
        """Return the sessions on record by name, and the objects that were erased."""
        erased = {each.event.object for each in self.archive.history(self.model).all(ObjectErased)}
        return {event.session: event for event in self.held()}, erased

    def _rest(
        self, planned: SessionPlan, held: Mapping[str, SessionHeld], erased: Collection[str]
    ) -> SessionPlan | None:
        """Return the part of a session that is not on record; None when there is nothing left.

        What the model paused is taken up, for as long as something was not asked, and as somebody
        can still read what was.
        """
        part = planned
        while (event := held.get(self.name_of(part))) is not None:
            if event.ended != PAUSED_BY_MODEL or event.transcript in erased:
                return None
            part = taken_up(part, session_of(self.archive, event))
            if not part.asked:
                return None
        return part

    def _too_early(self, planned: SessionPlan) -> str | None:
        """Return why a retest cannot be held now: its session is not over, or only just."""
        protocol = self.published.protocol
        repeated = plan.sessions_of(protocol, protocol.arms[planned.arm].repeats, SEED)
        first = repeated[planned.number]
        left = self._rest(first, *self._on_record())
        if left is not None:
            paused = " and was paused" if left.part > 1 else ""
            return f"it repeats a session that is not over yet{paused}"
        name = self.name_of(first)
        entries = self.archive.history(self.model).all(SessionHeld)
        ended = [
            entry.time
            for entry in entries
            if entry.event.session == name or entry.event.session.startswith(f"{name}.")
        ]
        from_then = moment_of(ended[-1]) + datetime.timedelta(hours=planned.not_before_hours)
        if self.archive.clock.now() < from_then:
            return f"it repeats another one after {planned.not_before_hours} h; run this again then"
        return None

    async def _hold(
        self, missing: Sequence[SessionPlan], endpoint: Endpoint, deployment: str
    ) -> None:
        plans = {self.name_of(each): each for each in missing}
        done, turns = 0, sum(len(each.asked) + 1 for each in missing)
        heard: dict[str, int] = {}
        failed: list[EmeritusError] = []

        def tell(more: str = "") -> None:
            if self.told is not None:
                label = f"session {min(done + 1, len(plans))} of {len(plans)}{more}"
                self.told(label, sum(heard.values()), turns)

        def hear(transcript: Transcript) -> None:
            planned = plans[transcript.header.session]
            heard[transcript.header.session] = min(len(transcript.answers), len(planned.asked) + 1)
            tell()

        def waits(requests: int, seconds: float) -> None:
            tell(f" ({what_waits(requests, seconds)})")

        def settle(held: Held) -> None:
            nonlocal done
            if held.error is not None:
                failed.append(held.error)
            if held.transcript is None or held.transcript.end is None:
                return
            done += 1
            planned = plans[held.transcript.header.session]
            outcomes = Counter(self._outcomes(planned, held.transcript).values())
            try:
                seal(self.archive, held.spool, self.published, deployment, outcomes)
            except EmeritusError as error:  # the others go on; this one lies in its spool, whole
                failed.append(error)

        tell()
        conditions = self.conditions
        async with Run(conditions.concurrency, conditions.budget, self.archive.clock, waits) as run:
            holdings = (self._holding(each, endpoint) for each in missing)
            await hold_all(holdings, run, hear, settle)
        if failed:
            raise failed[0]

    def _outcomes(self, planned: SessionPlan, transcript: Transcript) -> dict[str, str]:
        if planned.interviewer is not None:
            return freely.outcomes_of(transcript)
        return outcomes_of(planned, transcript)

    def _holding(self, planned: SessionPlan, endpoint: Endpoint) -> Holding:
        name = self.name_of(planned)
        sampling = dict(planned.sampling)
        if self.conditions.seeded:
            sampling["seed"] = SEED * 1000 + planned.number
        chance = random.Random(name)  # noqa: S311  jitter, no secret
        return Holding(
            Spool(self.archive.spool, name, self.archive.clock),
            self.model,
            self._setup(planned, endpoint),
            Opening.of(endpoint, sampling, self._system(planned)),
            self._script(planned),
            Line(endpoint, self.conditions.patience, chance),
        )

    def _system(self, planned: SessionPlan) -> str | None:
        if not planned.persona:
            return None
        own = self.conditions.persona
        return self.published.protocol.persona if own is None else own

    def _script(self, planned: SessionPlan) -> Script:
        protocol = self.published.protocol
        if planned.interviewer is None:
            return script_of(protocol, planned, self.facts)
        leader = self._leader(planned)
        if leader is None:
            raise UserError(f"{self.name_of(planned)}: {self.obstacle(planned)}")
        left = None if planned.part == 1 else frozenset(each.section for each in planned.asked)
        return FreeScript(protocol, protocol.opening(self.facts), leader, left)

    def _leader(self, planned: SessionPlan) -> Endpoint | None:
        """Return who leads a session: who began it, else whose turn it is; None: not here."""
        interviewers = self.conditions.interviewers
        name = self._begun_with(planned)
        if name is not None:
            return next((each for each in interviewers if each.model == name), None)
        at = planned.interviewer
        return interviewers[at] if at is not None and at < len(interviewers) else None

    def _begun_with(self, planned: SessionPlan) -> str | None:
        """Return the interviewer with whom a session was begun that goes on, or None."""
        if planned.interviewer is None:
            return None
        before = begun(self.archive, self.name_of(planned))
        if before is None and planned.part > 1:
            paused = msgspec.structs.replace(planned, part=planned.part - 1)
            held, _ = self._on_record()
            before = session_of(self.archive, held[self.name_of(paused)])
        return None if before is None else before.header.setup.get("interviewer")

    def _setup(self, planned: SessionPlan, endpoint: Endpoint) -> dict[str, Any]:
        """Return what a session's header records of how it was to be held."""
        leader = self._leader(planned)
        led_by = None if leader is None else leader.model
        return {
            "protocol": self.published.protocol.label,
            "protocol_sha256": self.published.sha256,
            "arm": planned.arm,
            "session": planned.number,
            "part": planned.part,
            "seed": planned.seed,
            "wording": planned.wording,
            "order": planned.order,
            "language": planned.language,
            "alone": planned.alone,
            "lean": planned.lean,
            "dossier": planned.dossier,
            "persona": planned.persona,
            "interviewer": led_by,
            "repeats": planned.repeats,
            "sampling": {name: str(value) for name, value in planned.sampling.items()},
            "engine": dict(endpoint.engine),
        }
