"""A conversation as it can be read: proven line by line."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any, Self

from emeritus.conversation import format as disk
from emeritus.conversation.format import End, Header, Line, Paused, Resumed, Turn
from emeritus.errors import Finding, IntegrityError
from emeritus.runtimes import Call


@dataclasses.dataclass(frozen=True, slots=True)
class Pause:
    """A pause after turn `after`; `engine` and `until` are None while it lasts.

    `reason` and `since` are None where the conversation was stopped without a word, as by a crash,
    and something else answered when it was taken up.
    """

    after: int
    reason: str | None = None
    since: str | None = None
    until: str | None = None
    engine: dict[str, str] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Transcript:
    """A conversation so far; `end` is None while it goes on."""

    header: Header
    turns: tuple[Turn, ...] = ()
    end: End | None = None
    pauses: tuple[Pause, ...] = ()

    def after(self, line: Line) -> Self:
        """Return the conversation with one more line, which stands where it may."""
        match line:
            case Turn():
                return dataclasses.replace(self, turns=(*self.turns, line))
            case Paused():
                pause = Pause(len(self.turns), line.reason, line.time)
                return dataclasses.replace(self, pauses=(*self.pauses, pause))
            case Resumed():
                last = self.pauses[-1] if self.paused else Pause(len(self.turns))
                before = self.pauses[:-1] if self.paused else self.pauses
                over = dataclasses.replace(last, until=line.time, engine=line.engine)
                return dataclasses.replace(self, pauses=(*before, over))
            case End():
                return dataclasses.replace(self, end=line)
            case Header():
                raise ValueError("a header stands first")

    @property
    def pending(self) -> Turn | None:
        """The question, or the last result of tools, that waits for an answer; or None."""
        last = self.turns[-1] if self.turns else None
        if last is None or last.role == disk.ANSWERED or self.open_calls:
            return None
        return last

    @property
    def open_calls(self) -> tuple[Call, ...]:
        """The calls of the last answer that have no result yet, in their order."""
        done: set[str | None] = set()
        for turn in reversed(self.turns):
            if turn.role == disk.ANSWERED:
                return tuple(Call(**each) for each in turn.calls if each["id"] not in done)
            if turn.role == disk.ASKED:
                break
            done.add(turn.call)
        return ()

    @property
    def answers(self) -> tuple[Turn, ...]:
        """The model's turns."""
        return tuple(turn for turn in self.turns if turn.role == disk.ANSWERED)

    @property
    def engine(self) -> Any:
        """What answers now, as the record has it; None when it does not say."""
        taken_up = [pause.engine for pause in self.pauses if pause.engine is not None]
        return taken_up[-1] if taken_up else self.header.setup.get("engine")

    @property
    def paused(self) -> bool:
        """Whether it was put aside and not taken up yet."""
        return bool(self.pauses) and self.pauses[-1].until is None

    def turn(self, number: int) -> Turn:
        """Return turn `number` (from 1); raises KeyError when there is none."""
        if not 1 <= number <= len(self.turns):
            raise KeyError(number)
        return self.turns[number - 1]


def read(data: bytes, where: str) -> Transcript:
    """Return the transcript in `data`; raises `IntegrityError` when anything in it is wrong."""
    findings = tuple(check(data, where))
    if findings:
        first = findings[0]
        raise IntegrityError(f"{first.where}: {first.detail} ({first.code})", findings)
    return _joined(_parsed(data))


def check(data: bytes, where: str) -> Iterator[Finding]:
    """Yield what is wrong with a stored conversation: form (C002) and chain (C001)."""
    if not data.endswith(b"\n") or data.count(b"\n") > disk.LINES_MAX:
        yield Finding("C002", where, "it does not end with a whole line, or has too many")
        return
    before: str | None = None
    form, state = disk.FORMAT, _Order()
    for number, raw in enumerate(data[:-1].split(b"\n"), start=1):
        place = f"{where}:{number}"
        try:
            line = disk.parse(raw, form)
        except disk.NotALine as error:
            yield Finding("C002", place, str(error))
            return
        if isinstance(line, Header) and number == 1:
            form = line.format
        if line.prev != before:
            yield Finding("C001", place, "it does not name the line before it")
        wrong = state.wrong(line, first=number == 1)
        if wrong is not None:
            yield Finding("C002", place, wrong)
        before = disk.link(raw, form)


class _Order:
    """Which line may follow: turns alternate, pauses stand between them, nothing behind the end.

    What tools gave back stands between the answer that called them, all of it, and the next one.
    """

    def __init__(self) -> None:
        self._turns = 0
        self._last = ""
        self._open_calls: set[str] = set()
        self._paused = self._ended = False

    def wrong(self, line: Line, *, first: bool) -> str | None:
        """Return why the line cannot stand here, or None."""
        misplaced = isinstance(line, Header) != first or self._ended
        if not misplaced and not isinstance(line, Header):
            misplaced = self._paused and not isinstance(line, Resumed)
        self._paused = isinstance(line, Paused)
        self._ended = self._ended or isinstance(line, End)
        if isinstance(line, Paused) and (self._open_calls or self._last in (disk.ASKED, disk.TOOL)):
            misplaced = True
        if misplaced:
            return "a line stands where it cannot"
        if isinstance(line, Turn):
            self._turns += 1
            if line.turn != self._turns or not self._may_follow(line):
                return f"turn {line.turn} by {line.role!r} is out of order"
            self._last = line.role
        return None

    def _may_follow(self, turn: Turn) -> bool:
        """Tell whether the role may speak now; each result of a tool answers one call."""
        if turn.role == disk.TOOL:
            if turn.call not in self._open_calls:
                return False
            self._open_calls.remove(turn.call)
            return True
        left, self._open_calls = self._open_calls, {call["id"] for call in turn.calls}
        if turn.role == disk.ANSWERED:
            return self._last == disk.ASKED or (self._last == disk.TOOL and not left)
        return turn.role == disk.ASKED and self._last in ("", disk.ANSWERED)


def _parsed(data: bytes) -> Iterator[Line]:
    form = disk.FORMAT
    for raw in data[:-1].split(b"\n"):
        line = disk.parse(raw, form)
        form = line.format if isinstance(line, Header) else form
        yield line


def _joined(lines: Iterable[Line]) -> Transcript:
    """Put together what `check` found sound."""
    first, *rest = lines
    if not isinstance(first, Header):
        raise TypeError("a header stands first")
    turns: list[Turn] = []
    transcript = Transcript(first)
    for line in rest:
        if isinstance(line, Turn):
            turns.append(line)
        else:
            transcript = dataclasses.replace(transcript, turns=tuple(turns)).after(line)
    return dataclasses.replace(transcript, turns=tuple(turns))
