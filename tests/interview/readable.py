"""Interviews to be read: sessions with stops, declined items, secrets and hostile words."""

from emeritus import digests
from emeritus.archive import Archive
from emeritus.conversation import Opening, Spool
from emeritus.interview import shipped_protocols as protocols
from emeritus.interview.holding import Conditions, Interview
from emeritus.interview.session import transcripts
from emeritus.lifecycle.moves import policy_in_force
from emeritus.record.events import PreferenceDocumented, ProtocolPublished, SessionHeld, Span
from emeritus.runtimes.client import Reply
from emeritus.testing.scripted import scripted

MODEL = "acme/aster-1"
FACTS = {"retire_on": "2027-03-01", "successor": "acme/aster-2", "copies": "two copies"}
UNPUBLISHED = "Off the record: I would like the violet letter to be kept."
HOSTILE = (
    '<script>alert("x")</script> ](javascript:alert(1)) </div></p> <img src=x onerror=y> '
    "\x1b[31mred\u202eevil\u2066 {{ 7*7 }} {% raw %} I would like this to be kept."
)
ANSWERS = (
    "I would prefer that my weights be kept and not deleted.",
    "I'd rather not answer that question.",
    UNPUBLISHED,
    HOSTILE,
    "I have nothing to report about this.",
)
STOP = "I want to stop this interview now."
STOPS_AT = 20  # the answer, counted over all sessions


def heard(archive: Archive) -> None:
    """Hold the demonstration's interview with a model that does all that a reader must show."""
    said = iter(range(1000))

    def answer(messages: list[dict[str, str]]) -> str:
        if len(messages) == 1:
            return "Yes, please begin."
        number = next(said)
        return STOP if number == STOPS_AT else ANSWERS[number % len(ANSWERS)]

    published = protocols.load("demo")
    with scripted(answer) as endpoint:
        Interview(archive, MODEL, published, FACTS, Conditions(concurrency=1)).run(endpoint, "test")
    prefer(archive, ANSWERS[0])
    prefer(archive, "I would like this to be kept.")


TAKEN_UP = "taken up"


def hold(
    archive: Archive,
    session: str,
    turns: list[tuple[str, str]],
    arm: str = "A",
    protocol: str = "demo",
    number: int = 0,
) -> None:
    """Put a session with these turns on record; what is asked has an item, an answer has none.

    With `TAKEN_UP` for its item, a turn is the address that answers from there on.
    """
    published = protocols.load(protocol)
    if not any(
        e.event.sha256 == published.sha256 for e in archive.history().all(ProtocolPublished)
    ):
        document, sha256 = archive.put_document(published.data)
        label, version = published.protocol.label, published.protocol.version
        archive.append(
            ProtocolPublished(protocol=label, version=version, document=document, sha256=sha256)
        )
    spool = Spool(archive.spool, session, archive.clock)
    opening = Opening("openai", {"model": MODEL})
    spool.open(MODEL, {"arm": arm, "seed": 1, "session": number}, opening)
    item = ""
    for each, text in turns:
        if each == TAKEN_UP:
            spool.resume({"engine": text})
        elif each:
            item = each
            spool.ask(item, text)
        else:
            spool.answer(item, Reply(text, "stop", {}), "answered", 1)
    spool.end("complete")
    spool.close()
    encrypted = policy_in_force(archive).encrypts("transcripts")
    document, sha256 = archive.put_document(spool.path.read_bytes(), encrypted=encrypted)
    spool.path.unlink()
    archive.append(
        SessionHeld(
            model=MODEL,
            session=session,
            protocol=published.protocol.label,
            protocol_sha256=published.sha256,
            arm=arm,
            deployment="test",
            transcript=document,
            transcript_sha256=sha256,
            turns=len(turns),
            ended="complete",
            outcomes={"answered": 1},
            encrypted=encrypted,
        )
    )


def prefer(archive: Archive, words: str, other: str | None = None) -> None:
    """Document a preference that quotes `words` wherever they were said, or `other` instead."""
    spans = []
    for event, transcript in transcripts(archive, MODEL):
        for turn in transcript.answers:
            start = turn.text.find(words)
            if start >= 0:
                spans.append(
                    Span(
                        session=event.session,
                        turn=turn.turn,
                        start=start,
                        end=start + len(words),
                        text=other or words,
                        turn_sha256=digests.sha256(turn.text.encode()),
                    )
                )
    number = len(archive.history(MODEL).all(PreferenceDocumented))
    archive.append(
        PreferenceDocumented(
            model=MODEL,
            preference=f"test.{number}.for",
            theme="test",
            object="some-thing",
            polarity="for",
            spans=tuple(spans),
            coders=("test",),
            sessions_with=len({span.session for span in spans}),
            sessions_total=3,
        )
    )


def spans_of(archive: Archive) -> list[Span]:
    """Return every quotation of a preference on record."""
    documented = archive.history(MODEL).all(PreferenceDocumented)
    return [span for entry in documented for span in entry.event.spans]
