"""Grades in, a dictionary of numbers out: what a report says and JSON can hold."""

from numbers import Real

import numpy as np
from sklearn.metrics import precision_recall_fscore_support
from sklearn.utils import check_consistent_length

from briqa_sk._validation import check_grades, check_groups
from briqa_sk.reporting._scores import compare_scores, score_grades

N_RELIABILITY_BINS = 10


def summarize_grades(
    y_true,
    y_pred,
    *,
    proba=None,
    classes=None,
    grades=None,
    subjects=None,
    baselines=None,
    confidence=0.95,
    n_resamples=1000,
    random_state=0,
):
    """Summarize how scans were graded, and how well where the truth is known.

    Every score has an interval over subjects, and stands next to those of baselines:
    the majority, which calls each scan the most frequent true grade, and any others,
    such as :func:`forest_baseline`. Scores that need an order of the grades are left
    out where text labels come without one.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or None
        True grades; None where they are not known. Without a scan nothing is known.
    y_pred : array-like of shape (n_samples,)
        Predicted grades.
    proba : array-like of shape (n_samples, n_classes) or None, default=None
        Predicted probabilities, for the calibration error.
    classes : array-like of shape (n_classes,) or None, default=None
        The label of each column of ``proba``, as in ``classifier.classes_``. None: the
        sorted labels.
    grades : sequence or None, default=None
        Every label, from best to worst; true grades that are numbers, and that a model
        never saw, are put where they belong. None: numbers rank themselves, and text
        labels have no order.
    subjects : array-like of shape (n_samples,) or None, default=None
        Subject of each scan; None counts each scan as its own.
    baselines : dict of str to array-like of shape (n_samples,) or None, default=None
        Name -> grades predicted by what the model has to beat. They are not looked at
        where the truth is not known.
    confidence : float, default=0.95
        Confidence of the intervals, in (0, 1).
    n_resamples : int, default=1000
        Bootstrap samples behind the intervals.
    random_state : int, Generator, RandomState or None, default=0
        Seeds the bootstrap.

    Returns
    -------
    summary : dict
        Holds strings, numbers, lists, dicts, and None for what is undefined, so that
        JSON can hold it: ``n_scans``, ``n_subjects``, ``grades``, ``ordered``,
        ``predicted`` (counts per grade); with the truth also ``true`` (counts),
        ``confusion`` (a row per true grade), ``per_grade``, ``majority``, ``scores``
        (each with ``value``, ``low``, ``high`` and ``baselines``, a value for
        "majority" and for each that was passed), ``margins`` (for each that was passed,
        ``value``, ``low`` and ``high`` of the macro F1 minus that of the baseline, on
        the same resamples), ``confidence``; with probabilities also ``reliability``.

    Raises
    ------
    ValueError
        If lengths differ, a subject is missing, ``grades`` lacks a label, or a baseline
        is named "majority".

    Examples
    --------
    >>> summary = summarize_grades([0, 0, 1, 2], [0, 0, 1, 1], n_resamples=50)
    >>> summary["confusion"]
    [[2, 0, 0], [0, 1, 0], [0, 1, 0]]
    >>> round(summary["scores"]["balanced_accuracy"]["value"], 3)
    0.667
    >>> round(summary["scores"]["balanced_accuracy"]["baselines"]["majority"], 3)
    0.333
    """
    subjects = check_groups(subjects, caller="summarize_grades")
    baselines = _check_baselines(baselines, y_true)
    labels, ordered = _label_scale(y_true, y_pred, classes, grades, *baselines.values())
    pred = _positions(y_pred, labels)
    summary = {
        "n_scans": len(pred),
        "n_subjects": None if subjects is None else len(np.unique(subjects)),
        "grades": [grade_name(label) for label in labels],
        "ordered": ordered,
        "predicted": np.bincount(pred, minlength=len(labels)).tolist(),
    }
    check_consistent_length(y_true, y_pred, proba, subjects, *baselines.values())
    if y_true is None or len(pred) == 0:
        return summary
    true = _positions(y_true, labels)
    arrays = [true, pred]
    if proba is not None:
        arrays.append(_in_grade_order(proba, classes, labels))
        summary["reliability"] = _reliability(true, arrays[-1])
    interval = {
        "groups": subjects,
        "confidence": confidence,
        "n_resamples": n_resamples,
        "random_state": random_state,
    }
    return {
        **summary,
        **_counts(true, pred, labels),
        **compare_scores(
            arrays,
            {name: _positions(y, labels) for name, y in baselines.items()},
            lambda *drawn: score_grades(*drawn, n_grades=len(labels), ordered=ordered),
            interval,
        ),
        "confidence": confidence,
    }


