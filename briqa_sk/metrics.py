"""Scores of ordered grades that scikit-learn lacks, and their intervals.

Macro F1, balanced accuracy and the confusion matrix are scikit-learn's own
(:func:`sklearn.metrics.f1_score` and its neighbours) and are not repeated here.
"""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.metrics import cohen_kappa_score
from sklearn.utils import check_consistent_length

from briqa_sk._random import make_generator
from briqa_sk._validation import check_grades, check_positive

__all__ = [
    "bootstrap_interval",
    "calibration_error",
    "macro_averaged_mae",
    "quadratic_kappa",
]


def quadratic_kappa(y_true, y_pred, *, grades=None):
    r"""Agreement beyond chance, where a miss by two grades counts four times.

    With :math:`O_{ij}` scans of true rank :math:`i` and predicted rank :math:`j`, and
    :math:`E_{ij}` the counts that independent raters with the same margins would have,

    .. math:: \kappa = 1 - \sum_{ij} (i - j)^2 O_{ij} / \sum_{ij} (i - j)^2 E_{ij}

    (Cohen 1968, *Psychological Bulletin* 70:213). It is
    :func:`sklearn.metrics.cohen_kappa_score` on ranks, so text labels count too.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        Labels of any type.
    grades : sequence or None, default=None
        Every label that may occur, from best to worst. None ranks numbers and ordered
        categoricals by themselves; then only the numbers that occur have a rank, so
        give ``grades`` where one may be absent.

    Returns
    -------
    kappa : float
        1 is perfect, 0 is chance, negative is worse than chance. NaN where all scans
        have, and get, one and the same grade.

    Raises
    ------
    ValueError
        If there is no label, or one is missing (None, NaN); if labels are text and
        ``grades`` is None, or ``grades`` lacks a label.

    Examples
    --------
    >>> quadratic_kappa([0, 0, 1, 2], [0, 0, 1, 1])
    0.75
    """
    true, pred, n_grades = _ranks(y_true, y_pred, grades, caller="quadratic_kappa")
    if (true == true[0]).all() and (pred == true[0]).all():
        return float("nan")
    labels = np.arange(n_grades)
    return float(cohen_kappa_score(true, pred, labels=labels, weights="quadratic"))


def macro_averaged_mae(y_true, y_pred, *, grades=None):
    r"""Mean distance in grades, with every true grade weighing the same.

    .. math:: \frac{1}{C} \sum_{c} \frac{1}{n_c} \sum_{i : y_i = c} |\hat y_i - y_i|

    over the :math:`C` grades that occur in ``y_true`` (Baccianella, Esuli and
    Sebastiani 2009, ISDA). imbalanced-learn's
    ``macro_averaged_mean_absolute_error`` is the same number, but takes neither text
    labels nor a grade that is predicted and never true.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        Labels of any type.
    grades : sequence or None, default=None
        Every label that may occur, from best to worst; see :func:`quadratic_kappa`.

    Returns
    -------
    error : float
        In grades: 0 is perfect, ``n_grades - 1`` is the largest.

    Raises
    ------
    ValueError
        If there is no label, or one is missing (None, NaN); if labels are text and
        ``grades`` is None, or ``grades`` lacks a label.

    Examples
    --------
    >>> macro_averaged_mae(["ok", "bad"], ["ok", "ok"], grades=["ok", "bad"])
    0.5
    """
    true, pred, _ = _ranks(y_true, y_pred, grades, caller="macro_averaged_mae")
    distance = np.abs(true - pred)
    return float(np.mean([distance[true == rank].mean() for rank in np.unique(true)]))


def calibration_error(y_true, proba, *, classes=None, n_bins=15):
    r"""Measure the expected calibration error of the most probable label.

    The scans are put in bins :math:`B_m` of equal width by the probability of their
    most probable label, and

    .. math:: \sum_m \frac{|B_m|}{n} |\mathrm{accuracy}(B_m) - \mathrm{confidence}(B_m)|

    where confidence is the mean of that probability (Guo et al. 2017, *On Calibration
    of Modern Neural Networks*, ICML, equation 3).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels of any type.
    proba : array-like of shape (n_samples, n_classes)
        Probabilities in [0, 1].
    classes : array-like of shape (n_classes,) or None, default=None
        The label of each column; None means the sorted labels of ``y_true``.
    n_bins : int, default=15
        Number of bins; bin m holds probabilities in ((m - 1) / n_bins, m / n_bins].

    Returns
    -------
    error : float
        In [0, 1]; 0 is calibrated.

    Raises
    ------
    ValueError
        If there is no label, or one is missing; if ``proba`` does not have one column
        per class, or leaves [0, 1]; if ``n_bins`` is not a whole number above 0.

    Examples
    --------
    >>> calibration_error([0, 0, 1, 1], [[1, 0], [1, 0], [1, 0], [0, 1]])
    0.25
    """
    y_true, proba = np.asarray(y_true), np.asarray(proba, dtype=float)
    check_positive(n_bins, "n_bins", caller="calibration_error", kind=Integral)
    check_consistent_length(y_true, proba)
    _check_labels(y_true, caller="calibration_error")
    classes = np.unique(y_true) if classes is None else np.asarray(classes)
    if proba.shape != (len(y_true), len(classes)):
        raise ValueError(
            "calibration_error: proba must have one row per scan and one column per "
            f"class, ({len(y_true)}, {len(classes)}), got {proba.shape}. Pass classes= "
            "to name the columns."
        )
    if not ((proba >= 0) & (proba <= 1)).all():
        raise ValueError(
            "calibration_error: proba must be in [0, 1], got values from "
            f"{proba.min()} to {proba.max()}."
        )
    confidence = proba.max(axis=1)
    gap = (classes[proba.argmax(axis=1)] == y_true) - confidence
    bins = np.clip(np.ceil(confidence * n_bins).astype(int) - 1, 0, n_bins - 1)
    return float(np.abs(np.bincount(bins, weights=gap)).sum() / len(y_true))


