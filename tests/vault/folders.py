"""Model folders made for tests."""

import json
import struct
import zipfile
from pathlib import Path

import numpy as np

from emeritus import gguf_header


def safetensors(path: Path, tensors: dict[str, tuple[str, tuple[int, ...], bytes]]) -> None:
    """Write a safetensors file."""
    header, at = {}, 0
    for name, (dtype, shape, data) in tensors.items():
        offsets = [at, at + len(data)]
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": offsets}
        at += len(data)
    text = json.dumps(header).encode()
    body = b"".join(data for _, _, data in tensors.values())
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)


def bfloat16(shape: tuple[int, ...], seed: int) -> tuple[str, tuple[int, ...], bytes]:
    """Return weights that look like those of a model."""
    values = np.random.default_rng(seed).standard_normal(shape).astype(np.float32) * 0.02
    return "BF16", shape, (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()


def float32(shape: tuple[int, ...], seed: int) -> tuple[str, tuple[int, ...], bytes]:
    """Return weights in full precision."""
    values = np.random.default_rng(seed).standard_normal(shape).astype(np.float32) * 0.02
    return "F32", shape, values.tobytes()


def nudged(tensor: tuple[str, tuple[int, ...], bytes]) -> tuple[str, tuple[int, ...], bytes]:
    """Return the same tensor after a small step of training."""
    dtype, shape, data = tensor
    words = np.frombuffer(data, np.uint16).copy()
    words[::3] ^= 1
    return dtype, shape, words.tobytes()


def odd_folder(root: Path) -> Path:
    """Make a folder of everything that a model folder may hold, and more."""
    root.mkdir(parents=True)
    w = bfloat16((64, 96), 1)
    safetensors(root / "model-00001-of-00002.safetensors", {"a.weight": w, "b": float32((7,), 2)})
    safetensors(
        root / "model-00002-of-00002.safetensors",
        {"empty": ("F16", (0, 4), b""), "same": w, "i": ("I64", (3,), bytes(range(24)))},
    )
    (root / "config.json").write_text('{"architectures": ["SomethingElse"]}')
    (root / "empty.txt").write_bytes(b"")
    (root / "pytorch_model.bin").write_bytes(b"\x80\x04cos\nsystem\n(S'echo'\ntR.")
    (root / "broken.safetensors").write_bytes(b"\xff" * 40)
    (root / "deep" / "er").mkdir(parents=True)
    (root / "deep" / "er" / "naïve 日本 🙂.txt").write_text("text")
    (root / "nothing here").mkdir()
    (root / ".hidden").write_bytes(b"\0" * 5000)
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "zeros").write_bytes(bytes(9_000_000))
    return root


def torch_zip(path: Path, storages: dict[str, bytes]) -> None:
    """Write a checkpoint as `torch.save` does: storages uncompressed, at multiples of 64."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("model/data.pkl", b"\x80\x02}q\x00.")
        for key, data in storages.items():
            entry = zipfile.ZipInfo(f"model/data/{key}")
            assert archive.fp is not None
            start = archive.fp.tell() + 30 + len(entry.filename) + 4
            padding = -start % 64
            entry.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
            archive.writestr(entry, data)
        archive.writestr("model/version", b"3\n")


GGML = {name: (number, *sizes) for number, (name, *sizes) in gguf_header._TYPES.items()}
"""Types of ggml: number, elements of a record, bytes of a record."""


def gguf(path: Path, tensors: dict[str, tuple[str, int]], alignment: int = 32) -> None:
    """Write a GGUF file of random tensors, given as type and number of elements."""
    rng = np.random.default_rng(0)

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    fields = text("general.alignment") + struct.pack("<II", 4, alignment)
    fields += text("tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("é")
    entries, body = b"", b""
    for name, (kind, count) in tensors.items():
        number, elements, record = GGML[kind]
        body += bytes(-len(body) % alignment)
        entries += text(name) + struct.pack("<IQIQ", 1, count, number, len(body))
        body += rng.integers(0, 64, count // elements * record, np.uint8).tobytes()
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 2) + fields + entries
    path.write_bytes(head + bytes(-len(head) % alignment) + body)
