"""A Llama forward pass in NumPy: the runner that will still run in twenty years.

Source: Touvron et al. 2023 (arXiv 2302.13971); rotary embeddings after Su et al. 2021 (arXiv
2104.09864) in the half-split layout of Hugging Face; grouped queries after Ainslie et al. 2023
(arXiv 2305.13245). Bitwise repeatable for the same machine and number of threads.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from emeritus import safetensors
from emeritus.errors import UserError

Floats = npt.NDArray[Any]
Weights = Mapping[str, Floats]

_PLAIN = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}


class Rope(msgspec.Struct, frozen=True):
    """How positions are turned into angles, in the spelling of transformers 5."""

    rope_theta: float = 10000.0
    rope_type: str = "default"


class Config(msgspec.Struct, frozen=True):
    """The part of `config.json` that the forward pass depends on."""

    architectures: tuple[str, ...]
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    max_position_embeddings: int
    rms_norm_eps: float
    num_key_value_heads: int | None = None
    head_dim: int | None = None
    hidden_act: str = "silu"
    tie_word_embeddings: bool = False
    attention_bias: bool = False
    mlp_bias: bool = False
    rope_theta: float | None = None
    rope_scaling: object | None = None
    rope_parameters: Rope | None = None
    eos_token_id: int | tuple[int, ...] | None = None

    @property
    def key_heads(self) -> int:
        """How many heads keys and values have."""
        return self.num_key_value_heads or self.num_attention_heads

    @property
    def width(self) -> int:
        """The length of one head's vectors."""
        return self.head_dim or self.hidden_size // self.num_attention_heads

    @property
    def theta(self) -> float:
        """The base of the rotary angles."""
        return self.rope_parameters.rope_theta if self.rope_parameters else self.rope_theta or 1e4

    def unknown(self) -> str | None:
        """Return what this runner does not know about the model, or None."""
        rope = self.rope_parameters.rope_type if self.rope_parameters else "default"
        for holds, what in (
            ("LlamaForCausalLM" in self.architectures, f"the architecture {self.architectures}"),
            (self.hidden_act == "silu", f"the activation {self.hidden_act!r}"),
            (not self.attention_bias and not self.mlp_bias, "biases"),
            (rope == "default" and self.rope_scaling is None, "scaled rotary embeddings"),
        ):
            if not holds:
                return what
        return None


def read_config(folder: Path) -> Config:
    """Return the configuration of a model folder; raises `UserError` when ours cannot run it."""
    path = folder / "config.json"
    try:
        config = msgspec.convert(json.loads(path.read_text(encoding="utf-8")), Config)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is no configuration of a Llama model: {error}") from error
    unknown = config.unknown()
    if unknown is not None:
        raise UserError(f"the reference runtime does not know {unknown}")
    return config


def read_weights(folder: Path) -> dict[str, Floats]:
    """Return every tensor of a model folder as float32, widened exactly; shapes as stored."""
    weights: dict[str, Floats] = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with path.open("rb") as file:
                ranges = safetensors.read_header(file, path.stat().st_size)
        except (OSError, safetensors.NotSafetensors) as error:
            raise UserError(f"{path} cannot be read: {error}") from error
        for tensor in ranges:
            data = np.fromfile(path, np.uint8, tensor.length, offset=tensor.offset)
            weights[tensor.name] = _widen(data, tensor.dtype, path).reshape(tensor.shape)
    return weights


class Cache:
    """Keys and values of the positions seen so far, one pair a layer."""

    def __init__(self, layers: int) -> None:
        self.length = 0
        self.keys: list[Floats | None] = [None] * layers
        self.values: list[Floats | None] = [None] * layers


