"""The messages API of Anthropic."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

from emeritus.errors import UserError
from emeritus.runtimes.api import Call, NotAnAnswer, Said, Tool, counts, label
from emeritus.runtimes.tools import as_object, calls

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

    def request(
        self, model: str, sampling: Mapping[str, Any], tools: Sequence[Tool] = ()
    ) -> dict[str, Any]:
        """Return the model's name, the sampling as it was named, and a limit in any case.

        Raises `UserError` for thinking with tools: this API then wants its blocks of thinking back,
        which are not sent back.
        """
        thinking = sampling.get("thinking")
        if tools and isinstance(thinking, dict) and thinking.get("type") != "disabled":
            raise UserError(
                "over the API anthropic a model with tools cannot be asked with `thinking`: "
                "leave that out of the sampling"
            )
        offered = {"tools": [_tool(each) for each in tools]} if tools else {}
        return {"model": model, "max_tokens": MAX_TOKENS, **sampling, **offered}

    def body(
        self, request: Mapping[str, Any], system: str | None, messages: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """Return the request with the system prompt beside the messages."""
        said = {} if system is None else {"system": system}
        return {**request, **said, "messages": [*messages]}

    def messages(self, role: str, text: str, calls: Sequence[Call] = ()) -> list[dict[str, Any]]:
        """Return the turn as it is, or nothing for blank text, which this API refuses.

        Two turns of one side may follow each other in it. Calls stand in blocks behind the text.
        """
        if calls:
            said = [{"type": "text", "text": text}] if text.strip() else []
            return [{"role": role, "content": [*said, *(_use(each) for each in calls)]}]
        return [{"role": role, "content": text}] if text.strip() else []

    def results(self, results: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        """Return one message of the user, with a block for each result."""
        blocks = [{"type": "tool_result", "tool_use_id": call, "content": text}
                  for call, text in results]  # fmt: skip
        return [{"role": "user", "content": blocks}]

    def read(self, document: Mapping[str, Any]) -> Said:
        """Return the text blocks as the text, thinking as reasoning, uses of tools as calls."""
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
            calls=calls((block.get("id"), block.get("name"), block.get("input"))
                        for block in blocks
                        if isinstance(block, dict) and block.get("type") == "tool_use"),
        )  # fmt: skip


def _tool(tool: Tool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "input_schema": dict(tool.parameters),
    }


def _use(call: Call) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": call.id,
        "name": call.name,
        "input": as_object(call.arguments),
    }


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
