"""How sure a score, or the difference of two, is: by resampling subjects."""

import warnings
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from sklearn.utils import check_consistent_length

from briqa_sk._random import make_generator
from briqa_sk._validation import check_groups, check_positive
from briqa_sk.exceptions import BriqaWarning


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

    Raises
    ------
    ValueError
        If there is no scan, lengths differ, a subject is missing, or ``n_resamples`` or
        ``confidence`` is out of range.

    Warns
    -----
    BriqaWarning
        If there is one subject only: it tells nothing of others, and the ends are NaN.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = bootstrap_interval(np.mean, [0, 1, 1, 1], random_state=0)
    >>> float(low), float(high)
    (0.25, 1.0)
    """
    arrays = [np.asarray(array) for array in (y_true, *others)]
    check_consistent_length(*arrays)
    scores = _resampled(
        lambda index: metric(*(array[index] for array in arrays)),
        len(arrays[0]),
        groups,
        n_resamples,
        confidence,
        make_generator(random_state),
        caller="bootstrap_interval",
    )
    return _percentiles(scores, confidence)


@dataclass(frozen=True)
class PairedDifference:
    """How much better one model is than another on the same scans.

    Parameters
    ----------
    difference : float or ndarray of shape (n_scores,)
        Score of the first model minus that of the second, each averaged over its runs.
    low, high : float or ndarray of shape (n_scores,)
        Ends of the interval of the difference.
    p_value : float or ndarray of shape (n_scores,)
        Two-sided; see :func:`paired_difference`.
    """

    difference: float
    low: float
    high: float
    p_value: float


def paired_difference(
    y_true,
    y_pred_a,
    y_pred_b,
    metric,
    *,
    groups=None,
    n_resamples=1000,
    confidence=0.95,
    random_state=None,
):
    r"""Compare two models on the same scans, over subjects and over training runs.

    Both models meet the same resamples, so that what makes a scan hard for both cancels
    out. Subjects are drawn with replacement, each with all of its scans. Where a model
    was trained with several seeds, its runs are drawn too, the same ones for both if
    both have equally many: run s of one belongs to run s of the other. So the interval
    speaks about new subjects and new trainings. From few runs it is too narrow, by
    about :math:`\sqrt{1 - 1 / n}` in what the :math:`n` runs contribute.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, ...)
        True labels; several columns for several artifacts.
    y_pred_a, y_pred_b : array-like of shape ([n_runs,] n_samples, ...)
        Predictions of the two models, labels or probabilities, of one run or several.
    metric : callable
        ``metric(y_true, y_pred)`` -> float, on one run, or a sequence of floats for
        several scores from the same resamples.
    groups : array-like of shape (n_samples,) or None, default=None
        Subject of each scan; None draws scans.
    n_resamples : int, default=1000
        Number of bootstrap samples. NaN scores are left out.
    confidence : float, default=0.95
        Share of the resamples inside the interval, in (0, 1).
    random_state : int, Generator, RandomState or None, default=None
        Seeds the draws.

    Returns
    -------
    result : PairedDifference
        Its ``difference`` is above 0 where the first model scores higher. With
        :math:`k` of :math:`n` resamples on the rarer side of 0 (those at 0 count for
        both), its ``p_value`` is :math:`\min(1, 2 (k + 1) / (n + 1))` (Davison and
        Hinkley 1997, *Bootstrap Methods and their Application*, section 4.2): below
        ``1 - confidence`` about where the interval leaves out 0.

    Raises
    ------
    ValueError
        If predictions don't have the shape of ``y_true`` after that of the runs; as
        for :func:`bootstrap_interval`.

    Warns
    -----
    BriqaWarning
        If there is one subject only: then the interval and the p-value are NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.metrics import accuracy_score
    >>> y = np.tile([0, 1], 50)
    >>> often_wrong = np.where(np.arange(100) % 5, y, 1 - y)
    >>> result = paired_difference(y, y, often_wrong, accuracy_score, random_state=0)
    >>> round(result.difference, 3), round(result.low, 3), round(result.high, 3)
    (0.2, 0.13, 0.27)
    >>> round(result.p_value, 3)
    0.002
    """
    y_true = np.asarray(y_true)
    runs_a = _as_runs(y_pred_a, "y_pred_a", y_true)
    runs_b = _as_runs(y_pred_b, "y_pred_b", y_true)
    rng = make_generator(random_state)

    def score(runs, index, drawn):
        seen, counts = np.unique(drawn, return_counts=True)
        scores = [metric(y_true[index], runs[run][index]) for run in seen]
        return np.average(scores, axis=0, weights=counts)

    def difference(index):
        drawn_a = drawn_b = rng.integers(len(runs_a), size=len(runs_a))
        if len(runs_a) != len(runs_b):
            drawn_b = rng.integers(len(runs_b), size=len(runs_b))
        return score(runs_a, index, drawn_a) - score(runs_b, index, drawn_b)

    differences = _resampled(
        difference,
        len(y_true),
        groups,
        n_resamples,
        confidence,
        rng,
        caller="paired_difference",
    )
    scores_a, scores_b = (
        score(runs, slice(None), range(len(runs))) for runs in (runs_a, runs_b)
    )
    facts = (
        scores_a - scores_b,
        *_percentiles(differences, confidence),
        _p_value(differences),
    )
    return PairedDifference(*(f.item() if np.ndim(f) == 0 else f for f in facts))


def _as_runs(y_pred, parameter, y_true):
    """Return predictions with an axis of runs in front."""
    y_pred = np.asarray(y_pred)
    shape = y_true.shape
    if y_pred.shape[: len(shape)] == shape:
        return y_pred[None]
    if y_pred.shape[1 : 1 + len(shape)] == shape and len(y_pred) > 0:
        return y_pred
    raise ValueError(
        f"paired_difference: {parameter} must have the shape of y_true, {shape}, or "
        f"(n_runs, {', '.join(map(str, shape))}), got {y_pred.shape}."
    )


def _p_value(differences):
    n_finite = np.isfinite(differences).sum(axis=0)
    rarer = np.minimum((differences <= 0).sum(axis=0), (differences >= 0).sum(axis=0))
    p_value = np.minimum(1.0, 2 * (rarer + 1) / (n_finite + 1))
    return np.where(n_finite, p_value, np.nan)


def _resampled(score, n_samples, groups, n_resamples, confidence, rng, *, caller):
    """Return ``score(index)`` for the scans of subjects drawn with replacement.

    NaN, with a warning, where there is one subject only, and so nothing to draw.
    """
    what = "scans" if groups is None else "subjects"
    groups = check_groups(groups, caller=caller)
    groups = np.arange(n_samples) if groups is None else groups
    if n_samples == 0:
        raise ValueError(f"{caller}: y_true must hold at least 1 scan, got none.")
    check_consistent_length(groups, range(n_samples))
    check_positive(n_resamples, "n_resamples", caller=caller, kind=Integral)
    if not 0 < confidence < 1:
        raise ValueError(f"{caller}: confidence must be in (0, 1), got {confidence}.")
    _, group_of = np.unique(groups, return_inverse=True)
    members = np.split(
        np.argsort(group_of, kind="stable"), np.cumsum(np.bincount(group_of))[:-1]
    )
    if len(members) < 2:
        warnings.warn(
            f"{caller}: an interval needs at least 2 {what}, got 1, so it is NaN.",
            BriqaWarning,
            stacklevel=3,
        )
        return np.full((1, *np.shape(score(members[0]))), np.nan)
    draws = (rng.integers(len(members), size=len(members)) for _ in range(n_resamples))
    scores = [score(np.concatenate([members[g] for g in drawn])) for drawn in draws]
    return np.asarray(scores, dtype=float)


def _percentiles(scores, confidence):
    """Return both ends along axis 0, without the warning that all-NaN columns give."""
    tail = (1 - confidence) / 2
    ends = np.full((2, *scores.shape[1:]), np.nan)
    some = np.isfinite(scores).any(axis=0)
    ends[:, some] = np.nanquantile(scores[:, some], [tail, 1 - tail], axis=0)
    return tuple(ends)
