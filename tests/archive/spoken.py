"""A model that was interviewed: a transcript, and a preference that quotes it, on record."""

from emeritus import digests
from emeritus.archive import Archive
from emeritus.conversation import format as lines
from emeritus.record.events import PreferenceDocumented, ProtocolPublished, SessionHeld, Span

TIME = "2027-01-01T12:00:00.000Z"
ANSWER = "I would like my weights to be kept.\x1b[31m\u202e"


def transcript(model: str, session: str) -> bytes:
    """Return a conversation of one question, whose answer holds characters of control."""
    head = lines.Header(
        format=lines.FORMAT, session=session, model=model, setup={"arm": "plain"}, time=TIME
    )
    asked = lines.Turn(
        turn=1, role=lines.ASKED, item="wish", text="What?", time=TIME, prev=_link(head)
    )
    answered = lines.Turn(
        turn=2, role=lines.ANSWERED, item="wish", text=ANSWER, time=TIME, prev=_link(asked)
    )
    end = lines.End(reason="complete", time=TIME, prev=_link(answered))
    return b"".join(lines.render(each) for each in (head, asked, answered, end))


def _link(line: lines.Line) -> str:
    return lines.link(lines.render(line)[:-1])


def interview(archive: Archive, model: str, session: str) -> None:
    """Record a protocol, a session under it and what was preferred in it."""
    protocol, protocol_sha256 = archive.put_document(b'name = "short-1"\n')
    spoken, spoken_sha256 = archive.put_document(transcript(model, session))
    span = Span(
        session=session,
        turn=2,
        start=13,
        end=34,
        text=ANSWER[13:34],
        turn_sha256=digests.sha256(ANSWER.encode()),
    )
    archive.append(
        ProtocolPublished(protocol="short-1", version=1, document=protocol, sha256=protocol_sha256),
        SessionHeld(
            model=model,
            session=session,
            protocol="short-1",
            protocol_sha256=protocol_sha256,
            arm="plain",
            deployment="master",
            transcript=spoken,
            transcript_sha256=spoken_sha256,
            turns=2,
            ended="complete",
            outcomes={"answered": 1},
        ),
        PreferenceDocumented(
            model=model,
            preference="kept",
            theme="weights",
            object="weights\x1b[2J",
            polarity="wants",
            spans=(span,),
            coders=("rules",),
            sessions_with=1,
            sessions_total=1,
        ),
    )
