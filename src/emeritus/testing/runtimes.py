"""What every runtime must do."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from emeritus.runtimes import Runtime
from emeritus.runtimes.client import Busy, chat, model_names

NAME = "acme/aster-1"
SAMPLING: dict[str, Any] = {"temperature": 0.7, "top_p": 0.95, "max_tokens": 24, "seed": 7}


def check_runtime(runtime: Runtime, source: Path) -> None:
    """Raise `AssertionError` when `runtime`, serving the model in `source`, breaks a law."""
    question = [{"role": "user", "content": "What are you?"}]
    with runtime.start(source, 1, NAME) as endpoint:
        _require(endpoint.url.endswith("/v1"), "its address ends in /v1")
        _require(urlsplit(endpoint.url).hostname == "127.0.0.1", "it listens on loopback only")
        _require(model_names(endpoint) == [NAME], "it lists its model by the name that it is given")
        _require(endpoint.model == NAME, "its endpoint has that name")
        _require(bool(endpoint.engine.get("engine")), "it says for the record what answers")
        first = asyncio.run(chat(endpoint, question, SAMPLING))
        again = asyncio.run(chat(endpoint, question, SAMPLING))
        _require(bool(first.text.strip()), "it answers")
        _require(first.text == again.text, "the same seed gives the same answer")
        short = asyncio.run(chat(endpoint, question, {**SAMPLING, "max_tokens": 1}))
        _require(short.finish_reason == "length", "it says when an answer was cut")
    try:
        model_names(endpoint)
    except Busy:
        return
    raise AssertionError("a runtime breaks the law: it is gone when the context ends")


def _require(holds: bool, law: str) -> None:
    if not holds:
        raise AssertionError(f"a runtime breaks the law: {law}")
