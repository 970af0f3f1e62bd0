"""Which ranges of a file are tensors, by the format of the file."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from emeritus import gguf_header, safetensors
from emeritus.errors import UserError
from emeritus.safetensors import WIDTHS, TensorRange
from emeritus.vault import codec, torch_zip
from emeritus.vault.format import BLOCK_BYTES, object_bytes_max
from emeritus.vault.manifest import Tensor, tensor_digest
from emeritus.vault.objects import ObjectHash

CANDIDATES = ("BF16", "F32", "F64", "I64", "U8")  # the first that packs nearly best is taken
NEARLY = 1.02
HALF_NOISE = 0.75  # of bf16 weights about two thirds are left, of fp16 weights five sixths
TRIALS = 4  # samples that choose the type of a storage

TORCH_NAMES = (".pt", ".pth", ".bin", ".ckpt")


def tensors_of(place: Path, size: int) -> tuple[list[TensorRange], str | None]:
    """Return the tensors of the file at `place`, by offset, and why there are none.

    The reason is None for a file that is not of a format with tensors. Whatever the file holds,
    it can be kept whole. Raises `UserError` when it cannot be read.
    """
    try:
        if place.suffix == ".safetensors":
            return _safetensors(place, size)
        if place.suffix == ".gguf":
            return _gguf(place)
        if place.suffix in TORCH_NAMES and _begins(place, torch_zip.LOCAL_MAGIC):
            return _torch(place, size)
    except OSError as error:
        raise UserError(f"{place} cannot be read: {error.strerror}") from error
    return [], None


def tensor_digest_of(places: Iterable[Path]) -> tuple[int, str | None]:
    """Return how many tensors these files hold, and their canonical digest, from the files alone.

    Tensors whose names and types are only guessed are left out, as in a manifest.
    """
    found: list[Tensor] = []
    for place in places:
        tensors, opaque = tensors_of(place, place.stat().st_size)
        if opaque is None and tensors:
            with place.open("rb") as opened:
                found += [_hashed(opened, each) for each in tensors]
    return len(found), tensor_digest(found)


def _hashed(opened: BinaryIO, tensor: TensorRange) -> Tensor:
    opened.seek(tensor.offset)
    ids, left = [], tensor.length
    while left:
        hasher, cut = ObjectHash(), min(left, object_bytes_max(tensor.dtype))
        left -= cut
        while cut:
            part = opened.read(min(BLOCK_BYTES, cut))
            hasher.update(part)
            cut -= len(part)
        ids.append(hasher.finish())
    return Tensor(tensor.name, tensor.dtype, tensor.shape, tensor.length, tuple(ids))


def _safetensors(place: Path, size: int) -> tuple[list[TensorRange], str | None]:
    try:
        with place.open("rb") as opened:
            return safetensors.read_header(opened, size), None
    except safetensors.NotSafetensors as error:
        return [], f"kept whole, its tensors are not known: {error}"


def _gguf(place: Path) -> tuple[list[TensorRange], str | None]:
    try:
        header = gguf_header.read(place)
    except gguf_header.NotGguf as error:
        return [], f"kept whole, its tensors are not known: {error}"
    unknown = [each for each in header.dtypes if each.startswith("ggml-")]
    if unknown:
        return [], f"kept whole, its tensors have the unknown type {unknown[0]}"
    return list(header.tensors), None


def _torch(place: Path, size: int) -> tuple[list[TensorRange], str | None]:
    try:
        storages = torch_zip.read_storages(place, size)
    except torch_zip.NotTorchZip as error:
        return [], f"kept whole, its storages are not known: {error}"
    with place.open("rb") as opened:
        found = [_typed(opened, each) for each in storages]
    return found, "its storages are kept one by one; names and shapes are in a pickle, never opened"


def _typed(opened: BinaryIO, storage: TensorRange) -> TensorRange:
    """Give a storage the element type with which a few samples of it take the fewest bytes."""
    parts = []
    last = max(0, storage.length - codec.SAMPLE_BYTES)
    for start in sorted({last * each // (TRIALS - 1) // 16 * 16 for each in range(TRIALS)}):
        opened.seek(storage.offset + start)
        parts.append(opened.read(min(codec.SAMPLE_BYTES, storage.length - start)))
    taken = {
        dtype: sum(codec.total(codec.encode(part, codec.Layout(dtype))[1]) for part in parts)
        for dtype in CANDIDATES
        if storage.length % WIDTHS[dtype] == 0
    }
    dtype = next(each for each in taken if taken[each] <= NEARLY * min(taken.values()))
    if dtype == "BF16" and taken[dtype] > HALF_NOISE * sum(map(len, parts)):
        dtype = "F16"  # both are split at the same byte; only the exponent of bf16 fills one
    return dataclasses.replace(storage, dtype=dtype, shape=(storage.length // WIDTHS[dtype],))


def _begins(place: Path, magic: bytes) -> bool:
    with place.open("rb") as opened:
        return opened.read(len(magic)) == magic
