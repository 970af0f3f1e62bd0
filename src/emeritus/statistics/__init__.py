"""Intervals, agreement, corrected prevalence, contrasts and their power, regression. Pure."""

from emeritus.statistics.agreement import Alpha, Kappa, cohen_kappa, krippendorff_alpha
from emeritus.statistics.intervals import Interval, Term, score_sum, wilson
from emeritus.statistics.logistic import Logistic, logistic
from emeritus.statistics.multiplicity import holm
from emeritus.statistics.paired import cluster_interval, least_p, sign_flip
from emeritus.statistics.power import paired_power
from emeritus.statistics.prevalence import Corrected, Judged, rogan_gladen
from emeritus.statistics.student import t_quantile, t_within
from emeritus.statistics.variance import variance_shares

__all__ = [
    "Alpha",
    "Corrected",
    "Interval",
    "Judged",
    "Kappa",
    "Logistic",
    "Term",
    "cluster_interval",
    "cohen_kappa",
    "holm",
    "krippendorff_alpha",
    "least_p",
    "logistic",
    "paired_power",
    "rogan_gladen",
    "score_sum",
    "sign_flip",
    "t_quantile",
    "t_within",
    "variance_shares",
    "wilson",
]
