"""How well predicted grades agree with true ones that have an order."""

import numpy as np
from sklearn.metrics import cohen_kappa_score

from briqa_sk.metrics._ranks import as_ranks


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
        If there is no label, or one is missing (None, NaN); if there are several
        columns; if labels are text and ``grades`` is None, or ``grades`` lacks a label.

    Examples
    --------
    >>> quadratic_kappa([0, 0, 1, 2], [0, 0, 1, 1])
    0.75
    """
    true, pred, places = as_ranks(y_true, y_pred, grades, caller="quadratic_kappa")
    if (true == true[0]).all() and (pred == true[0]).all():
        return float("nan")
    labels = np.arange(len(places))
    return float(cohen_kappa_score(true, pred, labels=labels, weights="quadratic"))


def macro_averaged_mae(y_true, y_pred, *, grades=None):
    r"""Mean distance in grades, with every true grade weighing the same.

    .. math:: \frac{1}{C} \sum_{c} \frac{1}{n_c} \sum_{i : y_i = c} |\hat y_i - y_i|

    over the :math:`C` grades that occur in ``y_true`` (Baccianella, Esuli and
    Sebastiani 2009, ISDA). imbalanced-learn's
    ``macro_averaged_mean_absolute_error`` is the same number, but takes neither text
    labels, nor a regressor's, nor a grade that is predicted and never true.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        Labels of any type; predictions of a regressor, too.
    grades : sequence or None, default=None
        Every label that may occur, from best to worst, one step apart. None takes
        numbers as they are, so that from 0 to 2 it is two whether or not a 1 occurs;
        ordered categoricals rank themselves.

    Returns
    -------
    error : float
        In grades: 0 is perfect, the distance from best to worst is the largest.

    Raises
    ------
    ValueError
        If there is no label, or one is missing (None, NaN); if there are several
        columns; if labels are text and ``grades`` is None, or ``grades`` lacks a label.

    Examples
    --------
    >>> macro_averaged_mae(["ok", "bad"], ["ok", "ok"], grades=["ok", "bad"])
    0.5
    """
    true, pred, places = as_ranks(y_true, y_pred, grades, caller="macro_averaged_mae")
    distance = np.abs(places[true] - places[pred])
    return float(np.mean([distance[true == rank].mean() for rank in np.unique(true)]))
