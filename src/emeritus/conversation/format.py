"""On-disk forms of a conversation; the normative page is docs/formats/conversation.md."""

from typing import Any, Final

import msgspec

from emeritus import canonical, chain

FORMAT: Final = "emeritus-conversation/0"
DOMAIN: Final = "emeritus-conversation/0/line"
LINE_BYTES_MAX: Final = 8 * 1024 * 1024
LINES_MAX: Final = 100_000

ASKED: Final = "asked"
ANSWERED: Final = "answered"


class Header(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag="header",
    tag_field="line",
):
    """The first line: which conversation this is, and everything that it depends on.

    `setup` holds the protocol, arm, order, sampling and engine; never a key.
    """

    format: str
    session: str
    model: str
    setup: dict[str, Any]
    time: str
    prev: None = None


class Turn(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag="turn",
    tag_field="line",
):
    """One message. `role` is `asked` (by us) or `answered` (by the model); turns count from 1.

    `item` names the item of the protocol; `outcome`, `finish_reason`, `usage` and `attempts` stand
    on answers only. `replaced` tells that code points that are no text became U+FFFD.
    """

    turn: int
    role: str
    item: str
    text: str
    time: str
    prev: str
    outcome: str | None = None
    finish_reason: str | None = None
    usage: dict[str, int] | None = None
    attempts: int | None = None
    replaced: bool = False


class End(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag="end",
    tag_field="line",
):
    """The last line: why the conversation ended."""

    reason: str
    time: str
    prev: str


Line = Header | Turn | End


class NotALine(ValueError):
    """The bytes are no line of a conversation of this format."""


def render(line: Line) -> bytes:
    """Return the line as it is stored: canonical JSON and a newline."""
    return canonical.dumps(msgspec.to_builtins(line)) + b"\n"


def parse(data: bytes) -> Line:
    """Read one stored line, without its newline. Raises `NotALine`."""
    try:
        line: Line = msgspec.convert(canonical.loads(data, canonical=True), Line)
    except (canonical.NotCanonical, msgspec.ValidationError) as error:
        raise NotALine(str(error)) from error
    if isinstance(line, Header) and line.format != FORMAT:
        raise NotALine(f"its format is {line.format!r}, this version reads {FORMAT!r}")
    return line


def link(line: Line) -> str:
    """Return what the next line carries as `prev`."""
    return chain.link(DOMAIN, msgspec.to_builtins(line))
