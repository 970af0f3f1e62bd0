"""Turns 256 KiB of raw bytes into planes and back.

A plane is stored as it is, or as one standard zstd frame (RFC 8878) where that is smaller, so its
stored length alone tells which. With the parameters below zstd is a pure Huffman coder, which is
what the exponents of weights ask for: there are no matches to be found in them.
"""

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import zstandard

from emeritus.safetensors import WIDTHS
from emeritus.vault.format import (
    BYTES,
    DELTA,
    EXPONENT_BITS,
    EXPONENT_GROUPS,
    PLANES,
)

Array = npt.NDArray[np.uint8]
Words = npt.NDArray[np.unsignedinteger]

PROBE_BYTES = 4096
PROBES = 4
WORTHWHILE = 0.99  # a probe that saves less than this is not worth decoding later

T = TypeVar("T")

_local = threading.local()  # zstd's contexts serve one thread at a time


class NotDecodable(ValueError):
    """Stored bytes that no encoder could have written."""


def encode(raw: bytes | memoryview, dtype: str) -> tuple[int, list[bytes]]:
    """Return the codec and the stored planes of one segment; never larger than `raw`."""
    data = np.frombuffer(raw, np.uint8)
    whole = [_pack(data, _general())]
    if len(data) % WIDTHS[dtype] or WIDTHS[dtype] == 1:
        huffman = [_pack(data, _huffman())]
        return BYTES, min(whole, huffman, key=_total)
    planes = [_pack(plane, _huffman()) for plane in _split(_words(data, dtype), dtype)]
    return (PLANES, planes) if _total(planes) < _total(whole) else (BYTES, whole)


def encode_delta(raw: bytes | memoryview, base: bytes | memoryview, dtype: str) -> list[bytes]:
    """Return the stored planes of one segment as its difference to `base` (same length)."""
    words = _words(np.frombuffer(raw, np.uint8), dtype)
    reference = _words(np.frombuffer(base, np.uint8), dtype)
    change = _zigzag(words - reference)
    planes = []
    for group in _groups(reference, dtype):
        planes += [_pack(plane, _huffman()) for plane in _byte_planes(change[group])]
    return planes


