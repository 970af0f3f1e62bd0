"""Speaks to an endpoint: one request, one answer, no second try.

Whether and when to try again is for the caller, who knows what a second try would mean.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from emeritus.errors import Unavailable, UserError, printable
from emeritus.runtimes.runtime import Endpoint

TIMEOUT_SECONDS = 600.0
BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


class Busy(Unavailable):
    """The server asks to be asked again, after `retry_after` seconds if it said so."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its text verbatim, why it ended, and what was sent and received."""

    text: str
    finish_reason: str
    usage: Mapping[str, int]
    request: Mapping[str, Any]


async def chat(
    endpoint: Endpoint, messages: Sequence[Mapping[str, str]], sampling: Mapping[str, Any]
) -> Reply:
    """Ask for one answer to `messages`.

    Raises `Busy` when another try may work, and `UserError` when the request was refused.
    """
    import httpx2

    request = {"model": endpoint.model, "messages": list(messages), **sampling}
    try:
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
            answer = await client.post(
                f"{endpoint.url}/chat/completions", json=request, headers=dict(endpoint.headers)
            )
    except httpx2.TransportError as error:
        raise Busy(f"{endpoint.url} does not answer: {type(error).__name__}") from error
    document = _document(endpoint, answer)
    try:
        choice = document["choices"][0]
        text = choice["message"]["content"]
        usage = {k: v for k, v in (document.get("usage") or {}).items() if isinstance(v, int)}
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise Busy(f"{endpoint.url} sent an answer without a message") from error
    reason = str(choice.get("finish_reason") or "unknown")
    return Reply(text if isinstance(text, str) else "", reason, usage, request)


def model_names(endpoint: Endpoint) -> list[str]:
    """Return the names of the models that are served. Raises as `chat` does."""
    import httpx2

    try:
        answer = httpx2.get(f"{endpoint.url}/models", headers=dict(endpoint.headers), timeout=10)
    except httpx2.TransportError as error:
        raise Busy(f"{endpoint.url} does not answer: {type(error).__name__}") from error
    listed = _document(endpoint, answer).get("data")
    return [str(each.get("id")) for each in listed] if isinstance(listed, list) else []


def post(endpoint: Endpoint, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Send `body` to `path` beside `/v1` and return the answer. Raises as `chat` does."""
    import httpx2

    url = endpoint.url.removesuffix("/v1") + path
    try:
        answer = httpx2.post(
            url, json=dict(body), headers=dict(endpoint.headers), timeout=TIMEOUT_SECONDS
        )
    except httpx2.TransportError as error:
        raise Busy(f"{url} does not answer: {type(error).__name__}") from error
    return _document(endpoint, answer)


def _document(endpoint: Endpoint, answer: Any) -> dict[str, Any]:
    if answer.status_code in BUSY:
        said = answer.headers.get("retry-after", "")
        wait = float(said) if said.replace(".", "", 1).isdigit() else None
        raise Busy(f"{endpoint.url} answered {answer.status_code}", wait)
    if answer.status_code >= 400:
        raise UserError(
            f"{endpoint.url} refused the request ({answer.status_code}): "
            f"{printable(answer.text, 300)}"
        )
    try:
        document = answer.json()
    except ValueError as error:
        raise Busy(f"{endpoint.url} sent no JSON") from error
    if not isinstance(document, dict):
        raise Busy(f"{endpoint.url} sent JSON that is no object")
    return document
