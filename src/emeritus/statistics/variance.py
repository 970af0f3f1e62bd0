"""How much of what varies goes with which factor."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence


def variance_shares(
    values: Sequence[float], factors: Mapping[str, Sequence[Hashable]], rest: str = "session"
) -> dict[str, float] | None:
    """Return the share of variance of each factor, and of what is left under the name `rest`.

    Analysis of variance, random effects, by moments: a factor's component is its mean square less
    that of the rest, over the mean size of its groups (Searle, Casella and McCulloch 1992, ch. 4),
    and nothing when that is negative. Exact for a balanced, crossed design, as the protocol's is;
    an approximation when sessions are missing. A factor with one level has no share. None when
    nothing varies or too few values are left to estimate the rest.
    """
    count = len(values)
    if count < 3:
        return None
    mean = sum(values) / count
    total = sum((value - mean) ** 2 for value in values)
    if total == 0:
        return None
    left, freedom = total, count - 1
    parts: dict[str, tuple[float, int, float]] = {}
    for name, levels in factors.items():
        groups: dict[Hashable, list[float]] = defaultdict(list)
        for level, value in zip(levels, values, strict=True):
            groups[level].append(value)
        if len(groups) < 2:
            continue
        between = sum(
            len(group) * (sum(group) / len(group) - mean) ** 2 for group in groups.values()
        )
        sizes = [len(group) for group in groups.values()]
        size = (count - sum(each**2 for each in sizes) / count) / (len(groups) - 1)
        parts[name] = (between, len(groups) - 1, size)
        left -= between
        freedom -= len(groups) - 1
    if freedom < 1:
        return None
    residual = max(0.0, left) / freedom
    components = {
        name: max(0.0, (between / degrees - residual) / size)
        for name, (between, degrees, size) in parts.items()
    }
    components = {name: components.get(name, 0.0) for name in factors} | {rest: residual}
    whole = sum(components.values())
    return {name: part / whole for name, part in components.items()} if whole else None
