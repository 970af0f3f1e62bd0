"""Exponents of floats, two in a byte.

Nearly all weights of a tensor have one of 15 neighbouring exponents: 4 bits are enough for each.
A Huffman code over pairs has half as many symbols to write, and comes nearer to the entropy, than
one over single exponents.
"""

from typing import Final

import numpy as np

from emeritus.vault import kernels
from emeritus.vault.numpy_kernels import ESCAPE, Bytes
from emeritus.vault.planes import Plane, Planes, pack

SAMPLES: Final = 16 * 1024  # bytes of a plane that show its range
PAIRED_FROM: Final = 1024  # bytes; of fewer, one table for single bytes costs less
ESCAPED_MOST: Final = 1 / 32  # of the bytes; else the plane is better packed as it is


def pair_plane(plane: Bytes) -> list[Plane] | None:
    """Return the packed plane and the escaped bytes, or None when these are too many."""
    if len(plane) < PAIRED_FROM:
        return None
    sample = plane[:: max(1, len(plane) // SAMPLES)]
    counts = np.bincount(sample, minlength=256)
    # How many bytes lie in the 15 that end with each; the most of them win.
    below = np.concatenate([np.zeros(ESCAPE, np.int64), np.cumsum(counts)])
    inside = below[ESCAPE:] - below[:-ESCAPE]
    top = int(inside.argmax())
    if len(sample) - inside[top] > ESCAPED_MOST * len(sample):
        return None
    packed, escaped = kernels.current().pair(plane, top)
    return [pack(packed), pack(escaped)]


def unpair_plane(planes: Planes, size: int) -> Bytes:
    """Undo `pair_plane`; raises `NotDecodable`."""
    plane, places = kernels.current().unpair(planes.take(1 + -(-size // 2)), size)
    plane[places] = planes.take(len(places))
    return plane
