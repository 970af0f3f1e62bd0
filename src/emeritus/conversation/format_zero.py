"""The lines of format 0, which are read for ever and written no more."""

from typing import Any, Final

import msgspec

FORMAT: Final = "emeritus-conversation/0"


class _Header(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag="header",
    tag_field="line",
):
    format: str
    session: str
    model: str
    setup: dict[str, Any]
    time: str
    prev: None = None


class _Turn(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag="turn",
    tag_field="line",
):
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


class _End(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag="end",
    tag_field="line",
):
    reason: str
    time: str
    prev: str


def converted(document: Any) -> Any:
    """Return a line of format 0 as one of format 1, whose names are the same.

    Raises `msgspec.ValidationError` for anything that format 0 does not know.
    """
    line: _Header | _Turn | _End = msgspec.convert(document, _Header | _Turn | _End)
    return msgspec.to_builtins(line)
