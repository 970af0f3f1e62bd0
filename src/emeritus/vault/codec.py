"""Turns a block of raw bytes into planes and back.

A plane is stored as it is, or as one standard zstd frame (RFC 8878) where that is smaller, so its
stored length alone tells which; a plane of zeros takes no bytes. With the parameters below zstd is
a Huffman coder, which is what the exponents of weights ask for: there are no matches to be found
in them.
"""

import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import zstandard

from emeritus.safetensors import WIDTHS
from emeritus.vault import kernels
from emeritus.vault.format import (
    BYTES,
    COLUMNS,
    DELTA,
    EXPONENT_BITS,
    PLANES,
    RECORDS,
    SEGMENT_BYTES,
    Segments,
)
from emeritus.vault.numpy_kernels import GROUPS, Bytes, Words

WORTHWHILE = 0.99  # a frame that saves less than this is not worth decoding later
CLEARLY_SMALLER = 0.5  # below this a difference is taken without trying the block alone
TRIAL_BYTES = 16 * 1024  # of each group of differences, to choose how they are packed

GLANCE = 64  # bytes that show of almost every plane that it is not all zeros

SYMBOLS = {2: 15, 4: 3, 8: 1}
"""Small numbers in one byte: how many, and the largest, which says that the rest follows."""

JOINED = 255  # the mode of a group whose numbers are packed with those of the next one
JOINED_MOST = 128 * 1024  # numbers; zstd changes its table that often anyway

Plane = bytes | memoryview
T = TypeVar("T")

_local = threading.local()  # zstd's contexts serve one thread at a time


class Layout(NamedTuple):
    """The type of the elements in a block, and the block's offset in its object.

    The offset matters for types whose records cross blocks.
    """

    dtype: str
    phase: int = 0


class NotDecodable(ValueError):
    """Stored bytes that no encoder could have written."""


def encode(raw: Plane, layout: Layout, base: Plane | None = None) -> tuple[Segments, list[Plane]]:
    """Return the segments of one block and their planes, never larger than `raw` in total.

    With `base`, the same block of the base object, the difference is taken when it is smaller.
    """
    dtype = layout.dtype
    data = np.frombuffer(raw, np.uint8)
    change = None
    if base is not None and dtype in EXPONENT_BITS and len(data) % WIDTHS[dtype] == 0:
        change = _encode_delta(data, np.frombuffer(base, np.uint8), dtype)
        if total(change) < CLEARLY_SMALLER * len(data):
            return _one_segment(change)
    segments, planes = _encode_alone(data, layout)
    if change is not None and total(change) < total(planes):
        return _one_segment(change)
    return segments, planes


