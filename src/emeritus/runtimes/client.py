"""Speaks to an endpoint: one request, one answer, no second try.

Whether and when to try again is for the caller, who knows what a second try would mean.
"""

import asyncio
import dataclasses
import datetime
import email.utils
import json
import ssl
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self

from emeritus import canonical, digests
from emeritus.clock import Clock, SystemClock
from emeritus.errors import Unavailable, UserError, printable
from emeritus.runtimes.api import Api, NotAnAnswer, Said
from emeritus.runtimes.apis import api
from emeritus.runtimes.redaction import hide, hide_inside, may_hide_more, secrets
from emeritus.runtimes.runtime import Endpoint

if TYPE_CHECKING:
    import httpx2

TIMEOUT_SECONDS: Final = 600.0
"""What a whole answer may take, since it comes in one piece: some think for minutes."""
CONNECT_SECONDS: Final = 15.0
BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
OF_ONE_REQUEST: Final = frozenset({400, 413, 422})
ANSWER_BYTES_MAX: Final = 2 * 1024 * 1024


class Busy(Unavailable):
    """The server asks to be asked again, after `retry_after` seconds if it said so.

    `what` says in a few words what came instead of an answer.
    """

    def __init__(self, message: str, what: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.what = what
        self.retry_after = retry_after


class TooLate(Busy):
    """The server took the request, and gave no answer in time."""


class Refused(UserError):
    """The server will not answer this request, however often it is asked.

    `received` is what it sent instead, without keys. `of_one_request` tells whether the reason can
    lie in what was said: a wrong key or address is the same for every request.
    """

    def __init__(self, message: str, status: int, received: str) -> None:
        super().__init__(message)
        self.status = status
        self.received = received
        self.of_one_request = status in OF_ONE_REQUEST


@dataclasses.dataclass(frozen=True, slots=True)
class Reply(Said):
    """An answer with its evidence.

    `received` is the body as the server sent it, but for keys (then `redacted`); `request_sha256`
    is the digest of the body that it answers.
    """

    received: str = ""
    request_sha256: str | None = None
    redacted: bool = False


class Wire:
    """The connections of one run, kept open between requests. Use it as an async context.

    Every request that is under way has a client of its own: the pool of one client looks at all of
    its connections for every request, which with 32 of them is a third of all that a turn costs.
    `clock` is asked only where a server names a time to come back without saying what time it is.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._trust: ssl.SSLContext | None = None
        self._clients: list[httpx2.AsyncClient] = []
        self._idle: list[httpx2.AsyncClient] = []

    async def __aenter__(self) -> Self:
        """Make ready to send."""
        import httpx2

        self._trust = httpx2.create_ssl_context()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        self._trust = None
        self._idle.clear()
        while self._clients:
            await self._clients.pop().aclose()

    async def send(self, endpoint: Endpoint, body: bytes, within: float = TIMEOUT_SECONDS) -> Reply:
        """Send one request and return the answer to it, for which `within` seconds are given.

        Raises `Busy` when another try may work, and `Refused` when none will.
        """
        import httpx2

        spoken = api(endpoint.api)
        client = self._take()
        try:
            async with asyncio.timeout(within):
                answer, data = await _exchange(client, endpoint, spoken, body)
        except TimeoutError as error:
            message = f"{endpoint.url} gave no answer in {within:.0f} s (--timeout)"
            raise TooLate(message, f"no answer in {within:.0f} s") from error
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise _no_answer(endpoint, error) from error
        finally:
            self._idle.append(client)
        hidden = secrets(endpoint.headers)
        text = data.decode("utf-8", "replace")
        received = hide(text, hidden)
        if answer.status_code != 200:
            _raise(endpoint, answer, received, self._clock)
        document = _document(endpoint, received)
        if hidden and may_hide_more(received):
            document, received = _clean(endpoint, document, received, hidden)
        try:
            said = spoken.read(document)
        except NotAnAnswer as error:
            message = f"{endpoint.url} sent an answer without a message"
            raise Busy(message, "an answer without a message") from error
        return Reply(
            text=said.text,
            finish_reason=said.finish_reason,
            usage=said.usage,
            reasoning=said.reasoning,
            model=said.model,
            fingerprint=said.fingerprint,
            calls=said.calls,
            received=received,
            request_sha256=digests.sha256(body),
            redacted=received != text,
        )

    def _take(self) -> "httpx2.AsyncClient":
        """Return a client that nothing is sent with now."""
        import httpx2

        if self._trust is None:
            raise RuntimeError("the wire is not open")
        if self._idle:
            return self._idle.pop()
        patience = httpx2.Timeout(None, connect=CONNECT_SECONDS)
        client = httpx2.AsyncClient(timeout=patience, verify=self._trust)
        self._clients.append(client)
        return client


async def chat(
    endpoint: Endpoint, messages: Sequence[Mapping[str, str]], sampling: Mapping[str, Any]
) -> Reply:
    """Ask for one answer, over a connection of its own. Raises as `Wire.send` does."""
    spoken = api(endpoint.api)
    said = [each for message in messages
            for each in spoken.messages(message["role"], message["content"])]  # fmt: skip
    body = spoken.body(spoken.request(endpoint.model, sampling), None, said)
    async with Wire() as wire:
        return await wire.send(endpoint, canonical.dumps(body))


def model_names(endpoint: Endpoint) -> list[str]:
    """Return the names of the models that are served. Raises as `Wire.send` does."""
    import httpx2

    headers = {**api(endpoint.api).headers, **endpoint.headers}
    try:
        answer = httpx2.get(f"{endpoint.url}/models", headers=headers, timeout=10)
    except httpx2.TransportError as error:
        raise _no_answer(endpoint, error) from error
    listed = _checked(endpoint, answer).get("data")
    known = listed if isinstance(listed, list) else []
    return [str(each.get("id")) for each in known if isinstance(each, dict)]


def post(endpoint: Endpoint, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Send `body` to `path` beside `/v1` and return the answer. Raises as `Wire.send` does."""
    import httpx2

    url = endpoint.url.removesuffix("/v1") + path
    try:
        answer = httpx2.post(
            url, json=dict(body), headers=dict(endpoint.headers), timeout=TIMEOUT_SECONDS
        )
    except httpx2.TransportError as error:
        raise _no_answer(endpoint, error) from error
    return _checked(endpoint, answer)


async def _exchange(
    client: "httpx2.AsyncClient", endpoint: Endpoint, spoken: Api, body: bytes
) -> tuple["httpx2.Response", bytes]:
    """Send a request and return what came, with its body."""
    headers = {"content-type": "application/json", **spoken.headers, **endpoint.headers}
    request = client.build_request(
        "POST", endpoint.url + spoken.path, content=body, headers=headers
    )
    answer = await client.send(request, stream=True)
    try:
        return answer, await _read(endpoint, answer)
    finally:
        await answer.aclose()


async def _read(endpoint: Endpoint, answer: "httpx2.Response") -> bytes:
    """Return the body, decoded; a server that never ends does not fill the memory."""
    parts: list[bytes] = []
    size = 0
    async for part in answer.aiter_bytes():
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            raise Busy(f"{endpoint.url} sent more than an answer may be", "too long an answer")
        parts.append(part)
    return b"".join(parts)


def _checked(endpoint: Endpoint, answer: "httpx2.Response") -> dict[str, Any]:
    received = hide(answer.text, secrets(endpoint.headers))
    if answer.status_code != 200:
        _raise(endpoint, answer, received, SystemClock())
    return _document(endpoint, received)


def _no_answer(endpoint: Endpoint, error: Exception) -> Busy:
    name = type(error).__name__
    return Busy(f"{endpoint.url} does not answer: {name}", name)


def _raise(endpoint: Endpoint, answer: "httpx2.Response", received: str, clock: Clock) -> NoReturn:
    """Raise what a status that is no success means."""
    status = answer.status_code
    if status in BUSY:
        wait = retry_after(answer.headers, clock)
        raise Busy(f"{endpoint.url} answered {status}", f"status {status}", wait)
    message = f"{endpoint.url} refused the request ({status}): {printable(received, 300)}"
    raise Refused(message, status, received)


def _document(endpoint: Endpoint, text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Busy(f"{endpoint.url} sent no JSON", "no JSON") from error
    if not isinstance(document, dict):
        raise Busy(f"{endpoint.url} sent JSON that is no object", "JSON that is no object")
    return document


def _clean(
    endpoint: Endpoint, document: dict[str, Any], received: str, hidden: tuple[str, ...]
) -> tuple[dict[str, Any], str]:
    """Return an answer, and what was received, without the secrets behind any escapes."""
    try:
        clean = hide_inside(document, hidden)
        if clean == document:
            return document, received
        return clean, json.dumps(clean, ensure_ascii=False)
    except RecursionError as error:
        raise Busy(f"{endpoint.url} sent JSON that is too deep", "JSON that is too deep") from error


def retry_after(headers: Mapping[str, str], clock: Clock) -> float | None:
    """Return the seconds that a server asks to wait, or None (RFC 9110 §10.2.3).

    It names seconds or a date. A date is held against the server's own `Date`, since two clocks
    seldom agree.
    """
    said = headers.get("retry-after", "").strip()
    # OpenAI's and Anthropic's servers may name milliseconds beside it; whole seconds are enough.
    if said.isascii() and said.replace(".", "", 1).isdecimal():
        return float(said)
    until = _date(said)
    if until is None:
        return None
    now = _date(headers.get("date", "")) or clock.now()
    return max(0.0, (until - now).total_seconds())


def _date(text: str) -> datetime.datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
