"""A conversation as it can be read: proven line by line."""

import dataclasses
from collections.abc import Iterator
from typing import cast

from emeritus.conversation import format as disk
from emeritus.conversation.format import End, Header, Turn
from emeritus.errors import Finding, IntegrityError


@dataclasses.dataclass(frozen=True, slots=True)
class Transcript:
    """A conversation so far; `end` is None while it goes on."""

    header: Header
    turns: tuple[Turn, ...] = ()
    end: End | None = None

    @property
    def pending(self) -> Turn | None:
        """The question that waits for an answer, or None."""
        last = self.turns[-1] if self.turns else None
        return last if last is not None and last.role == disk.ASKED else None

    @property
    def answers(self) -> tuple[Turn, ...]:
        """The model's turns."""
        return tuple(turn for turn in self.turns if turn.role == disk.ANSWERED)

    @property
    def messages(self) -> list[dict[str, str]]:
        """The conversation as chat messages, for the next request."""
        roles = {disk.ASKED: "user", disk.ANSWERED: "assistant"}
        return [{"role": roles[turn.role], "content": turn.text} for turn in self.turns]

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
    lines = [disk.parse(line) for line in data.splitlines()]
    header, rest = lines[0], lines[1:]
    return Transcript(
        cast("Header", header),  # `check` has seen to it
        tuple(line for line in rest if isinstance(line, Turn)),
        next((line for line in rest if isinstance(line, End)), None),
    )


def check(data: bytes, where: str) -> Iterator[Finding]:
    """Yield what is wrong with a stored conversation: form (C002) and chain (C001)."""
    if not data.endswith(b"\n") or data.count(b"\n") > disk.LINES_MAX:
        yield Finding("C002", where, "it does not end with a whole line, or has too many")
        return
    before: str | None = None
    turns, ended = 0, False
    for number, raw in enumerate(data[:-1].split(b"\n"), start=1):
        place = f"{where}:{number}"
        try:
            line = disk.parse(raw)
        except disk.NotALine as error:
            yield Finding("C002", place, str(error))
            return
        if line.prev != before:
            yield Finding("C001", place, "it does not name the line before it")
        turns += isinstance(line, Turn)
        if isinstance(line, Header) != (number == 1) or ended:
            yield Finding("C002", place, "a line stands where it cannot")
        if isinstance(line, Turn) and not _in_order(line, turns):
            yield Finding("C002", place, f"turn {line.turn} by {line.role!r} is out of order")
        ended = ended or isinstance(line, End)
        before = disk.link(line)


def _in_order(turn: Turn, count: int) -> bool:
    expected = disk.ASKED if count % 2 else disk.ANSWERED
    return turn.turn == count and turn.role == expected
