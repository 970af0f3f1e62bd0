"""Paths of the world, as plain text: nothing here touches a disk. Pure."""

import unicodedata
from collections.abc import Iterable
from typing import Final

LENGTH_MAX: Final = 400


class NoPath(ValueError):
    """The text cannot be a path; the message says why."""


def normal(text: str) -> str:
    """Return the one spelling of a path, without a slash at its ends; the root is "".

    `.`, `..` and repeated slashes are resolved, and nothing leads above the root. Raises `NoPath`.
    """
    if len(text) > LENGTH_MAX:
        raise NoPath(f"a path has at most {LENGTH_MAX} characters")
    if any(unicodedata.category(each) in {"Cc", "Cs"} for each in text):
        raise NoPath("a path holds no control characters")
    parts: list[str] = []
    for part in unicodedata.normalize("NFC", text).strip().replace("\\", "/").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def within(path: str, folders: Iterable[str]) -> bool:
    """Tell whether a normal path is one of the normal `folders` or lies below one."""
    return any(not each or path == each or path.startswith(f"{each}/") for each in folders)
