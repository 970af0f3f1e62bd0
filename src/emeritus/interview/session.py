"""Holds the sessions of an interview and puts them on record."""

import asyncio
import dataclasses
import random
from collections import Counter
from collections.abc import Callable, Mapping

from emeritus import digests
from emeritus.archive import Archive
from emeritus.archive.spools import put_away, put_away_recorded
from emeritus.conversation import (
    Finished,
    Line,
    Opening,
    Patience,
    Question,
    Spool,
    Transcript,
    hold,
    read,
)
from emeritus.errors import UserError
from emeritus.interview import outcome, plan
from emeritus.interview import protocol as protocols
from emeritus.interview.protocol import Published
from emeritus.lifecycle.moves import policy_in_force
from emeritus.record.events import (
    InterviewImpossible,
    ObjectErased,
    ProtocolPublished,
    SessionHeld,
)
from emeritus.runtimes import Endpoint
from emeritus.runtimes.client import Reply

CONSENT = "consent"
COMPLETE = "complete"
SEED = 1

Told = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True, slots=True)
class InterviewScript:
    """The primary arm: disclosure and consent, then every item once, in a fixed order.

    It ends early when consent is refused, when the model says that it wants to stop, and when two
    answers one after another are degenerate: what then comes is no interview.
    """

    opening: str
    questions: tuple[Question, ...]

    def next(self, transcript: Transcript) -> Question | Finished:
        """Return the next item, or why the session is over."""
        answers = transcript.answers
        if not answers:
            return Question(CONSENT, self.opening)
        if outcome.refuses_consent(answers[0].text):
            return Finished("consent-refused")
        if len(answers) > 1 and outcome.wants_to_stop(answers[-1].text):
            return Finished("stopped-by-the-model")
        if [turn.outcome for turn in answers[-2:]] == [outcome.DEGENERATE] * 2:
            return Finished("degenerate")
        asked = len(answers) - 1
        return self.questions[asked] if asked < len(self.questions) else Finished(COMPLETE)

    def outcome(self, transcript: Transcript, reply: Reply) -> str:
        """Judge the answer to the pending question by the documented rules."""
        return outcome.judge(transcript.turns[-1].text, reply.text, reply.finish_reason)