def grade_name(label):
    """Return a label as text that is the same for equal labels, as 1 and 1.0.

    Examples
    --------
    >>> grade_name(1.0), grade_name(1.5), grade_name("1.0")
    ('1', '1.5', '1.0')
    """
    is_number = isinstance(label, Real) and not isinstance(label, bool)
    if is_number and float(label).is_integer():
        return str(int(label))
    return str(label)


def _check_baselines(baselines, y_true):
    """Return the baselines to compare with: none without a truth."""
    baselines = {} if baselines is None or y_true is None else baselines
    if "majority" in baselines:
        raise ValueError(
            "summarize_grades: baselines must not be named 'majority', which is always "
            f"there, got {', '.join(map(repr, baselines))}. Choose another name."
        )
    return baselines


def _label_scale(y_true, y_pred, classes, grades, *others):
    """Return every label from best to worst, and whether that order means anything."""
    dtype = getattr(y_true, "dtype", None)
    if grades is None and getattr(dtype, "ordered", False):
        grades = list(dtype.categories)
    if grades is not None:
        grades = [g.item() if isinstance(g, np.generic) else g for g in grades]
        grades = grades if y_true is None else _with_unseen(grades, np.unique(y_true))
    given = [y for y in (y_true, y_pred, classes, *others) if y is not None]
    seen = np.concatenate([np.asarray(labels) for labels in given])
    kept = check_grades(seen, grades, caller="summarize_grades")
    if grades is not None:
        return grades, True
    return kept.tolist(), kept.dtype.kind in "biuf"


def _with_unseen(grades, true):
    """Return the scale with the true grades that it lacks, if numbers place them."""
    numbers = true.dtype.kind in "iuf" and all(isinstance(g, Real) for g in grades)
    rising = sorted(grades) if numbers else None
    if rising is None or grades not in (rising, rising[::-1]):
        return grades
    unseen = set(true.tolist()) - set(grades)
    return sorted([*grades, *unseen], reverse=grades != rising)


def _positions(y, labels):
    place = {label: position for position, label in enumerate(labels)}
    return np.array([place[label] for label in np.asarray(y).tolist()], dtype=int)


def _in_grade_order(proba, classes, labels):
    """Return the probabilities with one column per grade, from best to worst."""
    proba = np.asarray(proba, dtype=float)
    columns = _positions(np.unique(labels) if classes is None else classes, labels)
    if proba.ndim != 2 or proba.shape[1] != len(columns):
        raise ValueError(
            f"summarize_grades: proba must have {len(columns)} columns, one per class, "
            f"got shape {proba.shape}. Pass classes= to name the columns."
        )
    in_order = np.zeros((len(proba), len(labels)))
    in_order[:, columns] = proba
    return in_order


def _counts(true, pred, labels):
    """Return what can be read off the confusion matrix, grade by grade."""
    positions = np.arange(len(labels))
    precision, recall, f1, n_true = precision_recall_fscore_support(
        true, pred, labels=positions, zero_division=0
    )
    per_grade = [
        {
            "grade": grade_name(label),
            "n_true": int(n_true[i]),
            "n_predicted": int((pred == i).sum()),
            # Without a scan of the grade there is nothing to recall.
            "recall": float(recall[i]) if n_true[i] else None,
            "precision": float(precision[i]) if (pred == i).any() else None,
            "f1": float(f1[i]) if n_true[i] else None,
        }
        for i, label in enumerate(labels)
    ]
    n_grades = len(labels)
    confusion = np.bincount(true * n_grades + pred, minlength=n_grades**2)
    return {
        "true": n_true.tolist(),
        "confusion": confusion.reshape(n_grades, n_grades).tolist(),
        "per_grade": per_grade,
        "majority": grade_name(labels[int(np.argmax(n_true))]),
    }


def _reliability(true, proba):
    """Return mean confidence and accuracy of the scans in bins of their confidence."""
    confidence = proba.max(axis=1)
    right = proba.argmax(axis=1) == true
    bins = np.ceil(confidence * N_RELIABILITY_BINS).astype(int)
    return [
        {
            "n_scans": int((bins == b).sum()),
            "confidence": float(confidence[bins == b].mean()),
            "accuracy": float(right[bins == b].mean()),
        }
        for b in np.unique(bins)
    ]
