"""Scores of ordered grades that scikit-learn lacks, and their intervals.

Macro and weighted F1, balanced accuracy, recall and the confusion matrix are
scikit-learn's own (:func:`sklearn.metrics.f1_score` and its neighbours) and are not
repeated here; :data:`SCORERS` has them beside ours.
"""

from briqa_sk.metrics.agreement import macro_averaged_mae, quadratic_kappa
from briqa_sk.metrics.calibration import calibration_error
from briqa_sk.metrics.intervals import (
    PairedDifference,
    bootstrap_interval,
    paired_difference,
)
from briqa_sk.metrics.lisa import lisa_ranking, lisa_score
from briqa_sk.metrics.lisa_table import LISA_ARTIFACTS
from briqa_sk.metrics.scorers import SCORERS, get_scorer

__all__ = [
    "LISA_ARTIFACTS",
    "SCORERS",
    "PairedDifference",
    "bootstrap_interval",
    "calibration_error",
    "get_scorer",
    "lisa_ranking",
    "lisa_score",
    "macro_averaged_mae",
    "paired_difference",
    "quadratic_kappa",
]
