"""Reads the header of a GGUF file: its fields and tensors, bounded and without trust.

Source: the GGUF specification, versions 2 and 3 (ggml project, docs/gguf.md).

It needs no process of its own that could be killed: it is Python, which cannot write beyond a
buffer, and its limits bound memory and time. A header at all of them took 62 MB and 1.7 s, and
one beyond them is refused before it is read (tests/vault/test_limits.py).
"""

import dataclasses
import math
import struct
from pathlib import Path
from typing import BinaryIO, Final

from emeritus.safetensors import TENSORS_MAX, TensorRange, is_plain_name

MAGIC: Final = b"GGUF"
FIELDS_MAX: Final = 100_000
TEXT_BYTES_MAX: Final = 16 * 1024 * 1024  # of all names and texts that are kept, together
STRINGS_MAX: Final = 4_000_000  # in arrays, together; the largest vocabularies have a quarter
ALIGNMENT_MAX: Final = 1024 * 1024

_SCALARS: Final = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?",
    10: "<Q", 11: "<q", 12: "<d",
}  # fmt: skip
_STRING: Final = 8
_ARRAY: Final = 9
_TYPES: Final = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4),
    27: ("I64", 1, 8), 28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18),
}  # fmt: skip
"""Types of ggml by number: name, elements of a record, bytes of a record (ggml.c, type_traits)."""

Value = int | float | bool | str | None


class NotGguf(ValueError):
    """The file is no GGUF file that can be read."""


@dataclasses.dataclass(frozen=True, slots=True)
class Header:
    """The fields by name (arrays are skipped and stand as None), and the tensors.

    `tensors` are in the order of their bytes, and do not overlap. A type that is not known has the
    name `ggml-N`; its tensors have no known length, and `tensors` is empty then.
    """

    fields: dict[str, Value]
    parameters: int
    dtypes: tuple[str, ...]
    tensors: tuple[TensorRange, ...]


def read(path: Path) -> Header:
    """Return the header of the file at `path`. Raises `NotGguf`."""
    size = path.stat().st_size
    with path.open("rb") as file:
        reader = _Reader(file, size)
        if reader.take(4) != MAGIC:
            raise NotGguf("it does not begin with GGUF")
        version = reader.scalar("<I")
        if version not in (2, 3):
            raise NotGguf(f"its version is {version}")
        tensors, fields = reader.count("<Q", TENSORS_MAX), reader.count("<Q", FIELDS_MAX)
        named = {reader.text(): reader.value(reader.count("<I", 12)) for _ in range(fields)}
        entries = [_entry(reader, size) for _ in range(tensors)]
        start = _aligned(size - reader.left, named)
    return Header(
        fields=named,
        parameters=sum(math.prod(shape) for _, shape, _, _ in entries),
        dtypes=tuple(
            sorted(
                {_TYPES[kind][0] if kind in _TYPES else f"ggml-{kind}" for _, _, kind, _ in entries}
            )
        ),
        tensors=_ranges(entries, start, size),
    )


Entry = tuple[str, tuple[int, ...], int, int]


def _entry(reader: "_Reader", size: int) -> Entry:
    name = reader.text()
    if not is_plain_name(name):
        raise NotGguf(f"{name[:80]!r} is no plain name")
    shape = tuple(reader.count("<Q", size * 8 + 1) for _ in range(reader.count("<I", 8)))
    return name, shape, reader.count("<I", 10_000), reader.count("<Q", size)


def _aligned(offset: int, fields: dict[str, Value]) -> int:
    alignment = fields.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 0 < alignment <= ALIGNMENT_MAX:
        raise NotGguf(f"its alignment is {alignment!r}")
    return -(-offset // alignment) * alignment


def _ranges(entries: list[Entry], start: int, size: int) -> tuple[TensorRange, ...]:
    if any(kind not in _TYPES for _, _, kind, _ in entries):
        return ()
    ranges = []
    for name, shape, kind, offset in entries:
        dtype, elements, record = _TYPES[kind]
        count = math.prod(shape)
        if count % elements:
            raise NotGguf(f"{name[:80]!r} has {count} elements, which are no whole records")
        ranges.append(TensorRange(name, dtype, shape, start + offset, count // elements * record))
    ranges.sort(key=lambda each: (each.offset, each.length))
    end = start
    for each in ranges:
        if each.offset < end or each.offset + each.length > size:
            where = "overlaps another" if each.offset < end else "lies beyond the end"
            raise NotGguf(f"{each.name[:80]!r} {where}")
        end = each.offset + each.length
    if len({each.name for each in ranges}) != len(ranges):
        raise NotGguf("a name stands twice")
    return tuple(ranges)


class _Reader:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.left = size
        self._text = TEXT_BYTES_MAX
        self._strings = STRINGS_MAX

    def take(self, length: int) -> bytes:
        if length > self.left:
            raise NotGguf("it ends inside its header")
        self.left -= length
        return self._file.read(length)

    def skip(self, length: int) -> None:
        if length > self.left:
            raise NotGguf("it ends inside its header")
        self.left -= length
        self._file.seek(length, 1)

    def scalar(self, form: str) -> int | float | bool:
        value: int | float | bool = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return value

    def count(self, form: str, most: int) -> int:
        value = int(self.scalar(form))
        if value > most:
            raise NotGguf(f"it claims {value} where at most {most} can be")
        return value

    def text(self) -> str:
        length = self.count("<Q", self._text)
        self._text -= length
        return self.take(length).decode("utf-8", "replace")

    def value(self, kind: int) -> Value:
        if kind == _STRING:
            return self.text()
        if kind in _SCALARS:
            return self.scalar(_SCALARS[kind])
        if kind != _ARRAY:
            raise NotGguf(f"a field has the unknown type {kind}")
        inner = self.count("<I", 12)
        if inner in _SCALARS:
            self.skip(struct.calcsize(_SCALARS[inner]) * self.count("<Q", self.left))
        elif inner == _STRING:
            count = self.count("<Q", self._strings)
            self._strings -= count
            for _ in range(count):
                self.skip(self.count("<Q", self.left))
        else:
            raise NotGguf(f"an array holds items of the type {inner}")
        return None
