"""Packed types of ggml by columns: like bytes of their records stand together."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from emeritus.vault.format import RECORDS
from emeritus.vault.numpy_kernels import Bytes
from emeritus.vault.planes import Plane, Planes, pack


class _Records(NamedTuple):
    """Where the bytes of a block lie in whole records, padded at both ends."""

    lead: int
    size: int
    columns: tuple[int, ...]

    @classmethod
    def of(cls, dtype: str, phase: int, size: int) -> "_Records":
        """Return the records of a block that begins `phase` bytes into its object."""
        return cls(phase % sum(RECORDS[dtype]), size, RECORDS[dtype])

    def table(self) -> Bytes:
        """Return room for the records, one a row."""
        width = sum(self.columns)
        return np.empty((-(-(self.lead + self.size) // width), width), np.uint8)

    def own(self) -> slice:
        """Return which bytes of the rows are the block's."""
        return slice(self.lead, self.lead + self.size)

    def parts(self) -> Iterator[tuple[slice, slice]]:
        """Yield for each column its place in a row, and which of its bytes are the block's."""
        width, start = sum(self.columns), 0
        rows, last = -(-(self.lead + self.size) // width), (self.lead + self.size) % width or width
        for column in self.columns:
            before = max(0, min(self.lead, start + column) - start)
            behind = max(0, start + column - max(last, start))
            yield slice(start, start + column), slice(before, rows * column - behind)
            start += column


def column_planes(data: Bytes, dtype: str, phase: int) -> list[Plane]:
    """Return one plane a column, for a block that begins `phase` bytes into its object."""
    records = _Records.of(dtype, phase, len(data))
    table = records.table()
    table.reshape(-1)[records.own()] = data
    columns = ((np.ascontiguousarray(table[:, at]).reshape(-1), own) for at, own in records.parts())
    return [pack(column[own]) for column, own in columns]


def merge_columns(planes: Planes, out: Bytes, dtype: str, phase: int) -> None:
    """Undo `column_planes` into `out`."""
    records = _Records.of(dtype, phase, len(out))
    table = records.table()
    for place, own in records.parts():
        column = np.empty(table[:, place].size, np.uint8)
        column[own] = planes.take(max(0, own.stop - own.start))
        table[:, place] = column.reshape(-1, place.stop - place.start)
    out[:] = table.reshape(-1)[records.own()]
