"""What a plain random forest on image metrics would reach with the labels at hand."""

import warnings

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.utils import check_consistent_length, column_or_1d

from briqa_sk._random import draw_seed
from briqa_sk._validation import as_labels, check_groups
from briqa_sk.io import as_volumes
from briqa_sk.preprocessing import ImageQualityMetrics

N_TREES = 500
MIN_SCANS_LEAF = 5
#: Of 14 scans, a bootstrap sample has 5 scans for each of two leaves in 4 of 10 trees.
MIN_SCANS_TRAINING = 16

_CALLER = "forest_baseline"


def forest_baseline(
    scans,
    y_true,
    *,
    subjects=None,
    n_folds=5,
    n_jobs=None,
    verbose=0,
    random_state=0,
):
    """Grade each scan by a random forest that learnt from the other subjects.

    With the labels that you hold here, what would a plain forest reach? That is the
    baseline for any model that has graded the same scans, whatever it was trained on,
    and it needs nothing but the scans: :class:`~briqa_sk.ImageQualityMetrics` of each,
    and 500 balanced trees with at least 5 scans in a leaf, cross-validated over
    subjects. It may have fewer scans to learn from than the model had, but they come
    from the scanners on which it is tested, so it is no easy opponent.

    Parameters
    ----------
    scans : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
        As a scanner stored them, not as a network sees them: cropping and resampling
        remove part of what is measured. Each is read once.
    y_true : array-like of shape (n_samples,)
        True grades, labels of any type; their order is not used.
    subjects : array-like of shape (n_samples,) or None, default=None
        Subject of each scan, all of whose scans are graded by one forest that saw none
        of them; None counts each scan as its own.
    n_folds : int, default=5
        Forests; fewer, where there are fewer subjects or no grade has as many scans.
    n_jobs : int or None, default=None
        Scans measured, and forests grown, at once, as everywhere in joblib.
    verbose : int, default=0
        1 shows a progress bar.
    random_state : int, Generator, RandomState or None, default=0
        Seeds the forests. The folds are not random.

    Returns
    -------
    y_pred : ndarray of shape (n_samples,)
        Out-of-fold grades. A grade of which all scans are of one subject can't be
        learnt for that subject, and is missed.

    Raises
    ------
    ValueError
        If a grade or subject is missing, lengths differ, or a forest can't learn: fewer
        than two grades are found in two subjects each, or a fold leaves fewer than 16
        scans to train on.
    UnreadableVolumeError
        If a file can't be read; see its ``finding``.

    Examples
    --------
    >>> from briqa_sk.datasets import make_graded_heads
    >>> from briqa_sk.reporting import forest_baseline
    >>> X, y, subjects = make_graded_heads(16, shape=(8, 8, 8), random_state=0)
    >>> forest_baseline(X, y, subjects=subjects, n_folds=2).shape
    (32,)
    """
    scans = as_volumes(scans, caller=_CALLER)
    y_true = column_or_1d(as_labels(y_true, caller=_CALLER))
    subjects = check_groups(subjects, caller=_CALLER)
    check_consistent_length(scans, y_true, subjects)
    grades, rank = np.unique(y_true, return_inverse=True)
    folds = _make_folds(grades, rank, subjects, n_folds)
    metrics = ImageQualityMetrics(n_jobs=n_jobs, verbose=verbose).fit_transform(scans)
    forest = RandomForestClassifier(
        N_TREES,
        class_weight="balanced_subsample",
        min_samples_leaf=MIN_SCANS_LEAF,
        random_state=draw_seed(random_state),
    )
    return grades[cross_val_predict(forest, metrics, rank, cv=folds, n_jobs=n_jobs)]


def _make_folds(grades, rank, subjects, n_folds):
    """Return the folds, whose test parts hold each scan once; refuse hopeless ones."""
    what = "scans" if subjects is None else "subjects"
    subjects = np.arange(len(rank)) if subjects is None else subjects
    n_holding = [len(np.unique(subjects[rank == i])) for i in range(len(grades))]
    if np.sum(np.greater(n_holding, 1)) < 2:
        pairs = zip(grades.tolist(), n_holding, strict=True)
        got = ", ".join(f"{grade} in {n}" for grade, n in pairs)
        raise ValueError(
            f"{_CALLER}: at least two grades must be found in two {what} each, to "
            f"learn from one and grade the other, got {got}. Label more scans."
        )
    n_folds = min(n_folds, len(np.unique(subjects)), np.bincount(rank).max())
    with warnings.catch_warnings():  # of rare grades; some fold lacks them
        warnings.simplefilter("ignore", UserWarning)
        folds = list(StratifiedGroupKFold(n_folds).split(rank, rank, subjects))
    n_least = min(len(train) for train, _ in folds)
    if n_least < MIN_SCANS_TRAINING:
        raise ValueError(
            f"{_CALLER}: each fold must leave at least {MIN_SCANS_TRAINING} scans to "
            f"train on, or trees with {MIN_SCANS_LEAF} scans in a leaf don't branch, "
            f"got {n_least}. Label more scans."
        )
    return folds
