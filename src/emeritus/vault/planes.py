"""Planes: the bytes that a block is split into, each stored as it is or as one zstd frame.

A plane is a frame (RFC 8878) where that is smaller, so its stored length alone tells which; a
plane of zeros takes no bytes. With the parameters below zstd is a Huffman coder, which is what the
exponents of weights ask for: there are no matches to be found in them.
"""

import functools
import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import zstandard

from emeritus.vault.numpy_kernels import Bytes, Words

WORTHWHILE: Final = 0.99  # a frame that saves less than this is not worth decoding later
PROBED_FROM: Final = 256 * 1024  # bytes; trying a shorter plane costs as little as probing it
SAMPLES: Final = 2**14  # bytes of a plane that show whether it is noise
NOISE_MOST: Final = SAMPLES * (14 - 0.9925 * 8)
"""Sum of c · log2(c) of a sample with 99.25 % of 8 bits: that of a plane with 99.4 %, since so many
samples show 0.011 bits too little (Miller and Madow, 1955)."""
GLANCE: Final = 64  # bytes that show of almost every plane that it is not all zeros
CLEARLY_SMALLER: Final = 0.5  # from here on the other compressor is not worth a try

Plane = bytes | memoryview
T = TypeVar("T")

_local = threading.local()  # zstd's contexts serve one thread at a time


class NotDecodable(ValueError):
    """Stored bytes that no encoder could have written."""


def total(planes: Sequence[Plane]) -> int:
    """Return how many bytes the planes take."""
    return sum(map(len, planes))


class Planes:
    """The stored planes of a block, taken one after another."""

    def __init__(self, stored: Plane, lengths: Sequence[int]) -> None:
        self._stored = memoryview(stored)
        self._lengths = iter(lengths)
        self._at = 0

    def take(self, size: int) -> Bytes:
        """Return the next plane, which has `size` bytes."""
        length = next(self._lengths, -1)
        require(length >= 0, "of as many planes as it should be")
        require(length <= size, "of planes no longer than their bytes")
        stored = self._stored[self._at : self._at + length]
        self._at += length
        return unpack(stored, size)

    def finish(self) -> None:
        """End the block: every plane and every stored byte was taken."""
        require(next(self._lengths, None) is None, "of as many planes as it should be")
        require(self._at == len(self._stored), "as long as its planes")


def words_of(data: Bytes, width: int) -> Words:
    """Return bytes as little-endian unsigned integers of `width` bytes."""
    return data.view(f"<u{width}")


def pack_bytes(data: Bytes, dtype: str) -> Plane:
    """Store single bytes: those of a file may be text, which has matches; numbers have none."""
    compressors = [_general(), _huffman()] if dtype == "U8" else [_huffman(), _general()]
    found = pack(data, compressors[0])
    clear = len(found) < CLEARLY_SMALLER * len(data)
    if clear == (dtype == "U8"):
        return found
    return min(found, pack(data, compressors[1]), key=len)


def pack(plane: Bytes, compressor: zstandard.ZstdCompressor | None = None) -> Plane:
    """Return a plane as it is stored; without a compressor, as numbers in which nothing repeats."""
    if not len(plane):
        return b""
    if not plane[:GLANCE].any() and not plane.any():
        return b""
    if compressor is None and len(plane) >= PROBED_FROM and _is_noise(plane):
        return plane.data
    frame: bytes = (compressor or _huffman()).compress(plane.data)
    return frame if len(frame) < WORTHWHILE * len(plane) else plane.data


def _is_noise(plane: Bytes) -> bool:
    """Tell from a sample that a Huffman code would save next to nothing, as on mantissas."""
    counts = np.bincount(plane[:: len(plane) // SAMPLES][:SAMPLES], minlength=256)
    return float(_weights()[counts].sum()) < NOISE_MOST


@functools.cache
def _weights() -> npt.NDArray[np.float64]:
    """Return c · log2(c) for every count in a sample, from which its entropy follows."""
    counts = np.arange(1, SAMPLES + 1, dtype=np.float64)
    return np.concatenate([np.zeros(1), counts * np.log2(counts)])


def unpack(plane: Plane, size: int) -> Bytes:
    """Return the `size` bytes of a stored plane; raises `NotDecodable`."""
    if len(plane) == size:
        return np.frombuffer(plane, np.uint8)
    if not len(plane):
        return np.zeros(size, np.uint8)
    try:
        # The frame says how long it becomes; what says more than the index does is not opened.
        require(zstandard.frame_content_size(plane) == size, f"a frame of {size} bytes")
        data: bytes = _decompressor().decompress(plane, max_output_size=size)
    except zstandard.ZstdError as error:
        raise NotDecodable(f"a plane does not decode: {error}") from error
    require(len(data) == size, f"{size} bytes")
    return np.frombuffer(data, np.uint8)


def require(holds: bool, what: str) -> None:
    """Raise `NotDecodable` unless the block is `what` it should be."""
    if not holds:
        raise NotDecodable(f"a block is not {what}")


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
