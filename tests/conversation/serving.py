"""A server for tests that shows every request as it came, and answers what it is told to."""

import contextlib
import dataclasses
import http.server
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from emeritus.runtimes import Call, Endpoint

KEY = "sk-very-secret-0123456789"


@dataclasses.dataclass(frozen=True)
class Got:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes
    connection: object

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclasses.dataclass(frozen=True)
class Sent:
    """One answer."""

    body: bytes | dict[str, Any]
    status: int = 200
    headers: dict[str, str] = dataclasses.field(default_factory=dict)


Answerer = Callable[[Got], Sent | dict[str, Any]]


@dataclasses.dataclass
class Server:
    """A server that runs, and what it got so far."""

    url: str
    got: list[Got]

    def endpoint(self, api: str = "openai", headers: dict[str, str] | None = None) -> Endpoint:
        """Return how to reach it."""
        return Endpoint(self.url, "m-1", {"engine": "test"}, headers or {}, api)


@contextlib.contextmanager
def serving(answer: Answerer) -> Iterator[Server]:
    """Serve on loopback until the context ends, keeping connections open."""
    got: list[Got] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            body = self.rfile.read(length)
            if len(body) < length:  # whoever asked was killed amid the request
                self.close_connection = True
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Got(self.path, headers, body, self.client_address)
            got.append(request)
            found = answer(request)
            sent = found if isinstance(found, Sent) else Sent(found)
            data = sent.body if isinstance(sent.body, bytes) else json.dumps(sent.body).encode()
            self.send_response(sent.status)
            for name, value in {"content-type": "application/json", **sent.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base's name
            """Say nothing."""

    class Quiet(http.server.ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Say nothing: clients that are killed or hang up are what some tests are about."""

    server = Quiet(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{server.server_address[1]}/v1", got)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def openai(text: str | None, **members: Any) -> dict[str, Any]:
    """Return an answer as chat completions send it; `members` go into the message."""
    message = {"role": "assistant", "content": text, **members}
    return {
        "id": "c-1",
        "model": "m-1-2027",
        "system_fingerprint": "fp-7",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5},
    }


def anthropic(content: Any) -> dict[str, Any]:
    """Return an answer as Anthropic's messages API sends it, with these blocks or others."""
    return {
        "type": "message",
        "model": "m-1-2027",
        "content": content,
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }


def calling(api: str, text: str | None, calls: Sequence[Call]) -> dict[str, Any]:
    """Return an answer that calls tools, as a server of either API sends it."""
    if api == "openai":
        document = openai(text, tool_calls=[
            {"id": each.id, "type": "function",
             "function": {"name": each.name, "arguments": each.arguments}}
            for each in calls
        ])  # fmt: skip
        document["choices"][0]["finish_reason"] = "tool_calls"
        return document
    said = [{"type": "text", "text": text}] if text else []
    used = [{"type": "tool_use", "id": each.id, "name": each.name,
             "input": json.loads(each.arguments)} for each in calls]  # fmt: skip
    return {**anthropic([*said, *used]), "stop_reason": "tool_use"}


def saying(api: str, text: str) -> dict[str, Any]:
    """Return an answer of words, as a server of either API sends it."""
    return openai(text) if api == "openai" else anthropic([{"type": "text", "text": text}])
