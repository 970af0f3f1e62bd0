"""Keeps keys out of everything that is written: transcripts, messages, logs.

A server, or a proxy before it, may send back what it was sent. Only whole values are looked for.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

HIDDEN: Final = "[redacted]"
SECRET_MIN: Final = 8
"""Shorter values, such as the `none` or `EMPTY` that local servers are given, hide nothing, and
taking them out of what a model said would change its words."""

PUBLIC: Final = frozenset({"accept", "anthropic-version", "anthropic-beta", "content-type",
                           "http-referer", "user-agent", "x-title"})  # fmt: skip
_ESCAPE: Final = re.compile(r"\\[u/]")


def secrets(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return what in the headers of a request must not be written, the longest first."""
    values = [value for name, value in headers.items() if name.lower() not in PUBLIC]
    words = {word for value in values for word in (value, *value.split())}
    return tuple(sorted((each for each in words if len(each) >= SECRET_MIN), key=len, reverse=True))


def hide(text: str, hidden: Iterable[str]) -> str:
    """Return `text` without the secrets."""
    for each in hidden:
        if each in text:
            text = text.replace(each, HIDDEN)
    return text


def may_hide_more(json_text: str) -> bool:
    """Tell whether JSON text has escapes behind which a secret may stand in other letters."""
    return _ESCAPE.search(json_text) is not None


def hide_inside(document: Any, hidden: tuple[str, ...]) -> Any:
    """Return a JSON document whose strings and names are without the secrets."""
    match document:
        case str():
            return hide(document, hidden)
        case dict():
            return {hide(name, hidden): hide_inside(each, hidden)
                    for name, each in document.items()}  # fmt: skip
        case list():
            return [hide_inside(each, hidden) for each in document]
        case _:
            return document
