"""Turns a block of raw bytes into planes and back, each segment by the codec of its type."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from emeritus.safetensors import WIDTHS
from emeritus.vault import kernels
from emeritus.vault.columns import column_planes, merge_columns
from emeritus.vault.delta import decode_delta, encode_delta
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
from emeritus.vault.numpy_kernels import Bytes
from emeritus.vault.planes import (
    NotDecodable,
    Plane,
    Planes,
    pack,
    pack_bytes,
    require,
    total,
    words_of,
)

__all__ = ["Layout", "NotDecodable", "Plane", "decode", "encode", "total"]

CLEARLY_SMALLER: Final = 0.5  # below this a difference is taken without trying the block alone


class Layout(NamedTuple):
    """The type of the elements in a block, and the block's offset in its object.

    The offset matters for types whose records cross blocks.
    """

    dtype: str
    phase: int = 0


def encode(raw: Plane, layout: Layout, base: Plane | None = None) -> tuple[Segments, list[Plane]]:
    """Return the segments of one block and their planes, never larger than `raw` in total.

    With `base`, the same block of the base object, the difference is taken when it is smaller.
    """
    dtype = layout.dtype
    data = np.frombuffer(raw, np.uint8)
    change = None
    if base is not None and dtype in EXPONENT_BITS and len(data) % WIDTHS[dtype] == 0:
        change = encode_delta(data, np.frombuffer(base, np.uint8), dtype)
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
    planes, (dtype, phase) = Planes(stored), layout
    if segments and segments[0][0] == DELTA:
        require(len(segments) == 1 and dtype in EXPONENT_BITS, "the only one of its block")
        require(base is not None and len(base) == size and size % WIDTHS[dtype] == 0, "on a base")
        planes.open(segments[0][1])
        decode_delta(planes, np.frombuffer(base or b"", np.uint8), out, dtype)
    else:
        require(len(segments) == -(-size // SEGMENT_BYTES), "one of as many as there should be")
        for number, (codec, lengths) in enumerate(segments):
            start = number * SEGMENT_BYTES
            planes.open(lengths)
            _decode_segment(codec, planes, out[start : start + SEGMENT_BYTES], dtype, phase + start)
            planes.close()
    planes.finish()
    return out.data


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
            yield COLUMNS, column_planes(part, dtype, phase + start)
    elif width == 1 or len(data) % width:
        for start in range(0, len(data), SEGMENT_BYTES):
            yield BYTES, [pack_bytes(data[start : start + SEGMENT_BYTES], dtype)]
    else:
        planes = kernels.current().split(words_of(data, width), dtype in EXPONENT_BITS)
        step = SEGMENT_BYTES // width
        for start in range(0, len(data) // width, step):
            yield PLANES, [pack(plane[start : start + step]) for plane in planes]


def _decode_segment(codec: int, planes: Planes, out: Bytes, dtype: str, phase: int) -> None:
    if codec == BYTES:
        out[:] = planes.take(len(out))
    elif codec == COLUMNS:
        require(dtype in RECORDS, "of a type with records")
        merge_columns(planes, out, dtype, phase)
    else:
        width = WIDTHS.get(dtype, 1)
        require(codec == PLANES and width > 1 and len(out) % width == 0, "of a known codec")
        parts = [planes.take(len(out) // width) for _ in range(width)]
        kernels.current().merge(parts, words_of(out, width), dtype in EXPONENT_BITS)
