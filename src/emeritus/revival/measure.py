"""Differences in log-probability, and the reference document that keeps them. Pure."""

from collections.abc import Sequence
from typing import Any

import msgspec

from emeritus import canonical
from emeritus.errors import IntegrityError

FORMAT = "emeritus-reference/0"
FLOOR_FACTOR = 10.0  # a difference within ten times the noise floor is noise
FLOOR_LEAST = 1e-6  # nats; below float32's own steps near a log-probability of ten


class Difference(msgspec.Struct, frozen=True):
    """Absolute differences in log-probability over all golden positions, in nats."""

    max: float
    mean: float

    def within(self, threshold: "Difference") -> bool:
        """Tell whether both figures are at most those of `threshold`."""
        return self.max <= threshold.max and self.mean <= threshold.mean


class Named(msgspec.Struct, frozen=True):
    """A difference with the name of what was compared."""

    name: str
    max: float
    mean: float


class Prompt(msgspec.Struct, frozen=True):
    """One golden prompt: its tokens, and the log-probability of each but the first."""

    id: str
    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]


class Reference(msgspec.Struct, frozen=True):
    """What a model gives for the golden prompts, and how much of a difference is noise."""

    format: str
    executor: str
    prompts: tuple[Prompt, ...]
    variants: tuple[Named, ...]
    floor: Difference
    threshold: Difference
    controls: tuple[Named, ...]

    @property
    def tokens(self) -> list[list[int]]:
        """The tokens of every prompt."""
        return [list(prompt.tokens) for prompt in self.prompts]

    @property
    def logprobs(self) -> list[list[float]]:
        """The log-probabilities of every prompt."""
        return [list(prompt.logprobs) for prompt in self.prompts]


def difference(left: Sequence[Sequence[float]], right: Sequence[Sequence[float]]) -> Difference:
    """Compare two lists of log-probabilities position by position; both have the same lengths."""
    gaps = [
        abs(float(a) - float(b))
        for one, other in zip(left, right, strict=True)
        for a, b in zip(one, other, strict=True)
    ]
    return Difference(max(gaps), sum(gaps) / len(gaps))


def threshold_of(floor: Difference) -> Difference:
    """Return the largest difference that still counts as noise."""
    return Difference(
        FLOOR_FACTOR * max(floor.max, FLOOR_LEAST),
        FLOOR_FACTOR * max(floor.mean, FLOOR_LEAST / 10),
    )


def render(reference: Reference) -> bytes:
    """Return the document's bytes: canonical JSON."""
    return canonical.dumps(msgspec.to_builtins(reference))


def parse(data: bytes) -> Reference:
    """Read a reference document. Raises `IntegrityError` when it is not one."""
    try:
        reference = msgspec.convert(canonical.loads(data), Reference, strict=False)
    except (canonical.NotCanonical, msgspec.ValidationError) as error:
        raise IntegrityError(f"the reference document cannot be read: {error}") from error
    if reference.format != FORMAT:
        raise IntegrityError(f"the reference document has format {reference.format!r}")
    return reference


def as_text(value: float) -> str:
    """Return a measured number as events hold it: decimal text with three digits."""
    return f"{value:.2e}"


def as_document(found: Difference | None) -> dict[str, Any] | None:
    """Return a difference for a JSON document."""
    return None if found is None else {"max": found.max, "mean": found.mean}
