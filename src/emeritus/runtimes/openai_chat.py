"""Chat completions as OpenAI defined them: also vLLM, llama.cpp, Ollama, SGLang and many hosts."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from emeritus.runtimes.api import Call, NotAnAnswer, Said, Tool, counts, label
from emeritus.runtimes.tools import as_object_text, calls


@dataclasses.dataclass(frozen=True, slots=True)
class OpenAIChat:
    """`/chat/completions`. The system prompt is the first message."""

    name: str = "openai"
    path: str = "/chat/completions"
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def key_headers(self, key: str) -> dict[str, str]:
        """Return the key as a bearer token."""
        return {"authorization": f"Bearer {key}"}

    def request(
        self, model: str, sampling: Mapping[str, Any], tools: Sequence[Tool] = ()
    ) -> dict[str, Any]:
        """Return the model's name and the sampling as it was named."""
        offered = {"tools": [_tool(each) for each in tools]} if tools else {}
        return {"model": model, **sampling, **offered}

    def body(
        self, request: Mapping[str, Any], system: str | None, messages: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """Return the request with the system prompt before the other messages."""
        first = [] if system is None else [{"role": "system", "content": system}]
        return {**request, "messages": [*first, *messages]}

    def messages(self, role: str, text: str, calls: Sequence[Call] = ()) -> list[dict[str, Any]]:
        """Return the turn as it is."""
        called = {"tool_calls": [_called(each) for each in calls]} if calls else {}
        return [{"role": role, "content": text, **called}]

    def results(self, results: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        """Return a message for each result."""
        return [{"role": "tool", "tool_call_id": call, "content": text} for call, text in results]

    def read(self, document: Mapping[str, Any]) -> Said:
        """Return the first choice.

        Reasoning stands in `reasoning_content` (DeepSeek, SGLang, llama.cpp) or `reasoning`
        (OpenRouter, Ollama, newer vLLM). A refusal that OpenAI keeps apart is what the model said.
        Reasoning between tags such as `<think>` stays where the server put it, in the text:
        nothing in the answer tells a tag of the template from a word of the model.
        """
        try:
            choice = document["choices"][0]
            message = choice["message"]
            text, reason = _text(message.get("content")), choice.get("finish_reason")
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise NotAnAnswer("no message") from error
        refusal = message.get("refusal")
        if not text and isinstance(refusal, str):
            text = refusal
        reasoning = message.get("reasoning_content") or message.get("reasoning")
        return Said(
            text=text,
            finish_reason=label(reason) or "unknown",
            usage=counts(document.get("usage")),
            reasoning=reasoning if isinstance(reasoning, str) else None,
            model=label(document.get("model")),
            fingerprint=label(document.get("system_fingerprint")),
            calls=calls(_calls(message.get("tool_calls"))),
        )


def _tool(tool: Tool) -> dict[str, Any]:
    described = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }
    return {"type": "function", "function": described}


def _called(call: Call) -> dict[str, Any]:
    function = {"name": call.name, "arguments": as_object_text(call.arguments)}
    return {"id": call.id, "type": "function", "function": function}


def _calls(found: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Yield id, name and arguments of the functions that are called."""
    for each in found if isinstance(found, list) else ():
        function = each.get("function") if isinstance(each, dict) else None
        if isinstance(function, dict):
            yield each.get("id"), function.get("name"), function.get("arguments")


def _text(content: Any) -> str:
    """Return the text of a message: a string, or parts of which some are text."""
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""
