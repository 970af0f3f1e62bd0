"""Canonical JSON agrees with RFC 8785 and with itself."""

import json
import math
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emeritus import canonical
from emeritus.canonical import INTEGER_MAX, NotCanonical, dumps, loads

# RFC 8785, appendix B: IEEE 754 bits and the text that they have.
NUMBERS = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-INTEGER_MAX, INTEGER_MAX)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize(("bits", "text"), NUMBERS)
def test_numbers_have_the_text_of_the_standard(bits: str, text: str) -> None:
    """Every sample of RFC 8785, appendix B, is written as it says."""
    value = struct.unpack(">d", bytes.fromhex(bits))[0]
    assert dumps(value).decode() == text


def test_the_structure_example_of_the_standard() -> None:
    """RFC 8785 section 3.2.2: numbers, escapes and literals."""
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    assert dumps(value).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_names_are_ordered_by_utf16_code_units() -> None:
    """RFC 8785 section 3.2.3: a pair of surrogates stands before U+FB33."""
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    ordered = list(json.loads(dumps(dict.fromkeys(names, 0))))
    assert ordered == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@given(JSON)
def test_reading_what_was_written_gives_the_value(value: object) -> None:
    """`loads(dumps(v)) == v`, and the bytes are canonical."""
    assert loads(dumps(value), canonical=True) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_double_comes_back(value: float) -> None:
    """A written double reads back as the same double; minus zero becomes zero."""
    assert float(json.loads(dumps(value))) == value


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, INTEGER_MAX + 1, "\ud800", {1: 2}, {"\ud800": 1}, b"x", object()]
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    """Nothing is written that another reader could understand otherwise."""
    with pytest.raises(NotCanonical):
        dumps(value)


@pytest.mark.parametrize(
    "text",
    ['{"a":1,"a":2}', "[NaN]", "9007199254740992", "[1", "\xff", "[" * 100 + "]" * 100, ""],
)
def test_text_that_could_be_misread_is_refused(text: str) -> None:
    """Names that stand twice, inexact integers and nesting without end are no record."""
    with pytest.raises(NotCanonical):
        loads(text.encode("latin-1"), canonical=True)


def test_other_forms_of_the_same_value_are_refused_when_asked() -> None:
    """White space or another order is JSON and not canonical."""
    assert loads(b'{ "a": 1 }') == {"a": 1}
    with pytest.raises(NotCanonical):
        loads(b'{ "a": 1 }', canonical=True)


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([INTEGER_MAX, INTEGER_MAX + 1, 2**63, 2**64, -(2**53)])
    | st.floats()
    | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        | st.dictionaries(st.sampled_from(["\ue000", "\U0001f600", "é", "a", "\x7f"]), inner)
    ),
    max_leaves=12,
)


def _outcome(read: Callable[[], object]) -> tuple[str, object]:
    try:
        return "value", repr(read())
    except NotCanonical:
        return "refused", None
    except UnicodeEncodeError:
        return "refused", None


@given(ANY_JSON)
def test_the_quick_writer_writes_what_the_rules_write(value: object) -> None:
    """Bytes and refusals of the quick path are those of RFC 8785 as written out."""
    assert _outcome(lambda: dumps(value)) == _outcome(lambda: canonical._dumps_any(value))


@given(ANY_JSON, st.booleans(), st.data())
def test_the_quick_reader_accepts_no_more_and_no_less(
    value: object, floats: bool, data: st.DataObject
) -> None:
    """Bytes near a canonical text are read, or refused, exactly as the strict reader does."""
    try:
        text = bytearray(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())
    except UnicodeEncodeError:
        text = bytearray(json.dumps(value, separators=(",", ":")).encode())
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, len(text)))
        piece = data.draw(st.sampled_from([*NEAR, *(bytes([each]) for each in text[:40])]))
        text[at : at + data.draw(st.integers(0, 2))] = piece
    near = bytes(text)
    assert _outcome(lambda: loads(near, canonical=True, floats=floats)) == _outcome(
        lambda: canonical._loads_any(near, canonical=True, floats=floats)
    )


NEAR = [b" ", b"0", b"-0", b"1.0", b"1e2", b'"a":1,', b"\\u0041", b"\\n", b"\xff", b"\xed\xa0\x80"]
NEAR += [b"[", b"{", b"}", b",", b'"', b"18446744073709552000", b"NaN", b"\x00", b"\xef\xbb\xbf"]


@pytest.mark.parametrize("depth", [62, 63, 64, 65, 66, 500])
@pytest.mark.parametrize("inner", [b"", b"1", b'"x"', b"{}"])
def test_the_limit_of_depth_is_the_same_for_both_readers(depth: int, inner: bytes) -> None:
    """Whatever stands at the bottom, the same levels are read and refused."""
    text = b"[" * depth + inner + b"]" * depth
    assert _outcome(lambda: loads(text, canonical=True)) == _outcome(
        lambda: canonical._loads_any(text, canonical=True, floats=True)
    )
