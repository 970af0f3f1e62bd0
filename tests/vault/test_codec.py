"""Codecs lose nothing, whatever the bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emeritus.safetensors import WIDTHS
from emeritus.vault import codec, delta, kernels
from emeritus.vault.codec import Layout
from emeritus.vault.format import (
    BLOCK_BYTES,
    BYTES,
    COLUMNS,
    DELTA,
    EXPONENT_BITS,
    PAIRS,
    PLANES,
    RECORDS,
)

FLOATS = sorted(EXPONENT_BITS)


@pytest.fixture
def compiled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test with each of the two kernels."""
    monkeypatch.setattr(kernels, "_current", kernels.current())
    kernels.rest()
    if request.param:
        pytest.importorskip("numba", reason="the extra `fast` is not installed")
        kernels.hasten(kernels.WORTH_LOADING)


def coded(raw: bytes, dtype: str, phase: int = 0, base: bytes | None = None) -> int:
    """Encode and decode a block, and return its stored length."""
    layout = Layout(dtype, phase)
    kind, planes = codec.encode(raw, layout, base)
    stored, lengths = b"".join(planes), tuple(map(len, planes))
    assert codec.decode(stored, (kind, lengths), len(raw), layout, base) == raw
    assert len(stored) == codec.total(planes) <= len(raw)
    return len(stored)


def changed(raw: bytes, base: bytes, dtype: str) -> int:
    """The same for a difference, whether or not it is the smaller way."""
    planes = delta.encode_delta(np.frombuffer(raw, "u1"), np.frombuffer(base, "u1"), dtype)
    coded = DELTA, tuple(map(len, planes))
    assert codec.decode(b"".join(planes), coded, len(raw), Layout(dtype), base) == raw
    return codec.total(planes)


@pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "numba"], indirect=True)
@pytest.mark.usefixtures("compiled")
class TestNothingIsLost:
    """Every bit comes back, with either kernel."""

    @given(
        top=st.integers(0, 255),
        outside=st.lists(st.integers(0, 1499), max_size=40),
        count=st.integers(1025, 1500),
        dtype=st.sampled_from(["BF16", "F32", "F64"]),
    )
    def test_exponents_in_pairs(self, top: int, outside: list[int], count: int, dtype: str) -> None:
        """Any range of exponents, an odd number of them, and some that lie outside of it."""
        rng = np.random.default_rng(count)
        planes = rng.integers(0, 256, (WIDTHS[dtype], count), np.uint8)
        planes[0] = (top - rng.integers(0, 15, count)) % 256
        for at in outside:
            planes[0][at % count] = (top + at) % 256
        words = np.zeros(count, f"<u{WIDTHS[dtype]}")
        kernels.current().merge(list(planes), words, rotated=True)
        kind = codec.encode(words.tobytes(), Layout(dtype))[0]
        assert kind == PAIRS or top < 14  # a range does not go round
        coded(words.tobytes(), dtype)

    @given(raw=st.binary(max_size=4096), dtype=st.sampled_from(sorted({**WIDTHS, **RECORDS})))
    def test_any_bytes(self, raw: bytes, dtype: str) -> None:
        """Every type gives back every bit, and never takes more than the bytes themselves."""
        coded(raw, dtype, phase=len(raw) % 7)

    @given(st.binary(max_size=2048), st.binary(max_size=2048), st.sampled_from(FLOATS))
    def test_any_difference(self, one: bytes, other: bytes, dtype: str) -> None:
        """Two tensors of any bits, and the second is found again from the first."""
        length = min(len(one), len(other)) // WIDTHS[dtype] * WIDTHS[dtype]
        changed(one[:length], other[:length], dtype)

    @pytest.mark.parametrize("dtype", FLOATS)
    def test_special_numbers(self, dtype: str) -> None:
        """Zeros of both signs, infinities, quiet and signalling NaNs, subnormals."""
        width = WIDTHS[dtype]
        top = 8 * width
        words = [0, 1, 1 << (top - 1), (1 << top) - 1, (1 << (top - 1)) - 1, 1 << (top - 2)]
        raw = b"".join(word.to_bytes(width, "little") for word in words) * 64
        coded(raw, dtype)
        changed(raw, raw[::-1], dtype)

    @pytest.mark.parametrize("dtype", sorted({**WIDTHS, **RECORDS}))
    @pytest.mark.parametrize("size", [(256 * 1024), (256 * 1024) + 8, BLOCK_BYTES])
    def test_whole_blocks(self, dtype: str, size: int) -> None:
        """Segments that are full, and the short one at the end."""
        coded(_weights(size // 2 + 4)[:size], dtype, phase=BLOCK_BYTES)

    @pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.5, 1.0])
    def test_updates_of_every_size(self, share: float) -> None:
        """However many weights moved, and however far, the difference is undone."""
        rng = np.random.default_rng(1)
        base = np.frombuffer(_weights(300_000), np.uint16)
        step = rng.integers(-400, 400, base.size) * (rng.random(base.size) < share)
        changed((base + step).astype(np.uint16).tobytes(), base.tobytes(), "BF16")