def bootstrap_interval(
    metric,
    y_true,
    *others,
    groups=None,
    n_resamples=1000,
    confidence=0.95,
    random_state=None,
):
    """Percentile bootstrap interval of a score, over subjects.

    Scans of one subject resemble each other, so whole subjects are drawn with
    replacement, each with all of its scans. Intervals over scans would be too narrow.

    Parameters
    ----------
    metric : callable
        ``metric(y_true, *others)`` -> float, or a sequence of floats for the intervals
        of several scores from the same resamples.
    y_true : array-like of shape (n_samples, ...)
        First argument of ``metric``.
    *others : array-like of shape (n_samples, ...)
        Its further arguments, e.g. predictions or probabilities.
    groups : array-like of shape (n_samples,) or None, default=None
        Subject of each scan; None draws scans.
    n_resamples : int, default=1000
        Number of bootstrap samples. NaN scores, where a draw misses what the score
        needs, are left out.
    confidence : float, default=0.95
        Share of the resamples inside the interval, in (0, 1).
    random_state : int, Generator, RandomState or None, default=None
        Seeds the draws.

    Returns
    -------
    low, high : float, or ndarray of shape (n_scores,)
        Ends of the interval (Efron and Tibshirani 1993, *An Introduction to the
        Bootstrap*, section 13.3); NaN where every resample is.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = bootstrap_interval(np.mean, [0, 1, 1, 1], random_state=0)
    >>> float(low), float(high)
    (0.25, 1.0)
    """
    arrays = [np.asarray(array) for array in (y_true, *others)]
    groups = np.arange(len(arrays[0])) if groups is None else np.asarray(groups)
    check_consistent_length(*arrays, groups)
    if len(groups) == 0:
        raise ValueError(
            "bootstrap_interval: y_true must hold at least 1 scan, got none."
        )
    if not 0 < confidence < 1:
        raise ValueError(
            f"bootstrap_interval: confidence must be in (0, 1), got {confidence}."
        )
    _, group_of = np.unique(groups, return_inverse=True)
    members = np.split(
        np.argsort(group_of, kind="stable"), np.cumsum(np.bincount(group_of))[:-1]
    )
    rng = make_generator(random_state)
    scores = []
    for _ in range(n_resamples):
        drawn = rng.integers(len(members), size=len(members))
        index = np.concatenate([members[group] for group in drawn])
        scores.append(metric(*(array[index] for array in arrays)))
    return _percentiles(np.asarray(scores, dtype=float), confidence)


def _percentiles(scores, confidence):
    """Return both ends along axis 0, without the warning that all-NaN columns give."""
    tail = (1 - confidence) / 2
    ends = np.full((2, *scores.shape[1:]), np.nan)
    some = np.isfinite(scores).any(axis=0)
    ends[:, some] = np.nanquantile(scores[:, some], [tail, 1 - tail], axis=0)
    return tuple(ends)


def _ranks(y_true, y_pred, grades, *, caller):
    """Return both label arrays as ranks from best (0) to worst, and how many exist."""
    check_consistent_length(y_true, y_pred)
    categories = getattr(getattr(y_true, "dtype", None), "categories", None)
    true, pred = np.asarray(y_true), np.asarray(y_pred)
    if grades is None and categories is not None and y_true.dtype.ordered:
        grades = list(categories)
    both = np.concatenate([true, pred])
    _check_labels(both, caller=caller)
    seen = check_grades(both, grades, ordinal_for="the score", caller=caller)
    scale = seen if grades is None else np.asarray(list(grades))
    rank = {label: position for position, label in enumerate(scale.tolist())}
    ranks = np.array([rank[label] for label in both.tolist()])
    return ranks[: len(true)], ranks[len(true) :], len(scale)


def _check_labels(labels, *, caller):
    if len(labels) == 0:
        raise ValueError(f"{caller}: labels must hold at least 1 scan, got none.")
    n_missing = int(pd.isna(labels).sum())
    if n_missing:
        raise ValueError(
            f"{caller}: every scan must have a label, got {n_missing} of {len(labels)} "
            "that are None or NaN. Leave these scans out."
        )
