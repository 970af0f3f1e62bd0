"""Moves bytes between elements and planes; what the codecs do to every element."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[Any]

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
        if rotated:
            kind = words.dtype.type
            words = (words << kind(1)) | (words >> kind(8 * words.itemsize - 1))
        table = np.ascontiguousarray(words).view(np.uint8).reshape(-1, words.itemsize)
        return [np.ascontiguousarray(table[:, each]) for each in reversed(range(words.itemsize))]

    def merge(self, planes: Sequence[Bytes], words: Words, rotated: bool) -> None:
        """Write the elements of `planes` to `words`."""
        table = words.view(np.uint8).reshape(-1, words.itemsize)
        for position, plane in enumerate(planes):
            table[:, words.itemsize - 1 - position] = plane
        if rotated:
            kind = words.dtype.type
            low = words << kind(8 * words.itemsize - 1)
            words >>= kind(1)
            words |= low

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
