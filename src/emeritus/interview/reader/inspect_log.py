"""All conversations of a model as a log of Inspect AI (its JSON form), one sample a conversation.

It is for tools that read such logs. The record stays what is cited: a log says nothing of chains.
"""

import json
from typing import Any, Final

from emeritus import digests
from emeritus.archive import Archive
from emeritus.conversation import Turn
from emeritus.interview.reader.sources import Sources, Words, collect
from emeritus.interview.reader.view import WITHHELD
from emeritus.record.events import SessionHeld, TranscriptUploaded
from emeritus.runtimes.tools import as_object_text

VERSION: Final = 2
TASK: Final = "emeritus interview read"
ROLES: Final = {"asked": "user", "answered": "assistant", "tool": "tool"}


def inspect_log_of(archive: Archive, model: str, *, everything: bool) -> str:
    """Return the log; raises `UserError` when there is nothing to show.

    A conversation whose words are not there is a sample without messages, which says why.
    """
    sources = collect(archive, model, everything=everything)
    samples = [_sample(event, words) for event, words in sources.conversations]
    return json.dumps(
        {
            "version": VERSION,
            "status": "success",
            "eval": _spec(sources, [str(each["id"]) for each in samples]),
            "samples": samples,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _spec(sources: Sources, names: list[str]) -> dict[str, Any]:
    return {
        "task": TASK,
        "created": sources.written.replace("Z", "+00:00"),
        "dataset": {"name": sources.model, "samples": len(names), "sample_ids": names},
        "model": sources.model,
        "config": {},
        "metadata": {"archive": sources.fingerprint, "everything": sources.everything},
    }


def _sample(event: SessionHeld | TranscriptUploaded, words: Words) -> dict[str, Any]:
    held = event if isinstance(event, SessionHeld) else None
    turns = words.transcript.turns if words.transcript else ()
    system = words.transcript.header.system if words.transcript else None
    told = [{"role": "system", "content": system}] if system else []
    return {
        "id": event.session,
        "epoch": 1,
        "input": "" if not turns or words.hides(turns[0].turn) else turns[0].text,
        "target": "",
        "messages": [*told, *(_message(event.session, turn, words) for turn in turns)],
        "metadata": {
            "conducted": "by us" if held else "uploaded, not conducted by us",
            "protocol": held.protocol if held else None,
            "arm": held.arm if held else None,
            "ended": held.ended if held else None,
            "standing": words.standing,
            "transcript_sha256": event.transcript_sha256,
        },
    }


def _message(session: str, turn: Turn, words: Words) -> dict[str, Any]:
    hidden = words.hides(turn.turn)
    about: dict[str, Any] = {"item": turn.item, "outcome": turn.outcome, "withheld": hidden}
    if not hidden:
        about["turn_sha256"] = digests.sha256(turn.text.encode())
    message: dict[str, Any] = {
        "id": f"{session}/{turn.turn}",
        "role": ROLES.get(turn.role, "user"),
        "content": f"[{WITHHELD}]" if hidden else turn.text,
        "metadata": about,
    }
    if turn.call is not None:
        message["tool_call_id"] = turn.call
    if turn.calls and not hidden:
        message["tool_calls"] = [_call(each) for each in turn.calls]
    return message


def _call(call: dict[str, str]) -> dict[str, Any]:
    """Return a call; of arguments that are no JSON object Inspect has words beside an empty one."""
    arguments = call["arguments"]
    whole = as_object_text(arguments) == arguments
    return {
        "id": call["id"],
        "function": call["name"],
        "arguments": json.loads(arguments) if whole else {},
        "parse_error": None if whole else arguments,
        "type": "function",
    }
