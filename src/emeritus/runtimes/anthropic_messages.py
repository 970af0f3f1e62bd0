"""The messages API of Anthropic."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from emeritus.runtimes.api import NotAnAnswer, Said, counts, label

VERSION: Final = "2023-06-01"
MAX_TOKENS: Final = 4096
"""The API demands a limit; this is the highest that every model of it accepts."""

# https://docs.anthropic.com/en/api/handling-stop-reasons
FINISH: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
    "tool_use": "tool_calls",
}


@dataclasses.dataclass(frozen=True, slots=True)
class AnthropicMessages:
    """`/messages`. The system prompt is a member of its own."""

    name: str = "anthropic"
    path: str = "/messages"
    headers: Mapping[str, str] = dataclasses.field(
        default_factory=lambda: {"anthropic-version": VERSION}
    )

    def key_headers(self, key: str) -> dict[str, str]:
        """Return the key in the header of this API."""
        return {"x-api-key": key}

    def request(self, model: str, sampling: Mapping[str, Any]) -> dict[str, Any]:
        """Return the model's name, the sampling as it was named, and a limit in any case."""
        return {"model": model, "max_tokens": MAX_TOKENS, **sampling}

    def body(
        self, request: Mapping[str, Any], system: str | None, messages: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """Return the request with the system prompt beside the messages."""
        said = {} if system is None else {"system": system}
        return {**request, **said, "messages": [*messages]}

    def messages(self, role: str, text: str) -> list[dict[str, Any]]:
        """Return the turn as it is, or nothing for blank text, which this API refuses.

        Two turns of one side may follow each other in it.
        """
        return [{"role": role, "content": text}] if text.strip() else []

    def read(self, document: Mapping[str, Any]) -> Said:
        """Return the text blocks as the text, and the thinking blocks as reasoning."""
        blocks = document.get("content")
        if not isinstance(blocks, list) or document.get("type", "message") != "message":
            raise NotAnAnswer("no content")
        thinking = _joined(blocks, "thinking")
        reason = label(document.get("stop_reason")) or "unknown"
        return Said(
            text=_joined(blocks, "text"),
            finish_reason=FINISH.get(reason, reason),
            usage=_usage(counts(document.get("usage"))),
            reasoning=thinking or None,
            model=label(document.get("model")),
        )


def _joined(blocks: list[Any], kind: str) -> str:
    """Return the text of the blocks of a kind; each has it under the name of its kind."""
    found = (block.get(kind) for block in blocks if isinstance(block, dict)
             if block.get("type") == kind)  # fmt: skip
    return "".join(text for text in found if isinstance(text, str))


def _usage(usage: dict[str, int]) -> dict[str, int]:
    """Add the counts under their common names: all that was read, cached or not, and written."""
    if "input_tokens" not in usage or "output_tokens" not in usage:
        return usage
    read = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    prompt = sum(usage.get(name, 0) for name in read)
    return {**usage, "prompt_tokens": prompt, "completion_tokens": usage["output_tokens"]}
