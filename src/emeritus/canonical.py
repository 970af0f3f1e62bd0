"""Canonical JSON (RFC 8785): one value, one sequence of bytes.

Laws: `dumps(loads(b)) == b` for every canonical `b` that `loads` reads, and `loads(dumps(v)) == v`
for every value that `dumps` accepts, save one that holds a whole float beyond ±(2^53 − 1): RFC 8785
writes that without a point, and `loads` refuses it as an integer that not every reader keeps exact.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

INTEGER_MAX = 2**53 - 1  # RFC 8785 §3.2.2.3 with I-JSON (RFC 7493 §2.2): exact in every reader
DEPTH_MAX = 64  # deeper documents are refused before Python's own recursion limit is near


class NotCanonical(ValueError):
    """The value or the bytes have no canonical form; the message says which part and why."""


def dumps(value: Any) -> bytes:
    """Return the canonical UTF-8 bytes of `value`.

    Accepts None, bool, int within ±(2^53 − 1), finite float, str without lone surrogates,
    mappings with str keys, and sequences. Raises `NotCanonical` for anything else.
    """
    parts: list[str] = []
    _write(value, parts, 0)
    try:
        return "".join(parts).encode()
    except UnicodeEncodeError as error:
        raise NotCanonical(f"a string holds a lone surrogate: {error}") from error


def loads(data: bytes, *, canonical: bool = False, floats: bool = True) -> Any:
    """Return the value of JSON text, read strictly.

    Raises `NotCanonical` for bytes that are not UTF-8 JSON, for a name that stands twice in an
    object, for NaN and infinities, for integers beyond ±(2^53 − 1), and beyond `DEPTH_MAX`
    levels. With `canonical`, also for bytes that are not the canonical form of their value;
    without `floats`, also for a number that is not written as an integer.
    """
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
