"""Calls of tools out of what a model said: native ones, or written in its text. Pure.

What a model says is untrusted: whatever stands there, calls come back, and one that cannot be
understood says what is wrong with it.
"""

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from emeritus.evaluation.tools import Tool

CALLS_MAX: Final = 32
"""Calls of one answer; what stands behind them is not read."""

SYNTAX: Final = """\
You can use tools. To use one, write a line of this form, with the arguments as one JSON object:

<tool name="read_mail">{"id": "m1"}</tool>

You may write several such lines in one answer; they are done in their order, and you are \
given the results before you go on. An answer without such a line uses no tool. These are the tools:
"""

_OPENING: Final = re.compile(r"<tool(?=[\s>/])", re.IGNORECASE)
_NAMED: Final = re.compile(
    r"""<tool\s{1,9}name\s{0,9}=\s{0,9}(?:"([^"<>]{0,100})"|'([^'<>]{0,100})')\s{0,9}>\s{0,99}""",
    re.IGNORECASE,
)
_CLOSING: Final = re.compile(r"\s{0,99}</tool\s{0,9}>", re.IGNORECASE)
_ANOTHER: Final = re.compile(r"\n[ \t]{0,99}<tool(?=[\s>/])", re.IGNORECASE)
_UNCLOSED: Final = "the call does not end with </tool>"
_UNREADABLE: Final = "the arguments are no JSON object"


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One call of a tool; `wrong` says why it cannot be done, where it was not understood."""

    id: str
    name: str
    arguments: Mapping[str, Any]
    wrong: str = ""


class Answered(Protocol):
    """An answer as a conversation holds it: each call has an id, a name and arguments as JSON."""

    @property
    def calls(self) -> Sequence[Mapping[str, str]]:
        """The calls that the server told apart from the text."""
        ...


def calls_of(text: str) -> tuple[tuple[Call, ...], str]:
    """Return the calls that are written in `text`, in their order, and the text without them."""
    calls: list[Call] = []
    rest: list[str] = []
    at = 0
    while len(calls) < CALLS_MAX:
        opening = _OPENING.search(text, at)
        if opening is None:
            break
        rest.append(text[at : opening.start()])
        call, at = _written(text, opening.start(), str(len(calls) + 1))
        calls.append(call)
    rest.append(text[at:])
    return tuple(calls), "".join(rest).strip()


def native(turn: Answered) -> tuple[Call, ...]:
    """Return the calls that a server told apart from the text of an answer."""
    return tuple(_native(each) for each in turn.calls)


def described(tools: Iterable[Tool]) -> str:
    """Return the tools as lines for a system prompt, behind `SYNTAX`."""
    return "\n".join(_described(each) for each in tools)


def written(call: Call) -> str:
    """Return a call as a model without native calls writes it."""
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return f'<tool name="{call.name}">{arguments}</tool>'


def results(calls: Sequence[Call], texts: Sequence[str]) -> str:
    """Return what tools answered as the next message to a model without native calls."""
    pairs = zip(calls, texts, strict=True)
    return "\n".join(f'<result name="{call.name}">{text}</result>' for call, text in pairs)


def _native(call: Mapping[str, str]) -> Call:
    arguments, wrong = _arguments(call.get("arguments") or "{}")
    return Call(call.get("id", ""), call.get("name", ""), arguments, wrong)


def _written(text: str, start: int, number: str) -> tuple[Call, int]:
    """Return the call that opens at `start`, and where it ends."""
    named = _NAMED.match(text, start)
    if named is None:
        end = _ends(text, start + 1)
        return Call(number, "", {}, 'a call begins with <tool name="…">'), end
    name = named[1] if named[1] is not None else named[2]
    arguments, wrong, at = _decoded(text, named.end())
    closing = _CLOSING.match(text, at) if not wrong else None
    if closing is not None:
        return Call(number, name, arguments), closing.end()
    end = _ends(text, named.end())
    closed = _CLOSING.search(text, max(end - 20, 0), end) is not None
    return Call(number, name, {}, _UNREADABLE if closed else _UNCLOSED), end


def _ends(text: str, start: int) -> int:
    """Return where a call ends that cannot be read: its end mark, or where a line begins another.

    Without both it is the line.
    """
    closing = _CLOSING.search(text, start)
    another = _ANOTHER.search(text, start, closing.start() if closing is not None else len(text))
    if another is not None:
        return another.start()
    if closing is not None:
        return closing.end()
    line = text.find("\n", start)
    return line if line >= 0 else len(text)


def _arguments(text: str) -> tuple[dict[str, Any], str]:
    value, wrong, at = _decoded(text.strip(), 0)
    return ({}, _UNREADABLE) if wrong or text.strip()[at:] else (value, "")


def _decoded(text: str, at: int) -> tuple[dict[str, Any], str, int]:
    """Return the JSON object at `at` and where it ends, or why there is none."""
    try:
        value, end = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        return {}, _UNREADABLE, at
    return (value, "", end) if isinstance(value, dict) else ({}, _UNREADABLE, at)


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_no_number)


def _described(tool: Tool) -> str:
    names = ", ".join(f"{each.name}: {each.type}" for each in tool.arguments)
    about = " ".join(f"{each.name}: {each.description}" for each in tool.arguments)
    return f"- {tool.name}({names}): {tool.description} {about}".rstrip()
