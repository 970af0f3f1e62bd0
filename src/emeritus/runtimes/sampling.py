"""Chooses the next token."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from emeritus.runtimes.llama import Cache, Floats, Llama, log_softmax


@dataclasses.dataclass(frozen=True, slots=True)
class Sampling:
    """How answers are drawn. Temperature 0 takes the likeliest token; a seed makes it repeat."""

    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int = 256
    seed: int | None = None


def generate(
    model: Llama, prompt: Sequence[int], ends: frozenset[int], how: Sampling
) -> Iterator[int]:
    """Yield the tokens of an answer, without the end token, at most `max_tokens` of them.

    Stops at one of `ends`, or where the model's context is full.
    """
    chance = np.random.default_rng(how.seed)
    cache = Cache(model.config.num_hidden_layers)
    room = model.config.max_position_embeddings - len(prompt)
    logits = model.logits(prompt, cache)[-1]
    for _ in range(min(how.max_tokens, room)):
        token = _draw(logits, how, chance)
        if token in ends:
            return
        yield token
        if cache.length < model.config.max_position_embeddings:
            logits = model.logits([token], cache)[-1]


def _draw(logits: Floats, how: Sampling, chance: np.random.Generator) -> int:
    if how.temperature <= 0:
        return int(logits.argmax())
    shares = np.exp(log_softmax(logits.astype(np.float64) / how.temperature))
    order = np.argsort(-shares, kind="stable")
    # Nucleus (Holtzman et al. 2020): the fewest likeliest tokens whose shares reach top_p.
    kept = int(np.searchsorted(np.cumsum(shares[order]), how.top_p)) + 1
    nucleus = order[:kept]
    weights = shares[nucleus] / shares[nucleus].sum()
    return int(
        nucleus[
            np.searchsorted(np.cumsum(weights), chance.random(), side="right").clip(
                max=len(nucleus) - 1
            )
        ]
    )
