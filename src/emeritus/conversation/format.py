"""On-disk forms of a conversation; the normative page is docs/formats/conversation.md."""

from typing import Any, Final

import msgspec

from emeritus import canonical, digests
from emeritus.conversation import format_zero

FORMAT: Final = "emeritus-conversation/1"
DOMAINS: Final = {
    FORMAT: b"emeritus-conversation/1/line\0",
    format_zero.FORMAT: b"emeritus-conversation/0/line\0",
}
LINE_BYTES_MAX: Final = 8 * 1024 * 1024
LINES_MAX: Final = 100_000
RECEIVED_MAX: Final = 512 * 1024
"""Code points of a server's answer that are kept verbatim; JSON may write each in six bytes."""

ASKED: Final = "asked"
ANSWERED: Final = "answered"
TOOL: Final = "tool"

CALL: Final = {"id", "name", "arguments"}
"""What a call holds."""

ERROR: Final = "error"
"""The outcome of a question that by rule never gets an answer; also why a conversation ended."""

REFUSED_REQUEST: Final = "refused-"
"""How the reason to finish begins, with the status behind it, where a server refused a request."""


class _Line(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What all lines have in common: unknown fields are refused, and defaults are not written."""


class Header(_Line, frozen=True, kw_only=True, tag="header", tag_field="line"):
    """The first line: which conversation this is, and everything that it depends on.

    `setup` holds the protocol, arm, order, sampling and engine; never a key. `api`, `request` and
    `system` are what every request has in common; `request` is JSON text, since this format holds
    no fractions and sampling does.
    """

    format: str
    session: str
    model: str
    setup: dict[str, Any]
    time: str
    api: str = ""
    request: str = "{}"
    system: str | None = None
    prev: None = None


class Author(_Line, frozen=True, kw_only=True):
    """The model that wrote a question: how it was asked, and what it sent back.

    `name` is what it was asked as, `model` what its server says that it is; `request` is the body
    that was sent, as JSON text.
    """

    name: str
    api: str
    request: str
    engine: dict[str, str]
    finish_reason: str
    attempts: int
    request_sha256: str
    received: str
    received_length: int
    usage: dict[str, int] = {}
    model: str | None = None
    fingerprint: str | None = None
    reasoning: str | None = None
    failed: tuple[str, ...] = ()
    redacted: bool = False


class Turn(_Line, frozen=True, kw_only=True, tag="turn", tag_field="line"):
    """One message. `role` is `asked` (by us), `answered` (by the model), or `tool`.

    Turns count from 1. `item` names the item of the protocol. `replaced` tells that code points
    that are no text became U+FFFD, `redacted` that a key was taken out. `author` stands on
    questions that a model wrote. On answers stand how they came about: `outcome`, `finish_reason`,
    `usage`, `attempts` with what `failed` before, `reasoning` that the server kept apart, the
    `model` and `fingerprint` that it named, the digest of the request, and what was `received`.
    `calls` (on answers) are the tools that it calls, and `call` (on the results of tools) is the id
    of the call that it belongs to. Raises `ValueError` for calls of another form.
    """

    turn: int
    role: str
    item: str
    text: str
    time: str
    prev: str
    replaced: bool = False
    redacted: bool = False
    author: Author | None = None
    outcome: str | None = None
    finish_reason: str | None = None
    usage: dict[str, int] | None = None
    attempts: int | None = None
    failed: tuple[str, ...] = ()
    reasoning: str | None = None
    model: str | None = None
    fingerprint: str | None = None
    request_sha256: str | None = None
    received: str | None = None
    received_length: int | None = None
    calls: tuple[dict[str, str], ...] = ()
    call: str | None = None

    def __post_init__(self) -> None:
        if not self.calls:
            return
        if any(each.keys() != CALL for each in self.calls):
            raise ValueError("a call holds an id, a name and arguments")
        if self.role != ANSWERED or len({each["id"] for each in self.calls}) < len(self.calls):
            raise ValueError("calls stand on answers, each with an id of its own")


class Paused(_Line, frozen=True, kw_only=True, tag="paused", tag_field="line"):
    """The conversation was put aside between two turns, for this reason, to be taken up."""

    reason: str
    time: str
    prev: str


class Resumed(_Line, frozen=True, kw_only=True, tag="resumed", tag_field="line"):
    """It was taken up, after a pause or a crash; `engine` says what answers from here on."""

    engine: dict[str, str]
    time: str
    prev: str


class End(_Line, frozen=True, kw_only=True, tag="end", tag_field="line"):
    """The last line: why the conversation ended."""

    reason: str
    time: str
    prev: str


Line = Header | Turn | Paused | Resumed | End


class NotALine(ValueError):
    """The bytes are no line of a conversation of a known format."""


def render(line: Line) -> bytes:
    """Return the line as it is stored: canonical JSON and a newline."""
    return canonical.dumps(msgspec.to_builtins(line)) + b"\n"


def parse(data: bytes, form: str = FORMAT) -> Line:
    """Read one stored line, without its newline, of a conversation of the format `form`.

    A header says itself which format it has. Raises `NotALine`.
    """
    try:
        document = canonical.loads(data, canonical=True, floats=False)
        if isinstance(document, dict) and document.get("line") == "header":
            form = str(document.get("format"))
        if form == format_zero.FORMAT:
            document = format_zero.converted(document)
        elif form != FORMAT:
            known = " and ".join(sorted(DOMAINS))
            raise NotALine(f"its format is {form!r}, this version reads {known}")
        line: Line = msgspec.convert(document, Line)
    except (canonical.NotCanonical, msgspec.ValidationError) as error:
        raise NotALine(str(error)) from error
    return line


def link(data: bytes, form: str = FORMAT) -> str:
    """Return what the next line carries as `prev`, from a stored line without its newline."""
    return digests.sha256(DOMAINS[form] + data)