def decode(
    codec: int,
    planes: Sequence[bytes | memoryview],
    size: int,
    dtype: str,
    base: bytes | memoryview | None = None,
) -> bytes:
    """Return the raw bytes of one segment of `size` bytes.

    Raises `NotDecodable` when the planes do not fit the codec, or a frame is damaged.
    """
    if codec == BYTES:
        _require(len(planes) == 1, "one plane")
        return _unpack(planes[0], size).tobytes()
    _require(codec in (PLANES, DELTA) and dtype in WIDTHS, "a known codec and type")
    width = WIDTHS[dtype]
    _require(size % width == 0, "whole elements")
    if codec == PLANES:
        _require(len(planes) == width, f"{width} planes")
        parts = [_unpack(plane, size // width) for plane in planes]
        return _merge(_join(parts, width), dtype).tobytes()
    _require(base is not None and len(base) == size and dtype in EXPONENT_BITS, "a base")
    return _undo_delta(planes, np.frombuffer(base or b"", np.uint8), dtype)


def _undo_delta(planes: Sequence[bytes | memoryview], base: Array, dtype: str) -> bytes:
    width = WIDTHS[dtype]
    reference = _words(base, dtype)
    _require(len(planes) == width * EXPONENT_GROUPS, f"{width * EXPONENT_GROUPS} planes")
    change = np.empty_like(reference)
    for number, group in enumerate(_groups(reference, dtype)):
        stored = planes[number * width : (number + 1) * width]
        change[group] = _join([_unpack(plane, len(group)) for plane in stored], width)
    one = reference.dtype.type(1)
    return (reference + ((change >> one) ^ (~(change & one) + one))).tobytes()


def _groups(reference: Words, dtype: str) -> list[npt.NDArray[np.intp]]:
    """Return the positions of the elements, grouped by the base's exponent, largest first.

    A change has one scale in a tensor, and a step of a float scales with its exponent: so the
    differences of one group have one scale, and a Huffman table that fits them.
    """
    bits = EXPONENT_BITS[dtype]
    above = 8 * WIDTHS[dtype] - 1 - bits
    exponent = (reference >> reference.dtype.type(above)).astype(np.int64) & ((1 << bits) - 1)
    largest = int(exponent.max(initial=0))
    group = np.minimum(largest - exponent, EXPONENT_GROUPS - 1)
    order = np.argsort(group, kind="stable")
    ends = np.searchsorted(group[order], np.arange(1, EXPONENT_GROUPS))
    return np.split(order, ends)


def _zigzag(change: Words) -> Words:
    """Fold small differences of either sign onto small numbers: 0, -1, 1, -2 → 0, 1, 2, 3."""
    kind = change.dtype.type
    sign = kind(0) - (change >> kind(8 * change.itemsize - 1))
    return (change << kind(1)) ^ sign


def _words(data: Array, dtype: str) -> Words:
    return data.view(f"<u{WIDTHS[dtype]}")


def _split(words: Words, dtype: str) -> list[Array]:
    if dtype in EXPONENT_BITS:
        # Rotating the sign to the low end leaves the exponent alone in the first plane.
        kind = words.dtype.type
        words = (words << kind(1)) | (words >> kind(8 * words.itemsize - 1))
    return _byte_planes(words)


def _merge(words: Words, dtype: str) -> Words:
    if dtype not in EXPONENT_BITS:
        return words
    kind = words.dtype.type
    return (words >> kind(1)) | (words << kind(8 * words.itemsize - 1))


def _byte_planes(words: Words) -> list[Array]:
    """Return the bytes of each element by significance, most significant first."""
    table = np.ascontiguousarray(words).view(np.uint8).reshape(-1, words.itemsize)
    return [np.ascontiguousarray(table[:, each]) for each in reversed(range(words.itemsize))]


def _join(planes: Sequence[Array], width: int) -> Words:
    table = np.empty((len(planes[0]), width), np.uint8)
    for position, plane in enumerate(planes):
        table[:, width - 1 - position] = plane
    return table.reshape(-1).view(f"<u{width}")


def _pack(plane: Array, compressor: zstandard.ZstdCompressor) -> bytes:
    if not _pays(plane, compressor):
        return plane.tobytes()
    frame: bytes = compressor.compress(plane.data)
    return frame if len(frame) < len(plane) else plane.tobytes()


def _pays(plane: Array, compressor: zstandard.ZstdCompressor) -> bool:
    """Judge a long plane by a few samples: most mantissas are noise, and cost as much to try."""
    if len(plane) <= PROBES * PROBE_BYTES * 2:
        return True
    step = len(plane) // PROBES
    sample = np.concatenate([plane[at : at + PROBE_BYTES] for at in range(0, step * PROBES, step)])
    return len(compressor.compress(sample.data)) < WORTHWHILE * len(sample)


def _unpack(plane: bytes | memoryview, size: int) -> Array:
    if len(plane) == size:
        return np.frombuffer(plane, np.uint8)
    try:
        # The frame says how long it becomes; what says more than the index does is not opened.
        _require(zstandard.frame_content_size(plane) == size, f"a frame of {size} bytes")
        data: bytes = _decompressor().decompress(plane, max_output_size=size)
    except zstandard.ZstdError as error:
        raise NotDecodable(f"a plane does not decode: {error}") from error
    _require(len(data) == size, f"{size} bytes")
    return np.frombuffer(data, np.uint8)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise NotDecodable(f"a segment is not {what}")


def _total(planes: Sequence[bytes]) -> int:
    return sum(map(len, planes))


def _huffman() -> zstandard.ZstdCompressor:
    return _context("huffman", _make_huffman)


def _general() -> zstandard.ZstdCompressor:
    return _context("general", lambda: zstandard.ZstdCompressor(level=3))


def _decompressor() -> zstandard.ZstdDecompressor:
    return _context("decompressor", zstandard.ZstdDecompressor)


def _make_huffman() -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters.from_level(
            1, strategy=zstandard.STRATEGY_FAST, min_match=7, hash_log=6, write_content_size=1
        )
    )


def _context(name: str, make: Callable[[], T]) -> T:
    if not hasattr(_local, name):
        setattr(_local, name, make())
    made: T = getattr(_local, name)
    return made
