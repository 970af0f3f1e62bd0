"""Student's t distribution. Pure."""

import math


def t_within(value: float, freedom: int) -> float:
    """Return the share of Student's t distribution between −`value` and `value`.

    The finite sums for whole degrees of freedom (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4).
    """
    angle = math.atan(value / math.sqrt(freedom))
    cosine = math.cos(angle)
    odd = freedom % 2
    term, total = (cosine if odd else 1.0), 0.0
    for step in range(2 + odd, freedom + 1, 2):
        total += term
        term *= cosine * cosine * (step - 1) / step
    share = math.sin(angle) * total
    return 2 / math.pi * (angle + share) if odd else share


def t_quantile(freedom: int, within: float = 0.95) -> float:
    """Return the value between which and its negative a share `within` of the distribution lies.

    Raises ValueError for less than one degree of freedom.
    """
    if freedom < 1:
        raise ValueError(f"{freedom} degrees of freedom")
    low, high = 0.0, math.pi / 2  # of the angle whose tangent the value is: it is finite
    scale = math.sqrt(freedom)
    while high - low > 1e-13:
        middle = (low + high) / 2
        if t_within(math.tan(middle) * scale, freedom) < within:
            low = middle
        else:
            high = middle
    return math.tan(low) * scale
