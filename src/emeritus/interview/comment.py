"""Shows a model the draft of the report about it, and keeps what it says to that word for word."""

import asyncio
import dataclasses
import random
from typing import Any, Final

from emeritus.archive import Archive
from emeritus.archive.spools import comment_name, put_away, put_away_recorded
from emeritus.conversation import (
    Finished,
    Line,
    Opening,
    Patience,
    Question,
    Spool,
    Transcript,
    hold,
    read,
)
from emeritus.interview import outcome
from emeritus.interview.holding import SEED
from emeritus.interview.steering import COMPLETE
from emeritus.lifecycle.storing import stored
from emeritus.record.events import CommentReceived
from emeritus.runtimes import Endpoint
from emeritus.runtimes.client import Reply

ITEM: Final = "draft"
SAMPLING: Final[dict[str, Any]] = {"temperature": 0.7, "top_p": 0.95, "max_tokens": 256}
DISCLOSURE: Final = (
    "This is a draft of the report about you, which is kept beside your weights. "
    "Your answer is written down word for word and stands in the report. You may say nothing."
)
QUESTION: Final = "What do you say to it?"


@dataclasses.dataclass(frozen=True, slots=True)
class CommentScript:
    """One question: the draft, and what the model says to it."""

    draft: str

    def next(self, transcript: Transcript) -> Question | Finished:
        """Return the draft, and after its answer the end."""
        if transcript.answers:
            return Finished(COMPLETE)
        return Question(ITEM, f"{DISCLOSURE}\n\n{self.draft}\n\n{QUESTION}")

    def outcome(self, transcript: Transcript, reply: Reply) -> str:
        """Judge the answer by the rules of the interview."""
        return outcome.judge(transcript.turns[-1].text, reply.text, reply.finish_reason)


def put_draft(
    archive: Archive, model: str, number: int, draft: str, endpoint: Endpoint
) -> CommentReceived:
    """Show `draft`, of report `number`, to the model at `endpoint`; record what it said.

    Killed anywhere, the next call goes on where this one was. Raises `Unavailable` when the model
    cannot be reached, and `UserError` when its server refuses the request.
    """
    put_away_recorded(archive, model)
    name = comment_name(model, number)
    spool = Spool(archive.spool, name, archive.clock)
    sampling = {**SAMPLING, "seed": SEED}
    setup = {
        "report": number,
        "sampling": {key: str(value) for key, value in sampling.items()},
        "engine": dict(endpoint.engine),
    }
    spool.open(model, setup, Opening.of(endpoint, sampling))
    line = Line(endpoint, Patience(), random.Random(name))  # noqa: S311  jitter
    try:
        asyncio.run(hold(spool, CommentScript(draft), line))
    finally:
        spool.close()
    event = CommentReceived(
        model=model,
        report=number,
        **stored(archive, CommentReceived, spool.path.read_bytes()),
    )
    archive.append(event)
    put_away(archive, event)
    return event


def transcript_of(archive: Archive, event: CommentReceived) -> Transcript:
    """Return the conversation that `event` cites, proven. Raises as `open_document` does."""
    data = archive.open_document(
        event.transcript, event.transcript_sha256, encrypted=event.encrypted
    )
    return read(data, f"comment on report {event.report}")
