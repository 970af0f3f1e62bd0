"""Reads from an archive what a reader shows: every session, also one that cannot be read any more.

A session whose words are not there keeps its row, with the reason. Nothing is left out unsaid.
"""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from emeritus.archive import Archive
from emeritus.clock import timestamp
from emeritus.conversation import Transcript, read
from emeritus.conversation.format import ASKED, LINE_BYTES_MAX
from emeritus.errors import IntegrityError, UserError
from emeritus.interview import plan
from emeritus.interview.plan import SessionPlan
from emeritus.interview.protocol import Protocol, Published
from emeritus.interview.reader.withdrawing import withdrawn_turns
from emeritus.interview.session import protocols_of
from emeritus.interview.steering import withheld
from emeritus.lifecycle.register import Row, register_of
from emeritus.record import Entry
from emeritus.record.events import (
    InterviewImpossible,
    ObjectErased,
    SessionHeld,
    Span,
    StanceCoded,
    TranscriptUploaded,
)
from emeritus.record.preferences import standing_stances

PROVEN: Final = "proven"
ENCRYPTED: Final = "encrypted"
ERASED: Final = "erased"
DAMAGED: Final = "damaged"
ECHO_WORDS: Final = 3
"""A quotation of fewer words says nothing that a question could give away."""


@dataclasses.dataclass(frozen=True, slots=True)
class Words:
    """The words of one conversation on record, or why they are not there.

    `withheld` are the numbers of the turns that this reader does not show, as the model wished;
    None: nobody here can know.
    """

    standing: str
    detail: str
    transcript: Transcript | None = None
    withheld: frozenset[int] | None = None

    def hides(self, turn: int) -> bool:
        """Tell whether a turn is withheld, as far as can be known."""
        return turn in (self.withheld or ())


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """A session that was held here; `plan` is None when its protocol cannot be read."""

    entry: Entry[SessionHeld]
    words: Words
    plan: SessionPlan | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Uploaded:
    """A transcript that somebody uploaded."""

    entry: Entry[TranscriptUploaded]
    words: Words


@dataclasses.dataclass(frozen=True, slots=True)
class Sources:
    """Everything that a reader of one model shows, as it stood at `written`.

    `begun` are conversations on this machine that are not on record yet. `everything` says that
    nothing is withheld: such a reader is not for publication.
    """

    model: str
    fingerprint: str
    written: str
    everything: bool
    held: tuple[Held, ...]
    uploaded: tuple[Uploaded, ...]
    protocols: Mapping[str, Published]
    register: tuple[Row, ...]
    stances: tuple[Entry[StanceCoded], ...]
    impossible: Entry[InterviewImpossible] | None
    begun: tuple[str, ...]

    @property
    def conversations(self) -> Iterator[tuple[SessionHeld | TranscriptUploaded, Words]]:
        """Every conversation with what is there of it, in the order of the record."""
        for session in self.held:
            yield session.entry.event, session.words
        for brought in self.uploaded:
            yield brought.entry.event, brought.words


def collect(archive: Archive, model: str, *, everything: bool) -> Sources:
    """Read all that is on record of the interviews of `model`.

    What the model wants withheld, and what is encrypted, is shown only with `everything`. Raises
    `UserError` when the model was never interviewed and nothing was uploaded.
    """
    history = archive.history(model)
    protocols = protocols_of(archive)
    erased = {entry.event.object: entry for entry in history.all(ObjectErased)}
    held = tuple(
        _held(archive, entry, erased, protocols.get(entry.event.protocol_sha256), everything)
        for entry in history.all(SessionHeld)
    )
    uploaded = tuple(
        Uploaded(entry, _words(archive, entry, erased, everything))
        for entry in history.all(TranscriptUploaded)
    )
    register, stances = tuple(register_of(archive, model)), tuple(standing_stances(history))
    if not everything:
        withdrawn = withdrawn_turns(archive, model, register)
        held = tuple(_without_withdrawn(each, withdrawn) for each in held)
        spans = [span for row in register for span in row.spans]
        spans += [span for entry in stances for span in entry.event.spans]
        secrets = _withheld_words({each.entry.event.session: each.words for each in held}, spans)
        held = tuple(_without_echo(each, secrets) for each in held)
    impossible = history.last(InterviewImpossible)
    if not held and not uploaded and impossible is None:
        raise UserError(
            f"{model} was not interviewed yet; hold an interview first: emeritus interview {model}"
        )
    return Sources(
        model=model,
        fingerprint=archive.genesis,
        written=timestamp(archive.clock.now()),
        everything=everything,
        held=held,
        uploaded=uploaded,
        protocols=protocols,
        register=register,
        stances=stances,
        impossible=impossible,
        begun=tuple(_begun(archive, model)),
    )


