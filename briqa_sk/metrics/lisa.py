"""The score of task 1 of the LISA challenge."""

import warnings

import numpy as np

from briqa_sk.exceptions import BriqaWarning
from briqa_sk.metrics.lisa_table import LISA_GRADES, join_lisa_tables

_AVERAGES = ("micro", "macro", "weighted")
_METRICS = ("F1", "F2", "Precision", "Recall", "Accuracy")
_DIGITS = 3


def lisa_score(y_true, y_pred, *, rows="all"):
    r"""Score predicted tables of grades by the official rule of the LISA challenge.

    For each average (micro, macro, weighted), the F1 score, the F2 score, precision and
    recall of each artifact are those of scikit-learn with ``zero_division=0``; with
    accuracy, they are averaged over the artifacts and rounded to 3 digits. On tables
    whose rows are in one order, the numbers are those of the challenge's own script.
    That script compares rows by their position; here they are joined by the names of
    the files, and none is dropped without a word.

    All micro averages are the accuracy once more, and so is the weighted recall. The
    ranking looks at weighted averages only: calling each scan free of artifacts scores
    .75 on the class counts of 2025. So look at macro F1 and
    :func:`~briqa_sk.metrics.quadratic_kappa` too.

    Parameters
    ----------
    y_true, y_pred : DataFrame
        Indexed by file name, in any case, with or without ``.nii.gz``, in any order;
        with the columns Noise, Zipper, Positioning, Banding, Motion, Contrast and
        Distortion, in any order. Grades are 0, 1 and 2. NaN in ``y_true`` is what is
        not rated, and not scored; an artifact that is not rated at all is left out of
        the mean, with a warning.
    rows : {"all", "common"}, default="all"
        What to do where a scan is in one table only, or has a rating and no prediction:
        an error that names it, or a warning that does, and a score of all others.

    Returns
    -------
    scores : dict of str to float
        15 numbers in [0, 1], ``"F1_micro"`` to ``"Accuracy_weighted"``.

    Raises
    ------
    TypeError
        If a table is not a DataFrame.
    ValueError
        If a table has no row, lacks a column, has another grade, two rows of one scan
        or the names in a column; if no artifact is rated, or one that is has no
        prediction at all; if the scans are not the same, unless ``rows="common"`` and
        some are.

    Warns
    -----
    BriqaWarning
        If scans or artifacts are not scored.

    Examples
    --------
    >>> import pandas as pd
    >>> from briqa_sk.metrics import LISA_ARTIFACTS
    >>> names = ["LISA_0001_LF_axi.nii.gz", "LISA_0001_LF_cor.nii.gz"]
    >>> truth = pd.DataFrame(0, index=names, columns=LISA_ARTIFACTS)
    >>> truth.loc[names[1], "Motion"] = 2
    >>> scores = lisa_score(truth, truth.assign(Motion=0)[::-1])
    >>> scores["F1_macro"], scores["Accuracy_weighted"]
    (0.905, 0.929)
    """
    truth, pred = join_lisa_tables(y_true, y_pred, rows=rows, caller="lisa_score")
    rated = truth.notna().to_numpy()
    _check_rated(truth.columns, rated.any(axis=0))
    by_artifact = [
        _scores(_confusion(t[kept], p[kept]))
        for t, p, kept in zip(
            truth.to_numpy().T, pred.to_numpy().T, rated.T, strict=True
        )
        if kept.any()
    ]
    return {
        # sum and round, not numpy's: a tie must fall on the official side.
        name: round(sum(s[name] for s in by_artifact) / len(by_artifact), _DIGITS)
        for name in by_artifact[0]
    }


def lisa_ranking(scores):
    """Return the number that ranks the teams: the mean of the five weighted scores.

    Parameters
    ----------
    scores : dict of str to float
        From :func:`lisa_score`.

    Returns
    -------
    score : float
        In [0, 1].

    Examples
    --------
    >>> weighted = dict(F1=0.8, F2=0.7, Precision=0.9, Recall=0.6, Accuracy=0.5)
    >>> round(lisa_ranking({f"{k}_weighted": v for k, v in weighted.items()}), 3)
    0.7
    """
    return float(np.mean([scores[f"{metric}_weighted"] for metric in _METRICS]))


def _check_rated(artifacts, is_rated):
    never = artifacts[~is_rated].tolist()
    if len(never) == len(artifacts):
        raise ValueError(
            "lisa_score: y_true must have at least 1 rating, got NaN everywhere."
        )
    if never:
        warnings.warn(
            f"lisa_score: {', '.join(never)} is not rated in any scan; the scores are "
            f"means over the {len(artifacts) - len(never)} other artifacts.",
            BriqaWarning,
            stacklevel=3,
        )


def _confusion(true, pred):
    """Count scans by true (row) and predicted (column) grade."""
    n_grades = len(LISA_GRADES)
    cell = (n_grades * true + pred).astype(int)
    return np.bincount(cell, minlength=n_grades**2).reshape(n_grades, n_grades)


def _scores(confusion):
    """Return the 15 scores of one artifact, to the last bit those of scikit-learn."""
    hits, true, pred = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    occurs = (true + pred) > 0
    counts = hits[occurs], true[occurs], pred[occurs]
    n_scans = confusion.sum()
    scores = {}
    for average in _AVERAGES:
        pooled = average == "micro"
        ratios = _ratios(
            *([n.sum(keepdims=True) for n in counts] if pooled else counts)
        )
        weights = counts[1] if average == "weighted" else None
        for metric, values in zip(_METRICS, ratios, strict=False):
            scores[f"{metric}_{average}"] = float(np.average(values, weights=weights))
        scores[f"Accuracy_{average}"] = float(hits.sum() / n_scans)
    return scores


def _ratios(hits, true, pred):
    """Return F1, F2, precision and recall of each grade; 0 where there is no such."""
    pairs = [(2.0 * hits, true + pred), (5.0 * hits, 4.0 * true + pred)]
    pairs += [(hits, pred), (hits, true)]
    # Without a denominator there is no hit either.
    return [above / np.maximum(below, 1) for above, below in pairs]
