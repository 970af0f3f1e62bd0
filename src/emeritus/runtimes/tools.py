"""Calls of tools as they stand in an answer, and as they go back to the model with it.

What a server sends as a call may be anything; it becomes a few bounded texts.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from emeritus import canonical
from emeritus.runtimes.api import Call, label

CALLS_MAX: Final = 32
"""Calls of one answer that are kept; further ones stand in what was received."""

ARGUMENTS_MAX: Final = 64 * 1024
"""Code points of a call's arguments; longer ones are cut, and end in `CUT`."""

CUT: Final = "…"
"""Text that ends in it is no JSON."""


def calls(found: Iterable[tuple[Any, Any, Any]]) -> tuple[Call, ...]:
    """Return the calls in an answer, from their ids, names and arguments, which may be anything.

    What has no name is none. A call without an id, or with that of an earlier one, gets `call-`
    and a number.
    """
    named = ((given, name, arguments) for given, long_name, arguments in found
             if (name := label(long_name)) is not None)  # fmt: skip
    kept = list(itertools.islice(named, CALLS_MAX))
    ids = _ids([given for given, _, _ in kept])
    return tuple(
        Call(own, name, _text(arguments))
        for own, (_, name, arguments) in zip(ids, kept, strict=True)
    )


def as_object(arguments: str) -> dict[str, Any]:
    """Return a call's arguments as the object that goes back to the model with its answer.

    Blank text is an empty object, and what is no object becomes the only member of one,
    `arguments`: a server may refuse every further request of a conversation with anything else.
    """
    parsed = _parsed(arguments)
    return {"arguments": arguments} if parsed is None else parsed


def as_object_text(arguments: str) -> str:
    """Return `as_object` as JSON text, which is `arguments` itself wherever that is an object."""
    if arguments.strip() and _parsed(arguments) is not None:
        return arguments
    return canonical.dumps(as_object(arguments)).decode()


def _parsed(arguments: str) -> dict[str, Any] | None:
    """Return the object that can be sent, or None."""
    try:
        value = canonical.loads(arguments.encode()) if arguments.strip() else {}
        canonical.dumps({"messages": [{"content": [{"input": value}]}]})  # as deep as it will stand
    except canonical.NotCanonical:
        return None
    return value if isinstance(value, dict) else None


def _ids(given: Sequence[Any]) -> Iterator[str]:
    """Yield an id for each. One that is no text would be another one when it is on disk."""
    wanted = [label(each) for each in given]
    free = (f"call-{n}" for n in itertools.count(1) if f"call-{n}" not in wanted)
    used: set[str] = set()
    for each in wanted:
        own = next(free) if each is None or each in used or not _is_text(each) else each
        used.add(own)
        yield own


def _is_text(value: str) -> bool:
    return not any("\ud800" <= each <= "\udfff" for each in value)


def _text(arguments: Any) -> str:
    """Return arguments as text; some servers send the object itself."""
    text = arguments if isinstance(arguments, str) else _written(arguments)
    return text if len(text) <= ARGUMENTS_MAX else text[: ARGUMENTS_MAX - len(CUT)] + CUT


def _written(value: Any) -> str:
    """Return a value as JSON text, which is canonical if it can be."""
    if value is None:
        return ""
    try:
        return canonical.dumps(value).decode()
    except canonical.NotCanonical:
        return _written_anyhow(value)


def _written_anyhow(value: Any) -> str:
    """Return what holds NaN, endless integers, lone surrogates, or is deep."""
    try:
        return json.dumps(value)
    except RecursionError:
        return CUT