def decode(
    stored: Plane,
    segments: Segments,
    size: int,
    layout: Layout,
    base: Plane | None = None,
    into: memoryview | None = None,
) -> memoryview:
    """Return the `size` raw bytes of a block; `into`, when given, is filled and returned.

    Raises `NotDecodable` when the planes do not fit the segments, or a frame is damaged.
    """
    out = np.empty(size, np.uint8) if into is None else np.frombuffer(into, np.uint8)
    planes, (dtype, phase) = _Planes(stored), layout
    if segments and segments[0][0] == DELTA:
        _require(len(segments) == 1 and dtype in EXPONENT_BITS, "the only one of its block")
        _require(base is not None and len(base) == size and size % WIDTHS[dtype] == 0, "on a base")
        planes.open(segments[0][1])
        _decode_delta(planes, np.frombuffer(base or b"", np.uint8), out, dtype)
    else:
        _require(len(segments) == -(-size // SEGMENT_BYTES), "one of as many as there should be")
        for number, (codec, lengths) in enumerate(segments):
            start = number * SEGMENT_BYTES
            planes.open(lengths)
            _decode_segment(codec, planes, out[start : start + SEGMENT_BYTES], dtype, phase + start)
            planes.close()
    planes.finish()
    return out.data


def total(planes: Sequence[Plane]) -> int:
    """Return how many bytes the planes take."""
    return sum(map(len, planes))


def _one_segment(planes: list[Plane]) -> tuple[Segments, list[Plane]]:
    return ((DELTA, tuple(map(len, planes))),), planes


def _encode_alone(data: Bytes, layout: Layout) -> tuple[Segments, list[Plane]]:
    segments, stored = [], []
    for codec, planes in _segments(data, layout):
        segments.append((codec, tuple(map(len, planes))))
        stored += planes
    return tuple(segments), stored


def _segments(data: Bytes, layout: Layout) -> Iterator[tuple[int, list[Plane]]]:
    dtype, phase = layout
    width = WIDTHS.get(dtype, 1)
    if dtype in RECORDS:
        for start in range(0, len(data), SEGMENT_BYTES):
            part = data[start : start + SEGMENT_BYTES]
            yield COLUMNS, _column_planes(part, dtype, phase + start)
    elif width == 1 or len(data) % width:
        for start in range(0, len(data), SEGMENT_BYTES):
            yield BYTES, [_pack_bytes(data[start : start + SEGMENT_BYTES], dtype)]
    else:
        planes = kernels.current().split(_words(data, width), dtype in EXPONENT_BITS)
        step = SEGMENT_BYTES // width
        for start in range(0, len(data) // width, step):
            yield PLANES, [_pack(plane[start : start + step]) for plane in planes]


def _decode_segment(codec: int, planes: "_Planes", out: Bytes, dtype: str, phase: int) -> None:
    if codec == BYTES:
        out[:] = planes.take(len(out))
    elif codec == COLUMNS:
        _require(dtype in RECORDS, "of a type with records")
        _merge_columns(planes, out, dtype, phase)
    else:
        width = WIDTHS.get(dtype, 1)
        _require(codec == PLANES and width > 1 and len(out) % width == 0, "of a known codec")
        parts = [planes.take(len(out) // width) for _ in range(width)]
        kernels.current().merge(parts, _words(out, width), dtype in EXPONENT_BITS)


def _encode_delta(data: Bytes, base: Bytes, dtype: str) -> list[Plane]:
    """Return how the groups of each plane are packed, and then what they are packed into.

    A change has one scale in a tensor, and a step of a float scales with its exponent: so the
    differences of one group have one scale, and a Huffman table that fits them.
    """
    width = WIDTHS[dtype]
    reference = _words(base, width)
    group, counts = kernels.current().group(reference, EXPONENT_BITS[dtype])
    modes, stored = bytearray(), list[Plane]()
    for plane in kernels.current().difference(_words(data, width), reference, group, counts):
        for run in _runs(plane, counts.tolist()):
            modes += bytes([JOINED] * (run.groups - 1) + [run.mode])
            stored += run.planes
    return [bytes(modes), *stored]


def _decode_delta(planes: "_Planes", base: Bytes, out: Bytes, dtype: str) -> None:
    width = WIDTHS[dtype]
    reference = _words(base, width)
    group, counts = kernels.current().group(reference, EXPONENT_BITS[dtype])
    modes = planes.take(GROUPS * width).tolist()
    change = []
    for number in range(width):
        runs, joined = [], 0
        for mode, count in zip(modes[number * GROUPS :], counts.tolist(), strict=False):
            joined += count
            if mode != JOINED:
                runs.append(_unpack_small(planes, mode, joined))
                joined = 0
        _require(joined == 0, "of runs that end")
        change.append(np.concatenate(runs))
    planes.close()
    kernels.current().sum(change, reference, group, counts, _words(out, width))


@dataclasses.dataclass(slots=True)
class _Run:
    """Neighbouring groups of one plane whose numbers are packed together."""

    start: int
    count: int
    mode: int
    planes: list[Plane]
    groups: int = 1


def _runs(plane: Bytes, counts: Sequence[int]) -> list[_Run]:
    """Pack the groups of a plane; short ones together where one table serves them better."""
    runs: list[_Run] = []
    start = 0
    for count in counts:
        run = _Run(start, count, *_pack_small(plane[start : start + count]))
        start += count
        if runs and runs[-1].count + count <= JOINED_MOST:
            last = runs[-1]
            mode, planes = _pack_small(plane[last.start : start])
            if total(planes) <= total(last.planes) + total(run.planes):
                run = _Run(last.start, last.count + count, mode, planes, last.groups + 1)
                runs.pop()
        runs.append(run)
    return runs


def _pack_small(numbers: Bytes) -> tuple[int, list[Plane]]:
    """Return how many numbers stand in a byte (0: all are zero), and the planes.

    A Huffman code spends at least one bit on a byte; where most numbers are 0, several of them
    in a byte come below one bit each.
    """
    if not numbers.any():
        return 0, []
    middle = max(0, (len(numbers) - TRIAL_BYTES) // 2)
    sample = numbers[middle : middle + TRIAL_BYTES]
    modes = [1, *(each for each in SYMBOLS if sample.mean() <= SYMBOLS[each])]
    sizes = {each: total(_small_planes(sample, each)) for each in modes} if modes[1:] else {1: 0}
    mode = min(sizes, key=lambda each: sizes[each])
    return mode, _small_planes(numbers, mode)


def _small_planes(numbers: Bytes, mode: int) -> list[Plane]:
    if mode == 1:
        return [_pack(numbers)]
    most = np.uint8(SYMBOLS[mode])
    symbols = np.zeros(-(-len(numbers) // mode) * mode, np.uint8)
    np.minimum(numbers, most, out=symbols[: len(numbers)])
    packed = symbols[::mode].copy()
    for place in range(1, mode):
        packed |= symbols[place::mode] << np.uint8(place * 8 // mode)
    return [_pack(packed), _pack(numbers[numbers >= most] - most)]


def _unpack_small(planes: "_Planes", mode: int, count: int) -> Bytes:
    if mode == 0:
        return np.zeros(count, np.uint8)
    if mode == 1:
        return planes.take(count)
    _require(mode in SYMBOLS, "of known modes")
    packed, most = planes.take(-(-count // mode)), np.uint8(SYMBOLS[mode])
    symbols = np.empty((len(packed), mode), np.uint8)
    for place in range(mode):
        symbols[:, place] = (packed >> np.uint8(place * 8 // mode)) & most
    numbers = symbols.reshape(-1)[:count]
    large = np.flatnonzero(numbers == most)
    numbers[large] += planes.take(len(large))
    return numbers


class _Records(NamedTuple):
    """Where the bytes of a segment lie in whole records, padded at both ends."""

    lead: int
    size: int
    columns: tuple[int, ...]

    @classmethod
    def of(cls, dtype: str, phase: int, size: int) -> "_Records":
        """Return the records of a segment that begins `phase` bytes into its object."""
        return cls(phase % sum(RECORDS[dtype]), size, RECORDS[dtype])

    def table(self) -> Bytes:
        """Return room for the records, one a row."""
        width = sum(self.columns)
        return np.empty((-(-(self.lead + self.size) // width), width), np.uint8)

    def own(self) -> slice:
        """Return which bytes of the rows are the segment's."""
        return slice(self.lead, self.lead + self.size)

    def parts(self) -> Iterator[tuple[slice, slice]]:
        """Yield for each column its place in a row, and which of its bytes are the segment's."""
        width, start = sum(self.columns), 0
        rows, last = -(-(self.lead + self.size) // width), (self.lead + self.size) % width or width
        for column in self.columns:
            before = max(0, min(self.lead, start + column) - start)
            behind = max(0, start + column - max(last, start))
            yield slice(start, start + column), slice(before, rows * column - behind)
            start += column


def _column_planes(data: Bytes, dtype: str, phase: int) -> list[Plane]:
    records = _Records.of(dtype, phase, len(data))
    table = records.table()
    table.reshape(-1)[records.own()] = data
    columns = ((np.ascontiguousarray(table[:, at]).reshape(-1), own) for at, own in records.parts())
    return [_pack(column[own]) for column, own in columns]


def _merge_columns(planes: "_Planes", out: Bytes, dtype: str, phase: int) -> None:
    records = _Records.of(dtype, phase, len(out))
    table = records.table()
    for place, own in records.parts():
        column = np.empty(table[:, place].size, np.uint8)
        column[own] = planes.take(max(0, own.stop - own.start))
        table[:, place] = column.reshape(len(table), -1)
    out[:] = table.reshape(-1)[records.own()]


class _Planes:
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
        _require(bool(self._lengths), "as many planes as it should have")
        length = self._lengths.pop()
        _require(0 <= length <= size, "no longer than its bytes")
        stored = self._stored[self._at : self._at + length]
        self._at += length
        return _unpack(stored, size)

    def close(self) -> None:
        """End a segment: every plane of it was taken."""
        _require(not self._lengths, "as many planes as it should have")

    def finish(self) -> None:
        """End the block: every stored byte was taken."""
        _require(self._at == len(self._stored), "as long as its planes")


def _words(data: Bytes, width: int) -> Words:
    return data.view(f"<u{width}")


def _pack_bytes(data: Bytes, dtype: str) -> Plane:
    """Store single bytes: those of a file may be text, which has matches; numbers have none."""
    compressors = [_general(), _huffman()] if dtype == "U8" else [_huffman(), _general()]
    found = _pack(data, compressors[0])
    clear = len(found) < CLEARLY_SMALLER * len(data)
    if clear == (dtype == "U8"):
        return found
    return min(found, _pack(data, compressors[1]), key=len)


def _pack(plane: Bytes, compressor: zstandard.ZstdCompressor | None = None) -> Plane:
    if not len(plane):
        return b""
    if not plane[:GLANCE].any() and not plane.any():
        return b""
    frame: bytes = (compressor or _huffman()).compress(plane.data)
    return frame if len(frame) < WORTHWHILE * len(plane) else plane.data


def _unpack(plane: Plane, size: int) -> Bytes:
    if len(plane) == size:
        return np.frombuffer(plane, np.uint8)
    if not len(plane):
        return np.zeros(size, np.uint8)
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
