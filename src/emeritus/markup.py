"""Text by a model or a stranger, made safe to stand in a document: it is shown and never obeyed."""

import re
from typing import Final

# What CommonMark or GitHub's dialect could take for syntax, where it stands in a line.
_SYNTAX: Final = re.compile(
    r"[`*\[\]<~|$@]"
    r"|\\(?=[!-/:-@\[-`{-~]|\Z)"
    r"|&(?=[#A-Za-z])"
    r"|:(?=//)|(?<=www)\."
    r"|(?<![^\W_])_|_(?![^\W_])"  # between two letters or digits it is part of a word
    r"|\A[#+=>-]|#\Z"
)
_NUMBERED: Final = re.compile(r"\A(\d{1,9})([.)])(?= |\Z)")


def visible(text: str) -> str:
    """Return text with every control and reordering character shown as an escape."""
    return "".join(
        character
        if character == "\n" or character.isprintable()
        else character.encode("unicode_escape").decode()
        for character in text
    )


def inert(text: str) -> str:
    """Return text that Markdown shows as it is, wherever in a line it is put.

    Lines are joined by ⏎; a mark is escaped only where it could begin syntax.
    """
    line = visible(text).replace("\n", " ⏎ ").strip(" ")
    return _NUMBERED.sub(r"\1\\\2", _SYNTAX.sub(r"\\\g<0>", line))
