"""Codecs lose nothing, whatever the bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emeritus.safetensors import WIDTHS
from emeritus.vault import codec
from emeritus.vault.format import BYTES, DELTA, EXPONENT_BITS, PLANES

FLOATS = sorted(EXPONENT_BITS)


@given(st.binary(max_size=4096), st.sampled_from(sorted(WIDTHS)))
def test_any_bytes_come_back(raw: bytes, dtype: str) -> None:
    """Every type gives back every bit, and never takes more than the bytes themselves."""
    chosen, planes = codec.encode(raw, dtype)
    assert codec.decode(chosen, planes, len(raw), dtype) == raw
    assert sum(map(len, planes)) <= len(raw)


@given(st.binary(max_size=2048), st.binary(max_size=2048), st.sampled_from(FLOATS))
def test_any_difference_comes_back(one: bytes, other: bytes, dtype: str) -> None:
    """Two tensors of any bits, and the second is found again from the first."""
    length = min(len(one), len(other)) // WIDTHS[dtype] * WIDTHS[dtype]
    raw, base = one[:length], other[:length]
    planes = codec.encode_delta(raw, base, dtype)
    assert codec.decode(DELTA, planes, length, dtype, base) == raw


@pytest.mark.parametrize("dtype", FLOATS)
def test_special_numbers_come_back(dtype: str) -> None:
    """Zeros of both signs, infinities, quiet and signalling NaNs, subnormals."""
    width = WIDTHS[dtype]
    top = 8 * width
    words = [0, 1, 1 << (top - 1), (1 << top) - 1, (1 << (top - 1)) - 1, 1 << (top - 2)]
    raw = b"".join(word.to_bytes(width, "little") for word in words) * 64
    chosen, planes = codec.encode(raw, dtype)
    assert codec.decode(chosen, planes, len(raw), dtype) == raw
    planes = codec.encode_delta(raw, raw[::-1], dtype)
    assert codec.decode(DELTA, planes, len(raw), dtype, raw[::-1]) == raw


def _weights(count: int, seed: int = 0) -> bytes:
    values = np.random.default_rng(seed).standard_normal(count).astype(np.float32) * 0.02
    return (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()


def test_weights_take_little_more_than_their_entropy() -> None:
    """bf16 weights come within one percent of the order-0 bound of their bits."""
    raw = _weights(128 * 1024)
    words = np.frombuffer(raw, np.uint16)
    shares = np.bincount((words >> 7) & 255) / len(words)
    bits = -(shares[shares > 0] * np.log2(shares[shares > 0])).sum() + 8
    chosen, planes = codec.encode(raw, "BF16")
    assert chosen == PLANES
    assert sum(map(len, planes)) <= 1.01 * len(words) * bits / 8


def test_a_small_change_takes_few_bytes() -> None:
    """A tensor that moved a little is stored in a third of what it takes alone."""
    base = _weights(128 * 1024)
    moved = np.frombuffer(base, np.uint16).copy()
    moved[::7] += 1
    alone = sum(map(len, codec.encode(moved.tobytes(), "BF16")[1]))
    change = sum(map(len, codec.encode_delta(moved.tobytes(), base, "BF16")))
    assert change < alone / 3


@pytest.mark.parametrize(
    ("chosen", "planes", "size"),
    [
        (BYTES, [], 8),
        (BYTES, [b"x", b"y"], 8),
        (BYTES, [b"not a frame"], 8),
        (PLANES, [b"1234"], 8),
        (PLANES, [b"1234", b"1"], 8),
        (PLANES, [b"1234", b"1234"], 7),
        (DELTA, [b""] * 24, 8),
        (9, [b"x"], 8),
    ],
)
def test_what_no_encoder_wrote_is_refused(chosen: int, planes: list[bytes], size: int) -> None:
    """A wrong codec, number of planes or length is an error and never wrong bytes."""
    with pytest.raises(codec.NotDecodable):
        codec.decode(chosen, planes, size, "BF16")


def test_a_frame_that_claims_more_than_its_plane_is_not_opened() -> None:
    """A small frame cannot make the decoder fill the memory."""
    import zstandard

    bomb = zstandard.ZstdCompressor().compress(bytes(1 << 26))
    with pytest.raises(codec.NotDecodable):
        codec.decode(BYTES, [bomb], 1 << 20, "U8")
