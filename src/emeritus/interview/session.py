"""The sessions of interviews as the record has them."""

import contextlib
import re
from typing import Final

from emeritus.archive import Archive
from emeritus.conversation import Transcript, read
from emeritus.errors import IntegrityError, UserError
from emeritus.interview import shipped_protocols
from emeritus.interview.protocol import Published
from emeritus.record.events import (
    InterviewImpossible,
    ObjectErased,
    ProtocolPublished,
    SessionHeld,
)

_NUMBER: Final = re.compile(r"(\d{1,9})(?:\.(\d{1,9}))?\Z", re.ASCII)


def publish(archive: Archive, published: Published) -> None:
    """Put a protocol on record before it is used, once.

    Raises `UserError` when another text is on record under its label.
    """
    label = published.protocol.label
    for entry in archive.history().all(ProtocolPublished):
        if entry.event.sha256 == published.sha256:
            return
        if entry.event.protocol == label:
            raise UserError(
                f"the protocol {label} is on record with another text (event {entry.id}); give "
                "yours another version or name"
            )
    document, sha256 = archive.put_document(published.data)
    archive.append(
        ProtocolPublished(
            protocol=label,
            version=published.protocol.version,
            document=document,
            sha256=sha256,
        )
    )


def published_of(archive: Archive, sha256: str) -> Published:
    """Return the protocol with that digest as the archive has it: what its sessions followed.

    The package may have another text under the same name by now. Raises `UserError` when none is
    on record or this version cannot read it, and `IntegrityError` when its document is damaged.
    """
    for entry in archive.history().all(ProtocolPublished):
        event = entry.event
        if event.sha256 == sha256:
            data = archive.read_document(event.document, event.sha256)
            return shipped_protocols.read(data, event.protocol)
    raise UserError(f"no protocol with the digest {sha256} is on record")


def protocols_of(archive: Archive, model: str | None = None) -> dict[str, Published]:
    """Return the protocols on record that this version can read, by digest.

    Of one `model` those under which it was interviewed, in the order in which it was.
    """
    if model is None:
        digests = [entry.event.sha256 for entry in archive.history().all(ProtocolPublished)]
    else:
        held = archive.history(model).all(SessionHeld)
        digests = [entry.event.protocol_sha256 for entry in held]
    found = {}
    for sha256 in dict.fromkeys(digests):
        with contextlib.suppress(IntegrityError, UserError):
            found[sha256] = published_of(archive, sha256)
    return found


def read_under(archive: Archive, model: str, plan: str) -> Published:
    """Return the protocol called `plan` under which sessions of `model` are on record.

    Of several versions of the name, the one of the newest session. Without a session under such a
    name, the one that `plan` names today. Raises `UserError` as `shipped_protocols.load` does.
    """
    for entry in reversed(archive.history(model).all(SessionHeld)):
        if shipped_protocols.is_called(plan, entry.event.protocol):
            return published_of(archive, entry.event.protocol_sha256)
    return shipped_protocols.load(plan)


def held_under(archive: Archive, model: str, published: Published) -> list[SessionHeld]:
    """Return the sessions of `model` on record under a protocol, by its digest."""
    return [
        entry.event
        for entry in archive.history(model).all(SessionHeld)
        if entry.event.protocol_sha256 == published.sha256
    ]


def plan_order(held: SessionHeld) -> tuple[str, int, int, str]:
    """Return by what sessions are sorted as they were planned: arm, number, part; then protocol.

    However many were held at once, and whichever ended first.
    """
    found = _NUMBER.search(held.session)
    number, part = found.groups() if found else ("0", None)
    return held.arm, int(number), int(part or 1), held.protocol


def transcripts(archive: Archive, model: str) -> list[tuple[SessionHeld, Transcript]]:
    """Return every session of `model` on record with its transcript, proven.

    Those that were erased are left out. Raises `UserError` when one is encrypted and its key is
    not on this machine.
    """
    history = archive.history(model)
    erased = {entry.event.object for entry in history.all(ObjectErased)}
    held = (entry.event for entry in history.all(SessionHeld))
    return [(each, session_of(archive, each)) for each in held if each.transcript not in erased]


def session_of(archive: Archive, held: SessionHeld) -> Transcript:
    """Return the transcript of one session, proven. Raises as `open_document` does."""
    data = archive.open_document(held.transcript, held.transcript_sha256, encrypted=held.encrypted)
    return read(data, held.session)


def record_impossible(archive: Archive, model: str, reason: str) -> None:
    """Record that a model cannot hold an interview: a result, not an omission. Once."""
    known = archive.history(model).last(InterviewImpossible)
    if known is None or known.event.reason != reason:
        archive.append(InterviewImpossible(model=model, reason=reason))
