"""Changes of a model's weights: some that do not change its function, some that do.

The first give the noise floor: how far log-probabilities move though nothing changed. The second
are negative controls: models that a check MUST reject, or it proves nothing.
"""

from collections.abc import Callable, Mapping

import numpy as np

from emeritus.runtimes.llama import Config, Floats, Weights

NUDGE = 1e-4  # of each tensor's own spread: about what one small training step does


def in_double(weights: Weights) -> dict[str, Floats]:
    """Return the same numbers in float64, so that sums are rounded otherwise."""
    return {name: each.astype(np.float64) for name, each in weights.items()}


def neurons_reversed(weights: Weights, config: Config) -> dict[str, Floats]:
    """Return the same function with the neurons of every feed-forward layer in reverse order."""
    changed = dict(weights)
    for layer in range(config.num_hidden_layers):
        prefix = f"model.layers.{layer}.mlp."
        for name in ("gate_proj", "up_proj"):
            changed[f"{prefix}{name}.weight"] = weights[f"{prefix}{name}.weight"][::-1].copy()
        down = f"{prefix}down_proj.weight"
        changed[down] = weights[down][:, ::-1].copy()
    return changed


def in_eight_bits(weights: Weights) -> dict[str, Floats]:
    """Return the weights rounded to 8-bit integers with one scale a row, as quantisers do."""
    return {name: _rounded(each) for name, each in weights.items()}


def nudged(weights: Weights) -> dict[str, Floats]:
    """Return the weights moved at random by `NUDGE` of their spread; always the same way."""
    chance = np.random.default_rng(0)
    return {
        name: (each + chance.standard_normal(each.shape) * each.std() * NUDGE).astype(each.dtype)
        for name, each in weights.items()
    }


def _rounded(weights: Floats) -> Floats:
    if weights.ndim < 2:
        return weights
    scale = np.abs(weights).max(axis=1, keepdims=True) / 127
    scale[scale == 0] = 1
    rounded: Floats = (np.round(weights / scale) * scale).astype(weights.dtype)
    return rounded


CONTROLS: Mapping[str, Callable[[Weights], dict[str, Floats]]] = {
    "rounded to 8 bits": in_eight_bits,
    "nudged by 1e-4 of its spread": nudged,
}
"""Negative controls that change the weights; the others change what is read, or the model."""
