"""Decisions about answers, a line each, durable before the next answer is looked at.

A person's and an extractor's are alike: places in an answer and codes, and none of its words. Only
what an extractor sent that was not taken stands in words, until it is on record. A later decision
about the same answer replaces an earlier one.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from emeritus import canonical
from emeritus.conversation import Transcript, Turn
from emeritus.errors import UserError
from emeritus.interview.codebook import Loaded
from emeritus.interview.coded import Rejected
from emeritus.interview.extraction import Asked, Extracted, StanceStatement, Statement, span_of
from emeritus.vault.durable import make_folder, sync, write_file

FORMAT: Final = "emeritus-coding-decision/1"


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One statement: code points [start, end) of the answer, and of it those of the condition."""

    start: int
    end: int
    object: str
    polarity: str
    strength: str | None = None
    condition: tuple[int, int] | None = None


class MarkedStance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One stance: code points [start, end) of the answer."""

    start: int
    end: int
    stance: str


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was decided about one answer; no code means that nothing is in it.

    `usage` is what asking an extractor took.
    """

    format: str
    coder: str
    session: str
    turn: int
    codes: tuple[Code, ...]
    stances: tuple[MarkedStance, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    usage: Mapping[str, int] = {}

    @property
    def place(self) -> str:
        """Which answer it is about."""
        return f"{self.session}/{self.turn}"


class DecisionsFile:
    """The file on this machine in which the decisions of one coder about one model wait."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[Decision]:
        """Return the decisions; a last line that was cut short is left out.

        Raises `UserError` when a whole line is no decision of this format.
        """
        return read_lines(self.path.read_bytes() if self.path.exists() else b"")

    def add(self, decision: Decision) -> None:
        """Add a decision; it is durable when this returns."""
        make_folder(self.path.parent, 0o700)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        with open(os.open(self.path, flags, 0o600), "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            if file.read(1) not in (b"", b"\n"):
                # What a crash cut off would else be the beginning of this line.
                file.seek(0)
                file.truncate(file.read().rfind(b"\n") + 1)
                file.seek(0, os.SEEK_END)
            file.write(line(decision))
            file.flush()
            os.fsync(file.fileno())
        if not size:
            sync(self.path.parent)

    def drop_words(self) -> None:
        """Keep no word that an extractor sent: what it stands for is on record."""
        before = self.read()
        after = [msgspec.structs.replace(each, rejected=()) for each in before]
        if after != before:
            write_file(self.path, b"".join(map(line, after)), 0o600, replace=True)


def line(decision: Decision) -> bytes:
    """Return a decision as it is stored: canonical JSON and a newline."""
    return canonical.dumps(msgspec.to_builtins(decision)) + b"\n"


def read_lines(data: bytes) -> list[Decision]:
    """Return stored decisions; a last line that was cut short is left out.

    Raises `UserError` when a whole line is no decision of this format.
    """
    decisions = []
    for number, raw in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), start=1):
        try:
            decision = msgspec.convert(canonical.loads(raw, canonical=True), Decision)
        except (canonical.NotCanonical, msgspec.ValidationError) as error:
            raise UserError(f"line {number} of the decisions cannot be read: {error}") from error
        if decision.format != FORMAT:
            raise UserError(f"line {number} of the decisions has format {decision.format!r}")
        decisions.append(decision)
    return decisions


def extracted(
    decision: Decision, transcript: Transcript, turn: Turn, asked: Asked, book: Loaded
) -> Extracted:
    """Return what a decision says of `turn`, in the words that stand there."""
    theme = asked.themes[turn.item]
    return Extracted(
        tuple(
            Statement(
                turn.item,
                book.codebook.theme_of(each.object) or theme,
                each.object,
                each.polarity,
                each.strength,
                None if each.condition is None else turn.text[slice(*each.condition)],
                span_of(transcript, turn, each.start, each.end),
            )
            for each in decision.codes
        ),
        tuple(
            StanceStatement(each.stance, span_of(transcript, turn, each.start, each.end))
            for each in decision.stances
        ),
    )
