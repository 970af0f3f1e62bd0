"""Canonical JSON (RFC 8785): one value, one sequence of bytes.

Laws: `dumps(loads(b)) == b` for every canonical `b` that `loads` reads, and `loads(dumps(v)) == v`
for every value that `dumps` accepts, save one that holds a whole float beyond ±(2^53 − 1): RFC 8785
writes that without a point, and `loads` refuses it as an integer that not every reader keeps exact.
"""

import functools
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, NoReturn

import msgspec

INTEGER_MAX = 2**53 - 1  # RFC 8785 §3.2.2.3 with I-JSON (RFC 7493 §2.2): exact in every reader
DEPTH_MAX = 64  # deeper documents are refused before Python's own recursion limit is near

PLAIN_LEVELS: Final = 6  # no document of ours is deeper; one that is takes the slower way

_PLAIN_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_BEYOND_UTF16_UNIT: Final = re.compile(rb"[\xf0-\xf4]")  # what UTF-8 writes in four bytes


class NotCanonical(ValueError):
    """The value or the bytes have no canonical form; the message says which part and why."""


def dumps(value: Any) -> bytes:
    """Return the canonical UTF-8 bytes of `value`.

    Accepts None, bool, int within ±(2^53 − 1), finite float, str without lone surrogates,
    mappings with str keys, and sequences. Raises `NotCanonical` for anything else.
    """
    try:
        if _is_plain(value, 0):
            return _PLAIN_ENCODER.encode(value)
        return _dumps_any(value)
    except UnicodeEncodeError as error:
        raise NotCanonical(f"a string holds a lone surrogate: {error}") from error


def loads(data: bytes, *, canonical: bool = False, floats: bool = True) -> Any:
    """Return the value of JSON text, read strictly.

    Raises `NotCanonical` for bytes that are not UTF-8 JSON, for a name that stands twice in an
    object, for NaN and infinities, for integers beyond ±(2^53 − 1), and beyond `DEPTH_MAX`
    levels. With `canonical`, also for bytes that are not the canonical form of their value;
    without `floats`, also for a number that is not written as an integer.
    """
    if canonical:
        found, value = _loads_plain(data)
        if found:
            return value
    return _loads_any(data, canonical=canonical, floats=floats)


def _is_plain(value: Any, depth: int) -> bool:
    """Tell whether `value` is of the common kind that msgspec writes in canonical form.

    That is JSON without floats and with ASCII names, whose order is the same in UTF-8 and UTF-16.
    Everything else, and everything that is refused, is left to the rules below.
    """
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is int:
        return bool(-INTEGER_MAX <= value <= INTEGER_MAX)
    if depth >= DEPTH_MAX:
        return False
    if kind is dict:
        for name, member in value.items():
            if type(name) is not str or not name.isascii():
                return False
            # Most members are text: they are not worth a call.
            if type(member) is not str and not _is_plain(member, depth + 1):
                return False
        return True
    if kind is list or kind is tuple:
        return all(type(item) is str or _is_plain(item, depth + 1) for item in value)
    return False


def _loads_plain(data: bytes) -> tuple[bool, Any]:
    """Return (True, the value) of text that is canonical and plain, else (False, None).

    A canonical text of a plain value is what it is written as, byte for byte; a name that stands
    twice, a space or another spelling of a number would not come back. The decoder refuses floats
    and integers that are too large. Names are in the order of UTF-16 when they are in that of
    UTF-8, unless one holds a character of four bytes.
    """
    try:
        value = _plain_decoder().decode(data)
        ordered = data.isascii() or _BEYOND_UTF16_UNIT.search(data) is None
        if (ordered or _is_plain(value, 0)) and _PLAIN_ENCODER.encode(value) == data:
            return True, value
    except (ValueError, RecursionError):
        pass  # the strict reader says what is wrong
    return False, None


