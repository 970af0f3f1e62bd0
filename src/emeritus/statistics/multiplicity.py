"""Several tests at once. Pure."""

from collections.abc import Sequence


def holm(values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted so that the chance of any false finding stays what it was.

    Holm 1979, Scandinavian Journal of Statistics 6:65: step-down, for tests that depend on each
    other in any way.
    """
    order = sorted(range(len(values)), key=lambda at: values[at])
    adjusted = [0.0] * len(values)
    least = 0.0
    for place, at in enumerate(order):
        least = max(least, min(1.0, (len(values) - place) * values[at]))
        adjusted[at] = least
    return adjusted
