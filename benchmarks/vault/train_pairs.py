"""Tune the example model in several ways, to have pairs with real optimiser steps.

    python benchmarks/vault/train_pairs.py DIR      # a few minutes; needs training/requirements.txt

Writes DIR/<name>.safetensors: AdamW at three learning rates, and a LoRA merged into its base.
"""

import random
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

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
    tokenizer = Tokenizer.from_file(str(BASE / "tokenizer.json"))
    text = "".join(read_prose(SEED).learned)[:400_000]
    tokens = torch.tensor(tokenizer.encode(text).ids)
    for name, rate, low_rank in (
        ("adamw-1e-5", 1e-5, False),
        ("adamw-1e-4", 1e-4, False),
        ("adamw-1e-3", 1e-3, False),
        ("lora-1e-3", 1e-3, True),
    ):
        tuned = tune(tokens, rate, low_rank)
        save_file(tuned, into / f"{name}.safetensors")
        print(name, flush=True)


def tune(tokens: torch.Tensor, rate: float, low_rank: bool) -> dict[str, torch.Tensor]:
    """Return the model's weights in bfloat16 after some steps on prose."""
    torch.manual_seed(SEED)
    rng = random.Random(SEED)
    model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)
    adapters = adapt(model) if low_rank else []
    parameters = [each for _, *pair in adapters for each in pair] or list(model.parameters())
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
    with torch.no_grad():
        for layer, down, up in adapters:
            layer.weight += 2 * (up @ down)
    return {
        name: value.to(torch.bfloat16).contiguous()
        for name, value in model.state_dict().items()
        if name != "lm_head.weight"
    }


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