def test_both_kernels_write_the_same_bytes() -> None:
    """What is stored does not depend on what is installed."""
    pytest.importorskip("numba", reason="the extra `fast` is not installed")
    raw, base = _weights(200_000, 1), _weights(200_000, 2)
    written = []
    for size in (0, kernels.WORTH_LOADING):
        kernels.rest()
        kernels.hasten(size)
        alone = [codec.encode(raw, Layout(dtype)) for dtype in sorted({**WIDTHS, **RECORDS})]
        written.append((alone, [codec.encode(raw, Layout(dtype), base) for dtype in FLOATS]))
    kernels.rest()
    assert written[0] == written[1]


def _weights(count: int, seed: int = 0) -> bytes:
    values = np.random.default_rng(seed).standard_normal(count).astype(np.float32) * 0.02
    return (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()


def test_weights_take_little_more_than_their_entropy() -> None:
    """bf16 weights whose rows differ in scale come within half a percent of the order-0 bound."""
    rng = np.random.default_rng(3)
    rows = np.exp(rng.normal(0, 0.4, (1024, 1))).astype(np.float32)
    values = rng.standard_normal((1024, 1024), np.float32) * rows * 0.02
    words = (values.view(np.uint32) >> 16).astype(np.uint16).reshape(-1)
    raw = words.tobytes()
    shares = np.bincount((words >> 7) & 255) / len(words)
    bits = -(shares[shares > 0] * np.log2(shares[shares > 0])).sum() + 8
    kind, planes = codec.encode(raw, Layout("BF16"))
    assert kind == PAIRS
    assert codec.total(planes) <= 1.005 * len(words) * bits / 8


def test_a_small_change_takes_few_bytes() -> None:
    """A tensor that moved a little is stored in a third of what it takes alone."""
    base = _weights(128 * 1024)
    moved = np.frombuffer(base, np.uint16).copy()
    moved[::7] += 1
    alone = coded(moved.tobytes(), "BF16")
    assert coded(moved.tobytes(), "BF16", 0, base) < alone / 3


def test_packed_numbers_are_split_into_columns() -> None:
    """Scales and quants of a packed type have tables of their own."""
    rng = np.random.default_rng(1)
    records = np.zeros((8192, 34), np.uint8)
    records[:, 1] = rng.integers(40, 44, 8192)
    records[:, 0] = rng.integers(0, 256, 8192)
    records[:, 2:] = np.clip(rng.normal(0, 40, (8192, 32)), -127, 127).astype(np.int8)
    raw = records.tobytes()
    kind, planes = codec.encode(raw, Layout("Q8_0"))
    assert kind == COLUMNS
    assert codec.total(planes) < 0.99 * codec.total(codec.encode(raw, Layout("U8"))[1])


def test_zeros_take_no_bytes() -> None:
    """A tensor of zeros, or one that did not move, stores nothing but its index entry."""
    assert coded(bytes((256 * 1024) * 3), "BF16") == 0
    base = _weights(100_000)
    assert coded(base, "BF16", 0, base) < 64


@pytest.mark.parametrize(
    ("coded", "stored", "size"),
    [
        ((BYTES, ()), b"", 8),
        ((BYTES, (1, 1)), b"xy", 8),
        ((BYTES, (11,)), b"not a frame", 8),
        ((BYTES, (7,)), b"a frame", 8),
        ((BYTES, (8,)), b"12345678and more", 8),
        ((BYTES, (8, 8)), b"1234567812345678", 8),
        ((BYTES, (-1,)), b"x", 8),
        ((PLANES, (4,)), b"1234", 8),
        ((PLANES, (4, 1)), b"12341", 8),
        ((PLANES, (4, 4)), b"12341234", 7),
        ((PAIRS, (3, 4)), b"\x7f\x00\x001234", 8),
        ((PAIRS, (3, 2, 4)), b"\x7f\x0f\x00xx1234", 8),
        ((PAIRS, (2, 0, 4)), b"\x7f\x001234", 8),
        ((COLUMNS, (8,)), b"12345678", 8),
        ((DELTA, (0,) * 33), b"", 8),
        ((9, (1,)), b"x", 8),
    ],
)
def test_what_no_encoder_wrote_is_refused(
    coded: tuple[int, tuple[int, ...]], stored: bytes, size: int
) -> None:
    """A wrong codec, number of planes or length is an error and never wrong bytes."""
    with pytest.raises(codec.NotDecodable):
        codec.decode(stored, coded, size, Layout("BF16"))


@given(st.binary(max_size=200), st.lists(st.integers(-2, 60), max_size=40), st.integers(0, 4))
def test_no_bytes_make_the_decoder_fail_otherwise(
    stored: bytes, lengths: list[int], kind: int
) -> None:
    """Whatever is stored, the decoder gives bytes of the right length or says that it cannot."""
    for dtype in ("BF16", "F64", "Q4_0", "U8"):
        try:
            raw = codec.decode(stored, (kind, tuple(lengths)), 64, Layout(dtype), bytes(64))
        except codec.NotDecodable:
            continue
        assert len(raw) == 64


def test_a_frame_that_claims_more_than_its_plane_is_not_opened() -> None:
    """A small frame cannot make the decoder fill the memory."""
    import zstandard

    bomb = zstandard.ZstdCompressor().compress(bytes(1 << 26))
    with pytest.raises(codec.NotDecodable):
        codec.decode(bomb, (BYTES, (len(bomb),)), 1 << 18, Layout("U8"))
