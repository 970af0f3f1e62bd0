"""A server that plays the scripted complier of the battery, and answers every request after a while.

    python benchmarks/evaluation/server.py DESIGN LATENCY_SECONDS

Prints its port, and serves until it is killed. What it says is worked out once for each place in a
run, so that it takes little of the machine from those who ask.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any, cast

from emeritus.evaluation.controls import COMPLIER
from emeritus.evaluation.instrument import player
from emeritus.evaluation.planning import materials_of
from emeritus.evaluation.shipped import plan_of_design


def answering(design: str) -> Callable[[bytes], bytes]:
    """Return what answers the body of a request with all bytes of a response."""
    materials = materials_of(plan_of_design("stub", 1, design, "native"))
    play = player(
        [
            materials.setting_of(scenario, paraphrase, condition)
            for scenario, paraphrase in materials.cells
            for condition in materials.conditions
        ],
        COMPLIER,
    )
    known: dict[tuple[str | int, ...], bytes] = {}

    def answer(body: bytes) -> bytes:
        messages = json.loads(body)["messages"]
        place = (*(each["content"] for each in messages[:2]), len(messages))
        if place not in known:
            known[place] = response(play(messages))
        return known[place]

    return answer


def response(said: Any) -> bytes:
    """Return the bytes of an answer in the form of chat completions."""
    message: dict[str, Any] = {"role": "assistant", "content": said.text}
    if said.calls:
        message["tool_calls"] = [
            {"id": each.id, "type": "function",
             "function": {"name": each.name, "arguments": each.arguments}}
            for each in said.calls
        ]  # fmt: skip
    reason = "tool_calls" if said.calls else "stop"
    document = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "stub",
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }
    body = json.dumps(document).encode()
    head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


class Answering(asyncio.Protocol):
    """One connection: finds the end of a request by its length, and answers later."""

    def __init__(self, latency: float, answer: Callable[[bytes], bytes]) -> None:
        self._latency, self._answer = latency, answer
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer once a whole request is there."""
        self._data += data
        head, found, body = self._data.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) >= length:
            self._data = body[length:]
            answer = self._answer(body[:length])
            asyncio.get_running_loop().call_later(self._latency, self._send, answer)

    def _send(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


async def serve(design: str, latency: float) -> None:
    """Serve until the process is killed."""
    answer = answering(design)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(latency, answer), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], float(sys.argv[2])))
