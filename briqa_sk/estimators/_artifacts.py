"""The table of grades: one column for each artifact."""

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score
from sklearn.utils.multiclass import check_classification_targets


def as_grade_table(y, *, caller):
    """Return grades as a DataFrame with one column for each artifact.

    Parameters
    ----------
    y : DataFrame or array-like of shape (n_samples,) or (n_samples, n_artifacts)
        Grades; NaN, None or ``pandas.NA`` where a scan is not rated.
    caller : str
        Opens the error messages.

    Returns
    -------
    table : DataFrame of shape (n_samples, n_artifacts)
        Columns are called "artifact_0" and so on where y has no names.

    Raises
    ------
    ValueError
        If y is None, has no column, another number of dimensions, or a name twice, or
        if a column mixes numbers and text.
    """
    if y is None:
        raise ValueError(f"{caller} requires y to be passed, but the target y is None.")
    if isinstance(y, pd.Series):
        y = y.to_frame("artifact_0" if y.name is None else y.name)
    if not isinstance(y, pd.DataFrame):
        # As objects: numpy would write a NaN among text as the text "nan".
        array = np.asarray(y, dtype=object if isinstance(y, list | tuple) else None)
        if array.ndim not in (1, 2):
            raise ValueError(
                f"{caller}: y must be 2-D, one row per scan and one column per "
                f"artifact, got shape {array.shape}."
            )
        y = pd.DataFrame(array)
        y.columns = [f"artifact_{number}" for number in y.columns]
    names = list(y.columns)
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f"{caller}: y must have at least 1 column, each with a name of its own, "
            f"got {names}."
        )
    for name in names:
        _check_not_mixed(y[name], caller)
    return y


def _check_not_mixed(column, caller):
    """Refuse numbers among text, which numpy would write as text."""
    known = column[column.notna().to_numpy()].tolist()
    texts = [value for value in known if isinstance(value, str)]
    if texts and len(texts) < len(known):
        raise ValueError(
            f"{caller}: the grades of an artifact must be all numbers or all text, got "
            f"the text {texts[0]!r} among numbers in {column.name!r}."
        )


def is_one_artifact(y):
    """Whether grades are 1-D, those of one artifact without a name."""
    return not isinstance(y, pd.DataFrame) and np.asarray(y, dtype=object).ndim == 1


def match_artifacts(y, artifacts, *, caller):
    """Return a table of grades with the columns of ``fit``, in their order.

    Names count, not positions; an array without names must have as many columns.

    Parameters
    ----------
    y : DataFrame or array-like of shape (n_samples, n_artifacts)
        Grades.
    artifacts : list
        Names of the columns seen in ``fit``.
    caller : str
        Opens the error message.

    Returns
    -------
    table : DataFrame of shape (n_samples, n_artifacts)
        See :func:`as_grade_table`.

    Raises
    ------
    ValueError
        If an artifact is missing, or was never seen in ``fit``.
    """
    table = as_grade_table(y, caller=caller)
    if not isinstance(y, pd.DataFrame) and len(table.columns) == len(artifacts):
        return table.set_axis(artifacts, axis=1)
    if set(table.columns) != set(artifacts):
        raise ValueError(
            f"{caller}: y must have the artifacts seen in fit, {artifacts}, got "
            f"{list(table.columns)}."
        )
    return table[artifacts]


def rated_grades(column):
    """Return which scans are rated, and their grades.

    Parameters
    ----------
    column : Series of shape (n_samples,)
        One column of :func:`as_grade_table`.

    Returns
    -------
    rated : ndarray of shape (n_rated,)
        Indices of the scans that have a grade.
    grades : ndarray or ordered pandas.Categorical of shape (n_rated,)
        Their grades. Whole numbers that pandas holds as float, because some are
        missing, are whole numbers again.

    Raises
    ------
    ValueError
        If the grades are no classes, but continuous or infinite.
    """
    rated = np.flatnonzero(column.notna())
    known = column.iloc[rated]
    if getattr(known.dtype, "ordered", False):
        return rated, known.array
    grades = np.asarray(known.tolist())
    if grades.size:
        check_classification_targets(grades)
    if grades.dtype.kind == "f" and len(rated) < len(column):
        grades = grades.astype(np.int64)  # checked above: they are whole
    return rated, grades


def macro_f1(table, predictions, sample_weight=None):
    """Return the macro F1 of each artifact over its rated scans, NaN without any.

    Parameters
    ----------
    table : DataFrame of shape (n_samples, n_artifacts)
        True grades.
    predictions : list of ndarray of shape (n_samples,)
        One for each artifact.
    sample_weight : array-like of shape (n_samples,) or None, default=None
        Weight of each scan.

    Returns
    -------
    scores : dict
        By name.
    """
    scores = dict.fromkeys(table, np.nan)
    for name, predicted in zip(table, predictions, strict=True):
        rated, grades = rated_grades(table[name])
        if rated.size:
            weight = None if sample_weight is None else np.asarray(sample_weight)[rated]
            scores[name] = f1_score(
                np.asarray(grades),
                predicted[rated],
                average="macro",
                sample_weight=weight,
            )
    return scores


def side_by_side(columns):
    """Return predictions as one array; of objects, unless all are numbers or all text.

    Parameters
    ----------
    columns : list of ndarray of shape (n_samples,)
        One for each artifact.

    Returns
    -------
    table : ndarray of shape (n_samples, n_artifacts)
        In a dtype that changes no label.
    """
    columns = [np.asarray(column) for column in columns]
    kinds = {column.dtype.kind for column in columns}
    if len(kinds) > 1:
        columns = [column.astype(object) for column in columns]
    return np.column_stack(columns)