@functools.cache
def _plain_decoder() -> msgspec.json.Decoder[Any]:
    """Return what reads JSON without floats: msgspec checks this as it reads, at no cost."""
    exact = Annotated[int, msgspec.Meta(ge=-INTEGER_MAX, le=INTEGER_MAX)]
    plain: Any = None | bool | exact | str
    for _ in range(PLAIN_LEVELS):
        plain = None | bool | exact | str | list[plain] | dict[str, plain]
    return msgspec.json.Decoder(plain)


def _loads_any(data: bytes, *, canonical: bool, floats: bool) -> Any:
    try:
        value = json.loads(
            data.decode(),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_float if floats else _refuse_float,
            parse_int=_integer,
        )
        _require_depth(value)
        if canonical and dumps(value) != data:
            raise NotCanonical("the text is JSON but not in canonical form")
    except NotCanonical:
        raise
    except (ValueError, RecursionError) as error:
        raise NotCanonical(f"not JSON: {error}") from error
    return value


def _dumps_any(value: Any) -> bytes:
    parts: list[str] = []
    _write(value, parts, 0)
    return "".join(parts).encode()


def _write(value: Any, parts: list[str], depth: int) -> None:
    if depth > DEPTH_MAX:
        raise NotCanonical(f"nested deeper than {DEPTH_MAX} levels")
    match value:
        case None | True | False:
            parts.append({None: "null", True: "true", False: "false"}[value])
        case str():
            parts.append(json.dumps(value, ensure_ascii=False))
        case int():
            if abs(value) > INTEGER_MAX:
                raise NotCanonical(f"the integer {value} is not exact in every reader")
            parts.append(str(value))
        case float():
            parts.append(_number(value))
        case Mapping():
            _write_object(value, parts, depth)
        case Sequence() if not isinstance(value, bytes | bytearray | memoryview):
            for position, item in enumerate(value):
                parts.append("," if position else "[")
                _write(item, parts, depth + 1)
            parts.append("]" if value else "[]")
        case _:
            raise NotCanonical(f"JSON has no form for {type(value).__name__}")


def _write_object(value: Mapping[Any, Any], parts: list[str], depth: int) -> None:
    for key in value:
        if not isinstance(key, str):
            raise NotCanonical(f"an object's name must be text, not {type(key).__name__}")
    try:
        # RFC 8785 §3.2.3: names are ordered by their UTF-16 code units, not by code points.
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    except UnicodeEncodeError as error:
        raise NotCanonical(f"a name holds a lone surrogate: {error}") from error
    for position, name in enumerate(names):
        parts.append("," if position else "{")
        parts.append(json.dumps(name, ensure_ascii=False))
        parts.append(":")
        _write(value[name], parts, depth + 1)
    parts.append("}" if names else "{}")


def _number(value: float) -> str:
    """Write a double as ECMAScript does (ECMA-262 Number::toString, as RFC 8785 §3.2.2.3 asks)."""
    if not math.isfinite(value):
        raise NotCanonical(f"JSON has no form for {value}")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    # repr gives the shortest digits that read back as the same double, which is ECMAScript's rule.
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(digits) - len(fraction) + int(exponent or 0)
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    tail = digits[0] + ("." + digits[1:] if count > 1 else "")
    return f"{sign}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotCanonical("a name stands twice in one object")
    return members


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > INTEGER_MAX:
        raise NotCanonical(f"the integer {text[:24]} is not exact in every reader")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise NotCanonical(f"the number {text[:24]} is beyond what a double holds")
    return value


def _require_depth(value: Any) -> None:
    level, depth = [value], 0
    while level := [item for each in level for item in _members(each)]:
        depth += 1
        if depth > DEPTH_MAX:
            raise NotCanonical(f"nested deeper than {DEPTH_MAX} levels")


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _refuse_float(text: str) -> NoReturn:
    raise NotCanonical(f"the number {text[:24]} is no integer, and this format holds no others")


def _refuse_constant(text: str) -> NoReturn:
    raise NotCanonical(f"JSON has no {text}")
