"""A conversation on disk while it is held: every line durable before the next thing happens."""

import os
import re
from pathlib import Path
from typing import Any

from emeritus.clock import Clock, timestamp
from emeritus.conversation import format as disk
from emeritus.conversation.format import End, Header, Line, Turn
from emeritus.conversation.transcript import Transcript, read
from emeritus.errors import UserError
from emeritus.runtimes.client import Reply
from emeritus.vault.durable import make_folder, sync

_SESSION = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}\Z")


class Spool:
    """One conversation in one file, to which lines are only added.

    A question is durable before it is sent, its answer before the next question. So after a crash
    the file says what to do: an unanswered question is asked again, an answered one never.
    """

    def __init__(self, folder: Path, session: str, clock: Clock) -> None:
        if _SESSION.match(session) is None:
            raise ValueError(f"{session!r} cannot name a session")
        self.path = folder / f"{session}.jsonl"
        self.torn = self.path.with_suffix(".torn")
        self._session = session
        self._clock = clock
        self._transcript: Transcript | None = None
        self._link: str | None = None

    def open(self, model: str, setup: dict[str, Any]) -> Transcript:
        """Begin the conversation, or take up the one that was begun; return it so far.

        A last line that was cut off by a crash is moved aside. Raises `UserError` when the file
        belongs to another model, and `IntegrityError` when a durable line is damaged.
        """
        data = self._whole_lines() if self.path.exists() else b""
        if data:
            self._transcript = read(data, self.path.name)
            if self._transcript.header.model != model:
                raise UserError(f"{self.path} is a conversation with another model")
            self._link = disk.link(disk.parse(data[:-1].rsplit(b"\n", 1)[-1]))
            return self._transcript
        make_folder(self.path.parent, 0o700)
        header = Header(
            format=disk.FORMAT, session=self._session, model=model, setup=setup, time=self._now()
        )
        self._transcript = Transcript(header)
        self._add(header)
        sync(self.path.parent)
        return self._transcript

    @property
    def transcript(self) -> Transcript:
        """The conversation so far."""
        if self._transcript is None:
            raise RuntimeError("the spool is not open")
        return self._transcript

    def ask(self, item: str, text: str) -> Transcript:
        """Write down a question, before it is sent."""
        return self._turn(disk.ASKED, item, text)

    def answer(self, item: str, reply: Reply, outcome: str, attempts: int) -> Transcript:
        """Write down an answer, as soon as it came."""
        return self._turn(
            disk.ANSWERED,
            item,
            reply.text,
            outcome=outcome,
            finish_reason=reply.finish_reason,
            usage=dict(reply.usage),
            attempts=attempts,
        )

    def end(self, reason: str) -> Transcript:
        """Close the conversation; nothing can be added afterwards."""
        line = End(reason=reason, time=self._now(), prev=self._link or "")
        self._transcript = Transcript(self.transcript.header, self.transcript.turns, line)
        self._add(line)
        return self._transcript

    def _turn(self, role: str, item: str, text: str, **fields: Any) -> Transcript:
        clean = text.encode("utf-8", "replace").decode() if _has_surrogate(text) else text
        turn = Turn(
            turn=len(self.transcript.turns) + 1,
            role=role,
            item=item,
            text=clean,
            time=self._now(),
            prev=self._link or "",
            replaced=clean != text,
            **fields,
        )
        before = self.transcript
        self._transcript = Transcript(before.header, (*before.turns, turn))
        self._add(turn)
        return self._transcript

    def _add(self, line: Line) -> None:
        data = disk.render(line)
        if len(data) > disk.LINE_BYTES_MAX:
            raise UserError(f"a message of {len(data)} bytes is more than a conversation may hold")
        try:
            with open(self.path, "ab", opener=_private) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UserError(
                f"{self.path} cannot be written: {error.strerror}; what was said is kept: "
                "make room and run the command again"
            ) from error
        self._link = disk.link(line)

    def _whole_lines(self) -> bytes:
        """Return the file up to its last whole line; what a crash cut off is moved aside."""
        data = self.path.read_bytes()
        whole, torn = data[: data.rfind(b"\n") + 1], data[data.rfind(b"\n") + 1 :]
        if torn:
            with open(self.torn, "wb", opener=_private) as file:
                file.write(torn)
            with open(self.path, "r+b") as file:
                file.truncate(len(whole))
                os.fsync(file.fileno())
        return whole

    def _now(self) -> str:
        return timestamp(self._clock.now())


def _private(path: str, flags: int) -> int:
    """Open a file that only its owner reads: what is said may be encrypted when it is stored."""
    return os.open(path, flags, 0o600)


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
