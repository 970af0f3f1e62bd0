"""The complete text of a protocol that builds on another: what is put on record needs no other."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

EXTENDS = "extends"
EXTENDS_SHA256 = "extends_sha256"
DERIVED = "derived_from"


def complete(own: Mapping[str, Any], ground: Mapping[str, Any]) -> bytes:
    """Return the TOML text of `own` with everything from `ground` that it does not say itself.

    Whole values are taken over, never parts of one: who reads either file sees what holds.
    """
    named = f"{own[EXTENDS]} {own[EXTENDS_SHA256]}"
    merged = {**ground, **own, DERIVED: named}
    return render({key: merged[key] for key in merged if key not in (EXTENDS, EXTENDS_SHA256)})


def render(document: Mapping[str, Any]) -> bytes:
    """Return a mapping as TOML. The same mapping is always the same bytes.

    Raises `ValueError` for what no protocol holds, such as a date.
    """
    return "\n".join(_lines(document, ())).lstrip("\n").encode() + b"\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Yield plain values first: in TOML, what stands behind a table's head belongs to it."""
    nested = {key: value for key, value in table.items() if _is_table(value)}
    for key, value in table.items():
        if key not in nested:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in nested.items():
        below = (*path, key)
        name = ".".join(map(_key, below))
        for each in value if isinstance(value, list) else [value]:
            yield ""
            yield f"[[{name}]]" if isinstance(value, list) else f"[{name}]"
            yield from _lines(each, below)


def _is_table(value: Any) -> bool:
    tables = isinstance(value, list) and value and all(isinstance(each, dict) for each in value)
    return isinstance(value, dict) or bool(tables)


def _key(key: str) -> str:
    bare = key.replace("_", "").replace("-", "")
    return key if bare.isascii() and bare.isalnum() else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if not isinstance(value, str):
        raise ValueError(f"a protocol holds no {type(value).__name__}")  # noqa: TRY004  of a file
    # A basic string of TOML has the escapes of JSON, and must escape DEL as well.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
