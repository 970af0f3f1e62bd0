"""Planes: the bytes that a block is split into, each stored as it is or as one zstd frame.

A plane is a frame (RFC 8878) where that is smaller, so its stored length alone tells which; a
plane of zeros takes no bytes. With the parameters below zstd is a Huffman coder, which is what the
exponents of weights ask for: there are no matches to be found in them.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import numpy as np
import zstandard

from emeritus.vault.numpy_kernels import Bytes, Words

WORTHWHILE: Final = 0.99  # a frame that saves less than this is not worth decoding later
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

    def __init__(self, stored: Plane) -> None:
        self._stored = memoryview(stored)
        self._lengths: list[int] = []
        self._at = 0

    def open(self, lengths: Sequence[int]) -> None:
        """Begin a segment whose planes have these stored lengths."""
        self._lengths = list(reversed(lengths))

    def take(self, size: int) -> Bytes:
        """Return the next plane, which has `size` bytes."""
        require(bool(self._lengths), "as many planes as it should have")
        length = self._lengths.pop()
        require(0 <= length <= size, "no longer than its bytes")
        stored = self._stored[self._at : self._at + length]
        self._at += length
        return unpack(stored, size)

    def close(self) -> None:
        """End a segment: every plane of it was taken."""
        require(not self._lengths, "as many planes as it should have")

    def finish(self) -> None:
        """End the block: every stored byte was taken."""
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
    """Return a plane as it is stored."""
    if not len(plane):
        return b""
    if not plane[:GLANCE].any() and not plane.any():
        return b""
    frame: bytes = (compressor or _huffman()).compress(plane.data)
    return frame if len(frame) < WORTHWHILE * len(plane) else plane.data


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
    """Raise `NotDecodable` unless the segment is `what` it should be."""
    if not holds:
        raise NotDecodable(f"a segment is not {what}")


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
