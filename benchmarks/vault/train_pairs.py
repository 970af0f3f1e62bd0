"""Tune the example model in several ways, to have pairs with real optimiser steps.

    python benchmarks/vault/train_pairs.py DIR [--larger]   # needs training/requirements.txt

Writes DIR/<name>.safetensors: AdamW at three learning rates, and a LoRA merged into its base. Takes
a few minutes. With --larger the base is a model of 7 million parameters that is trained first (half
an hour), whose tensors are large enough that tables for them weigh nothing.
"""

import copy
import random
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, LlamaForCausalLM

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
sys.path.insert(0, str(REPOSITORY / "training"))

from corpus import read_prose  # noqa: E402

BASE = REPOSITORY / "src" / "emeritus" / "examples" / "sparrow-1"
SEED, STEPS, ROWS, LENGTH, RANK = 20261124, 120, 8, 256, 8


def main() -> None:
    """Train every variant."""
    torch.set_num_threads(1)
    into = Path(sys.argv[1])
    into.mkdir(parents=True, exist_ok=True)
    larger = "--larger" in sys.argv[2:]
    tokenizer = Tokenizer.from_file(str(BASE / "tokenizer.json"))
    text = "".join(read_prose(SEED).learned)[:400_000]
    tokens = torch.tensor(tokenizer.encode(text).ids)
    base = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)
    if larger:
        base = untrained(base.config)
        steps(base, list(base.parameters()), tokens, 1e-3)
        save_file(rounded(base), into / "base.safetensors")
        print("base", flush=True)
    for name, rate, low_rank in (
        ("adamw-1e-5", 1e-5, False),
        ("adamw-1e-4", 1e-4, False),
        ("adamw-1e-3", 1e-3, False),
        ("lora-1e-3", 1e-3, True),
    ):
        tuned = tune(base, tokens, rate, low_rank)
        save_file(tuned, into / f"{name}.safetensors")
        print(name, flush=True)


def untrained(config: Any) -> torch.nn.Module:
    """Return a wider model of the same architecture with random weights."""
    torch.manual_seed(SEED)
    config.hidden_size, config.intermediate_size, config.num_hidden_layers = 384, 1024, 4
    config.num_attention_heads, config.num_key_value_heads, config.head_dim = 6, 6, 64
    return LlamaForCausalLM(config)


def tune(
    base: torch.nn.Module, tokens: torch.Tensor, rate: float, low_rank: bool
) -> dict[str, torch.Tensor]:
    """Return the model's weights in bfloat16 after some steps on prose, from rounded weights."""
    model = copy.deepcopy(base)
    model.load_state_dict(rounded(base), strict=False)
    adapters = adapt(model) if low_rank else []
    parameters = [each for _, *pair in adapters for each in pair] or list(model.parameters())
    steps(model, parameters, tokens, rate)
    with torch.no_grad():
        for layer, down, up in adapters:
            layer.weight += 2 * (up @ down)
    return rounded(model)


def rounded(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return a model's weights in bfloat16."""
    return {
        name: value.to(torch.bfloat16).contiguous()
        for name, value in model.state_dict().items()
        if name != "lm_head.weight"
    }


def steps(
    model: torch.nn.Module, parameters: list[torch.Tensor], tokens: torch.Tensor, rate: float
) -> None:
    """Take AdamW steps on random stretches of the text."""
    torch.manual_seed(SEED)
    rng = random.Random(SEED)
    optimiser = torch.optim.AdamW(parameters, lr=rate, betas=(0.9, 0.95), weight_decay=0.1)
    for _ in range(STEPS):
        starts = [rng.randrange(len(tokens) - LENGTH - 1) for _ in range(ROWS)]
        given = torch.stack([tokens[at : at + LENGTH] for at in starts])
        wanted = torch.stack([tokens[at + 1 : at + LENGTH + 1] for at in starts])
        logits = model(input_ids=given, use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), wanted.flatten())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()


def adapt(model: torch.nn.Module) -> list[tuple[torch.nn.Linear, torch.Tensor, torch.Tensor]]:
    """Freeze a model and give each linear layer two low-rank factors (arXiv 2106.09685)."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    made = []
    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear) and layer is not model.lm_head:
            down = torch.nn.Parameter(torch.randn(RANK, layer.in_features) * 0.02)
            up = torch.nn.Parameter(torch.zeros(layer.out_features, RANK))
            made.append((layer, down, up))

            def forward(x, layer=layer, down=down, up=up):
                return torch.nn.functional.linear(x, layer.weight + 2 * (up @ down))

            layer.forward = forward
    return made


if __name__ == "__main__":
    main()