def planned(protocol: Protocol, setup: Mapping[str, Any]) -> SessionPlan | None:
    """Return the plan that the header of a session names, or None when it names none."""
    arm, seed, number = setup.get("arm"), setup.get("seed"), setup.get("session")
    if arm not in protocol.arms or not isinstance(seed, int) or not isinstance(number, int):
        return None
    sessions = plan.sessions_of(protocol, str(arm), seed)
    return sessions[number] if 0 <= number < len(sessions) else None


def hidden(transcript: Transcript, *, led: bool) -> frozenset[int]:
    """Return the turns that a published reader does not show.

    Where a model led the interview (`led`), its questions behind an answer that is withheld go
    with it: they may repeat it.
    """
    answers = withheld(transcript)
    if not led or not answers:
        return answers
    behind = {turn.turn for turn in transcript.turns if turn.turn > min(answers)}
    return answers | (behind - {turn.turn for turn in transcript.answers})


def _begun(archive: Archive, model: str) -> Iterator[str]:
    """Yield the conversations with `model` that lie on this machine and did not end."""
    for path in sorted(archive.spool.glob("*.jsonl")):
        with path.open("rb") as file:
            first = file.readline(LINE_BYTES_MAX)
        try:
            header = json.loads(first)
        except ValueError:
            continue  # its first line was cut off: nothing was asked yet
        if isinstance(header, dict) and header.get("model") == model:
            yield path.stem


def withheld_in(archive: Archive, model: str) -> dict[str, frozenset[int]]:
    """Return which turns of each session are not published, as far as can be known here."""
    if not archive.history(model).all(SessionHeld):
        return {}
    sources = collect(archive, model, everything=False)
    return {each.entry.event.session: each.words.withheld or frozenset() for each in sources.held}


def published_spans(
    spans: Iterable[Span], hidden: Mapping[str, frozenset[int]]
) -> tuple[Span, ...]:
    """Return the quotations of turns that are published; `hidden` are the others, by session."""
    return tuple(span for span in spans if span.turn not in hidden.get(span.session, frozenset()))


def _without_withdrawn(held: Held, withdrawn: Mapping[str, frozenset[int]] | None) -> Held:
    """Withhold the answers in which the model said what it withdrew; where unknown, every one."""
    words = held.words
    if words.withheld is None or words.transcript is None:
        return held
    if withdrawn is None:
        gone = frozenset(turn.turn for turn in words.transcript.answers)
    else:
        gone = withdrawn.get(held.entry.event.session, frozenset())
    words = dataclasses.replace(words, withheld=words.withheld | gone)
    return dataclasses.replace(held, words=words)


def _withheld_words(words: Mapping[str, Words], spans: Iterable[Span]) -> frozenset[str]:
    """Return the quotations of answers that are withheld, of which somebody may ask again."""
    return frozenset(
        span.text
        for span in spans
        if span.session in words
        and words[span.session].hides(span.turn)
        and len(span.text.split()) >= ECHO_WORDS
    )


def _without_echo(held: Held, secrets: frozenset[str]) -> Held:
    """Withhold questions too that repeat such a quotation, as reading back to the model does."""
    transcript, off = held.words.transcript, held.words.withheld
    if transcript is None or off is None or not secrets:
        return held
    echoing = {
        turn.turn
        for turn in transcript.turns
        if turn.role == ASKED and any(each in turn.text for each in secrets)
    }
    words = dataclasses.replace(held.words, withheld=off | echoing)
    return dataclasses.replace(held, words=words)


def _held(
    archive: Archive,
    entry: Entry[SessionHeld],
    erased: Mapping[str, Entry[ObjectErased]],
    published: Published | None,
    everything: bool,
) -> Held:
    led = False
    if published is not None and entry.event.arm in published.protocol.arms:
        led = published.protocol.arms[entry.event.arm].interviewers > 0
    words = _words(archive, entry, erased, everything, led=led)
    if words.transcript is None or published is None:
        return Held(entry, words)
    return Held(entry, words, planned(published.protocol, words.transcript.header.setup))


def _words(
    archive: Archive,
    entry: Entry[SessionHeld] | Entry[TranscriptUploaded],
    erased: Mapping[str, Entry[ObjectErased]],
    everything: bool,
    *,
    led: bool = False,
) -> Words:
    event = entry.event
    if event.transcript in erased:
        by = erased[event.transcript]
        return Words(ERASED, f"its key was destroyed by event {by.id}: {by.event.reason}")
    try:
        data = archive.open_document(
            event.transcript, event.transcript_sha256, encrypted=event.encrypted
        )
        transcript = read(data, event.session)
    except UserError as error:
        return Words(ENCRYPTED, str(error))
    except IntegrityError as error:
        return Words(DAMAGED, str(error))
    proof = (
        f"{data.count(bytes([10]))} lines, each names the one before it; all of them have the "
        f"digest that event {entry.id} cites"
    )
    off = frozenset[int]() if everything else hidden(transcript, led=led)
    if event.encrypted and not everything:
        said = "it is kept encrypted, and its words are not published"
        return Words(ENCRYPTED, said, withheld=off)
    return Words(PROVEN, proof, transcript, off)
