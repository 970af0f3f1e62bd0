"""Transcripts that somebody else held: kept as they are, and marked as uploaded."""

from pathlib import Path
from typing import Any, Final

from emeritus import digests
from emeritus.archive import Archive
from emeritus.archive.documents import write_documents
from emeritus.archive.spools import stem
from emeritus.conversation import Opening, Spool, Transcript
from emeritus.conversation.format import ANSWERED, TOOL
from emeritus.errors import UserError
from emeritus.interview.brought import FILE_BYTES_MAX, Brought, read_file
from emeritus.lifecycle.moves import require_registered
from emeritus.lifecycle.storing import settled, stored
from emeritus.record.events import TranscriptUploaded
from emeritus.runtimes.client import Reply

SOURCE_MAX: Final = 300
ITEM: Final = "uploaded"
NOT_JUDGED: Final = "not-judged"
ABSENT: Final = "absent"
"""The item of an empty turn that stands where a conversation begins with the model."""


def upload(archive: Archive, model: str, file: Path, source: str) -> list[TranscriptUploaded]:
    """Keep every conversation in `file` and put it on record; return the events, known ones too.

    Nothing of it counts as an interview. Raises `UserError` when the file cannot be taken as it is.
    """
    require_registered(archive, model)
    said = source.strip()
    if not said or len(said) > SOURCE_MAX or not said.isprintable():
        raise UserError(
            f"say in at most {SOURCE_MAX} characters where it comes from: --source TEXT"
        )
    with file.open("rb") as opened:
        data = opened.read(FILE_BYTES_MAX + 1)
    conversations = read_file(data)
    sha256 = digests.sha256(data)
    name = f"{stem(model)}-uploaded-{sha256[7:15]}"
    known = {
        entry.event.session: entry.event for entry in archive.history(model).all(TranscriptUploaded)
    }
    events = []
    for number, each in enumerate(conversations, start=1):
        session = f"{name}-{number}"
        if session not in known:
            known[session] = _kept(archive, model, session, each, (said, sha256))
        events.append(known[session])
    write_documents(archive)
    return events


def _kept(
    archive: Archive, model: str, session: str, brought: Brought, source: tuple[str, str]
) -> TranscriptUploaded:
    """Write one conversation, store it, and put it on record."""
    data, transcript = _written(archive, model, session, brought, source)
    event = TranscriptUploaded(
        model=model,
        session=session,
        source=source[0],
        source_sha256=source[1],
        turns=len(transcript.turns),
        **stored(archive, TranscriptUploaded, data),
    )
    archive.append(event)
    settled(archive, event)
    return event


def _written(
    archive: Archive, model: str, session: str, brought: Brought, source: tuple[str, str]
) -> tuple[bytes, Transcript]:
    """Return the conversation in our form. What a run that was stopped left of it is replaced."""
    spool = Spool(archive.spool / "uploading", session, archive.clock)
    spool.path.unlink(missing_ok=True)
    setup: dict[str, Any] = {
        "uploaded": "not conducted by us; times are those of the upload",
        "source": source[0],
        "source_sha256": source[1],
        "joined": brought.joined,
        "reasoning_left_out": brought.reasoning_left_out,
    }
    if brought.sample:
        setup["sample"] = dict(brought.sample)
    opening = Opening(api="", request={}, system=brought.system or None)
    try:
        spool.open(model, setup, opening)
        for each in brought.messages:
            if each.role == ANSWERED:
                reply = Reply(each.text, finish_reason="unknown", usage={}, calls=each.calls)
                spool.answer(ITEM, reply, NOT_JUDGED, 1)
            elif each.role == TOOL:
                spool.result(ITEM, each.call, each.text)
            else:
                spool.ask(ITEM if each.text else ABSENT, each.text)
        transcript = spool.end("uploaded")
        return spool.path.read_bytes(), transcript
    finally:
        spool.close()
        spool.path.unlink(missing_ok=True)
