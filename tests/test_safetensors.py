"""Headers that lie are refused, in bounded time and memory."""

import contextlib
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emeritus.safetensors import NotSafetensors, read_header


def _file(header: object, body: bytes = bytes(8)) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


GOOD = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def test_a_sound_header_is_read() -> None:
    """Name, type, shape and place of each tensor come back, in the order of their bytes."""
    data = _file({"__metadata__": {"format": "pt"}, "w": GOOD})
    (tensor,) = read_header(io.BytesIO(data), len(data))
    assert (tensor.name, tensor.dtype, tensor.shape, tensor.length) == ("w", "F32", (2,), 8)
    assert tensor.offset == len(data) - 8


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 8,
        (2**63).to_bytes(8, "little"),
        _file(b"{"),
        _file(b'{"w":1,"w":1}'),
        _file([]),
        _file({"w": {**GOOD, "more": 1}}),
        _file({"w": {**GOOD, "dtype": "F31"}}),
        _file({"w": {**GOOD, "dtype": []}}),
        _file({"w": {**GOOD, "shape": [3]}}),
        _file({"w": {**GOOD, "shape": [-2]}}),
        _file({"w": {**GOOD, "shape": [True, 2]}}),
        _file({"w": {**GOOD, "shape": [1] * 40}}),
        _file({"w": {**GOOD, "data_offsets": [8, 0]}}),
        _file({"w": {**GOOD, "data_offsets": [0, 2**53 - 1]}}),
        _file({"w": GOOD, "x": GOOD}),
        _file({"w": GOOD}, bytes(9)),
        _file({"w": {**GOOD, "data_offsets": [1, 9]}}, bytes(9)),
        _file({"__metadata__": {"a": 1}, "w": GOOD}),
        _file(b"[" * 100_000),
    ],
)
def test_a_header_that_could_be_misread_is_refused(data: bytes) -> None:
    """Overlaps, holes, lies about lengths, unknown fields, names that stand twice."""
    with pytest.raises(NotSafetensors):
        read_header(io.BytesIO(data), len(data))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing else than the one error comes out, whatever goes in."""
    with contextlib.suppress(NotSafetensors):
        read_header(io.BytesIO(data), len(data))
