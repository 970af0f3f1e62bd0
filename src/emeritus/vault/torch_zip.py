"""Finds the storages in a PyTorch checkpoint without unpickling anything.

`torch.save` writes a zip archive whose members `<name>/data/<number>` are the raw storages,
uncompressed; `<name>/data.pkl` says what they mean and stays opaque here. So the element type is
not known, and is chosen by what packs best. Source: PyTorch, caffe2/serialize/inline_container.h.
"""

import re
import zipfile
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from emeritus.safetensors import TENSORS_MAX, TensorRange

DIRECTORY_BYTES_MAX: Final = 16 * 1024 * 1024  # takes 15 times as much when it is read
LOCAL_HEADER_BYTES: Final = 30
LOCAL_MAGIC: Final = b"PK\3\4"

_STORAGE = re.compile(r"[^/]+/data/\d+\Z")


class NotTorchZip(ValueError):
    """The file is no zip archive whose storages can be found."""


class _Bounded:
    """A file that refuses reads as long as only a hostile directory asks for."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, length: int = -1) -> bytes:
        if length > DIRECTORY_BYTES_MAX:
            raise NotTorchZip(f"its directory claims {length} bytes")
        return self._file.read(length if length >= 0 else DIRECTORY_BYTES_MAX)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def read_storages(path: Path, size: int) -> list[TensorRange]:
    """Return the storages of the checkpoint at `path`, in the order of their bytes.

    They have no shape, and the type `U8`. Raises `NotTorchZip`, also for overlaps; nothing is
    ever decompressed.
    """
    ranges = []
    try:
        with path.open("rb") as file, zipfile.ZipFile(cast("BinaryIO", _Bounded(file))) as archive:
            for member in archive.infolist():
                if not _STORAGE.match(member.filename) or member.compress_type:
                    continue
                offset = _data_offset(file, member.header_offset)
                ranges.append(TensorRange(member.filename, "U8", (), offset, member.file_size))
    except (zipfile.BadZipFile, OSError, ValueError, OverflowError, NotImplementedError) as error:
        raise NotTorchZip(f"its zip directory cannot be read: {error}") from error
    if len(ranges) > TENSORS_MAX:
        raise NotTorchZip(f"it has {len(ranges)} storages; at most {TENSORS_MAX} are looked for")
    if len({each.name for each in ranges}) != len(ranges):
        raise NotTorchZip("a name stands twice")
    ranges.sort(key=lambda each: (each.offset, each.length))
    end = 0
    for each in ranges:
        if each.offset < end or each.offset + each.length > size:
            raise NotTorchZip(f"{each.name[:80]!r} does not lie where only it can lie")
        end = each.offset + each.length
    return ranges


def _data_offset(file: BinaryIO, header: int) -> int:
    file.seek(header)
    local = file.read(LOCAL_HEADER_BYTES)
    if len(local) < LOCAL_HEADER_BYTES or local[:4] != LOCAL_MAGIC:
        raise NotTorchZip("a member has no header of its own")
    name, extra = (int.from_bytes(local[at : at + 2], "little") for at in (26, 28))
    return header + LOCAL_HEADER_BYTES + name + extra
