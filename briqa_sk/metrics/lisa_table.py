"""Tables of grades as the LISA challenge has them: a row per scan, joined by name."""

import warnings

import numpy as np
import pandas as pd

from briqa_sk.exceptions import BriqaWarning

#: What task 1 of the challenge grades, in the order of its tables.
LISA_ARTIFACTS = (
    "Noise",
    "Zipper",
    "Positioning",
    "Banding",
    "Motion",
    "Contrast",
    "Distortion",
)
LISA_GRADES = (0, 1, 2)

_N_NAMED = 5


def scan_ids(names):
    """Return what two spellings of the name of a scan have in common.

    Parameters
    ----------
    names : iterable of str
        File names, with or without ``.nii`` or ``.nii.gz``, in any case.

    Returns
    -------
    ids : pandas.Index of str
        In lower case, without the ending.

    Examples
    --------
    >>> scan_ids(["LISA_0001_LF_axi.nii.gz", "lisa_0001_lf_AXI"]).tolist()
    ['lisa_0001_lf_axi', 'lisa_0001_lf_axi']
    """
    # A loop is five times as fast as the string methods of pandas.
    lower = (str(name).strip().lower() for name in names)
    return pd.Index(
        [name.removesuffix(".gz").removesuffix(".nii") for name in lower], dtype=object
    )


def check_lisa_table(table, parameter, *, caller):
    """Return the seven columns of a table of grades, in the challenge's order.

    Parameters
    ----------
    table : DataFrame
        Indexed by file name; columns in any order. Other columns are left out.
    parameter : str
        What the caller's user calls it.
    caller : str
        Opens the error message.

    Returns
    -------
    grades : DataFrame of shape (n_scans, 7), dtype float64
        0, 1, 2, or NaN for what is not rated; rows as in ``table``, indexed by
        :func:`scan_ids`.

    Raises
    ------
    TypeError
        If it is not a DataFrame.
    ValueError
        If there is no row, a column is missing or occurs twice, a grade is not 0, 1 or
        2, two rows are of one scan, or names of files stand in a column: one called
        filename, or one of text beside an index that only counts the rows.
    """
    who = f"{caller}: {parameter}"
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"{who} must be a DataFrame indexed by file name, got "
            f"{type(table).__name__}."
        )
    in_column = [name for name in table if _may_name_scans(table, name)]
    if in_column:
        raise ValueError(
            f"{who} must be indexed by file name, got the names in a column. Pass "
            f"{parameter}.set_index({in_column[0]!r})."
        )
    given = list(table.columns)
    bad = [name for name in LISA_ARTIFACTS if given.count(name) != 1]
    if bad or table.empty:
        raise ValueError(
            f"{who} must have at least 1 row, and each of the columns "
            f"{', '.join(LISA_ARTIFACTS)} once, got {len(table)} rows and the columns "
            f"{', '.join(map(str, given))}."
        )
    grades = table[list(LISA_ARTIFACTS)].apply(pd.to_numeric, errors="coerce")
    grades = grades.astype(float)
    wrong = ~grades.isin(LISA_GRADES) & table[list(LISA_ARTIFACTS)].notna()
    if wrong.any(axis=None):
        row, column = np.argwhere(wrong.to_numpy())[0]
        raise ValueError(
            f"{who} must hold 0, 1, 2, or NaN for what is not rated, got "
            f"{table[LISA_ARTIFACTS[column]].iloc[row]!r} for {LISA_ARTIFACTS[column]} "
            f"in {table.index[row]}."
        )
    ids = scan_ids(table.index)
    repeated = ids.duplicated()
    if repeated.any():
        raise ValueError(
            f"{who} must have one row per scan, got another one for "
            f"{name_some(table.index[repeated])}."
        )
    return grades.set_axis(ids)


def join_lisa_tables(
    y_true,
    y_pred,
    *,
    rows="all",
    caller,
    names=("y_true", "y_pred"),
    switch="rows='common'",
):
    """Return true and predicted grades of the same scans, row by row.

    Parameters
    ----------
    y_true, y_pred : DataFrame
        Indexed by file name; see :func:`check_lisa_table`.
    rows : {"all", "common"}, default="all"
        Whether each scan must be in both tables, with a prediction for all that is
        rated; "common" leaves out what is not, and warns.
    caller : str
        Opens errors and warnings.
    names : tuple of two str, default=("y_true", "y_pred")
        What the caller's user calls the tables.
    switch : str, default="rows='common'"
        What that user passes for ``rows="common"``.

    Returns
    -------
    truth, pred : DataFrame of shape (n_scans, 7), dtype float64
        In the order of ``y_true``. NaN in the same places: what is not scored.

    Raises
    ------
    ValueError
        If ``rows`` is unknown, a table is wrong, no scan is in both, an artifact that
        is rated has no prediction in any of these scans, or ``rows="all"`` and the
        tables don't match.

    Warns
    -----
    BriqaWarning
        If ``rows="common"`` and the tables don't match.
    """
    if rows not in ("all", "common"):
        raise ValueError(f"{caller}: rows must be 'all' or 'common', got {rows!r}.")
    true_name, pred_name = names
    truth = check_lisa_table(y_true, true_name, caller=caller)
    pred = check_lisa_table(y_pred, pred_name, caller=caller)
    lost, extra = ~truth.index.isin(pred.index), ~pred.index.isin(truth.index)
    if lost.all():
        raise ValueError(
            f"{caller}: {pred_name} must have rows of the scans of {true_name}, got "
            f"none; {true_name} has {name_some(y_true.index)}, {pred_name} has "
            f"{name_some(y_pred.index)}."
        )
    is_rated = truth.notna().any()
    truth, kept = truth[~lost], y_true.index[~lost]
    pred = pred.loc[truth.index]
    unanswered = truth.notna() & pred.isna()
    scored = truth.notna() & pred.notna()
    left_out = scored.columns[is_rated & ~scored.any()]
    if rows == "common" and len(left_out):
        raise ValueError(
            f"{caller}: {pred_name} must have a grade of {', '.join(left_out)} in some "
            f"scan that {true_name} rates, got none. To leave it out, take its ratings "
            f"out of {true_name}."
        )
    problems = {
        f"no row of {pred_name} for": y_true.index[lost],
        f"no row of {true_name} for": y_pred.index[extra],
        f"NaN in {pred_name} for": kept[unanswered.any(axis=1)],
    }
    _report(problems, rows, f"{caller}: {true_name} and {pred_name}", switch)
    truth, pred = truth.where(scored), pred.where(scored)
    return truth.set_axis(kept), pred.set_axis(kept)


def name_some(names):
    """Return the first few names, and how many more there are, as text."""
    shown = ", ".join(map(str, names[:_N_NAMED]))
    more = len(names) - _N_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _may_name_scans(table, column):
    """Whether the names of the files stand in a column and not in the index."""
    if str(column).lower() == "filename":
        return True
    if column in LISA_ARTIFACTS or not isinstance(table.index, pd.RangeIndex):
        return False
    return pd.api.types.infer_dtype(np.ravel(table[column]), skipna=True) == "string"


def _report(problems, rows, who, switch):
    """Say what the two tables don't have in common."""
    problems = "; ".join(
        f"{what} {name_some(names)}" for what, names in problems.items() if len(names)
    )
    if problems and rows == "all":
        raise ValueError(
            f"{who} must have the same scans, and a prediction for each that is rated, "
            f"got {problems}. Complete the tables, or pass {switch} to score what both "
            "have."
        )
    if problems:
        warnings.warn(
            f"{who} don't match, some scans are not scored: {problems}.",
            BriqaWarning,
            stacklevel=4,
        )
