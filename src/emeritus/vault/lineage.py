"""Finds the model that another one was made from, by their tensors alone."""

from collections.abc import Callable, Mapping
from pathlib import Path

from emeritus.safetensors import TensorRange
from emeritus.vault import codec
from emeritus.vault.catalogue import Catalogue
from emeritus.vault.format import BLOCK_BYTES, EXPONENT_BITS
from emeritus.vault.manifest import Manifest, Tensor
from emeritus.vault.source import SourceFile, list_source
from emeritus.vault.tensor_files import tensors_of

SHARED = 0.5  # of the bytes must be in tensors of the same name, type and shape
SAMPLES = 8  # tensors, of which one sample is compared
CLEARLY_NEARER = 0.9  # of what the samples take alone

Key = tuple[str, str, tuple[int, ...]]
BaseTensors = dict[Key, Tensor]


def by_key(manifest: Manifest) -> BaseTensors:
    """Return a model's tensors by what must agree for a difference to make sense."""
    return {(each.name, each.dtype, each.shape): each for each in manifest.tensors}


def nearest(
    catalogue: Catalogue, source: Path, candidates: Mapping[str, Callable[[], Manifest]]
) -> str | None:
    """Return the key of the candidate whose tensors those of `source` are nearest to, or None.

    Most bytes must be in tensors that both have by name, type and shape; then a sample of each of
    a few of them is stored both ways, and the difference must be clearly smaller.
    """
    if not candidates:
        return None
    found = {
        (each.name, each.dtype, each.shape): (file, each)
        for file in list_source(source)[0]
        for each in tensors_of(file.place, file.size)[0]
        if each.dtype in EXPONENT_BITS and each.length
    }
    size = sum(each.length for _, each in found.values())
    distances = {}
    for name, load in candidates.items():
        base = by_key(load())
        shared = sorted(key for key in found if key in base)
        if size and sum(found[key][1].length for key in shared) >= SHARED * size:
            distances[name] = _distance(catalogue, {key: found[key] for key in shared}, base)
    best = min(distances, key=lambda each: distances[each], default=None)
    return best if best is not None and distances[best] < CLEARLY_NEARER else None


def _distance(
    catalogue: Catalogue, found: dict[Key, tuple[SourceFile, TensorRange]], base: BaseTensors
) -> float:
    """Return what the samples take as a difference, as a share of what they take alone."""
    largest = sorted(found, key=lambda key: (-found[key][1].length, key))[:SAMPLES]
    alone = change = 0
    for key in largest:
        file, tensor = found[key]
        # The middle of the first object: its beginning may be padding that nobody trains.
        start = min(tensor.length, BLOCK_BYTES) // 2 // codec.SAMPLE_BYTES * codec.SAMPLE_BYTES
        length = min(codec.SAMPLE_BYTES, tensor.length - start)
        raw = b"".join(file.read(tensor.offset + start, length))
        old = catalogue.block(base[key].objects[0], 0)[start : start + length]
        layout = codec.Layout(tensor.dtype)
        alone += codec.total(codec.encode(raw, layout)[1])
        change += codec.total(codec.encode(raw, layout, old)[1])
    return change / alone if alone else 1.0
