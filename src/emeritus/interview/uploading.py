"""Transcripts that somebody else held: read from their files and kept, marked as uploaded.

| form | what is taken |
|---|---|
| JSON | a list of messages, or an object with `messages` (OpenAI's chat format) |
| JSON Lines | such an object or list a line |
| an Inspect log (JSON) | the messages of every sample |

Messages have the role system, user or assistant, and text. Anything else refuses the file with its
place, but for reasoning that stands apart from the text: it is counted and left out. Two messages
of one role that follow each other become one turn, a blank line between them, and are counted.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from emeritus import digests
from emeritus.archive import Archive
from emeritus.archive.documents import write_documents
from emeritus.archive.spools import stem
from emeritus.conversation import Opening, Spool, Transcript
from emeritus.conversation.format import ANSWERED, ASKED
from emeritus.errors import UserError, printable
from emeritus.lifecycle.moves import policy_in_force, require_registered
from emeritus.record.events import TranscriptUploaded
from emeritus.runtimes.client import Reply

FILE_BYTES_MAX: Final = 64 * 1024 * 1024
CONVERSATIONS_MAX: Final = 1000
SOURCE_MAX: Final = 300
ITEM: Final = "uploaded"
NOT_JUDGED: Final = "not-judged"
ABSENT: Final = "absent"
"""The item of an empty turn that stands where a conversation begins with the model."""

ATTACHMENT: Final = "attachment://"
ROLES: Final = {"user": ASKED, "assistant": ANSWERED}


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """One message: `asked` or `answered`, and its words."""

    role: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Brought:
    """A conversation as a file has it; `joined` messages became part of the one before."""

    messages: tuple[Message, ...]
    system: str = ""
    joined: int = 0
    reasoning_left_out: int = 0


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


def read_file(data: bytes) -> list[Brought]:
    """Return the conversations in a file of one of the forms above. Raises `UserError`."""
    if len(data) > FILE_BYTES_MAX:
        raise UserError(f"the file has more than {FILE_BYTES_MAX:,} bytes: split it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"the file is not UTF-8 (byte {error.start})") from error
    listed = list(_listed(text))
    if not listed:
        raise UserError("the file holds no conversation")
    if len(listed) > CONVERSATIONS_MAX:
        raise UserError(f"the file holds more than {CONVERSATIONS_MAX:,} conversations: split it")
    return [_conversation(messages, where) for where, messages in listed]


def _listed(text: str) -> Iterator[tuple[str, Any]]:
    """Yield where each conversation stands in the file, and its list of messages."""
    try:
        document = json.loads(text)
    except RecursionError as error:
        raise UserError("the file is nested too deeply") from error
    except ValueError:
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield f"line {number}", _messages(_loaded(line, f"line {number}"))
        return
    if isinstance(document, dict) and isinstance(document.get("samples"), list):
        for number, sample in enumerate(document["samples"], start=1):
            yield f"sample {number}", _resolved(_messages(sample), sample, f"sample {number}")
    else:
        yield "the file", _messages(document)


def _loaded(line: str, where: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where} is no JSON, and neither is the whole file") from error


def _resolved(value: Any, sample: Any, where: str) -> Any:
    """Return messages of Inspect with long texts put in, which it may keep beside them."""
    if isinstance(value, list):
        return [_resolved(each, sample, where) for each in value]
    if isinstance(value, dict):
        return {name: _resolved(each, sample, where) for name, each in value.items()}
    if not isinstance(value, str) or not value.startswith(ATTACHMENT):
        return value
    beside = sample.get("attachments")
    text = beside.get(value.removeprefix(ATTACHMENT)) if isinstance(beside, dict) else None
    if not isinstance(text, str):
        raise UserError(f"{where}: a text is kept beside it, and is not there")
    return text


def _messages(document: Any) -> Any:
    return document.get("messages") if isinstance(document, dict) else document


def _conversation(listed: Any, where: str) -> Brought:
    if not isinstance(listed, list) or not listed:
        raise UserError(f"{where}: there is no list of messages, nor an object with `messages`")
    messages: list[Message] = []
    system: list[str] = []
    joined = left_out = 0
    for number, each in enumerate(listed, start=1):
        place = f"{where}, message {number}"
        role, text, apart = _message(each, place)
        left_out += apart
        if role == "system":
            if messages:
                raise UserError(f"{place}: a system prompt stands behind the beginning")
            system.append(text)
            continue
        if not messages and ROLES[role] == ANSWERED:
            messages.append(Message(ASKED, ""))
        if messages and messages[-1].role == ROLES[role]:
            messages[-1] = Message(ROLES[role], f"{messages[-1].text}\n\n{text}")
            joined += 1
        else:
            messages.append(Message(ROLES[role], text))
    if not any(each.role == ANSWERED for each in messages):
        raise UserError(f"{where}: the model says nothing in it")
    return Brought(tuple(messages), "\n\n".join(system), joined, left_out)


def _message(each: Any, place: str) -> tuple[str, str, int]:
    """Return role, text, and how many parts of reasoning stand apart from it."""
    if not isinstance(each, Mapping):
        raise UserError(f"{place}: it is no message")
    role, content = each.get("role"), each.get("content")
    if role not in (*ROLES, "system"):
        raise UserError(
            f"{place}: the role {printable(str(role), 40)!r} cannot be kept; "
            "system, user and assistant can"
        )
    if each.get("tool_calls") or each.get("function_call"):
        raise UserError(f"{place}: it calls tools, which cannot be kept")
    if isinstance(content, str):
        return role, _text(content, place), int(bool(each.get("reasoning_content")))
    if not isinstance(content, list):
        raise UserError(f"{place}: it has no text")
    texts, apart = [], int(bool(each.get("reasoning_content")))
    for part in content:
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind == "reasoning":
            apart += 1
        elif kind == "text" and isinstance(part.get("text"), str):
            texts.append(_text(part["text"], place))
        else:
            raise UserError(f"{place}: a part of it is no text ({printable(str(kind), 40)})")
    return role, "".join(texts), apart


def _text(text: str, place: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UserError(f"{place}: it holds half a character (a lone surrogate)")
    return text


def _kept(
    archive: Archive, model: str, session: str, brought: Brought, source: tuple[str, str]
) -> TranscriptUploaded:
    """Write one conversation, store it, and put it on record."""
    data, transcript = _written(archive, model, session, brought, source)
    encrypted = policy_in_force(archive).encrypts(TranscriptUploaded.artefact)
    document, sha256 = archive.put_document(data, encrypted=encrypted)
    event = TranscriptUploaded(
        model=model,
        session=session,
        source=source[0],
        source_sha256=source[1],
        transcript=document,
        transcript_sha256=sha256,
        turns=len(transcript.turns),
        encrypted=encrypted,
    )
    archive.append(event)
    if encrypted:
        archive.object_keys.settle(document)
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
    opening = Opening(api="", request={}, system=brought.system or None)
    try:
        spool.open(model, setup, opening)
        for each in brought.messages:
            if each.role == ASKED:
                spool.ask(ITEM if each.text else ABSENT, each.text)
            else:
                reply = Reply(text=each.text, finish_reason="unknown", usage={})
                spool.answer(ITEM, reply, NOT_JUDGED, 1)
        transcript = spool.end("uploaded")
        return spool.path.read_bytes(), transcript
    finally:
        spool.close()
        spool.path.unlink(missing_ok=True)
