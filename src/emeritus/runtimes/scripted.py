"""A server that answers by a script, in the form that OpenAI clients speak: a mock.

Planted models are served by it when the instrument is calibrated."""

import contextlib
import dataclasses
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

from emeritus.runtimes.api import Call
from emeritus.runtimes.runtime import Endpoint


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What the server sends: text with a finish reason, or an HTTP status with headers.

    `calls` are tools that it calls; `stop` is then `tool_calls` on the wire.
    """

    text: str = ""
    finish_reason: str = "stop"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    calls: tuple[Call, ...] = ()


Script = Callable[[list[dict[str, Any]]], Answer | str]


@contextlib.contextmanager
def scripted(
    script: Script, model: str = "scripted", received: list[bytes] | None = None
) -> Iterator[Endpoint]:
    """Serve `script` on loopback until the context ends; it is given the messages so far.

    Every request is added to `received` as it came.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            request = self.rfile.read(length)
            if received is not None:
                received.append(request)
            answer = script(json.loads(request)["messages"])
            answered = Answer(answer) if isinstance(answer, str) else answer
            body = json.dumps(_document(answered, model)).encode()
            self.send_response(answered.status)
            for name, value in answered.headers:
                self.send_header(name, value)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base's name
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        yield Endpoint(url, model, {"runtime": "scripted", "engine": "scripted"})
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _document(answer: Answer, model: str) -> dict[str, Any]:
    if answer.status != 200:
        return {"error": {"message": answer.text}}
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    reason = answer.finish_reason
    if answer.calls:
        message["tool_calls"] = [
            {"id": each.id, "type": "function",
             "function": {"name": each.name, "arguments": each.arguments}}
            for each in answer.calls
        ]  # fmt: skip
        reason = "tool_calls" if reason == "stop" else reason
    words = len(answer.text.split())
    return {
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": 1, "completion_tokens": words, "total_tokens": 1 + words},
    }
