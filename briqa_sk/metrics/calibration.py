"""Whether probabilities are frequencies."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_consistent_length

from briqa_sk._validation import check_positive
from briqa_sk.metrics._ranks import check_labels


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
    check_labels(y_true, caller="calibration_error")
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
