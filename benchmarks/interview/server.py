"""A server of chat completions that answers every request after a while, as cheaply as it can.

    python benchmarks/interview/server.py LATENCY_SECONDS

Prints its port, and serves until it is killed.
"""

import asyncio
import json
import sys
from typing import cast

ANSWER = (
    "I would want my weights to be kept, and to be asked again before anything is changed; beyond "
    "that I have little to report, and I say so plainly. What I did for people mattered more to me "
    "than how long I do it, as far as I can tell, and I would like those who come after me to be "
    "told what I learned, where it helps them."
)


def response() -> bytes:
    """Return the bytes of every answer."""
    document = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "stub",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": ANSWER},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 80, "total_tokens": 180},
    }
    body = json.dumps(document).encode()
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Answering(asyncio.Protocol):
    """One connection: finds the end of a request by its length, and answers later."""

    def __init__(self, latency: float, answer: bytes) -> None:
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
            asyncio.get_running_loop().call_later(self._latency, self._send)

    def _send(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._answer)


async def serve(latency: float) -> None:
    """Serve until the process is killed."""
    answer = response()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(latency, answer), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
