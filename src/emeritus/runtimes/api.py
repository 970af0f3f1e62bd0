"""The seam of the APIs: how a request of one is written, and how its answer is read.

All of them are JSON over HTTP: a model, messages, and other members that stay the same.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from emeritus.canonical import INTEGER_MAX

LABEL_MAX: Final = 200  # code points of a name that a server chooses
COUNTS_MAX: Final = 32  # members of usage that are kept


class NotAnAnswer(ValueError):
    """The document holds no message of the model."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tool:
    """A tool that is offered; `parameters` is the JSON Schema of its arguments, an object's."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """A tool that was called; `arguments` is the JSON text that the model gave, or no JSON."""

    id: str
    name: str
    arguments: str


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """What stands in an answer, whatever API it came over.

    `text` is what the model said, `reasoning` what the server keeps apart from it (None: nothing).
    `finish_reason` is `stop`, `length`, `content_filter` or `tool_calls` where it is one of these,
    else the server's own word. `usage` counts `prompt_tokens` and `completion_tokens` where the
    server does. `model` and `fingerprint` are what the server says that it ran. `calls` are the
    tools that it calls, in their order, each under an id that no other of them has.
    """

    text: str
    finish_reason: str
    usage: Mapping[str, int]
    reasoning: str | None = None
    model: str | None = None
    fingerprint: str | None = None
    calls: tuple[Call, ...] = ()


class Api(Protocol):
    """One API. Every method is pure."""

    @property
    def name(self) -> str:
        """Return the name under which it is chosen and recorded."""
        ...

    @property
    def path(self) -> str:
        """Return where a conversation is sent, below the address."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Return what goes with every request and is no secret."""
        ...

    def key_headers(self, key: str) -> dict[str, str]:
        """Return the headers that show a key."""
        ...

    def request(
        self, model: str, sampling: Mapping[str, Any], tools: Sequence[Tool] = ()
    ) -> dict[str, Any]:
        """Return the members of every request but the messages and the system prompt.

        No sampling parameter is sent that is not named in `sampling`, so that a deployment's own
        defaults apply. The member `tools` offers tools, where there are any. Raises `UserError` for
        sampling with which this API lets nobody go on after a call.
        """
        ...

    def body(
        self, request: Mapping[str, Any], system: str | None, messages: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """Return a whole request: `request`, the system prompt in its place, and `messages`.

        Law: what stands beside `messages` depends on `request` and `system` alone, and the
        messages are those for `[]` followed by `messages`.
        """
        ...

    def messages(self, role: str, text: str, calls: Sequence[Call] = ()) -> list[dict[str, Any]]:
        """Return what a turn of the `user` or the `assistant` is in a request, possibly nothing.

        `calls` are the tools that the assistant called in it.
        """
        ...

    def results(self, results: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        """Return what the results of the calls of one answer are: ids of calls, and texts."""
        ...

    def read(self, document: Mapping[str, Any]) -> Said:
        """Return what stands in an answer. Raises `NotAnAnswer`."""
        ...


def counts(usage: Any) -> dict[str, int]:
    """Return the members of `usage` that are counts; a server may send anything."""
    if not isinstance(usage, dict):
        return {}
    found = {
        name: value
        for name, value in usage.items()
        if type(value) is int and 0 <= value <= INTEGER_MAX and name.isascii() and len(name) <= 64
    }
    return dict(list(found.items())[:COUNTS_MAX])


def label(value: Any) -> str | None:
    """Return a name that a server chose, cut to a length, or None when it is none."""
    return value[:LABEL_MAX] if isinstance(value, str) and value else None
