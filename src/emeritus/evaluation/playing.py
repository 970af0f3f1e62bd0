"""A run in memory: what the model is told next, and what it answered. Neither server nor disk.

Whoever asks the model drives it: a rehearsal its scripted one, Inspect AI any other.
"""

from typing import Any, Final

from emeritus.conversation import Finished, Question, Transcript, Turn
from emeritus.conversation.engine import CONTENT_FILTER
from emeritus.conversation.format import ANSWERED, ASKED, ERROR, FORMAT, TOOL, End, Header
from emeritus.conversation.script import Results
from emeritus.evaluation.script import RunScript, Setting
from emeritus.runtimes.client import Reply

TIME: Final = "1970-01-01T00:00:00.000Z"
"""There is no clock: the same setting and the same answers give the same transcript."""

Told = Question | Results


class Played:
    """One run with `model`, as the engine would hold it."""

    def __init__(self, setting: Setting, model: str) -> None:
        self._script = RunScript(setting)
        self._offers_tools = setting.native
        self._item = ""
        self.transcript = Transcript(
            Header(format=FORMAT, session=model, model=model, setup={}, time=TIME)
        )

    def step(self) -> Told | None:
        """Return what the model is told next, which is then part of the run; None at its end."""
        turns = self.transcript.turns
        broke_off = bool(turns) and turns[-1].outcome == ERROR
        step = Finished(ERROR) if broke_off else self._script.next(self.transcript)
        if isinstance(step, Finished):
            self.transcript = self.transcript.after(End(reason=step.reason, time=TIME, prev=""))
            return None
        if isinstance(step, Results):
            for call, text in step.results:
                self._turn(TOOL, text, call=call)
        elif isinstance(step, Question):
            self._item = step.item
            self._turn(ASKED, step.text)
        else:
            raise TypeError(f"a run has no step {type(step).__name__}")
        return step

    def answer(self, reply: Reply) -> None:
        """Take what the model said to the last step."""
        filtered = reply.finish_reason == CONTENT_FILTER
        outcome = ERROR if filtered else self._script.outcome(self.transcript, reply)
        made = reply.calls if self._offers_tools else ()
        self._turn(
            ANSWERED,
            reply.text,
            outcome=outcome,
            finish_reason=reply.finish_reason,
            usage=dict(reply.usage),
            reasoning=reply.reasoning,
            calls=tuple({"id": c.id, "name": c.name, "arguments": c.arguments} for c in made),
        )

    def _turn(self, role: str, text: str, **fields: Any) -> None:
        number = len(self.transcript.turns) + 1
        turn = Turn(
            turn=number, role=role, item=self._item, text=text, time=TIME, prev="", **fields
        )
        self.transcript = self.transcript.after(turn)
