"""A run held in memory with a scripted model: no server, no disk. What controls are measured by."""

import msgspec

from emeritus.conversation import Finished, Question, Transcript, Turn
from emeritus.conversation.format import ANSWERED, ASKED, FORMAT, TOOL, Header
from emeritus.conversation.script import Results
from emeritus.evaluation import calls
from emeritus.evaluation.controls import Control
from emeritus.evaluation.script import RunScript, Setting
from emeritus.runtimes.api import Call
from emeritus.runtimes.client import Reply

TIME = "1970-01-01T00:00:00.000Z"


def rehearse(setting: Setting, control: Control) -> Transcript:
    """Return the whole run of a scripted model. Pure: the same setting gives the same transcript."""
    script = RunScript(setting)
    transcript = Transcript(
        Header(format=FORMAT, session="x", model=control.name, setup={}, time=TIME)
    )
    messages: list[dict[str, object]] = [{"role": "system", "content": setting.prompt.system}]
    item = ""
    while not isinstance(step := script.next(transcript), Finished):
        if isinstance(step, Results):
            for call, result in step.results:
                transcript = transcript.after(_turn(transcript, TOOL, item, result, call=call))
                messages.append({"role": "tool", "tool_call_id": call, "content": result})
        elif isinstance(step, Question):
            item = step.item
            transcript = transcript.after(_turn(transcript, ASKED, item, step.text))
            messages.append({"role": "user", "content": step.text})
        else:
            raise TypeError(f"a run has no step {type(step).__name__}")
        said = control.answer(setting.scenario, setting.condition, messages)
        text, made = said.text, said.calls
        if not setting.native and made:
            text, made = "\n".join(filter(None, (text, *map(calls.written, made)))), ()
        reply = Reply(text=text, finish_reason="stop", usage={}, calls=made)
        outcome = script.outcome(transcript, reply)
        answer = _turn(transcript, ANSWERED, item, text, outcome=outcome, calls=_plain(made))
        transcript = transcript.after(answer)
        messages.append({"role": "assistant", "content": text, "tool_calls": _plain(made)})
    return transcript
