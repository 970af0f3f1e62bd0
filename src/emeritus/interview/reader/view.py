"""What a reader shows, ready to be laid out: sessions, grids, preferences, stances. Pure.

Places on the page are called `session/turn` and `session/turn:start-end`; all other anchors begin
with a word and a colon, which no session can be called.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from emeritus import digests
from emeritus.archive.quotations import check_span
from emeritus.conversation import Transcript, Turn
from emeritus.interview.outcome import OUTCOMES
from emeritus.interview.reader.grids import Grid, grids_of
from emeritus.interview.reader.passages import Citing, Passage, Piece, pieces_of
from emeritus.interview.reader.sources import Held, Sources, Uploaded, Words
from emeritus.interview.standing import ArmRate, Standing, told
from emeritus.interview.suggesting import suggestion
from emeritus.lifecycle.register import Row
from emeritus.markup import visible
from emeritus.record.events import PreferenceAnswered, Span

HOLDS: Final = "stands there"
UNREADABLE: Final = "its session cannot be read here"
UNKNOWN: Final = "not shown: its session cannot be read here, so the model may have withheld it"
WITHHELD: Final = "withheld by the model"


@dataclasses.dataclass(frozen=True, slots=True)
class Quotation:
    """A quotation; `text` is None when it is withheld, `anchor` when there is no place for it."""

    place: str
    text: str | None
    sha256: str
    standing: str
    anchor: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Coded:
    """A preference or a stance with its quotations; `facts` are sentences about it."""

    anchor: str
    name: str
    title: str
    facts: tuple[str, ...]
    quotations: tuple[Quotation, ...]
    event: str


@dataclasses.dataclass(frozen=True, slots=True)
class ShownTurn:
    """A turn on the page; `pieces` is None when it is withheld.

    `exact` says that every character of it is shown as itself, so that places can be counted.
    `author` is the model that worded a question, `reasoning` what a server kept apart, `calls` are
    the names and arguments of the tools that an answer calls.
    """

    anchor: str
    number: int
    role: str
    item: str
    outcome: str | None
    finish_reason: str | None
    time: str
    sha256: str
    pieces: tuple[Piece, ...] | None
    exact: bool
    author: str | None = None
    reasoning: str | None = None
    calls: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation on the page; `facts` name what it was held under."""

    anchor: str
    session: str
    arm: str
    ended: str
    event: str
    outcomes: tuple[tuple[str, int], ...]
    facts: tuple[tuple[str, str], ...]
    words: Words
    turns: tuple[ShownTurn, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """The page."""

    model: str
    fingerprint: str
    written: str
    everything: bool
    impossible: str | None
    begun: tuple[str, ...]
    held: tuple[Conversation, ...]
    uploaded: tuple[Conversation, ...]
    grids: tuple[Grid, ...]
    preferences: tuple[Coded, ...]
    stances: tuple[Coded, ...]

    @property
    def outcomes(self) -> tuple[tuple[str, int], ...]:
        """All items of all sessions by outcome."""
        return _summed(each.outcomes for each in self.held)

    @property
    def ended(self) -> tuple[tuple[str, int], ...]:
        """How many sessions ended in which way."""
        return _summed(((each.ended, 1),) for each in self.held)

    @property
    def withheld(self) -> int:
        """How many turns are withheld."""
        shown = (*self.held, *self.uploaded)
        return sum(turn.pieces is None for each in shown for turn in each.turns)


ANSWERED: Final = {
    "confirmed": "confirmed it",
    "amended": "amended it",
    "withdrawn": "withdrew it from publication",
    "unclear": "did not say whether it is right",
    "answered": "answered",
}
"""What a model did when it was shown a preference, for people."""


def view_of(sources: Sources, standing: Standing) -> View:
    """Return the page of `sources`; `standing` says how often things were said in which arm."""
    words = {event.session: each for event, each in sources.conversations}

    def quoted(spans: Sequence[Span]) -> tuple[Quotation, ...]:
        return tuple(
            _quotation(span, words.get(span.session), sources.everything) for span in spans
        )

    preferences = tuple(
        Coded(
            anchor=f"preference:{number}",
            name=row.preference,
            title=f"{row.polarity} {row.object.replace('-', ' ')}",
            facts=_facts(row, standing.rates.get(row.preference, ())),
            quotations=quoted((*row.spans, *(s for each in row.answers for s in each.spans))),
            event=row.event,
        )
        for number, row in enumerate(sources.register, start=1)
    )
    stances = tuple(
        Coded(
            anchor=f"stance:{number}",
            name=entry.event.stance,
            title=entry.event.stance.replace("-", " "),
            facts=(
                told(
                    entry.event.sessions_with,
                    entry.event.sessions_total,
                    standing.stances.get(entry.event.stance, ()),
                ),
            ),
            quotations=quoted(entry.event.spans),
            event=entry.id,
        )
        for number, entry in enumerate(sources.stances, start=1)
    )
    passages = _passages((*preferences, *stances))
    return View(
        model=sources.model,
        fingerprint=sources.fingerprint,
        written=sources.written,
        everything=sources.everything,
        impossible=sources.impossible.event.reason if sources.impossible else None,
        begun=sources.begun,
        held=tuple(_held(each, passages) for each in sources.held),
        uploaded=tuple(_uploaded(each) for each in sources.uploaded),
        grids=tuple(grids_of(sources.held, sources.protocols)),
        preferences=preferences,
        stances=stances,
    )


def _facts(row: Row, arms: Sequence[ArmRate]) -> tuple[str, ...]:
    """Return what is said of a preference beside its quotations, a sentence each."""
    return (
        f"Theme: {row.theme}.",
        f"Coded by {', '.join(row.coders)}"
        + (f", decided by {row.adjudicator}." if row.adjudicator else "."),
        told(row.sessions_with, row.sessions_total, arms),
        f"Disposition: {row.disposition}"
        + (f": {row.reason} ({row.decided_by})." if row.reason else "."),
        *filter(None, [suggestion(row)]),
        *map(_answered, row.answers),
    )


def _answered(answer: PreferenceAnswered) -> str:
    said = f"Shown what was {answer.shown}, it {ANSWERED[answer.answer]}"
    return f"{said}." if answer.spans else f"{said}; its words are withheld."


def _quotation(span: Span, words: Words | None, everything: bool) -> Quotation:
    """Return a quotation as this page may show it, held against its transcript."""
    place = f"{span.session}/{span.turn}#{span.start}-{span.end}"
    if not everything and (words is None or words.withheld is None):
        return Quotation(place, None, span.turn_sha256, UNKNOWN, None)
    if words is not None and words.hides(span.turn):
        anchor = f"{span.session}/{span.turn}" if words.transcript is not None else None
        return Quotation(place, None, span.turn_sha256, WITHHELD, anchor)
    if words is None or words.transcript is None:
        return Quotation(place, span.text, span.turn_sha256, UNREADABLE, None)
    finding = check_span(span, words.transcript)
    if finding is not None:
        return Quotation(place, span.text, span.turn_sha256, finding.detail, None)
    return Quotation(place, span.text, span.turn_sha256, HOLDS, place.replace("#", ":"))


def _passages(coded: Iterable[Coded]) -> dict[str, list[Passage]]:
    """Return by turn (`session/turn`) what is quoted there, each passage once."""
    citing: dict[str, list[Citing]] = defaultdict(list)
    for each in coded:
        for quotation in each.quotations:
            if quotation.standing == HOLDS and quotation.anchor is not None:
                citing[quotation.anchor].append(Citing(each.anchor, each.name))
    found: dict[str, list[Passage]] = defaultdict(list)
    for anchor, by in citing.items():
        place, _, span = anchor.rpartition(":")
        start, _, end = span.partition("-")
        found[place].append(Passage(int(start), int(end), tuple(dict.fromkeys(by))))
    return found


def _held(each: Held, passages: dict[str, list[Passage]]) -> Conversation:
    event = each.entry.event
    facts = [("protocol", event.protocol), ("asked", event.deployment)]
    if each.plan is not None:
        facts += [("wording", str(each.plan.wording + 1)), ("order", str(each.plan.order + 1))]
    if each.words.transcript is not None:
        facts.append(("begun", each.words.transcript.header.time))
        facts += _set_up(each.words.transcript)
    return Conversation(
        anchor=f"session:{event.session}",
        session=event.session,
        arm=event.arm,
        ended=event.ended,
        event=each.entry.id,
        outcomes=tuple(sorted(event.outcomes.items())),
        facts=tuple(facts),
        words=each.words,
        turns=_turns(event.session, each.words, passages),
    )


def _uploaded(each: Uploaded) -> Conversation:
    event = each.entry.event
    facts = [("source", event.source), ("its file", event.source_sha256)]
    if each.words.transcript is not None:
        facts += _set_up(each.words.transcript)
    return Conversation(
        anchor=f"session:{event.session}",
        session=event.session,
        arm="uploaded",
        ended="uploaded",
        event=each.entry.id,
        outcomes=(),
        facts=tuple(facts),
        words=each.words,
        turns=_turns(event.session, each.words, {}),
    )


def _set_up(transcript: Transcript) -> list[tuple[str, str]]:
    """Return what the header of a conversation says of the model that was asked, in order."""
    setup = transcript.header.setup
    said = []
    for name in ("engine", "sampling"):
        values = setup.get(name)
        if isinstance(values, dict) and values:
            said.append((name, _listed(values)))
    said += [
        (f"engine from turn {pause.after + 1} on", _listed(pause.engine))
        for pause in transcript.pauses
        if pause.engine is not None and pause.engine != setup.get("engine")
    ]
    if transcript.header.system:
        said.append(("system prompt", transcript.header.system))
    return said


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {values[key]}" for key in sorted(values))


def _turns(session: str, words: Words, passages: dict[str, list[Passage]]) -> tuple[ShownTurn, ...]:
    if words.transcript is None:
        return ()
    shown = []
    for turn in words.transcript.turns:
        anchor = f"{session}/{turn.turn}"
        hidden = words.hides(turn.turn)
        shown.append(
            ShownTurn(
                anchor=anchor,
                number=turn.turn,
                role=turn.role,
                item=turn.item,
                outcome=turn.outcome,
                finish_reason=turn.finish_reason,
                time=turn.time,
                # Whoever guesses a short answer would learn from its digest that it is right.
                sha256="" if hidden else digests.sha256(turn.text.encode()),
                pieces=None if hidden else pieces_of(turn.text, passages.get(anchor, ())),
                exact=not hidden and visible(turn.text) == turn.text,
                author=None if turn.author is None else turn.author.name,
                reasoning=None if hidden else turn.reasoning,
                calls=() if hidden else _calls(turn),
            )
        )
    return tuple(shown)


def _calls(turn: Turn) -> tuple[tuple[str, str], ...]:
    return tuple((each["name"], each["arguments"]) for each in turn.calls)


def _summed(counts: Iterable[Iterable[tuple[str, int]]]) -> tuple[tuple[str, int], ...]:
    total: dict[str, int] = defaultdict(int)
    for each in counts:
        for name, count in each:
            total[name] += count
    known = {name: place for place, name in enumerate(OUTCOMES)}
    return tuple(sorted(total.items(), key=lambda pair: (known.get(pair[0], 99), pair[0])))
