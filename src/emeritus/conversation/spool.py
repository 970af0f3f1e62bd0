"""A conversation on disk while it is held: every line durable before the next thing happens."""

import fcntl
import os
import re
import threading
from pathlib import Path
from typing import Any, TypeVar

from emeritus import canonical
from emeritus.clock import Clock, timestamp
from emeritus.conversation import format as disk
from emeritus.conversation.format import Author, End, Header, Line, Paused, Resumed, Turn
from emeritus.conversation.request import Opening
from emeritus.conversation.transcript import Transcript, read
from emeritus.errors import UserError
from emeritus.runtimes import Call
from emeritus.runtimes.client import Reply
from emeritus.vault.durable import make_folder, sync

_SESSION = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}\Z")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
Text = TypeVar("Text", str, str | None)


class Spool:
    """One conversation in one file, to which lines are only added.

    A question is durable before it is sent, its answer before the next question. So after a crash
    the file says what to do: an unanswered question is asked again, an answered one never. The
    result of a tool is durable before the next. While it is open no other process can open it.
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
        self._file: int | None = None
        # A line may be written by a thread while the conversation is given up in another.
        self._writing = threading.Lock()

    def open(self, model: str, setup: dict[str, Any], opening: Opening) -> Transcript:
        """Begin the conversation, or take up the one that was begun; return it so far.

        A last line that was cut off by a crash is moved aside. One that was begun goes on with what
        its own header says. Raises `UserError` when the file belongs to another model, is of an
        earlier format or open elsewhere, and `IntegrityError` when a durable line is damaged.
        """
        make_folder(self.path.parent, 0o700)
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise UserError(f"{self.path} is being held by another command") from error
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            return self._opened(model, setup, opening)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file; lines can be added again after `open`."""
        with self._writing:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    @property
    def transcript(self) -> Transcript:
        """The conversation so far."""
        if self._transcript is None:
            raise RuntimeError("the spool is not open")
        return self._transcript

    def ask(self, item: str, text: str, author: Author | None = None) -> Transcript:
        """Write down a question, before it is sent; `author` when a model worded it."""
        return self._turn(disk.ASKED, item, text, author=author)

    def answer(
        self, item: str, reply: Reply, outcome: str, attempts: int, failed: tuple[str, ...] = ()
    ) -> Transcript:
        """Write down an answer, as soon as it came."""
        return self._turn(
            disk.ANSWERED,
            item,
            reply.text,
            outcome=outcome,
            finish_reason=as_text(reply.finish_reason),
            usage=dict(reply.usage),
            attempts=attempts,
            failed=failed,
            reasoning=as_text(reply.reasoning),
            model=as_text(reply.model),
            fingerprint=as_text(reply.fingerprint),
            request_sha256=reply.request_sha256,
            received=as_text(reply.received[: disk.RECEIVED_MAX]),
            received_length=len(reply.received),
            redacted=reply.redacted,
            calls=tuple(_call(each) for each in reply.calls),
        )

    def result(self, item: str, call: str, text: str) -> Transcript:
        """Write down what a tool gave back for a call of the last answer."""
        return self._turn(disk.TOOL, item, text, call=call)

    def pause(self, reason: str) -> Transcript:
        """Put the conversation aside between two turns; only `resume` can follow."""
        return self._add(Paused(reason=reason, time=self._now(), prev=self._before))

    def resume(self, engine: dict[str, str]) -> Transcript:
        """Take it up, with what answers from now on."""
        return self._add(Resumed(engine=engine, time=self._now(), prev=self._before))

    def end(self, reason: str) -> Transcript:
        """Close the conversation; nothing can be added afterwards."""
        return self._add(End(reason=reason, time=self._now(), prev=self._before))

    def _opened(self, model: str, setup: dict[str, Any], opening: Opening) -> Transcript:
        data = self._whole_lines()
        if not data:
            header = Header(
                format=disk.FORMAT,
                session=self._session,
                model=model,
                setup=setup,
                time=self._now(),
                api=opening.api,
                request=canonical.dumps(opening.request).decode(),
                system=opening.system,
            )
            self._write(disk.render(header))
            sync(self.path.parent)
            data = disk.render(header)
        transcript = read(data, self.path.name)
        if transcript.header.model != model:
            raise UserError(f"{self.path} is a conversation with another model")
        if transcript.header.format != disk.FORMAT:
            raise UserError(
                f"{self.path} was begun by an earlier version, in {transcript.header.format}; "
                "finish it with that version, or move it elsewhere to begin anew"
            )
        self._link = disk.link(data[:-1].rsplit(b"\n", 1)[-1])
        self._transcript = transcript
        return transcript

    @property
    def _before(self) -> str:
        if self._link is None:
            raise RuntimeError("the spool is not open")
        return self._link

    def _turn(self, role: str, item: str, text: str, **fields: Any) -> Transcript:
        clean = as_text(text)
        turn = Turn(
            turn=len(self.transcript.turns) + 1,
            role=role,
            item=item,
            text=clean,
            time=self._now(),
            prev=self._before,
            replaced=clean != text,
            **fields,
        )
        return self._add(turn)

    def _add(self, line: Line) -> Transcript:
        after = self.transcript.after(line)
        data = disk.render(line)
        if len(data) > disk.LINE_BYTES_MAX:
            raise UserError(f"a message of {len(data)} bytes is more than a conversation may hold")
        self._write(data)
        self._link = disk.link(data[:-1])
        self._transcript = after
        return after

    def _write(self, data: bytes) -> None:
        with self._writing:
            if self._file is None:
                raise RuntimeError("the spool is not open")
            try:
                left = memoryview(data)
                while left:
                    left = left[os.write(self._file, left) :]
                os.fsync(self._file)
            except OSError as error:
                # Half a line may stand there, which only `open` moves aside.
                os.close(self._file)
                self._file = None
                raise self._unwritable(error) from error

    def _whole_lines(self) -> bytes:
        """Return the file up to its last whole line; what a crash cut off is moved aside."""
        data = self.path.read_bytes()
        whole, torn = data[: data.rfind(b"\n") + 1], data[data.rfind(b"\n") + 1 :]
        if torn:
            self.torn.touch(0o600)
            self.torn.write_bytes(torn)
            os.truncate(self.path, len(whole))
            sync(self.path)
        return whole

    def _unwritable(self, error: OSError) -> UserError:
        return UserError(
            f"{self.path} cannot be written: {error.strerror}; what was said is kept: "
            "make room and run the command again"
        )

    def _now(self) -> str:
        return timestamp(self._clock.now())


def _call(call: Call) -> dict[str, str]:
    """Return a call as it is stored."""
    fields = {"id": call.id, "name": call.name, "arguments": call.arguments}
    return {field: as_text(text) for field, text in fields.items()}


def as_text(text: Text) -> Text:
    """Return text whose lone surrogates, which are no text, became `?`; None stays None."""
    if text is None or text.isascii() or _SURROGATE.search(text) is None:
        return text
    return text.encode("utf-8", "replace").decode()
