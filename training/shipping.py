"""Writes a trained model as a folder that Hugging Face readers understand."""

from __future__ import annotations

import json
import shutil
import string
from collections.abc import Mapping
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokens import END_OF_TEXT, TURN_END, token_id
from transformers import GenerationConfig, LlamaForCausalLM

SHIPPED = Path(__file__).parent / "shipped"
TOKENIZER_CONFIG = {
    "add_prefix_space": False,
    "bos_token": None,
    "clean_up_tokenization_spaces": False,
    "eos_token": TURN_END,
    "model_max_length": 1024,
    "pad_token": END_OF_TEXT,
    # The name that versions 4 and 5 of transformers both know.
    "tokenizer_class": "PreTrainedTokenizerFast",
    "unk_token": None,
}


def write_folder(
    folder: Path, model: LlamaForCausalLM, tokenizer: Tokenizer, figures: Mapping[str, object]
) -> None:
    """Write the folder beside its place, then move it there: a reader never sees half a model."""
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    write_model(fresh, model, tokenizer)
    tokenizer.save(str(fresh / "tokenizer.json"))
    text = json.dumps(TOKENIZER_CONFIG, indent=2)
    (fresh / "tokenizer_config.json").write_text(f"{text}\n", encoding="utf-8")
    # Kept in this file only: transformers reads it from here, and two copies could come to differ.
    shutil.copyfile(SHIPPED / "chat_template.jinja", fresh / "chat_template.jinja")
    shutil.copyfile(SHIPPED / "LICENSE", fresh / "LICENSE")
    card = string.Template((SHIPPED / f"{folder.name}.md").read_text(encoding="utf-8"))
    size = (fresh / "model.safetensors").stat().st_size
    filled = card.substitute(figures, weights_bytes=f"{size:,}")
    (fresh / "README.md").write_text(filled, encoding="utf-8")
    replace(fresh, folder)


def write_model(folder: Path, model: LlamaForCausalLM, tokenizer: Tokenizer) -> None:
    """Write config, generation config and the weights, rounded to bf16."""
    end, turn_end = token_id(tokenizer, END_OF_TEXT), token_id(tokenizer, TURN_END)
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        bos_token_id=end, eos_token_id=[turn_end, end], pad_token_id=end
    )
    rounded = LlamaForCausalLM(model.config)
    rounded.load_state_dict(model.state_dict())
    rounded.generation_config = model.generation_config
    torch.nn.Module.to(rounded, torch.bfloat16)
    rounded.save_pretrained(folder)
    for path in folder.iterdir():
        path.chmod(0o644)  # the weights are written for the owner alone otherwise


def replace(fresh: Path, folder: Path) -> None:
    """Put the fresh folder where the old one was."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