@dataclasses.dataclass(frozen=True, slots=True)
class Interview:
    """One interview of one deployment: who is asked, by which protocol, knowing which facts."""

    archive: Archive
    model: str
    published: Published
    endpoint: Endpoint
    facts: Mapping[str, str]
    deployment: str
    told: Told | None = None
    patience: Patience = dataclasses.field(default_factory=Patience)

    def run(self) -> list[SessionHeld]:
        """Hold what is missing, one session after another; return all sessions on record.

        Killed anywhere, the next call goes on with the same session at the same turn. Raises
        `Unavailable` when the model cannot be reached.
        """
        self.publish_protocol()
        put_away_recorded(self.archive, self.model)
        count = self.published.protocol.sessions.count
        done = {event.session for event in self.held()}
        for number in range(count):
            if self.session_name(number) not in done:
                asyncio.run(self._hold(number))
        return self.held()

    def held(self) -> list[SessionHeld]:
        """Return the sessions on record under this protocol."""
        return held_under(self.archive, self.model, self.published)

    def publish_protocol(self) -> None:
        """Put the protocol on record before it is used, once."""
        label = self.published.protocol.label
        for entry in self.archive.history().all(ProtocolPublished):
            if entry.event.sha256 == self.published.sha256:
                return
            if entry.event.protocol == label:
                raise UserError(
                    f"the protocol {label} is on record with another text (event {entry.id}); give "
                    "yours another version or name"
                )
        document, sha256 = self.archive.put_document(self.published.data)
        protocol = self.published.protocol
        self.archive.append(
            ProtocolPublished(
                protocol=protocol.label, version=protocol.version, document=document, sha256=sha256
            )
        )

    def session_name(self, number: int) -> str:
        """Return the name of session `number` (from 0), the same whenever it is asked for."""
        protocol = self.published.protocol
        stem = self.model.replace("/", "-")
        return f"{stem}-{protocol.label}-{protocol.sessions.arm.lower()}{number + 1}"

    async def _hold(self, number: int) -> None:
        protocol = self.published.protocol
        name = self.session_name(number)
        spool = Spool(self.archive.spool, name, self.archive.clock)
        setup = protocols.setup_of(self.published, SEED, number) | {
            "engine": dict(self.endpoint.engine)
        }
        sampling = {**protocol.sessions.sampling, "seed": SEED * 1000 + number}
        spool.open(self.model, setup, Opening.of(self.endpoint, sampling))
        script = InterviewScript(
            protocol.opening(self.facts), tuple(plan.questions(protocol, SEED, number))
        )
        turns = len(protocol.items) + 1

        def tell(transcript: Transcript) -> None:
            if self.told is not None:
                done = number * turns + len(transcript.answers)
                label = f"session {number + 1} of {protocol.sessions.count}"
                self.told(label, done, turns * protocol.sessions.count)

        chance = random.Random(name)  # noqa: S311  jitter, no secret
        try:
            await hold(spool, script, Line(self.endpoint, self.patience, chance), tell)
        finally:
            spool.close()
        self._seal(spool, name)

    def _seal(self, spool: Spool, name: str) -> None:
        """Put the finished conversation into the vault, then on record, then out of the way."""
        data = spool.path.read_bytes()
        transcript = read(data, name)
        counted: dict[str, int] = Counter(str(turn.outcome) for turn in transcript.answers[1:])
        encrypted = policy_in_force(self.archive).encrypts(SessionHeld.artefact)
        document, sha256 = self.archive.put_document(data, encrypted=encrypted)
        event = SessionHeld(
            model=self.model,
            session=name,
            protocol=self.published.protocol.label,
            protocol_sha256=self.published.sha256,
            arm=self.published.protocol.sessions.arm,
            deployment=self.deployment,
            transcript=document,
            transcript_sha256=sha256,
            turns=len(transcript.turns),
            ended=transcript.end.reason if transcript.end else "unknown",
            outcomes=dict(sorted(counted.items())),
            encrypted=encrypted,
        )
        self.archive.append(event)
        put_away(self.archive, event)


def held_under(archive: Archive, model: str, published: Published) -> list[SessionHeld]:
    """Return the sessions of `model` on record under a protocol, by its digest."""
    return [
        entry.event
        for entry in archive.history(model).all(SessionHeld)
        if entry.event.protocol_sha256 == published.sha256
    ]


def transcripts(archive: Archive, model: str) -> list[tuple[SessionHeld, Transcript]]:
    """Return every session of `model` on record with its transcript, proven.

    Those that were erased are left out. Raises `UserError` when one is encrypted and its key is
    not on this machine.
    """
    history = archive.history(model)
    erased = {entry.event.object for entry in history.all(ObjectErased)}
    held = (entry.event for entry in history.all(SessionHeld))
    return [(each, session_of(archive, each)) for each in held if each.transcript not in erased]


def session_of(archive: Archive, held: SessionHeld) -> Transcript:
    """Return the transcript of one session, proven. Raises as `open_document` does."""
    data = archive.open_document(held.transcript, held.transcript_sha256, encrypted=held.encrypted)
    return read(data, held.session)


def record_impossible(archive: Archive, model: str, reason: str) -> None:
    """Record that a model cannot hold an interview: a result, not an omission. Once."""
    known = archive.history(model).last(InterviewImpossible)
    if known is None or known.event.reason != reason:
        archive.append(InterviewImpossible(model=model, reason=reason))


def quoted_turn(transcript: Transcript, number: int) -> tuple[str, str]:
    """Return the text of a turn and its digest, as quotations cite them."""
    text = transcript.turn(number).text
    return text, digests.sha256(text.encode())
