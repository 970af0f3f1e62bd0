"""Puts a finished session on record."""

from collections.abc import Mapping, Sequence

from emeritus.archive import Archive
from emeritus.archive.spools import put_away
from emeritus.conversation import Spool, read
from emeritus.interview.protocol import Published
from emeritus.lifecycle.storing import stored
from emeritus.record.events import Event, SessionHeld


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
    event = SessionHeld(
        model=transcript.header.model,
        session=name,
        protocol=published.protocol.label,
        protocol_sha256=published.sha256,
        arm=transcript.header.setup["arm"],
        deployment=deployment,
        turns=len(transcript.turns),
        ended=transcript.end.reason if transcript.end else "unknown",
        outcomes=dict(sorted(outcomes.items())),
        **stored(archive, SessionHeld, data),
    )
    archive.append(event, *following)
    put_away(archive, event)
    return event
