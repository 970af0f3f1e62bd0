"""Intervals, agreement, corrected prevalence, shares of variance. Pure functions."""

from emeritus.statistics.agreement import Alpha, Kappa, cohen_kappa, krippendorff_alpha
from emeritus.statistics.intervals import Interval, wilson
from emeritus.statistics.prevalence import Corrected, Judged, rogan_gladen
from emeritus.statistics.variance import variance_shares

__all__ = [
    "Alpha",
    "Corrected",
    "Interval",
    "Judged",
    "Kappa",
    "cohen_kappa",
    "krippendorff_alpha",
    "rogan_gladen",
    "variance_shares",
    "wilson",
]
