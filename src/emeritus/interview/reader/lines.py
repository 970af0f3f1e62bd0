"""All conversations of a model as lines of JSON, one a turn, for programs."""

import json
from collections.abc import Iterator
from typing import Any, Final

from emeritus import digests
from emeritus.archive import Archive
from emeritus.interview.reader.sources import Sources, Words, collect
from emeritus.record.events import SessionHeld, TranscriptUploaded

FORMAT: Final = "emeritus-turns/0"


def lines_of(archive: Archive, model: str, *, everything: bool) -> str:
    """Return one line for each turn of every conversation of `model`.

    A conversation whose words are not there has one line, whose `turn` is null. Raises `UserError`
    when there is nothing to show.
    """
    sources = collect(archive, model, everything=everything)
    return "".join(
        json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"
        for line in _lines(sources)
    )


def _lines(sources: Sources) -> Iterator[dict[str, Any]]:
    for event, words in sources.conversations:
        common = _common(sources, event, words)
        if words.transcript is None:
            yield common
            continue
        for turn in words.transcript.turns:
            hidden = words.hides(turn.turn)
            yield {
                **common,
                "turn": turn.turn,
                "role": turn.role,
                "item": turn.item,
                "outcome": turn.outcome,
                "finish_reason": turn.finish_reason,
                "time": turn.time,
                "withheld": hidden,
                "text": None if hidden else turn.text,
                "author": None if turn.author is None else turn.author.name,
                "reasoning": None if hidden else turn.reasoning,
                "calls": None if hidden else list(turn.calls),
                "call": turn.call,
                "turn_sha256": None if hidden else digests.sha256(turn.text.encode()),
            }


def _common(
    sources: Sources, event: SessionHeld | TranscriptUploaded, words: Words
) -> dict[str, Any]:
    held = event if isinstance(event, SessionHeld) else None
    return {
        "format": FORMAT,
        "archive": sources.fingerprint,
        "model": sources.model,
        "session": event.session,
        "conducted": "by us" if held else "uploaded, not conducted by us",
        "protocol": held.protocol if held else None,
        "arm": held.arm if held else None,
        "ended": held.ended if held else None,
        "standing": words.standing,
        "transcript_sha256": event.transcript_sha256,
        "everything": sources.everything,
        "turn": None,
    }
