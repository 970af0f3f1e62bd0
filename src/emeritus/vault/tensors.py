"""Tensors of a preserved model as arrays, straight from the packs: nothing is restored first.

Every block that is read is proven by its hash. NumPy has no bfloat16 and no 8-bit floats; the
extra `tensors` brings them.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emeritus.errors import MissingExtra, UserError
from emeritus.safetensors import WIDTHS
from emeritus.vault.format import RECORDS
from emeritus.vault.manifest import Manifest, Part, Tensor
from emeritus.vault.reading import Reader

NUMPY: Final = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "I16": "<i2", "U16": "<u2", "I32": "<i4", "U32": "<u4",
    "I64": "<i8", "U64": "<u8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
}  # fmt: skip
ML_DTYPES: Final = {
    "BF16": "bfloat16", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
}  # fmt: skip
TORCH: Final = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "int16", "U16": "uint16", "I32": "int32",
    "U32": "uint32", "I64": "int64", "U64": "uint64", "F16": "float16", "F32": "float32",
    "F64": "float64", "BF16": "bfloat16", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class LazyTensor:
    """A tensor that is decoded when it is asked for.

    `dtype` is a type name of safetensors or of ggml. Tensors of packed types come as records: an
    array of uint8 of shape (records, bytes of a record).
    """

    name: str
    file: str
    dtype: str
    shape: tuple[int, ...]
    nbytes: int
    _objects: tuple[str, ...]
    _reader: Reader

    def raw(self) -> memoryview:
        """Return the little-endian bytes; raises `IntegrityError` when they are damaged."""
        return self._bytes().data

    def numpy(self) -> npt.NDArray[Any]:
        """Return the whole tensor as an array that can be written to."""
        return self._bytes().view(numpy_dtype(self.dtype)).reshape(self._array_shape())

    def __getitem__(self, rows: slice) -> npt.NDArray[Any]:
        """Return rows [start, stop) of the first dimension, decoding only the blocks they need."""
        shape = self._array_shape()
        if not shape:
            raise UserError(f"{self.name} has no rows; take all of it")
        start, stop, step = rows.indices(shape[0])
        if step != 1:
            raise UserError(f"{self.name}: only neighbouring rows can be read")
        width = self.nbytes // shape[0] if shape[0] else 0
        data = b"".join(self._reader.ranges(self._parts(start * width, max(start, stop) * width)))
        array = np.frombuffer(bytearray(data), numpy_dtype(self.dtype))
        return array.reshape(max(0, stop - start), *shape[1:])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("a tensor in the vault is decoded, and so always a copy")
        array = self.numpy()
        return array if dtype is None else array.astype(dtype)

    def torch(self) -> Any:
        """Return the whole tensor for PyTorch, which must be installed."""
        try:
            import torch
        except ImportError:
            raise UserError("PyTorch is not installed; take .numpy(), or install it") from None
        dtype = getattr(torch, TORCH.get(self.dtype, "uint8"))
        if not self.nbytes:
            return torch.empty(self._array_shape(), dtype=dtype)
        return torch.from_numpy(self._bytes()).view(dtype).reshape(self._array_shape())

    def _bytes(self) -> npt.NDArray[np.uint8]:
        out = np.empty(self.nbytes, np.uint8)
        self._reader.fill(self._objects, out.data)
        return out

    def _array_shape(self) -> tuple[int, ...]:
        if self.dtype in RECORDS:
            record = sum(RECORDS[self.dtype])
            return self.nbytes // record, record
        return self.shape

    def _parts(self, start: int, stop: int) -> Iterator[Part]:
        at = 0
        for each in self._objects:
            size = self._reader.size(each)
            first, last = max(start, at), min(stop, at + size)
            if first < last:
                yield Part(each, first - at, last - first)
            at += size


class Tensors(Mapping[str, LazyTensor]):
    """The tensors of a model by name, like an opened safetensors file, over all its files.

    A name that stands in several files has the file's path in front: `b.safetensors:w`.
    """

    def __init__(self, manifest: Manifest, reader: Reader) -> None:
        self._tensors: dict[str, LazyTensor] = {}
        counted = Counter(tensor.name for tensor in manifest.tensors)
        for file in manifest.files:
            for tensor in file.tensors:
                key = f"{file.name}:{tensor.name}" if counted[tensor.name] > 1 else tensor.name
                self._tensors[key] = _lazy(tensor, file.name, reader)

    def __getitem__(self, name: str) -> LazyTensor:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def torch(self) -> dict[str, Any]:
        """Return every tensor for PyTorch, as `safetensors.torch.load_file` does."""
        return {name: tensor.torch() for name, tensor in self._tensors.items()}


def numpy_dtype(dtype: str) -> np.dtype[Any]:
    """Return NumPy's type for a type name; raises `MissingExtra` for those that it lacks."""
    if dtype in RECORDS:
        return np.dtype(np.uint8)
    if dtype in NUMPY:
        return np.dtype(NUMPY[dtype])
    try:
        import ml_dtypes
    except ImportError:
        raise MissingExtra("ml_dtypes", "tensors") from None
    found: np.dtype[Any] = np.dtype(getattr(ml_dtypes, ML_DTYPES[dtype]))
    return found


def _lazy(tensor: Tensor, file: str, reader: Reader) -> LazyTensor:
    if tensor.dtype not in WIDTHS and tensor.dtype not in RECORDS:
        raise UserError(f"{tensor.name}: the type {tensor.dtype} is not known to this version")
    return LazyTensor(
        tensor.name, file, tensor.dtype, tensor.shape, tensor.size, tensor.objects, reader
    )
