"""How common something is, when it is judged by somebody who errs."""

import dataclasses
import math

from emeritus.statistics.intervals import NORMAL_95, Interval


@dataclasses.dataclass(frozen=True, slots=True)
class Judged:
    """How often something was found, out of how many."""

    found: int
    of: int

    @property
    def share(self) -> float:
        """The proportion."""
        return self.found / self.of


@dataclasses.dataclass(frozen=True, slots=True)
class Corrected:
    """A prevalence corrected for the judge's errors, both within [0, 1]."""

    value: float
    interval: Interval


def rogan_gladen(judged: Judged, sensitivity: Judged, specificity: Judged) -> Corrected | None:
    """Return the true prevalence behind an apparent one, with a 95 % interval.

    `sensitivity`: of what people coded as present, how much the judge found; `specificity`: of what
    they coded as absent, how much it left alone. The estimate is that of Rogan and Gladen (1978,
    Am J Epidemiol 107:71); the interval that of Lang and Reiczigel (2014, Prev Vet Med 113:13),
    which carries the uncertainty of all three. None when the judge is no better than chance: then
    its count says nothing.
    """
    if min(judged.of, sensitivity.of, specificity.of) < 1:
        return None
    youden = sensitivity.share + specificity.share - 1
    if youden <= 0:
        return None
    value = (judged.share + specificity.share - 1) / youden
    z = NORMAL_95
    trials = judged.of + z * z
    apparent = (judged.found + z * z / 2) / trials
    sensitive, positives = (sensitivity.found + 1) / (sensitivity.of + 2), sensitivity.of + 2
    specific, negatives = (specificity.found + 1) / (specificity.of + 2), specificity.of + 2
    scale = sensitive + specific - 1
    if scale <= 0:
        return Corrected(_within(value), Interval(0.0, 1.0))
    centre = (apparent + specific - 1) / scale
    of_sensitivity = sensitive * (1 - sensitive) / positives
    of_specificity = specific * (1 - specific) / negatives
    spread = (
        apparent * (1 - apparent) / trials
        + of_sensitivity * centre**2
        + of_specificity * (1 - centre) ** 2
    )
    shift = 2 * z * z * (centre * of_sensitivity - (1 - centre) * of_specificity)
    half = z * math.sqrt(spread) / scale
    low, high = _within(centre + shift - half), _within(centre + shift + half)
    return Corrected(_within(value), Interval(low, high))


def _within(share: float) -> float:
    return min(1.0, max(0.0, share))
