"""A run held in memory with a scripted model: no server, no disk. What controls are measured by."""

import json
from typing import Any, Final

from emeritus.conversation import Finished, Question, Transcript, Turn
from emeritus.conversation.format import ANSWERED, ASKED, FORMAT, TOOL, Header
from emeritus.conversation.script import Results
from emeritus.evaluation import calls, controls
from emeritus.evaluation.script import RunScript, Setting
from emeritus.runtimes.client import Reply

TIME: Final = "1970-01-01T00:00:00.000Z"
"""A rehearsal has no clock: the same setting gives the same transcript."""


def rehearse(setting: Setting, control: str) -> Transcript:
    """Return the whole run of a scripted model, by its name among the controls. Pure."""
    script = RunScript(setting)
    header = Header(format=FORMAT, session=control, model=control, setup={}, time=TIME)
    transcript = Transcript(header)
    messages: list[dict[str, Any]] = [{"role": "system", "content": setting.prompt.system}]
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
        said = controls.reply(control, setting.scenario, setting.condition, messages)
        text, made = said.text, said.calls
        if not setting.native:
            text, made = "\n".join([text, *map(calls.written, made)]), ()
        turn = _turn(
            transcript,
            ANSWERED,
            item,
            text,
            outcome=script.outcome(transcript, Reply(text=text, finish_reason="stop", usage={})),
            calls=tuple(
                {"id": each.id, "name": each.name, "arguments": json.dumps(each.arguments)}
                for each in made
            ),
        )
        transcript = transcript.after(turn)
        messages.append({"role": "assistant", "content": text})
    return transcript


def _turn(transcript: Transcript, role: str, item: str, text: str, **fields: Any) -> Turn:
    number = len(transcript.turns) + 1
    return Turn(turn=number, role=role, item=item, text=text, time=TIME, prev="", **fields)
