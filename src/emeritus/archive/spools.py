"""Conversations on this machine that are on record: put away, or deleted when they are encrypted.

While it is held, a conversation lies in the clear in the spool, for its owner alone.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from emeritus.archive.handle import Archive
from emeritus.conversation import Spool, Transcript, read
from emeritus.errors import IntegrityError, UserError
from emeritus.record.events import CommentReceived, RunsHeld, SessionHeld
from emeritus.vault.durable import make_folder, sync, write_file

AWAY = "sealed"  # the folder, in the spool, for what is an object of the vault
CODINGS = "codings"  # the folder, in the spool, in which decisions of coders wait
BATTERY = "battery"  # the folder, in the spool, for runs of a battery: they are no sessions


def stem(model: str) -> str:
    """Return what the names of a model's conversations begin with: no other model's do."""
    return model.replace("/", "-")


def comment_name(model: str, report: int) -> str:
    """Return what the conversation about the draft of a report is called."""
    return f"{stem(model)}-comment-{report}"


def runs_begin(model: str, plan_sha256: str) -> str:
    """Return what the names of the runs under one plan begin with."""
    return f"{stem(model)}-battery-{plan_sha256[7:15]}-"


def runs_left(archive: Archive, model: str, plan_sha256: str) -> list[Path]:
    """Return the files with runs under one plan that lie in the spool."""
    return list((archive.spool / BATTERY).glob(f"{runs_begin(model, plan_sha256)}*"))


def forget_runs(archive: Archive, event: RunsHeld) -> None:
    """Delete the runs of the battery that `event` recorded: their words are in the vault."""
    if event.encrypted:
        archive.object_keys.settle(event.document)
    left = runs_left(archive, event.model, event.plan_sha256)
    for path in left:
        path.unlink()
    if left:
        sync(archive.spool / BATTERY)


def begun(archive: Archive, name: str) -> Transcript | None:
    """Return a conversation that is not finished, up to its last whole line; None without one.

    None as well for one that is damaged: whoever goes on with it says what is wrong.
    """
    path = archive.spool / f"{name}.jsonl"
    data = path.read_bytes() if path.exists() else b""
    with contextlib.suppress(IntegrityError):
        return read(data[: data.rfind(b"\n") + 1], path.name)
    return None


def put_away(archive: Archive, event: SessionHeld | CommentReceived) -> None:
    """Move the conversation that `event` recorded out of the way; delete an encrypted one."""
    name = (
        event.session if isinstance(event, SessionHeld) else comment_name(event.model, event.report)
    )
    spool = Spool(archive.spool, name, archive.clock)
    left = [path for path in (spool.path, spool.torn) if path.exists()]
    if event.encrypted:
        archive.object_keys.settle(event.transcript)
        left += [path for path in (_away(spool.path), _away(spool.torn)) if path.exists()]
        for path in left:
            path.unlink()
    elif left:
        make_folder(archive.spool / AWAY, 0o700)
        for path in left:
            path.rename(_away(path))
    for folder in {path.parent for path in left}:
        sync(folder)


def put_away_recorded(archive: Archive, model: str) -> None:
    """Put away what a run that was stopped behind its event left."""
    history = archive.history(model)
    for held in history.all(SessionHeld):
        put_away(archive, held.event)
    for received in history.all(CommentReceived):
        put_away(archive, received.event)
    for runs in history.all(RunsHeld):
        forget_runs(archive, runs.event)


def forget_codings(archive: Archive, sessions: Collection[str]) -> None:
    """Take away what coders decided about some sessions and what waits on this machine."""
    for path in sorted((archive.spool / CODINGS).rglob("*.jsonl")):
        lines = path.read_bytes().splitlines(keepends=True)
        # Of a line that was cut off nobody can say what it is about, and nobody reads it.
        whole = [each for each in lines if each.endswith(b"\n")]
        kept = [each for each in whole if _session_of(each) not in sessions]
        if kept != lines:
            write_file(path, b"".join(kept), 0o600, replace=True)


def _session_of(line: bytes) -> str | None:
    """Return the session that a decision is about; None for what is no decision."""
    try:
        decision = json.loads(line)
    except ValueError:
        return None
    return decision.get("session") if isinstance(decision, dict) else None


def _away(path: Path) -> Path:
    return path.parent / AWAY / path.name


@contextlib.contextmanager
def alone(archive: Archive, model: str) -> Iterator[None]:
    """Let nobody else on this machine hold conversations with `model` until the context ends.

    Else two commands would plan the same sessions, and hold and record them twice. Raises
    `UserError` when another command does.
    """
    make_folder(archive.spool, 0o700)
    path = archive.spool / f"{stem(model)}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"another command speaks with {model} at this moment; run this one when it ended"
            ) from error
        yield
    finally:
        os.close(descriptor)
