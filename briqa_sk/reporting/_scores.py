"""Scores, those of baselines, and the intervals of both."""

import numpy as np
from sklearn.metrics import f1_score, recall_score

from briqa_sk.metrics import (
    bootstrap_interval,
    calibration_error,
    macro_averaged_mae,
    quadratic_kappa,
)


def score_grades(true, pred, proba=None, *, n_grades, ordered):
    """Return every score by name.

    Parameters
    ----------
    true, pred : ndarray of int of shape (n_samples,)
        Positions on the scale of grades, from best to worst.
    proba : ndarray of shape (n_samples, n_grades) or None, default=None
        Probabilities in this order.
    n_grades : int
        Length of the scale.
    ordered : bool
        Whether it has an order.

    Returns
    -------
    scores : dict of str to float
        NaN for what is undefined.
    """
    present = np.unique(true)
    scores = {
        "macro_f1": _macro_f1(true, pred),
        "balanced_accuracy": recall_score(
            true, pred, labels=present, average="macro", zero_division=0
        ),
    }
    if ordered:
        scale = range(n_grades)
        scores["quadratic_kappa"] = quadratic_kappa(true, pred, grades=scale)
        scores["macro_averaged_mae"] = macro_averaged_mae(true, pred, grades=scale)
    if proba is not None:
        scores["calibration_error"] = calibration_error(
            true, proba, classes=np.arange(n_grades)
        )
    return scores


def compare_scores(arrays, baselines, scores, interval):
    """Return the scores of model and baselines, and how far apart their macro F1 is.

    Parameters
    ----------
    arrays : sequence of ndarray of shape (n_samples, ...)
        True and predicted positions, and probabilities if there are any.
    baselines : dict of str to ndarray of int of shape (n_samples,)
        Positions that others predicted.
    scores : callable
        ``scores(*arrays)`` -> dict of str to float, as :func:`score_grades`.
    interval : dict
        Keywords of :func:`briqa_sk.metrics.bootstrap_interval`.

    Returns
    -------
    compared : dict
        ``scores`` and ``margins`` of :func:`briqa_sk.reporting.summarize_grades`.
    """
    true, names = arrays[0], list(scores(*arrays))
    always_majority = np.full_like(true, np.bincount(true).argmax())
    of_baselines = {
        name: scores(true, pred)
        for name, pred in {"majority": always_majority, **baselines}.items()
    }

    def scores_and_margins(index):
        own = scores(*(array[index] for array in arrays))
        others = [_macro_f1(true[index], pred[index]) for pred in baselines.values()]
        return [*own.values(), *(own["macro_f1"] - other for other in others)]

    index = np.arange(len(true))
    low, high = bootstrap_interval(scores_and_margins, index, **interval)
    found = [
        dict(zip(("value", "low", "high"), map(_number, numbers), strict=True))
        for numbers in zip(scores_and_margins(index), low, high, strict=True)
    ]
    return {
        "scores": {
            name: {
                **row,
                "baselines": {
                    baseline: _number(values.get(name, np.nan))
                    for baseline, values in of_baselines.items()
                },
            }
            for name, row in zip(names, found, strict=False)
        },
        "margins": dict(zip(baselines, found[len(names) :], strict=True)),
    }


def _macro_f1(true, pred):
    return f1_score(true, pred, average="macro", zero_division=0)


def _number(value):
    """Return a float, or None for NaN: JSON has no NaN."""
    return float(value) if np.isfinite(value) else None
