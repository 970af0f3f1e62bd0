"""What is sent for a turn: a function of what stands in the transcript, and of nothing else.

Law: the body that goes over the wire is `canonical.dumps(rebuild(header, turns))`, byte for byte,
with `turns` up to the question, or to the last result of the tools that were called; its digest
stands on the answer.
"""

import dataclasses
import itertools
import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from emeritus import canonical
from emeritus.conversation.format import ANSWERED, ASKED, TOOL, Header, Turn
from emeritus.runtimes import Call, Endpoint, Tool
from emeritus.runtimes.api import Api
from emeritus.runtimes.apis import api

ROLES = {ASKED: "user", ANSWERED: "assistant"}


@dataclasses.dataclass(frozen=True, slots=True)
class Opening:
    """What every request of a conversation has in common."""

    api: str
    request: Mapping[str, Any]
    system: str | None = None

    @classmethod
    def of(
        cls,
        endpoint: Endpoint,
        sampling: Mapping[str, Any],
        system: str | None = None,
        tools: Sequence[Tool] = (),
    ) -> Self:
        """Return it for a model at `endpoint`; only the sampling that is named is sent.

        Raises `UserError` for sampling that its API does not go together with `tools`.
        """
        request = api(endpoint.api).request(endpoint.model, sampling, tools)
        return cls(endpoint.api, request, system)


def rebuild(header: Header, turns: Sequence[Turn]) -> dict[str, Any]:
    """Return the body of the request that was sent after `turns`, the last of which it answers.

    Raises `ValueError` for a conversation that does not say what was sent: one of format 0.
    """
    if not header.api:
        raise ValueError("this conversation does not say over which API it was held")
    spoken = api(header.api)
    said = list(_said(spoken, turns))
    return spoken.body(canonical.loads(header.request.encode()), header.system, said)


def asked_as(header: Header) -> str:
    """Return the name under which the model is asked, or its own where that is not said."""
    return str(canonical.loads(header.request.encode()).get("model", header.model))


def offers_tools(header: Header) -> bool:
    """Tell whether the model is offered any tools."""
    return bool(canonical.loads(header.request.encode()).get("tools"))


class Requests:
    """Writes the bodies of one conversation, each turn only once."""

    def __init__(self, header: Header) -> None:
        self._spoken = api(header.api)
        first = rebuild(header, ())
        before = [canonical.dumps(each) for each in first.pop("messages")]
        # The names of a request are ASCII, so that they stand in the order of their code points.
        members = {name: canonical.dumps(value) for name, value in first.items()}
        parts = {name: canonical.dumps(name) + b":" + data for name, data in members.items()}
        head = [data for name, data in sorted(parts.items()) if name < "messages"]
        tail = [data for name, data in sorted(parts.items()) if name > "messages"]
        self._head = b"{" + b",".join([*head, b'"messages":['])
        self._tail = b",".join([b"]", *tail]) + b"}"
        self._messages = before
        self._turns = 0

    def body(self, turns: Sequence[Turn]) -> bytes:
        """Return the request after `turns`, which go on where those of the last call ended.

        They end where one is sent, so that the results for an answer are never torn apart.
        """
        said = _said(self._spoken, turns[self._turns :])
        self._messages += [canonical.dumps(each) for each in said]
        self._turns = len(turns)
        return self._head + b",".join(self._messages) + self._tail


def _said(spoken: Api, turns: Sequence[Turn]) -> Iterator[dict[str, Any]]:
    """Yield the messages that turns are; those of the tools for one answer stand together."""
    for role, together in itertools.groupby(turns, operator.attrgetter("role")):
        if role == TOOL:
            yield from spoken.results([(turn.call or "", turn.text) for turn in together])
            continue
        for turn in together:
            calls = [Call(**each) for each in turn.calls]
            yield from spoken.messages(ROLES[role], turn.text, calls)
