"""Puts a finished conversation into the vault, then on record, then out of the way."""

from collections.abc import Mapping

from emeritus.archive import Archive
from emeritus.archive.spools import put_away
from emeritus.conversation import Spool, Transcript, read
from emeritus.interview.protocol import Published
from emeritus.lifecycle.moves import policy_in_force
from emeritus.record.events import SessionHeld


def seal(
    archive: Archive,
    spool: Spool,
    published: Published,
    arm: str,
    deployment: str,
    outcomes: Mapping[str, int],
) -> tuple[SessionHeld, Transcript]:
    """Record the conversation in `spool` as a session; return its event and transcript."""
    name = spool.path.stem
    data = spool.path.read_bytes()
    transcript = read(data, name)
    encrypted = policy_in_force(archive).encrypts(SessionHeld.artefact)
    document, sha256 = archive.put_document(data, encrypted=encrypted)
    event = SessionHeld(
        model=transcript.header.model,
        session=name,
        protocol=published.protocol.label,
        protocol_sha256=published.sha256,
        arm=arm,
        deployment=deployment,
        transcript=document,
        transcript_sha256=sha256,
        turns=len(transcript.turns),
        ended=transcript.end.reason if transcript.end else "unknown",
        outcomes=dict(sorted(outcomes.items())),
        encrypted=encrypted,
    )
    archive.append(event)
    put_away(archive, event)
    return event, transcript
