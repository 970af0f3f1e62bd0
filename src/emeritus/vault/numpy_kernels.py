"""Moves bytes between elements and planes; what the codecs do to every element."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[Any]

ESCAPE: Final = 15
"""The number that stands for a byte which is not among the 15 from the top down."""

GROUPS: Final = 16
"""Groups of elements by the base's exponent: the largest, one below, …, all the rest."""


class Kernels(Protocol):
    """What a codec does to every element.

    `words` are unsigned integers; plane 0 holds their most significant bytes. `rotated` says that
    elements are rotated left by one bit first, which leaves the exponent of a float alone in
    plane 0.
    """

    def split(self, words: Words, rotated: bool) -> list[Bytes]:
        """Return the planes of `words`, each contiguous."""
        ...

    def merge(self, planes: Sequence[Bytes], words: Words, rotated: bool) -> None:
        """Write the elements of `planes` to `words`."""
        ...

    def pair(self, plane: Bytes, top: int) -> tuple[Bytes, Bytes]:
        """Return `top` and for each byte how far it is below, two in a byte; and what is escaped.

        Bytes above `top`, and those 15 or more below it, are escaped: 15 stands for them.
        """
        ...

    def unpair(self, packed: Bytes, size: int) -> tuple[Bytes, npt.NDArray[np.intp]]:
        """Return the `size` bytes of a plane, and the places of those that were escaped."""
        ...

    def group(self, base: Words, exponent_bits: int) -> tuple[Bytes, npt.NDArray[np.int64]]:
        """Return the group of each element of `base`, and how many elements each group has."""
        ...

    def difference(
        self, words: Words, base: Words, group: Bytes, counts: npt.NDArray[np.int64]
    ) -> list[Bytes]:
        """Return the planes of zigzag(words − base), elements sorted by group, stably."""
        ...

    def sum(
        self,
        planes: Sequence[Bytes],
        base: Words,
        group: Bytes,
        counts: npt.NDArray[np.int64],
        words: Words,
    ) -> None:
        """Undo `difference` into `words`."""
        ...


class NumpyKernels:
    """The kernels without Numba."""

    def split(self, words: Words, rotated: bool) -> list[Bytes]:
        """Return the planes of `words`."""
        planes = np.empty((words.itemsize, words.size), np.uint8)
        for plane, shift in zip(planes, _shifts(words, rotated), strict=True):
            np.copyto(plane, words >> shift, casting="unsafe")
        if rotated:
            kind = words.dtype.type
            sign = words >> kind(8 * words.itemsize - 1)
            np.copyto(planes[-1], (words << kind(1)) | sign, casting="unsafe")
        return list(planes)

    def merge(self, planes: Sequence[Bytes], words: Words, rotated: bool) -> None:
        """Write the elements of `planes` to `words`."""
        kind = words.dtype.type
        np.copyto(words, planes[-1])
        if rotated:
            words <<= kind(8 * words.itemsize - 1)
            words |= planes[-1] >> np.uint8(1)
        for plane, shift in zip(planes[:-1], _shifts(words, rotated), strict=False):
            words |= plane.astype(words.dtype) << shift

    def pair(self, plane: Bytes, top: int) -> tuple[Bytes, Bytes]:
        """Return the numbers, two in a byte, and the escaped bytes."""
        numbers = np.zeros(len(plane) + len(plane) % 2, np.uint8)
        np.minimum(np.uint8(top) - plane, np.uint8(ESCAPE), out=numbers[: len(plane)])
        both = numbers.view("<u2")
        packed = np.empty(1 + len(both), np.uint8)
        packed[0] = top
        np.copyto(packed[1:], both | (both >> np.uint16(4)), casting="unsafe")
        return packed, plane[escaped(numbers[: len(plane)])]

    def unpair(self, packed: Bytes, size: int) -> tuple[Bytes, npt.NDArray[np.intp]]:
        """Return the bytes of a plane, and the places of those that were escaped."""
        both = packed[1:].astype("<u2")
        both |= both << np.uint16(4)
        both &= np.uint16(0x0F0F)
        numbers = both.view(np.uint8)[:size]
        return packed[0] - numbers, escaped(numbers)

    def group(self, base: Words, exponent_bits: int) -> tuple[Bytes, npt.NDArray[np.int64]]:
        """Return the groups and their sizes."""
        kind = base.dtype.type
        above = 8 * base.itemsize - 1 - exponent_bits
        exponent = (base >> kind(above)) & kind((1 << exponent_bits) - 1)
        largest = exponent.max(initial=kind(0))
        group = np.minimum(largest - exponent, kind(GROUPS - 1)).astype(np.uint8)
        return group, np.bincount(group, minlength=GROUPS).astype(np.int64)

    def difference(
        self,
        words: Words,
        base: Words,
        group: Bytes,
        counts: npt.NDArray[np.int64],  # noqa: ARG002  the other implementation needs it
    ) -> list[Bytes]:
        """Return the planes of the differences."""
        kind = words.dtype.type
        change = words - base
        sign = kind(0) - (change >> kind(8 * change.itemsize - 1))
        folded = (change << kind(1)) ^ sign
        return self.split(folded[np.argsort(group, kind="stable")], rotated=False)

    def sum(
        self,
        planes: Sequence[Bytes],
        base: Words,
        group: Bytes,
        counts: npt.NDArray[np.int64],  # noqa: ARG002  the other implementation needs it
        words: Words,
    ) -> None:
        """Undo `difference`."""
        kind = words.dtype.type
        folded = np.empty_like(words)
        self.merge(planes, folded, rotated=False)
        change = (folded >> kind(1)) ^ (kind(0) - (folded & kind(1)))
        order = np.argsort(group, kind="stable")
        words[order] = base[order] + change


def escaped(numbers: Bytes) -> npt.NDArray[np.intp]:
    """Return where escapes stand. They are rare: eight numbers at a time are looked at."""
    found = numbers == ESCAPE
    whole = len(found) // 8 * 8
    eights = np.flatnonzero(found[:whole].view(np.uint64) != 0)
    places = (eights[:, None] * 8 + np.arange(8)).reshape(-1)
    return np.concatenate([places[found[places]], whole + np.flatnonzero(found[whole:])])


def _shifts(words: Words, rotated: bool) -> list[Any]:
    """Return how far to shift a word for each plane; a rotated one's last plane needs more."""
    top, count = 8 * words.itemsize - 8 - rotated, words.itemsize
    return [words.dtype.type(max(0, top - 8 * each)) for each in range(count)]
