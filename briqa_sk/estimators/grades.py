"""Labels of any type, the order of the grades that they name, and tables of them."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.metrics import f1_score
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from briqa_sk._validation import as_labels, check_grades


class GradeEncoder(BaseEstimator):
    """A ``LabelEncoder`` that knows the order of the grades.

    Parameters
    ----------
    grades : sequence or None, default=None
        The labels from best to worst. Numbers and ordered pandas categoricals rank
        themselves; text without it has no order.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted, as everywhere in scikit-learn.
    grades_ : ndarray of shape (n_classes,) or None
        The same from best to worst; None if they have no order.

    Examples
    --------
    >>> encoder = GradeEncoder(grades=["good", "fair", "bad"])
    >>> encoder.fit(["bad", "good", "bad"]).transform(["good", "bad"])
    array([0, 1])
    >>> encoder.classes_.tolist(), encoder.grades_.tolist()
    (['bad', 'good'], ['good', 'bad'])
    """

    def __init__(self, grades=None):
        self.grades = grades

    def fit(self, y, *, ordinal_for=None, caller="GradeEncoder"):
        """Learn the labels.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            Labels: numbers, text, or a pandas categorical.
        ordinal_for : str or None, default=None
            What needs an order; None if nothing does.
        caller : str, default="GradeEncoder"
            Opens the error messages.

        Returns
        -------
        self : GradeEncoder
            The fitted encoder.

        Raises
        ------
        ValueError
            If a label is missing or not in ``grades``, if labels are no classes, or if
            an order is needed and there is none.
        """
        ranked = check_grades(y, self.grades, ordinal_for=ordinal_for, caller=caller)
        is_ordered = (
            self.grades is not None
            or ranked.dtype.kind in "biuf"
            or getattr(getattr(y, "dtype", None), "ordered", False)
        )
        check_classification_targets(as_labels(y, caller=caller))
        self.classes_ = np.unique(ranked)
        self.grades_ = ranked if is_ordered else None
        return self

    def transform(self, y):
        """Return the rank of each label, (n_samples,), 0 for the best."""
        check_is_fitted(self)
        order = np.argsort(self.ranked_)
        return order[np.searchsorted(self.ranked_, y, sorter=order)]

    def inverse_transform(self, ranks):
        """Return the label of each rank."""
        check_is_fitted(self)
        return self.ranked_[ranks]

    @property
    def ranked_(self):
        """The labels by rank: the grades, or the classes where they have no order."""
        return self.classes_ if self.grades_ is None else self.grades_

    @classmethod
    def of(cls, classes, grades):
        """Return a fitted encoder of classes and, if they have an order, grades."""
        encoder = cls()
        encoder.classes_, encoder.grades_ = classes, grades
        return encoder


def as_label_column(y, *, caller):
    """Return the labels of one artifact as a 1-D array, numbers in a numeric dtype."""
    return as_labels(column_or_1d(y, warn=True), caller=caller)


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
    """Return predictions as one array: numbers as numbers, text among them as objects.

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
    kinds = {"number" if c.dtype.kind in "iuf" else c.dtype.kind for c in columns}
    if len(kinds) > 1:
        columns = [column.astype(object) for column in columns]
    return np.column_stack(columns)
