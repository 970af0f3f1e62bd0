"""Intervals, agreement, corrected prevalence, paired contrasts and their power. Pure functions."""

from emeritus.statistics.agreement import Alpha, Kappa, cohen_kappa, krippendorff_alpha
from emeritus.statistics.intervals import Interval, wilson
from emeritus.statistics.multiplicity import holm
from emeritus.statistics.paired import cluster_bootstrap, sign_flip
from emeritus.statistics.power import paired_power
from emeritus.statistics.prevalence import Corrected, Judged, rogan_gladen
from emeritus.statistics.variance import variance_shares

__all__ = [
    "Alpha",
    "Corrected",
    "Interval",
    "Judged",
    "Kappa",
    "cluster_bootstrap",
    "cohen_kappa",
    "holm",
    "krippendorff_alpha",
    "paired_power",
    "rogan_gladen",
    "sign_flip",
    "variance_shares",
    "wilson",
]