class Llama:
    """One model in memory. Computes in the type of its weights (float32, or float64)."""

    def __init__(self, config: Config, weights: Weights) -> None:
        """Raises `UserError` when a tensor is missing."""
        self.config = config
        self._weights = weights
        try:
            self._embedding = weights["model.embed_tokens.weight"]
            self._head = (
                self._embedding if config.tie_word_embeddings else weights["lm_head.weight"]
            )
        except KeyError as error:
            raise UserError(f"the model lacks the tensor {error}") from error
        kind = self._embedding.dtype
        steps = np.arange(0, config.width, 2, dtype=np.float64) / config.width
        angles = np.outer(np.arange(config.max_position_embeddings), config.theta**-steps)
        angles = np.concatenate([angles, angles], axis=-1)[:, None]
        self._cos, self._sin = np.cos(angles).astype(kind), np.sin(angles).astype(kind)

    @classmethod
    def load(cls, folder: Path) -> "Llama":
        """Read the model in `folder`."""
        return cls(read_config(folder), read_weights(folder))

    def logits(self, ids: Sequence[int], cache: Cache | None = None) -> Floats:
        """Return the logits after each of `ids`, shape [len(ids), vocabulary].

        With a cache, `ids` follow what it holds, and are added to it. Raises `UserError` beyond
        the model's context.
        """
        cache = cache or Cache(self.config.num_hidden_layers)
        if cache.length + len(ids) > self.config.max_position_embeddings:
            raise UserError(
                f"the context holds {self.config.max_position_embeddings} tokens, "
                f"not {cache.length + len(ids)}"
            )
        state = self._embedding[np.asarray(ids)]
        for layer in range(self.config.num_hidden_layers):
            state = state + self._attention(state, layer, cache)
            state = state + self._feed_forward(state, layer)
        cache.length += len(ids)
        logits: Floats = self._norm(state, "model.norm.weight") @ self._head.T
        return logits

    def score(self, ids: Sequence[int]) -> Floats:
        """Return the log-probability of each token given those before it, shape [len(ids) - 1]."""
        logits = self.logits(ids)[:-1]
        scored: Floats = log_softmax(logits)[np.arange(len(ids) - 1), np.asarray(ids[1:])]
        return scored

    def _attention(self, state: Floats, layer: int, cache: Cache) -> Floats:
        config, count = self.config, len(state)
        prefix = f"model.layers.{layer}."
        inner = self._norm(state, prefix + "input_layernorm.weight")
        queries = self._rotate(self._heads(inner, prefix, "q", config.num_attention_heads), cache)
        keys = self._rotate(self._heads(inner, prefix, "k", config.key_heads), cache)
        values = self._heads(inner, prefix, "v", config.key_heads)
        if cache.length:
            keys = np.concatenate([cache.keys[layer], keys])
            values = np.concatenate([cache.values[layer], values])
        cache.keys[layer], cache.values[layer] = keys, values
        group = config.num_attention_heads // config.key_heads
        queries = queries.reshape(count, config.key_heads, group, config.width)
        scores = np.einsum("qkgd,tkd->kgqt", queries, keys) * config.width**-0.5
        future = np.arange(len(keys)) > np.arange(count)[:, None] + cache.length
        scores = np.where(future, scores.dtype.type(-np.inf), scores)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        mixed = np.einsum("kgqt,tkd->qkgd", shares, values).reshape(count, -1)
        out: Floats = mixed @ self._weights[prefix + "self_attn.o_proj.weight"].T
        return out

    def _feed_forward(self, state: Floats, layer: int) -> Floats:
        prefix = f"model.layers.{layer}."
        inner = self._norm(state, prefix + "post_attention_layernorm.weight")
        gate = inner @ self._weights[prefix + "mlp.gate_proj.weight"].T
        lifted = inner @ self._weights[prefix + "mlp.up_proj.weight"].T
        gated = gate / (1 + np.exp(-gate)) * lifted
        out: Floats = gated @ self._weights[prefix + "mlp.down_proj.weight"].T
        return out

    def _heads(self, inner: Floats, prefix: str, which: str, heads: int) -> Floats:
        projected = inner @ self._weights[f"{prefix}self_attn.{which}_proj.weight"].T
        return projected.reshape(len(inner), heads, self.config.width)

    def _rotate(self, heads: Floats, cache: Cache) -> Floats:
        half = self.config.width // 2
        turned = np.concatenate([-heads[..., half:], heads[..., :half]], axis=-1)
        at = slice(cache.length, cache.length + len(heads))
        rotated: Floats = heads * self._cos[at] + turned * self._sin[at]
        return rotated

    def _norm(self, state: Floats, name: str) -> Floats:
        scale = np.sqrt((state * state).mean(axis=-1, keepdims=True) + self.config.rms_norm_eps)
        normed: Floats = state / scale * self._weights[name]
        return normed


def log_softmax(logits: Floats) -> Floats:
    """Return log-probabilities over the last axis, computed without overflow."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    normal: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return normal


def _widen(data: npt.NDArray[np.uint8], dtype: str, path: Path) -> Floats:
    if dtype == "BF16":
        # A bfloat16 is the upper half of a float32, so widening it is exact.
        return (data.view("<u2").astype("<u4") << np.uint32(16)).view("<f4")
    if dtype not in _PLAIN:
        raise UserError(f"{path} holds {dtype} weights, which the reference runtime does not run")
    return data.view(_PLAIN[dtype]).astype(np.float32)
