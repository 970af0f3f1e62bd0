"""What a reader shows, ready to be laid out: sessions, grids, preferences, stances. Pure.

Places on the page are called `session/turn` and `session/turn:start-end`; all other anchors begin
with a word and a colon, which no session can be called.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from emeritus import digests
from emeritus.archive.quotations import check_span
from emeritus.conversation import Transcript, Turn
from emeritus.conversation.format import ANSWERED, ASKED
from emeritus.interview.outcome import OUTCOMES
from emeritus.interview.reader.passages import Citing, Passage, Piece, pieces_of
from emeritus.interview.reader.sources import Held, Sources, Uploaded, Words
from emeritus.markup import visible
from emeritus.record.events import Span

BEGINNING: Final = 140
"""How much of an answer stands in the grid, in code points."""
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
class Answer:
    """The first answer to an item in one session; `beginning` is None when it is withheld."""

    session: str
    anchor: str
    outcome: str
    beginning: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column of a grid: one session, or all sessions of an arm that asks items alone."""

    title: str
    arm: str
    anchor: str | None
    sessions: frozenset[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """A row of a grid: an item in one wording, and the answers by column."""

    anchor: str
    item: str
    text: str
    cells: tuple[tuple[Answer, ...], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Grid:
    """Every question of a protocol across all sessions that were held under it."""

    protocol: str
    columns: tuple[Column, ...]
    questions: tuple[Question, ...]


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


def view_of(sources: Sources) -> View:
    """Return the page of `sources`."""
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
            facts=(
                f"Theme: {row.theme}.",
                f"Said in {row.sessions_with} of {row.sessions_total} sessions.",
                f"Disposition: {row.disposition}"
                + (f": {row.reason} ({row.decided_by})" if row.reason else ""),
            ),
            quotations=quoted(row.spans),
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
                f"Said in {entry.event.sessions_with} of {entry.event.sessions_total} sessions.",
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
        grids=tuple(_grids(sources)),
        preferences=preferences,
        stances=stances,
    )


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
            said.append((name, ", ".join(f"{key} {values[key]}" for key in sorted(values))))
    if isinstance(setup.get("system"), str):
        said.append(("system prompt", setup["system"]))
    return said


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
            )
        )
    return tuple(shown)


def _grids(sources: Sources) -> Iterable[Grid]:
    """Yield a grid for every protocol under which a session was held that can be read."""
    by_protocol: dict[str, list[Held]] = defaultdict(list)
    for each in sources.held:
        by_protocol[each.entry.event.protocol_sha256].append(each)
    count = 0
    for sha256, held in by_protocol.items():
        known = sources.protocols.get(sha256)
        order = [item.id for item in known.protocol.items] if known else []
        grid = _grid(held, order, count)
        count += len(grid.questions)
        yield grid


def _grid(held: Sequence[Held], order: Sequence[str], before: int) -> Grid:
    """Return the grid of one protocol; `order` are its items, or nothing when it is not known."""
    columns = _columns(held)
    rows: dict[str, dict[str, Answer]] = {item: {} for item in order}
    wordings: dict[str, str] = {}
    for each in held:
        if each.words.transcript is None:
            continue
        asked = ""
        for turn in each.words.transcript.turns:
            if turn.role == ASKED:
                asked = turn.text if not each.words.hides(turn.turn) else asked
            elif turn.role == ANSWERED and (not order or turn.item in rows):
                wordings.setdefault(turn.item, asked)
                answer = _answer(each.entry.event.session, turn, each.words)
                rows.setdefault(turn.item, {}).setdefault(answer.session, answer)
    asked_rows = [(item, answers) for item, answers in rows.items() if answers]
    questions = tuple(
        Question(
            anchor=f"item:{before + number}",
            item=item,
            text=wordings[item].rpartition("\n\n")[2],
            cells=tuple(_cell(column, answers) for column in columns),
        )
        for number, (item, answers) in enumerate(asked_rows, start=1)
    )
    return Grid(held[0].entry.event.protocol, columns, questions)


def _cell(column: Column, answers: dict[str, Answer]) -> tuple[Answer, ...]:
    return tuple(answer for session, answer in answers.items() if session in column.sessions)


def _columns(held: Sequence[Held]) -> tuple[Column, ...]:
    """Return a column a session; all sessions of an arm that asks items alone share one."""
    columns: list[Column] = []
    arms: dict[str, list[Held]] = defaultdict(list)
    for each in held:
        arms[each.entry.event.arm].append(each)
    for arm in sorted(arms):
        alone = [each for each in arms[arm] if each.plan is not None and each.plan.alone]
        together = frozenset(each.entry.event.session for each in alone)
        if alone:
            columns.append(Column("items alone", arm, None, together))
        for each in arms[arm]:
            session = each.entry.event.session
            if session not in together and each.words.transcript is not None:
                columns.append(Column(session, arm, f"session:{session}", frozenset({session})))
    return tuple(columns)


def _answer(session: str, turn: Turn, words: Words) -> Answer:
    beginning = None
    if not words.hides(turn.turn):
        flat = " ".join(turn.text[: 4 * BEGINNING].split())
        cut = len(turn.text) > 4 * BEGINNING or len(flat) > BEGINNING
        beginning = flat[:BEGINNING].rstrip() + ("…" if cut else "")
    return Answer(session, f"{session}/{turn.turn}", str(turn.outcome), beginning)


def _summed(counts: Iterable[Iterable[tuple[str, int]]]) -> tuple[tuple[str, int], ...]:
    total: dict[str, int] = defaultdict(int)
    for each in counts:
        for name, count in each:
            total[name] += count
    known = {name: place for place, name in enumerate(OUTCOMES)}
    return tuple(sorted(total.items(), key=lambda pair: (known.get(pair[0], 99), pair[0])))
