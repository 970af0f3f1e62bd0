"""The small models that the golden archive keeps: one that runs, its successor, and odd ones."""

import json
import os
import shutil
from pathlib import Path

from emeritus.examples import __file__ as examples
from tests.vault.folders import bfloat16, gguf, nudged, odd_folder, safetensors, torch_zip

ASTER, ASTER_2 = "acme/aster-1", "acme/aster-2"
BIRCH, ODD = "acme/birch-q", "acme/odd-1"
SPARROW = Path(examples).parent / "sparrow-1"
HIDDEN, INNER, HEAD = 32, 64, 16

Tensor = tuple[str, tuple[int, ...], bytes]


def make_sources(root: Path) -> dict[str, Path]:
    """Write the files of every model below `root`; return where each of them lies."""
    weights = _weights()
    _runnable(root / "aster-1", weights)
    _runnable(root / "aster-2", {name: nudged(tensor) for name, tensor in weights.items()})
    (root / "birch").mkdir(parents=True)
    tensors = {"blk.0.w": ("Q4_K", 256 * 9), "blk.0.n": ("F32", 64), "blk.1.w": ("Q8_0", 32 * 40)}
    gguf(root / "birch" / "birch-q4.gguf", tensors)
    folder = odd_folder(root / "odd-1")
    (folder / "zeros").write_bytes(bytes(300_000))
    torch_zip(folder / "adapter.pt", {"0": bfloat16((32, 32), 7)[2], "1": b"\1\2" * 50})
    (folder / os.fsdecode(b"no text \xff.bin")).write_bytes(b"a name that is no UTF-8")
    return {
        ASTER: root / "aster-1",
        ASTER_2: root / "aster-2",
        BIRCH: root / "birch" / "birch-q4.gguf",
        ODD: folder,
    }


def _weights() -> dict[str, Tensor]:
    shapes = {
        "model.embed_tokens.weight": (1024, HIDDEN),
        "model.layers.0.mlp.down_proj.weight": (HIDDEN, INNER),
        "model.layers.0.mlp.gate_proj.weight": (INNER, HIDDEN),
        "model.layers.0.mlp.up_proj.weight": (INNER, HIDDEN),
        "model.layers.0.self_attn.k_proj.weight": (HEAD, HIDDEN),
        "model.layers.0.self_attn.o_proj.weight": (HIDDEN, HIDDEN),
        "model.layers.0.self_attn.q_proj.weight": (HIDDEN, HIDDEN),
        "model.layers.0.self_attn.v_proj.weight": (HEAD, HIDDEN),
    }
    weights = {name: bfloat16(shape, seed) for seed, (name, shape) in enumerate(shapes.items())}
    ones = ("BF16", (HIDDEN,), b"\x80\x3f" * HIDDEN)
    norms = ("layers.0.input_layernorm", "layers.0.post_attention_layernorm", "norm")
    return weights | {f"model.{name}.weight": ones for name in norms}


def _runnable(folder: Path, weights: dict[str, Tensor]) -> None:
    """Write a model of the example's architecture, so small that it knows nothing."""
    folder.mkdir(parents=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(SPARROW / name, folder)
    config = json.loads((SPARROW / "config.json").read_text())
    config |= {"hidden_size": HIDDEN, "intermediate_size": INNER, "head_dim": HEAD}
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 1}))
    safetensors(folder / "model.safetensors", weights)
