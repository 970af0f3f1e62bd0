"""`python -m emeritus.runtimes.reference_server FOLDER PORT NAME`: our NumPy runner behind HTTP."""

import json
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette  # noqa: TID253  this module is the server
from starlette.requests import Request  # noqa: TID253
from starlette.responses import JSONResponse, Response  # noqa: TID253
from starlette.routing import Route  # noqa: TID253

from emeritus.errors import EmeritusError
from emeritus.runtimes.bpe import Tokenizer
from emeritus.runtimes.child import end_with_parent, report_ready
from emeritus.runtimes.llama import Llama
from emeritus.runtimes.sampling import Sampling, generate
from emeritus.runtimes.template import read_template, render

REQUEST_BYTES_MAX = 4 * 1024 * 1024


class Message(msgspec.Struct, frozen=True):
    """One message of a conversation."""

    role: str
    content: str


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is understood of a chat completion request; other fields are passed over."""

    messages: tuple[Message, ...]
    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int = 256
    seed: int | None = None
    stream: bool = False


class Server:
    """One model behind `/v1`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._name = name
        self._model = Llama.load(folder)
        self._tokenizer = Tokenizer.load(folder)
        self._template = read_template(folder)
        ends = self._model.config.eos_token_id
        self._ends = frozenset(ends if isinstance(ends, tuple) else () if ends is None else (ends,))

    def application(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/v1/models", self.models),
                Route("/v1/chat/completions", self.chat, methods=["POST"]),
            ]
        )

    async def models(self, _: Request) -> Response:
        """List the one model."""
        return JSONResponse({"object": "list", "data": [{"id": self._name, "object": "model"}]})

    async def chat(self, request: Request) -> Response:
        """Answer a conversation; one request at a time, since one model computes."""
        body = await request.body()
        if len(body) > REQUEST_BYTES_MAX:
            return _refused("the request is too large")
        try:
            asked = msgspec.convert(json.loads(body), ChatRequest)
            if asked.stream:
                return _refused("this server does not stream; send stream: false")
            return JSONResponse(self._answer(asked))
        except (ValueError, EmeritusError) as error:
            return _refused(str(error))

    def _answer(self, asked: ChatRequest) -> dict[str, Any]:
        messages = [{"role": each.role, "content": each.content} for each in asked.messages]
        prompt = self._tokenizer.encode(render(self._template, messages))
        how = Sampling(asked.temperature, asked.top_p, asked.max_tokens, asked.seed)
        tokens = list(generate(self._model, prompt, self._ends, how))
        full = len(prompt) + len(tokens) >= self._model.config.max_position_embeddings
        cut = len(tokens) >= asked.max_tokens or full
        return {
            "object": "chat.completion",
            "model": self._name,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": self._tokenizer.decode(tokens)},
                    "finish_reason": "length" if cut else "stop",
                }
            ],
            "usage": {"prompt_tokens": len(prompt), "completion_tokens": len(tokens)},
        }


def _refused(message: str) -> Response:
    return JSONResponse({"error": {"message": message, "type": "invalid_request"}}, 400)


def main(arguments: Sequence[str]) -> None:
    """Serve the model in the folder under the name that is given, until standard input ends."""
    import uvicorn

    end_with_parent()
    folder, port, name = arguments
    try:
        application = Server(Path(folder), name).application()
    except EmeritusError as error:
        sys.exit(str(error))
    listener = socket.create_server(("127.0.0.1", int(port)))
    report_ready({"port": listener.getsockname()[1], "model": name})
    server = uvicorn.Server(uvicorn.Config(application, log_level="error", lifespan="off"))
    server.run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1:])
