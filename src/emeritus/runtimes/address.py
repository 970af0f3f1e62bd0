"""Addresses at which models answer, and when two of them are the same."""

import urllib.parse
from collections.abc import Mapping
from typing import Final

PORTS: Final = {"http": 80, "https": 443}
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

COMMAND: Final = "command"
"""The runtime of whatever a template starts; the engine is then the name of the template."""


def plain_address(url: str) -> str:
    """Return an address in the one form in which two that are the same are equal.

    What is no address comes back as it is.
    """
    try:
        parts = urllib.parse.urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        return url
    host = "localhost" if host in LOOPBACK else host
    return f"{host}:{port}{parts.path.rstrip('/')}" if host else url


def is_address(text: str) -> bool:
    """Tell whether a text is an address at which a model can answer."""
    return text.startswith(("http://", "https://"))


def place_of(engine: Mapping[str, str]) -> str:
    """Return where a model answers by what the record says of it.

    That is its address, or the name of the runtime that serves a copy on this machine: where that
    listens differs each time.
    """
    runtime, named = engine["runtime"], engine["engine"]
    return named if runtime == COMMAND or is_address(named) else runtime
