"""Turns a block of raw bytes into planes and back, by the codec of its type."""

from collections.abc import Sequence
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
    PAIRS,
    PLANES,
    RECORDS,
)
from emeritus.vault.numpy_kernels import Bytes
from emeritus.vault.pairs import pair_plane, unpair_plane
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
SAMPLE_BYTES: Final[int] = 256 * 1024  # of a tensor that show how it is best coded
PAIRED: Final = frozenset({"BF16", "F32", "F64"})  # types whose first plane is all exponent


class Layout(NamedTuple):
    """The type of the elements in a block, and the block's offset in its object.

    The offset matters for types whose records cross blocks.
    """

    dtype: str
    phase: int = 0


def encode(raw: Plane, layout: Layout, base: Plane | None = None) -> tuple[int, list[Plane]]:
    """Return the codec of one block and its planes, never larger than `raw` in total.

    With `base`, the same block of the base object, the difference is taken when it is smaller.
    """
    dtype = layout.dtype
    data = np.frombuffer(raw, np.uint8)
    change = None
    if base is not None and dtype in EXPONENT_BITS and len(data) % WIDTHS[dtype] == 0:
        change = encode_delta(data, np.frombuffer(base, np.uint8), dtype)
        if total(change) < CLEARLY_SMALLER * len(data):
            return DELTA, change
    codec, planes = _encode_alone(data, layout)
    if change is not None and total(change) < total(planes):
        return DELTA, change
    return codec, planes


def decode(
    stored: Plane,
    coded: tuple[int, Sequence[int]],
    size: int,
    layout: Layout,
    base: Plane | None = None,
    into: memoryview | None = None,
) -> memoryview:
    """Return the `size` raw bytes of a block; `into`, when given, is filled and returned.

    `coded` is its codec, and the stored length of each plane. Raises `NotDecodable` when they do
    not fit the stored bytes, or a frame is damaged.
    """
    out = np.empty(size, np.uint8) if into is None else np.frombuffer(into, np.uint8)
    codec, planes = coded[0], Planes(stored, coded[1])
    if codec == DELTA:
        require(layout.dtype in EXPONENT_BITS and size % WIDTHS[layout.dtype] == 0, "of floats")
        require(base is not None and len(base) == size, "on a base")
        decode_delta(planes, np.frombuffer(base or b"", np.uint8), out, layout.dtype)
    elif codec == COLUMNS:
        require(layout.dtype in RECORDS, "of a type with records")
        merge_columns(planes, out, layout.dtype, layout.phase)
    elif codec == BYTES:
        out[:] = planes.take(size)
    else:
        _merge(codec, planes, out, layout.dtype)
    planes.finish()
    return out.data


def _encode_alone(data: Bytes, layout: Layout) -> tuple[int, list[Plane]]:
    dtype, phase = layout
    width = WIDTHS.get(dtype, 1)
    if dtype in RECORDS:
        return COLUMNS, column_planes(data, dtype, phase)
    if width == 1 or len(data) % width:
        return BYTES, [pack_bytes(data, dtype)]
    first, *others = kernels.current().split(words_of(data, width), dtype in EXPONENT_BITS)
    pairs = pair_plane(first) if dtype in PAIRED else None
    if pairs is None:
        return PLANES, [pack(first), *map(pack, others)]
    return PAIRS, [*pairs, *map(pack, others)]


def _merge(codec: int, planes: Planes, out: Bytes, dtype: str) -> None:
    width = WIDTHS.get(dtype, 1)
    require(codec in (PLANES, PAIRS) and width > 1 and len(out) % width == 0, "of a known codec")
    size = len(out) // width
    first = unpair_plane(planes, size) if codec == PAIRS else planes.take(size)
    others = [planes.take(size) for _ in range(width - 1)]
    kernels.current().merge([first, *others], words_of(out, width), dtype in EXPONENT_BITS)
