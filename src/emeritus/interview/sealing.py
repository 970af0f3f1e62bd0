"""Puts what an interview made into the vault, encrypted where the policy says so."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from emeritus.archive import Archive
from emeritus.archive.spools import put_away
from emeritus.conversation import Spool, read
from emeritus.interview.protocol import Published
from emeritus.lifecycle.moves import policy_in_force
from emeritus.record.events import (
    CodingRecorded,
    DocumentEvent,
    Event,
    MergingRecorded,
    SessionHeld,
)


def stored(
    archive: Archive, kind: type[DocumentEvent], data: bytes, quoting: Collection[str] = ()
) -> dict[str, Any]:
    """Store a document that an event of `kind` cites; return object, SHA-256 and `encrypted`.

    It is encrypted where the policy says so, and when one of the sessions that it is `quoting` is:
    whatever the policy says today, their words were to be kept so.
    """
    encrypted = policy_in_force(archive).encrypts(kind.artefact) or any(
        entry.event.encrypted and entry.event.session in quoting
        for entry in archive.history().all(SessionHeld)
    )
    object_id, sha256 = archive.put_document(data, encrypted=encrypted)
    return {"document": object_id, "sha256": sha256, "encrypted": encrypted}


def settled(archive: Archive, event: CodingRecorded | MergingRecorded) -> None:
    """Forget that an encrypted document was begun: `event` is on record."""
    if event.encrypted:
        archive.object_keys.settle(event.document)


def seal(
    archive: Archive,
    spool: Spool,
    published: Published,
    deployment: str,
    outcomes: Mapping[str, int],
    *,
    following: Sequence[Event] = (),
) -> SessionHeld:
    """Record a finished conversation as a session, and put it out of the way; return its event.

    What follows from it goes on record in the same commit: whoever is stopped has both or neither.
    """
    name = spool.path.stem
    data = spool.path.read_bytes()
    transcript = read(data, name)
    document = stored(archive, SessionHeld, data)
    event = SessionHeld(
        model=transcript.header.model,
        session=name,
        protocol=published.protocol.label,
        protocol_sha256=published.sha256,
        arm=transcript.header.setup["arm"],
        deployment=deployment,
        transcript=document["document"],
        transcript_sha256=document["sha256"],
        turns=len(transcript.turns),
        ended=transcript.end.reason if transcript.end else "unknown",
        outcomes=dict(sorted(outcomes.items())),
        encrypted=document["encrypted"],
    )
    archive.append(event, *following)
    put_away(archive, event)
    return event
