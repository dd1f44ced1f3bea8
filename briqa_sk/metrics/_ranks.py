"""Labels as ranks, and what is no label."""

import numpy as np
import pandas as pd
from sklearn.utils import check_consistent_length

from briqa_sk._validation import check_grades


def as_ranks(y_true, y_pred, grades, *, caller):
    """Return both label arrays as ranks from best (0) to worst, and where each lies.

    A rank lies at itself, or at its number where numbers rank themselves.
    """
    check_consistent_length(y_true, y_pred)
    categories = getattr(getattr(y_true, "dtype", None), "categories", None)
    true, pred = np.asarray(y_true), np.asarray(y_pred)
    for labels in (true, pred):
        if labels.ndim != 1:
            raise ValueError(
                f"{caller}: labels must be 1-D, one per scan, got shape "
                f"{labels.shape}. Score each artifact on its own."
            )
    if grades is None and categories is not None and y_true.dtype.ordered:
        grades = list(categories)
    both = np.concatenate([true, pred])
    check_labels(both, caller=caller)
    seen = check_grades(both, grades, ordinal_for="the score", caller=caller)
    scale = seen if grades is None else np.asarray(list(grades))
    rank = {label: position for position, label in enumerate(scale.tolist())}
    ranks = np.array([rank[label] for label in both.tolist()])
    places = seen.astype(float) if grades is None else np.arange(len(scale))
    return ranks[: len(true)], ranks[len(true) :], places


def check_labels(labels, *, caller):
    if len(labels) == 0:
        raise ValueError(f"{caller}: labels must hold at least 1 scan, got none.")
    n_missing = int(pd.isna(labels).sum())
    if n_missing:
        raise ValueError(
            f"{caller}: every scan must have a label, got {n_missing} of {len(labels)} "
            "that are None or NaN. Leave these scans out."
        )
