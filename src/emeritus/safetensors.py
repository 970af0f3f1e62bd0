"""Reads the header of a safetensors file, strictly.

The header is untrusted: it is bounded before it is read, and refused when it could be understood
in two ways (names that stand twice, overlaps, holes, unknown fields) or holds a name that some
program would take for a path elsewhere. A file that is refused is still preserved byte for byte;
only its tensors are not known.

Its limits bound memory and time: a header at all of them took 98 MB and 0.9 s. Under the limit of
the library, 100 MB, one of 33 million empty lists took 2.7 GB and 19 s.
"""

import dataclasses
import math
import re
from typing import Any, BinaryIO, Final

from emeritus import canonical

WIDTHS: Final = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "F8_E8M0": 1,
    "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4,
    "F64": 8, "I64": 8, "U64": 8,
}  # fmt: skip
"""Bytes of one element, by the names that safetensors gives to types."""

HEADER_BYTES_MAX: Final = 16 * 1024 * 1024
TENSORS_MAX: Final = 100_000
MARKS_MAX: Final = 20 * TENSORS_MAX  # commas and brackets; an entry of four dimensions has 11
DIMENSIONS_MAX: Final = 32


_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class NotSafetensors(ValueError):
    """The file is not a safetensors file that can be understood in one way only."""


@dataclasses.dataclass(frozen=True, slots=True)
class TensorRange:
    """One tensor: its name, type, shape, and where its bytes lie in the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    length: int


def read_header(file: BinaryIO, size: int) -> list[TensorRange]:
    """Return the tensors of `file` (of `size` bytes) in the order of their bytes.

    They fill the file from the end of the header to its own end. Raises `NotSafetensors`.
    """
    prefix = file.read(8)
    if len(prefix) < 8:
        raise NotSafetensors("shorter than a header")
    length = int.from_bytes(prefix, "little")
    if length > min(HEADER_BYTES_MAX, size - 8):
        raise NotSafetensors(f"its header claims {length} bytes")
    text = file.read(length)
    if sum(map(text.count, (b",", b"[", b"{"))) > MARKS_MAX:
        raise NotSafetensors(f"its header has more parts than {TENSORS_MAX} tensors need")
    try:
        header = canonical.loads(text)
    except canonical.NotCanonical as error:
        raise NotSafetensors(f"its header is {error}") from error
    if not isinstance(header, dict):
        raise NotSafetensors("its header is no object")
    _check_metadata(header.pop("__metadata__", {}))
    if len(header) > TENSORS_MAX:
        raise NotSafetensors(f"it has {len(header)} tensors; at most {TENSORS_MAX} are looked for")
    tensors = [_tensor(name, entry, 8 + length) for name, entry in header.items()]
    tensors.sort(key=lambda tensor: (tensor.offset, tensor.length))
    _check_cover(tensors, 8 + length, size)
    return tensors


def is_plain_name(name: str) -> bool:
    """Tell whether a tensor's name is text that no reader can take for something else.

    It is not empty, holds no control characters (NUL ends a name in C) and no lone surrogates,
    and as a path it leads nowhere else.
    """
    parts = name.split("/")
    return parts[0] != "" and ".." not in parts and not _UNPRINTABLE.search(name)


def _tensor(name: str, entry: Any, start: int) -> TensorRange:
    if not is_plain_name(name):
        raise NotSafetensors(f"{name[:80]!r} is no plain name")
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise NotSafetensors(f"the entry of {name[:80]!r} has other fields than it should")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in WIDTHS:
        raise NotSafetensors(f"the type of {name[:80]!r} is not known: {str(dtype)[:40]!r}")
    if not (_naturals(shape) and len(shape) <= DIMENSIONS_MAX):
        raise NotSafetensors(f"the shape of {name[:80]!r} is no list of lengths")
    if not (_naturals(offsets) and len(offsets) == 2 and offsets[0] <= offsets[1]):
        raise NotSafetensors(f"the offsets of {name[:80]!r} are no range")
    length = offsets[1] - offsets[0]
    if math.prod(shape) * WIDTHS[dtype] != length:
        raise NotSafetensors(f"the shape of {name[:80]!r} does not fit its {length} bytes")
    return TensorRange(name, dtype, tuple(shape), start + offsets[0], length)


def _check_metadata(metadata: Any) -> None:
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise NotSafetensors("its metadata is not text by name")


def _check_cover(tensors: list[TensorRange], start: int, size: int) -> None:
    for tensor in tensors:
        if tensor.offset != start:
            kind = "overlaps another" if tensor.offset < start else "leaves a hole before it"
            raise NotSafetensors(f"{tensor.name[:80]!r} {kind}")
        start += tensor.length
    if start != size:
        raise NotSafetensors(f"its tensors end at byte {start} and the file at {size}")


def _naturals(value: Any) -> bool:
    # bool is an int in Python and no length.
    return isinstance(value, list) and all(type(each) is int and each >= 0 for each in value)
