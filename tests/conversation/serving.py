"""A server for tests that shows every request as it came, and answers what it is told to."""

import contextlib
import dataclasses
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

from emeritus.runtimes import Endpoint

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
