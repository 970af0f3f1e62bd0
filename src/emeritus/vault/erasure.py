"""Cauchy Reed–Solomon over GF(2⁸): any `data` of `data + parity` parts give the whole back.

The field is that of the polynomial 0x11d; the coefficient of data part j in parity part i is the
inverse of (data + i) xor j. ISA-L calls this matrix cauchy1, so its tools decode the same parts.
Source: Blömer et al., "An XOR-Based Erasure-Resilient Coding Scheme" (1995); ISA-L, ec_base.c.
"""

import functools
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from emeritus.errors import UserError

Bytes = npt.NDArray[np.uint8]

POLYNOMIAL: Final = 0x11D
PARTS_MAX: Final = 128
TOGETHER: Final = 4  # sums that are computed at once


class Scheme:
    """How many parts hold the data, and how many more of them may be lost."""

    def __init__(self, data: int, parity: int) -> None:
        if data < 1 or parity < 1 or data + parity > PARTS_MAX:
            raise UserError(
                f"{data}+{parity} is no scheme: at least 1+1, and at most {PARTS_MAX} parts"
            )
        self.data = data
        self.parity = parity

    @property
    def total(self) -> int:
        """How many parts there are."""
        return self.data + self.parity

    def __str__(self) -> str:
        return f"{self.data}+{self.parity}"

    def parity_of(self, parts: Sequence[Bytes]) -> list[Bytes]:
        """Return the parity parts of all data parts, which have one length."""
        return combine([self._row(self.data + each) for each in range(self.parity)], parts)

    def coefficients(self, numbers: Sequence[int]) -> list[list[int]]:
        """Return, for each data part, the row with which to `combine` these parts to it.

        Raises `ValueError` unless there are as many of them as data parts, each once.
        """
        if len(set(numbers)) != self.data or len(numbers) != self.data:
            raise ValueError(f"{len(set(numbers))} parts, and {self.data} are needed")
        return _inverse([self._row(number) for number in numbers])

    def _row(self, number: int) -> list[int]:
        if number < self.data:
            return [int(number == each) for each in range(self.data)]
        return [_reciprocal(number ^ each) for each in range(self.data)]


def combine(rows: Sequence[Sequence[int]], parts: Sequence[Bytes]) -> list[Bytes]:
    """Return, for each row of coefficients, the sum of the parts, each times its coefficient."""
    combined = []
    for at in range(0, len(rows), TOGETHER):
        combined += _combine_few(rows[at : at + TOGETHER], parts)
    return combined


def _combine_few(rows: Sequence[Sequence[int]], parts: Sequence[Bytes]) -> list[Bytes]:
    """Combine with one look-up a byte, which gives its products with the whole column at once."""
    total = np.zeros(len(parts[0]), f"<u{TOGETHER}")
    products = np.empty_like(total)
    for column, part in zip(zip(*rows, strict=True), parts, strict=True):
        table = np.zeros((256, TOGETHER), np.uint8)
        table[:, : len(rows)] = _products()[list(column)].T
        np.take(table.view(total.dtype)[:, 0], part, out=products, mode="clip")
        total ^= products
    planes = total.view(np.uint8).reshape(-1, TOGETHER)
    return [np.ascontiguousarray(planes[:, each]) for each in range(len(rows))]


def _inverse(rows: Sequence[Sequence[int]]) -> list[list[int]]:
    """Invert a matrix by Gauss and Jordan; every matrix that is asked for here is regular."""
    size = len(rows)
    table = [[*row, *(int(at == each) for each in range(size))] for at, row in enumerate(rows)]
    for column in range(size):
        pivot = next(at for at in range(column, size) if table[at][column])
        table[column], table[pivot] = table[pivot], table[column]
        scale = _reciprocal(table[column][column])
        table[column] = [_product(scale, each) for each in table[column]]
        for at in range(size):
            factor = table[at][column]
            if at != column and factor:
                pairs = zip(table[at], table[column], strict=True)
                table[at] = [one ^ _product(factor, other) for one, other in pairs]
    return [row[size:] for row in table]


def _product(one: int, other: int) -> int:
    return int(_products()[one, other])


def _reciprocal(number: int) -> int:
    return int(np.flatnonzero(_products()[number] == 1)[0])


@functools.cache
def _products() -> Bytes:
    """Return the table of all products, 256 by 256."""
    table = np.zeros((256, 256), np.uint8)
    numbers = np.arange(256, dtype=np.uint16)
    times = numbers.copy()  # each number times 2 to the power of `bit`
    for bit in range(8):
        table[(numbers >> bit) % 2 == 1] ^= times.astype(np.uint8)
        times = np.where(times & 0x80, (times << 1) ^ POLYNOMIAL, times << 1).astype(np.uint16)
    return table
