"""Holds a conversation: asks what the script says and writes down everything, to be taken up."""

import dataclasses
import random
from collections.abc import Callable

from emeritus import canonical, digests
from emeritus.conversation import format as disk
from emeritus.conversation.format import Author
from emeritus.conversation.request import Opening, Requests, asked_as, offers_tools
from emeritus.conversation.run import Patience, Run
from emeritus.conversation.script import Compose, Finished, Rest, Results, Script, Step
from emeritus.conversation.spool import Spool, as_text
from emeritus.conversation.transcript import Transcript
from emeritus.errors import Unavailable, UserError
from emeritus.runtimes import Endpoint
from emeritus.runtimes.apis import api
from emeritus.runtimes.client import Refused, Reply

CONTENT_FILTER = "content_filter"
Each = Callable[[Transcript], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """How to reach the model: where, how patiently, with which chance."""

    endpoint: Endpoint
    patience: Patience
    chance: random.Random


async def hold(
    spool: Spool, script: Script, line: Line, each: Each | None = None, run: Run | None = None
) -> Transcript:
    """Go on with the conversation in `spool` until the script ends it or rests; return it.

    `each` is called after every answer; `run` is what it shares with others. Raises `Unavailable`
    when the model cannot be reached in time, `OverBudget` when nothing more may be asked, and
    `Refused` when the server refuses the first request that it gets: what was said stays, and the
    next call goes on with the same question.
    """
    if run is not None:
        return await _Holding(spool, script, line, run, each).hold()
    async with Run(concurrency=1) as alone:
        return await _Holding(spool, script, line, alone, each).hold()


class _Holding:
    """One conversation while it is held."""

    def __init__(
        self, spool: Spool, script: Script, line: Line, run: Run, each: Each | None
    ) -> None:
        self._spool = spool
        self._script = script
        self._line = line
        self._run = run
        self._each = each
        header = spool.transcript.header
        self._requests = Requests(header)
        self._asked = asked_as(header)
        self._offers_tools = offers_tools(header)

    async def hold(self) -> Transcript:
        """Go on until the end, or until the script rests."""
        transcript = await self._take_up(self._spool.transcript)
        while transcript.end is None:
            if transcript.pending is None:
                transcript, more = await self._step(transcript)
                if not more:
                    return transcript
            transcript = await self._answer(transcript)
            if self._each is not None:
                self._each(transcript)
        return transcript

    async def _take_up(self, transcript: Transcript) -> Transcript:
        """Write down that it goes on, where it was paused or something else answers now."""
        if transcript.end is not None:
            return transcript
        header, endpoint = transcript.header, self._line.endpoint
        if (header.api, self._asked) != (endpoint.api, endpoint.model):
            raise UserError(
                f"{self._spool.path} was begun with {self._asked!r} over the API {header.api!r}, "
                f"and cannot go on with {endpoint.model!r} over {endpoint.api!r}: name it as "
                "before (--served-as, --api), or move that file away to begin it anew"
            )
        if transcript.paused or transcript.pending is not None:
            self._run.budget.require_left(self._asked)
        engine = dict(endpoint.engine)
        if transcript.paused or transcript.engine not in (None, engine):
            return await self._run.durably(self._spool.resume, engine)
        return transcript

    async def _step(self, transcript: Transcript) -> tuple[Transcript, bool]:
        """Write down what comes next; return whether something waits for an answer now."""
        run, spool = self._run, self._spool
        if transcript.turns and transcript.turns[-1].outcome == disk.ERROR:
            return await run.durably(spool.end, disk.ERROR), False
        step = self._script.next(transcript)
        _require_fitting(step, transcript)
        if isinstance(step, Finished):
            return await run.durably(spool.end, step.reason), False
        if isinstance(step, Rest):
            return await run.durably(spool.pause, step.reason), False
        run.budget.require_left(self._asked)
        if isinstance(step, Results):
            return await self._results(step, transcript), True
        if isinstance(step, Compose):
            text, author = await self._compose(step)
            return await run.durably(spool.ask, step.item, text, author), True
        return await run.durably(spool.ask, step.item, step.text), True

    async def _results(self, step: Results, transcript: Transcript) -> Transcript:
        """Write down the results that are missing, in the order of their calls."""
        texts, item = dict(step.results), transcript.turns[-1].item
        for call in transcript.open_calls:
            write = self._spool.result
            transcript = await self._run.durably(write, item, call.id, texts[call.id])
        return transcript

    async def _answer(self, transcript: Transcript) -> Transcript:
        """Send what waits for an answer and write down what came."""
        run, line = self._run, self._line
        question = transcript.turns[-1]
        body = self._requests.body(transcript.turns)
        failed: tuple[str, ...] = ()
        try:
            reply, failed = await run.ask(line.endpoint, body, line.patience, line.chance)
        except Refused as error:
            if not error.of_one_request or not (transcript.answers or run.proven(line.endpoint)):
                raise  # nothing tells that the reason lies in this conversation
            reply, outcome = _refusal(error, body), disk.ERROR
        else:
            if reply.calls and not self._offers_tools:
                reply = dataclasses.replace(reply, calls=())  # nobody could answer them
            filtered = reply.finish_reason == CONTENT_FILTER
            outcome = disk.ERROR if filtered else self._script.outcome(transcript, reply)
        after = await run.durably(
            self._spool.answer, question.item, reply, outcome, len(failed) + 1, failed
        )
        if reply.usage or outcome != disk.ERROR:
            run.budget.count(self._asked, reply.usage)
        return after

    async def _compose(self, step: Compose) -> tuple[str, Author]:
        """Have a question worded; return it with its author."""
        line, run = self._line, self._run
        spoken = api(step.endpoint.api)
        opening = Opening.of(step.endpoint, step.sampling, step.system)
        said = [each for message in step.messages
                for each in spoken.messages(message["role"], message["content"])]  # fmt: skip
        body = canonical.dumps(spoken.body(opening.request, opening.system, said))
        run.budget.require_left(step.endpoint.model)
        reply, failed = await run.ask(step.endpoint, body, line.patience, line.chance)
        run.budget.count(step.endpoint.model, reply.usage)
        if not reply.text.strip():
            raise Unavailable(
                f"the interviewer {step.endpoint.model!r} worded no question; the conversation is "
                "kept: run the same command to go on"
            )
        return reply.text, _author(step, body, reply, failed)


def _require_fitting(step: Step, transcript: Transcript) -> None:
    """Raise `ValueError` where a script does not see which calls wait for a result."""
    calls = {call.id for call in transcript.open_calls}
    if isinstance(step, Results):
        given = [call for call, _ in step.results]
        called = {call["id"] for call in transcript.answers[-1].calls} if calls else set()
        if not calls or len({*given}) < len(given) or not calls <= {*given} <= called:
            raise ValueError("a script has to return one result for each call of the last answer")
    elif calls and not isinstance(step, Finished):
        raise ValueError("a script has to return the results of the tools that were called")


def _author(step: Compose, body: bytes, reply: Reply, failed: tuple[str, ...]) -> Author:
    """Return what is kept of how a question was worded."""
    return Author(
        name=step.endpoint.model,
        api=step.endpoint.api,
        request=body.decode(),
        engine=dict(step.endpoint.engine),
        finish_reason=as_text(reply.finish_reason),
        attempts=len(failed) + 1,
        failed=failed,
        request_sha256=reply.request_sha256 or "",
        received=as_text(reply.received[: disk.RECEIVED_MAX]),
        received_length=len(reply.received),
        usage=dict(reply.usage),
        model=as_text(reply.model),
        fingerprint=as_text(reply.fingerprint),
        reasoning=as_text(reply.reasoning),
        redacted=reply.redacted,
    )


def _refusal(error: Refused, body: bytes) -> Reply:
    """Return what is kept of a request that was refused: no word of the model, and the reason."""
    return Reply(
        text="",
        finish_reason=f"{disk.REFUSED_REQUEST}{error.status}",
        usage={},
        received=error.received,
        request_sha256=digests.sha256(body),
    )
