"""Writes a Llama folder as a GGUF file in float32, which loses nothing of it."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from emeritus.errors import MissingExtra, UserError
from emeritus.runtimes.llama import Config, Floats, read_config, read_weights
from emeritus.runtimes.template import read_template

_LAYER_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
_NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}


def to_gguf(folder: Path, target: Path) -> None:
    """Write the model in `folder` to the file `target`.

    Raises `MissingExtra` without the gguf library, and `UserError` for a model that ours does not
    know.
    """
    try:
        import gguf
    except ImportError as error:
        raise MissingExtra("gguf", "local") from error
    config = read_config(folder)
    writer = gguf.GGUFWriter(target, "llama")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_name(folder.name)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.key_heads)
    writer.add_key_length(config.width)
    writer.add_value_length(config.width)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.width)
    writer.add_rope_freq_base(config.theta)
    writer.add_vocab_size(config.vocab_size)
    _add_tokenizer(writer, folder, config)
    for name, weights in read_weights(folder).items():
        writer.add_tensor(_name(name), _arranged(name, weights, config))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokenizer(writer: Any, folder: Path, config: Config) -> None:
    import gguf

    document = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    tokens = {number: token for token, number in document["model"]["vocab"].items()}
    special = {each["id"]: each["content"] for each in document["added_tokens"]}
    listed = [special.get(each) or tokens[each] for each in range(config.vocab_size)]
    kinds = [
        gguf.TokenType.CONTROL if each in special else gguf.TokenType.NORMAL
        for each in range(config.vocab_size)
    ]
    merges = document["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(listed)
    writer.add_token_types(kinds)
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    ends = config.eos_token_id
    first = ends[0] if isinstance(ends, tuple) else ends
    if first is not None:
        writer.add_eos_token_id(first)
    writer.add_add_bos_token(False)
    writer.add_chat_template(read_template(folder))


def _name(name: str) -> str:
    if name in _NAMES:
        return _NAMES[name]
    prefix, _, rest = name.removeprefix("model.layers.").partition(".")
    part = rest.removesuffix(".weight")
    if not prefix.isdigit() or part not in _LAYER_NAMES:
        raise UserError(f"the tensor {name!r} has no place in a Llama GGUF file")
    return f"blk.{prefix}.{_LAYER_NAMES[part]}.weight"


def _arranged(name: str, weights: Floats, config: Config) -> Floats:
    """Return the weights as GGUF has them: rotary pairs side by side, not half by half."""
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.key_heads}
    for part, count in heads.items():
        if f"{part}.weight" in name:
            pairs = weights.reshape(count, 2, config.width // 2, weights.shape[1])
            return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(weights.shape))
    return np.ascontiguousarray(weights)
