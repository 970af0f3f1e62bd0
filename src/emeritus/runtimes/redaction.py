"""Keeps keys out of everything that is written: transcripts, messages, logs.

A server, or a proxy before it, may send back what it was sent. Only whole values are looked for.
"""

import json
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
    """Return a JSON document whose strings and names are without the secrets.

    A string may be JSON text itself, such as the arguments of a call, with escapes of its own.
    Raises `RecursionError` for what is nested some hundred levels deep.
    """
    match document:
        case str():
            return hide(_hide_in_text(document, hidden), hidden)
        case dict():
            return {hide(name, hidden): hide_inside(each, hidden)
                    for name, each in document.items()}  # fmt: skip
        case list():
            return [hide_inside(each, hidden) for each in document]
        case _:
            return document


def _hide_in_text(text: str, hidden: tuple[str, ...]) -> str:
    """Return JSON text without the secrets behind its escapes, and any other text as it is."""
    if not may_hide_more(text):
        return text
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text
    clean = hide_inside(document, hidden)
    return text if clean == document else json.dumps(clean, ensure_ascii=False)
