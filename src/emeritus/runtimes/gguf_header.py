"""Reads the header of a GGUF file: its fields and tensors, bounded and without trust.

Source: the GGUF specification, versions 2 and 3 (ggml project, docs/gguf.md).
"""

import dataclasses
import math
import struct
from pathlib import Path
from typing import BinaryIO, Final

MAGIC: Final = b"GGUF"
FIELDS_MAX: Final = 100_000
TENSORS_MAX: Final = 1_000_000
STRING_BYTES_MAX: Final = 16 * 1024 * 1024
ARRAY_ITEMS_MAX: Final = 10_000_000

_SCALARS: Final = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?",
    10: "<Q", 11: "<q", 12: "<d",
}  # fmt: skip
_STRING: Final = 8
_ARRAY: Final = 9
_TYPES: Final = {0: "F32", 1: "F16", 2: "Q4_0", 8: "Q8_0", 12: "Q4_K", 14: "Q6_K", 30: "BF16"}

Value = int | float | bool | str | None


class NotGguf(ValueError):
    """The file is no GGUF file that can be read."""


@dataclasses.dataclass(frozen=True, slots=True)
class Header:
    """The fields by name (arrays are skipped and stand as None), and what the tensors are."""

    fields: dict[str, Value]
    parameters: int
    dtypes: tuple[str, ...]


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
        parameters, dtypes = 0, set()
        for _ in range(tensors):
            reader.text()
            shape = [reader.count("<Q", size * 8 + 1) for _ in range(reader.count("<I", 8))]
            kind = reader.count("<I", 10_000)
            offset = reader.count("<Q", size)
            dtypes.add(_TYPES.get(kind, f"ggml-{kind}"))
            parameters += math.prod(shape)
            if offset > size:
                raise NotGguf("a tensor lies beyond its end")
    return Header(named, parameters, tuple(sorted(dtypes)))


class _Reader:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = size

    def take(self, length: int) -> bytes:
        if length > self._left:
            raise NotGguf("it ends inside its header")
        self._left -= length
        return self._file.read(length)

    def scalar(self, form: str) -> int | float | bool:
        value: int | float | bool = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return value

    def count(self, form: str, most: int) -> int:
        value = int(self.scalar(form))
        if value > most:
            raise NotGguf(f"it claims {value} where at most {most} can be")
        return value

    def text(self) -> str:
        return self.take(self.count("<Q", STRING_BYTES_MAX)).decode("utf-8", "replace")

    def value(self, kind: int) -> Value:
        if kind == _STRING:
            return self.text()
        if kind in _SCALARS:
            return self.scalar(_SCALARS[kind])
        if kind != _ARRAY:
            raise NotGguf(f"a field has the unknown type {kind}")
        inner = self.count("<I", 12)
        for _ in range(self.count("<Q", ARRAY_ITEMS_MAX)):
            if inner == _ARRAY:
                raise NotGguf("an array holds arrays")
            self.value(inner)
        return None
