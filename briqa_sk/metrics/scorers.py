"""Scores of ordered grades as scikit-learn's ``scoring=`` wants them: as callables.

Its names are a closed list, in which ours can't stand.
"""

from functools import partial

import numpy as np
import sklearn.metrics
from sklearn.pipeline import Pipeline

from briqa_sk._validation import as_labels
from briqa_sk.metrics.agreement import macro_averaged_mae, quadratic_kappa
from briqa_sk.metrics.calibration import calibration_error

_ORDERED = {
    "neg_macro_averaged_mae": (macro_averaged_mae, -1),
    "quadratic_kappa": (quadratic_kappa, 1),
}
_RECALL = "recall_"


def get_scorer(name, *, grades=None):
    """Return a scorer by its name, for ``cross_validate`` and ``GridSearchCV``.

    Pass the scorer as ``scoring=``, which takes scikit-learn's own names only. A scorer
    is called with a fitted estimator, scans and their labels; greater is better, so
    errors have ``neg_`` in front. What depends on the order of the grades needs to know
    all of them, those too that a test fold lacks. ``grades`` says them. Without it they
    are those of an ordered categorical ``y``, else the ``grades`` that the estimator
    (the last step of a pipeline) was made with, else all numbers that it has learned or
    is tested on; the distances of the MAE are those of the numbers.

    Parameters
    ----------
    name : str
        A key of :data:`SCORERS`; ``"recall_2"``, ``"recall_severe"`` and so on for the
        recall of one grade, NaN where no scan has it; or any name that scikit-learn
        knows, whose scorer is returned.
    grades : sequence or None, default=None
        Every label that may occur, from best to worst. Scorers that don't need the
        order don't look at it.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y)`` -> float.

    Raises
    ------
    ValueError
        If the name is unknown; when scoring, if the order of text labels is.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_validate
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> tree = DecisionTreeClassifier(max_depth=2, random_state=0)
    >>> scores = cross_validate(tree, X, y, scoring=get_scorer("quadratic_kappa"))
    >>> scores["test_score"].round(2)
    array([0.95, 0.97, 0.93, 0.9 , 1.  ])
    """
    if name in _ORDERED:
        metric, sign = _ORDERED[name]
        return partial(_score_order, metric=metric, sign=sign, grades=grades)
    if name == "neg_calibration_error":
        return _score_calibration
    if name in sklearn.metrics.get_scorer_names():
        return sklearn.metrics.get_scorer(name)
    if name.startswith(_RECALL):
        return partial(_score_recall, grade=name.removeprefix(_RECALL))
    raise ValueError(
        f"get_scorer: name must be one of {', '.join(SCORERS)}, recall_<grade>, or a "
        f"name that scikit-learn knows, got {name!r}."
    )


def _score_order(estimator, X, y, *, metric, sign, grades):
    if grades is None:
        grades = _scale(estimator, y, numbers=metric is quadratic_kappa)
    return sign * metric(y, estimator.predict(X), grades=grades)


def _score_calibration(estimator, X, y):
    proba = estimator.predict_proba(X)
    return -calibration_error(y, proba, classes=estimator.classes_)


def _score_recall(estimator, X, y, *, grade):
    labels = as_labels(y, caller="get_scorer")
    known = np.unique([*estimator.classes_, *labels]).tolist()
    # 2 and 2.0 are one grade; which of them numpy made of it is not the user's affair.
    matches = [label for label in known if str(label) in (grade, f"{grade}.0")]
    if not matches:
        raise ValueError(
            f"get_scorer: the grade of {_RECALL}{grade} must be one of "
            f"{', '.join(map(str, known))}, got {grade!r}."
        )
    return sklearn.metrics.recall_score(
        labels,
        estimator.predict(X),
        labels=matches,
        average="macro",
        zero_division=np.nan,
    )


def _scale(estimator, y, *, numbers):
    """Return every grade from best to worst, or None if ``y`` says it, or nobody.

    Where they are numbers, only if asked to: not for what takes numbers as they are.
    """
    if getattr(getattr(y, "dtype", None), "ordered", False):
        return None
    model = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    if getattr(model, "grades", None) is not None:
        return model.grades
    if not numbers:
        return None
    classes = np.asarray(model.classes_)
    if classes.dtype.kind not in "biuf":
        return None
    return np.union1d(classes, as_labels(y, caller="get_scorer"))


#: Name -> scorer, as :func:`get_scorer` returns it. All fit into one call of
#: ``cross_validate(..., scoring=SCORERS)``. F1, balanced accuracy: scikit-learn's.
SCORERS = {
    name: get_scorer(name)
    for name in (
        "f1_macro",
        "f1_weighted",
        "balanced_accuracy",
        "quadratic_kappa",
        "neg_macro_averaged_mae",
        "neg_calibration_error",
    )
}
