"""Reads the files in which other people keep conversations.

| form | what is taken |
|---|---|
| JSON | a list of messages, or an object with `messages` (OpenAI's chat format) |
| JSON Lines | such an object or list a line |
| an Inspect log (JSON) | the messages of every sample, and beside them what it is a sample of |

Messages have the role system, user, assistant or tool, and text; an assistant's may call tools, and
a tool's is the result of one call. Anything else refuses the file with its place, but for reasoning
that stands apart from the text: it is counted and left out. Two messages of one role that follow
each other become one turn, a blank line between them, and are counted.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from emeritus import canonical
from emeritus.canonical import INTEGER_MAX
from emeritus.conversation.format import ANSWERED, ASKED, TOOL
from emeritus.conversation.spool import as_text
from emeritus.errors import UserError, printable
from emeritus.runtimes import Call
from emeritus.runtimes.tools import CALLS_MAX, CUT, calls

FILE_BYTES_MAX: Final = 64 * 1024 * 1024
CONVERSATIONS_MAX: Final = 1000
MESSAGES_MAX: Final = 20_000
"""Messages of one conversation."""
ATTACHMENT: Final = "attachment://"
ZIP: Final = b"PK\x03\x04"
"""How a log in Inspect's own format begins."""
BESIDE: Final = ("id", "epoch", "metadata", "scores")
BESIDE_BYTES_MAX: Final = 64 * 1024
"""Bytes of each of these, in canonical form."""
SYSTEM: Final = "system"
ROLES: Final = {"user": ASKED, "assistant": ANSWERED, "tool": TOOL, SYSTEM: SYSTEM}


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """One message: `asked`, `answered` or `tool`, and its words.

    `calls` are the tools that an answer calls, `call` is the one of which a tool's is the result.
    """

    role: str
    text: str
    calls: tuple[Call, ...] = ()
    call: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Brought:
    """A conversation as a file has it; `joined` messages became part of the one before.

    `sample` is what an Inspect log says of it: fractions are texts, and what is too long to be kept
    is named in `left_out`.
    """

    messages: tuple[Message, ...]
    system: str = ""
    joined: int = 0
    reasoning_left_out: int = 0
    sample: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def read_file(data: bytes) -> list[Brought]:
    """Return the conversations in a file of one of the forms above. Raises `UserError`."""
    if len(data) > FILE_BYTES_MAX:
        raise UserError(f"the file has more than {FILE_BYTES_MAX:,} bytes: split it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if data.startswith(ZIP):
            raise UserError(
                "the file is packed, as Inspect's own logs (.eval) are: bring the log as JSON, "
                "from inspect log convert FILE --to json --output-dir FOLDER"
            ) from error
        raise UserError(f"the file is not UTF-8 (byte {error.start})") from error
    try:
        listed = list(_listed(text))
        if not listed:
            raise UserError("the file holds no conversation")
        if len(listed) > CONVERSATIONS_MAX:
            raise UserError(
                f"the file holds more than {CONVERSATIONS_MAX:,} conversations: split it"
            )
        return [
            dataclasses.replace(_conversation(messages, where), sample=sample)
            for where, messages, sample in listed
        ]
    except RecursionError as error:
        raise UserError("the file is nested too deeply") from error


def _listed(text: str) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Yield where each conversation stands, its messages, and what it is a sample of."""
    try:
        document = json.loads(text)
    except ValueError:
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield f"line {number}", _messages(_loaded(line, f"line {number}")), {}
        return
    if isinstance(document, dict) and isinstance(document.get("samples"), list):
        for number, sample in enumerate(document["samples"], start=1):
            where = f"sample {number}"
            messages = _resolved(_messages(sample), sample, where)
            yield where, messages, _beside(sample, where)
    else:
        yield "the file", _messages(document), {}


def _beside(sample: Any, where: str) -> dict[str, Any]:
    """Return which run of what a sample is, and how it was scored, as far as it is said."""
    if not isinstance(sample, dict):
        return {}
    found: dict[str, Any] = {}
    left_out = []
    for name in BESIDE:
        if sample.get(name) is None:
            continue
        value = _whole(_resolved(sample[name], sample, where))
        if _fits(value):
            found[name] = value
        else:
            left_out.append(name)
    return {**found, "left_out": left_out} if left_out else found


def _fits(value: Any) -> bool:
    """Tell whether the header of a transcript can hold a value: neither too long nor too deep."""
    try:
        canonical.loads(canonical.dumps({"setup": {"sample": {"": value}}}))
    except canonical.NotCanonical:
        return False
    return len(canonical.dumps(value)) <= BESIDE_BYTES_MAX


def _whole(value: Any) -> Any:
    """Return a value with texts in the place of numbers that a transcript does not hold."""
    if isinstance(value, dict):
        return {as_text(name): _whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, str):
        return as_text(value)
    if isinstance(value, float) or (isinstance(value, int) and abs(value) > INTEGER_MAX):
        return str(value)
    return value


def _loaded(line: str, where: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise UserError(f"{where} is no JSON, and neither is the whole file") from error


def _resolved(value: Any, sample: Any, where: str) -> Any:
    """Return messages of Inspect with long texts put in, which it may keep beside them."""
    if isinstance(value, list):
        return [_resolved(each, sample, where) for each in value]
    if isinstance(value, dict):
        return {name: _resolved(each, sample, where) for name, each in value.items()}
    if not isinstance(value, str) or not value.startswith(ATTACHMENT):
        return value
    beside = sample.get("attachments")
    text = beside.get(value.removeprefix(ATTACHMENT)) if isinstance(beside, dict) else None
    if not isinstance(text, str):
        raise UserError(f"{where}: a text is kept beside it, and is not there")
    return text


def _messages(document: Any) -> Any:
    return document.get("messages") if isinstance(document, dict) else document


def _conversation(listed: Any, where: str) -> Brought:
    if not isinstance(listed, list) or not listed:
        raise UserError(f"{where}: there is no list of messages, nor an object with `messages`")
    if len(listed) > MESSAGES_MAX:
        raise UserError(f"{where}: it has more than {MESSAGES_MAX:,} messages: split it")
    joining = _Joining()
    left_out = 0
    for number, each in enumerate(listed, start=1):
        place = f"{where}, message {number}"
        message, apart = _message(each, place)
        left_out += apart
        joining.add(message, place)
    messages = joining.whole()
    if not any(each.role == ANSWERED for each in messages):
        raise UserError(f"{where}: the model says nothing in it")
    return Brought(messages, "\n\n".join(joining.system), joining.joined, left_out)


class _Joining:
    """Messages as turns: which may follow which is said in docs/formats/conversation.md."""

    def __init__(self) -> None:
        self.system: list[str] = []
        self.joined = 0
        self._messages: list[Message] = []
        self._due: tuple[str, ...] = ()
        self._results: dict[str, Message] = {}

    def add(self, message: Message, place: str) -> None:
        """Add one. Raises `UserError` where it cannot stand."""
        if message.role == TOOL:
            self._result(message, place)
            return
        if len(self._results) < len(self._due):
            raise UserError(f"{place}: a call before it has no result")
        self._settle()
        last = self._messages[-1].role if self._messages else ""
        if message.role == SYSTEM:
            if self._messages:
                raise UserError(f"{place}: a system prompt stands behind the beginning")
            self.system.append(message.text)
        elif message.role == last:
            self._join(message)
        elif message.role == ASKED and last == TOOL:
            raise UserError(f"{place}: it stands between the results of tools and an answer")
        else:
            if message.role == ANSWERED and not last:
                self._messages.append(Message(ASKED, ""))
            self._messages.append(message)
        self._due = tuple(each.id for each in message.calls)

    def whole(self) -> tuple[Message, ...]:
        """Return the turns; calls of the last answer may have no result."""
        self._settle()
        return tuple(self._messages)

    def _result(self, message: Message, place: str) -> None:
        if message.call not in self._due or message.call in self._results:
            raise UserError(f"{place}: it is the result of no call of the answer before it")
        self._results[message.call] = message

    def _settle(self) -> None:
        """Write down the results, in the order of their calls."""
        self._messages += [self._results[each] for each in self._due if each in self._results]
        self._due, self._results = (), {}

    def _join(self, message: Message) -> None:
        before = self._messages[-1]
        text = f"{before.text}\n\n{message.text}"
        self._messages[-1] = Message(message.role, text, message.calls)
        self.joined += 1


def _message(each: Any, place: str) -> tuple[Message, int]:
    """Return a message, and how many parts of reasoning stand apart from it."""
    if not isinstance(each, Mapping):
        raise UserError(f"{place}: it is no message")
    role = ROLES.get(str(each.get("role")))
    if role is None:
        raise UserError(
            f"{place}: the role {printable(str(each.get('role')), 40)!r} cannot be kept; "
            f"{', '.join(sorted(ROLES))} can"
        )
    made = _calls(each.get("tool_calls") or (), place)
    if each.get("function_call") or (made and role != ANSWERED):
        raise UserError(f"{place}: it calls tools in a form that cannot be kept")
    text, apart = _said(each, place, calls=bool(made))
    if role == TOOL:
        answered = each.get("tool_call_id")
        call = answered if isinstance(answered, str) else ""
        return Message(TOOL, _told(each, text, place), call=call), apart
    return Message(role, text, made), apart


def _said(each: Mapping[str, Any], place: str, *, calls: bool) -> tuple[str, int]:
    """Return the text of a message, and how many parts of reasoning stand apart from it."""
    content = each.get("content")
    apart = int(bool(each.get("reasoning_content")))
    if content is None and calls:
        return "", apart
    if isinstance(content, str):
        return _text(content, place), apart
    if not isinstance(content, list):
        raise UserError(f"{place}: it has no text")
    texts = []
    for part in content:
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind == "reasoning":
            apart += 1
        elif kind == "text" and isinstance(part.get("text"), str):
            texts.append(_text(part["text"], place))
        else:
            raise UserError(f"{place}: a part of it is no text ({printable(str(kind), 40)})")
    return "".join(texts), apart


def _told(each: Mapping[str, Any], text: str, place: str) -> str:
    """Return what the model was told of a result: Inspect keeps an error beside its text."""
    error = each.get("error")
    why = error.get("message") if isinstance(error, Mapping) else None
    return f"Error: {_text(why, place)}" if isinstance(why, str) else text


def _calls(listed: Any, place: str) -> tuple[Call, ...]:
    """Return the calls of a message, in the form of OpenAI or of Inspect."""
    if not isinstance(listed, list | tuple) or len(listed) > CALLS_MAX:
        raise UserError(f"{place}: it calls tools, more than {CALLS_MAX} or in no list")
    found = [_call(each) for each in listed]
    kept = calls(found)
    whole = [(own, name) for own, name, _ in found] == [(each.id, each.name) for each in kept]
    if not whole or any(
        _is_cut(each, given) for each, (_, _, given) in zip(kept, found, strict=True)
    ):
        raise UserError(
            f"{place}: it calls a tool without a name or an id of its own, or with arguments that "
            "are too long to be kept"
        )
    for each in kept:
        _text(each.name + each.arguments, place)
    return kept


def _call(each: Any) -> tuple[Any, Any, Any]:
    """Return id, name and arguments of a call, which may be anything."""
    if not isinstance(each, Mapping):
        return None, None, None
    function = each.get("function")
    if isinstance(function, Mapping):
        return each.get("id"), function.get("name"), function.get("arguments")
    # Of arguments that could not be read Inspect keeps only the words in which it says so.
    return each.get("id"), function, each.get("parse_error") or each.get("arguments")


def _is_cut(call: Call, given: Any) -> bool:
    return call.arguments != given if isinstance(given, str) else call.arguments.endswith(CUT)


def _text(text: str, place: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UserError(f"{place}: it holds half a character (a lone surrogate)")
    return text
