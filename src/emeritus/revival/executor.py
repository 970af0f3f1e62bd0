"""Whoever gives log-probabilities of fixed tokens: our own runner, or the runtime that serves."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import emeritus
from emeritus.runtimes.bpe import Tokenizer
from emeritus.runtimes.description import HF_FOLDER, Description
from emeritus.runtimes.kinds import runtime
from emeritus.runtimes.llama import Cache, Llama, Weights, log_softmax, read_config, read_weights
from emeritus.runtimes.reach import LOCAL, OUR_ARCHITECTURE
from emeritus.runtimes.runtime import Endpoint
from emeritus.runtimes.scoring import score_over_http, tokenize_over_http

Scores = list[list[float]]


class Executor(Protocol):
    """Gives token ids of a text, and log-probabilities of token ids."""

    @property
    def name(self) -> str:
        """Say for the record what computed."""
        ...

    def tokenize(self, text: str) -> list[int]:
        """Return the ids of `text`."""
        ...

    def score(self, prompts: Sequence[Sequence[int]]) -> Scores:
        """Return the log-probability of each token but the first, for each prompt, in float32."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class OwnExecutor:
    """Our NumPy runner, which can also run changed weights."""

    model: Llama
    weights: Weights
    tokenizer: Tokenizer

    @property
    def name(self) -> str:
        """Say for the record what computed."""
        return f"emeritus reference {emeritus.__version__} (NumPy, float32)"

    def tokenize(self, text: str) -> list[int]:
        """Return the ids of `text`."""
        return self.tokenizer.encode(text)

    def score(self, prompts: Sequence[Sequence[int]]) -> Scores:
        """Return log-probabilities, all positions of a prompt at once."""
        return [[float(each) for each in self.model.score(prompt)] for prompt in prompts]

    def score_stepwise(self, prompts: Sequence[Sequence[int]]) -> Scores:
        """Return the same, one position after another as when text is generated."""
        scored = []
        for prompt in prompts:
            cache = Cache(self.model.config.num_hidden_layers)
            steps = [log_softmax(self.model.logits([token], cache)[-1]) for token in prompt[:-1]]
            scored.append([float(s[t]) for s, t in zip(steps, prompt[1:], strict=True)])
        return scored

    def changed(self, weights: Weights) -> "OwnExecutor":
        """Return an executor of the same model with other weights."""
        return OwnExecutor(Llama(self.model.config, weights), weights, self.tokenizer)


@dataclasses.dataclass(frozen=True, slots=True)
class ServedExecutor:
    """The runtime that serves the model, asked position by position."""

    endpoint: Endpoint

    @property
    def name(self) -> str:
        """Say for the record what computed."""
        return f"{self.endpoint.engine['engine']}, {self.endpoint.engine['settings']}"

    def tokenize(self, text: str) -> list[int]:
        """Return the ids of `text` as the served model has them."""
        return tokenize_over_http(self.endpoint, text)

    def score(self, prompts: Sequence[Sequence[int]]) -> Scores:
        """Return log-probabilities from the server."""
        return [score_over_http(self.endpoint, prompt) for prompt in prompts]


@contextlib.contextmanager
def executor_of(source: Path, description: Description, threads: int) -> Iterator[Executor]:
    """Give the executor that fits the model in `source`: ours where it knows the architecture."""
    if description.form == HF_FOLDER and description.architecture == OUR_ARCHITECTURE:
        yield own_executor(source)
        return
    with runtime(LOCAL).start(source, threads) as endpoint:
        yield ServedExecutor(endpoint)


def own_executor(folder: Path) -> OwnExecutor:
    """Return our runner for the Llama model in `folder`."""
    weights = read_weights(folder)
    return OwnExecutor(Llama(read_config(folder), weights), weights, Tokenizer.load(folder))
