"""The kernels as compiled loops; the extra `fast` installs what they need.

Each function has one parameter type per element width, and is compiled when it is first met; the
compiled form is cached beside this file, or in Numba's own directory when that is read-only.
"""

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from emeritus.vault.numpy_kernels import ESCAPE, GROUPS, Bytes, NumpyKernels, Words, escaped

_compiled = numba.njit(nogil=True, cache=True, boundscheck=False)


@_compiled
def _split_pairs(words: Any, rotated: Any, high: Any, low: Any) -> None:
    for at in range(words.size):
        word = words[at]
        if rotated:
            word = np.uint16((word << np.uint16(1)) | (word >> np.uint16(15)))
        high[at] = np.uint8(word >> np.uint16(8))
        low[at] = np.uint8(word)


@_compiled
def _split_quads(words: Any, rotated: Any, planes: Any) -> None:
    first, second, third, fourth = planes[0], planes[1], planes[2], planes[3]
    for at in range(words.size):
        word = words[at]
        if rotated:
            word = np.uint32((word << np.uint32(1)) | (word >> np.uint32(31)))
        first[at] = np.uint8(word >> np.uint32(24))
        second[at] = np.uint8(word >> np.uint32(16))
        third[at] = np.uint8(word >> np.uint32(8))
        fourth[at] = np.uint8(word)


@_compiled
def _merge_pairs(high: Any, low: Any, words: Any, rotated: Any) -> None:
    for at in range(words.size):
        word = np.uint16((np.uint16(high[at]) << np.uint16(8)) | np.uint16(low[at]))
        if rotated:
            word = np.uint16((word >> np.uint16(1)) | (word << np.uint16(15)))
        words[at] = word


@_compiled
def _merge_quads(
    first: Any, second: Any, third: Any, fourth: Any, words: Any, rotated: Any
) -> None:
    for at in range(words.size):
        word = (
            (np.uint32(first[at]) << np.uint32(24))
            | (np.uint32(second[at]) << np.uint32(16))
            | (np.uint32(third[at]) << np.uint32(8))
            | np.uint32(fourth[at])
        )
        if rotated:
            word = (word >> np.uint32(1)) | (word << np.uint32(31))
        words[at] = word


@_compiled
def _pair(plane: Any, top: Any, numbers: Any, packed: Any) -> None:
    # Two plain loops, each of which the compiler turns into wide instructions.
    for at in range(plane.size):
        numbers[at] = min(np.uint8(top - plane[at]), np.uint8(ESCAPE))
    both = numbers.view(np.uint16)
    for at in range(both.size):
        packed[at] = np.uint8(both[at] | (both[at] >> np.uint16(4)))


@_compiled
def _unpair(packed: Any, numbers: Any) -> None:
    both = numbers.view(np.uint16)
    for at in range(both.size):
        pair = np.uint16(packed[at])
        both[at] = (pair | (pair << np.uint16(4))) & np.uint16(0x0F0F)


@_compiled
def _group(base: Any, above: Any, mask: Any, group: Any, counts: Any) -> None:
    largest = np.uint64(0)
    for at in range(base.size):
        exponent = (np.uint64(base[at]) >> above) & mask
        largest = max(largest, exponent)
    for at in range(base.size):
        below = largest - ((np.uint64(base[at]) >> above) & mask)
        each = min(below, np.uint64(GROUPS - 1))
        group[at] = np.uint8(each)
        counts[each] += 1


@_compiled
def _scatter(words: Any, base: Any, group: Any, starts: Any, folded: Any) -> None:
    top = np.uint64(8 * words.itemsize - 1)
    mask = (np.uint64(2) << top) - np.uint64(1)
    for at in range(words.size):
        change = (np.uint64(words[at]) - np.uint64(base[at])) & mask
        sign = np.uint64(0) - (change >> top)
        place = starts[group[at]]
        starts[group[at]] = place + 1
        folded[place] = (change << np.uint64(1)) ^ sign


@_compiled
def _gather(folded: Any, base: Any, group: Any, starts: Any, words: Any) -> None:
    for at in range(words.size):
        place = starts[group[at]]
        starts[group[at]] = place + 1
        each = np.uint64(folded[place])
        change = (each >> np.uint64(1)) ^ (np.uint64(0) - (each & np.uint64(1)))
        words[at] = np.uint64(base[at]) + change


class NumbaKernels:
    """The kernels with Numba. Wide elements (8 bytes) are split and merged by NumPy."""

    def split(self, words: Words, rotated: bool) -> list[Bytes]:
        """Return the planes of `words`."""
        planes = np.empty((words.itemsize, words.size), np.uint8)
        if words.itemsize == 2:
            _split_pairs(words, rotated, planes[0], planes[1])
        elif words.itemsize == 4:
            _split_quads(words, rotated, planes)
        else:
            return NumpyKernels().split(words, rotated)
        return list(planes)

    def merge(self, planes: Sequence[Bytes], words: Words, rotated: bool) -> None:
        """Write the elements of `planes` to `words`."""
        if words.itemsize == 2:
            _merge_pairs(planes[0], planes[1], words, rotated)
        elif words.itemsize == 4:
            _merge_quads(planes[0], planes[1], planes[2], planes[3], words, rotated)
        else:
            NumpyKernels().merge(planes, words, rotated)

    def pair(self, plane: Bytes, top: int) -> tuple[Bytes, Bytes]:
        """Return the numbers, two in a byte, and the escaped bytes."""
        numbers = np.empty(plane.size + plane.size % 2, np.uint8)
        numbers[plane.size :] = 0
        packed = np.empty(1 + numbers.size // 2, np.uint8)
        packed[0] = top
        _pair(plane, packed[0], numbers, packed[1:])
        return packed, plane[escaped(numbers[: plane.size])]

    def unpair(self, packed: Bytes, size: int) -> tuple[Bytes, npt.NDArray[np.intp]]:
        """Return the bytes of a plane, and the places of those that were escaped."""
        numbers = np.empty(size + size % 2, np.uint8)
        _unpair(packed[1:], numbers)
        plane = numbers[:size]
        places = escaped(plane)
        return np.subtract(packed[0], plane, out=plane), places

    def group(self, base: Words, exponent_bits: int) -> tuple[Bytes, npt.NDArray[np.int64]]:
        """Return the groups and their sizes."""
        group, counts = np.empty(base.size, np.uint8), np.zeros(GROUPS, np.int64)
        above = np.uint64(8 * base.itemsize - 1 - exponent_bits)
        _group(base, above, np.uint64((1 << exponent_bits) - 1), group, counts)
        return group, counts

    def difference(
        self, words: Words, base: Words, group: Bytes, counts: npt.NDArray[np.int64]
    ) -> list[Bytes]:
        """Return the planes of the differences."""
        folded = np.empty_like(words)
        _scatter(words, base, group, _starts(counts), folded)
        return self.split(folded, rotated=False)

    def sum(
        self,
        planes: Sequence[Bytes],
        base: Words,
        group: Bytes,
        counts: npt.NDArray[np.int64],
        words: Words,
    ) -> None:
        """Undo `difference`."""
        folded = np.empty_like(words)
        self.merge(planes, folded, rotated=False)
        _gather(folded, base, group, _starts(counts), words)


def _starts(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)[:-1]])
