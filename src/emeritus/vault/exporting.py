"""Writes chosen tensors to a safetensors file, reading no others."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from emeritus.errors import UserError
from emeritus.safetensors import WIDTHS
from emeritus.vault.output import write_all
from emeritus.vault.restoring import replacing, require_empty
from emeritus.vault.tensors import LazyTensor, Tensors

FILE_NAME = "tensors.safetensors"
CLOSEST = 3  # names to suggest


def export(tensors: Tensors, names: Sequence[str], dest: Path) -> int:
    """Write `tensors.safetensors` into the new folder `dest`; return how many bytes it has."""
    require_empty(dest)
    chosen = [(name, _require(tensors, name)) for name in dict.fromkeys(names)]
    header = _header(chosen)
    with replacing(dest) as fresh, open(fresh / FILE_NAME, "xb", buffering=0) as opened:
        write_all(opened.fileno(), header)
        for _, tensor in chosen:
            write_all(opened.fileno(), tensor.raw())
        os.fsync(opened.fileno())
    return len(header) + sum(tensor.nbytes for _, tensor in chosen)


def _header(chosen: Sequence[tuple[str, LazyTensor]]) -> bytes:
    entries: dict[str, object] = {}
    metadata: dict[str, str] = {}
    at = 0
    for name, tensor in chosen:
        known = tensor.dtype in WIDTHS
        entries[name] = {
            "dtype": tensor.dtype if known else "U8",
            "shape": list(tensor.shape) if known else [tensor.nbytes],
            "data_offsets": [at, at + tensor.nbytes],
        }
        if not known:
            metadata[name] = json.dumps({"dtype": tensor.dtype, "shape": tensor.shape})
        at += tensor.nbytes
    if metadata:
        entries["__metadata__"] = metadata
    text = json.dumps(entries, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _require(tensors: Tensors, name: str) -> LazyTensor:
    if name in tensors:
        return tensors[name]
    import difflib

    close = difflib.get_close_matches(name, list(tensors), CLOSEST) or list(tensors)[:CLOSEST]
    hint = f"; there are {len(tensors)}, such as {', '.join(close)}" if close else ""
    raise UserError(f"the model has no tensor {name!r}{hint}")
