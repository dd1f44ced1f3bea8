"""Mistakes in a table of rated scans, each named by its column and lines."""

import os

import numpy as np
import pandas as pd
from pandas.api.types import is_float_dtype, is_numeric_dtype

from briqa_sk.cli.labels import as_number

_FIRST_LINE = 2  # the header is line 1
_N_LINES = 5


def refuse_mistakes(scans, grades, *, table, path_column, targets):
    """Refuse a table that can be read but can't be meant.

    Parameters
    ----------
    scans : RatedScans
        As read from the table, with the index of its rows.
    grades : list or None
        All grades from best to worst, if the user named them.
    table : str
        The table.
    path_column : str
        Its column with the files.
    targets : list of str
        Its columns with grades.

    Raises
    ------
    ValueError
        If a file occurs twice. If a column of grades holds fractions, a value of its
        own for each scan, a label that is not in ``grades``, or, without them, text
        among numbers or the text grades of one artifact, whose order nobody knows.
    """
    _refuse_repeated(scans.paths, scans.grades.index, f"{table}, column {path_column}")
    columns = [scans.grades[n] for n in targets] if scans.is_several else [scans.grades]
    for name, column in zip(targets, columns, strict=True):
        _refuse_no_grades(column.dropna(), grades, f"{table}, column {name}")
    if grades is None and not scans.is_several and not is_numeric_dtype(scans.grades):
        labels = sorted(set(scans.grades))
        raise ValueError(
            f"{table}, column {targets[0]}: text grades must come with their order, "
            f"got {', '.join(labels)}. Name them from best to worst, with commas "
            "between them, e.g. --grades good,moderate,bad."
        )


def _refuse_repeated(paths, rows, where):
    files = pd.Series([os.path.realpath(path) for path in paths], index=rows)
    repeated = files[files.duplicated(keep=False)]
    if len(repeated):
        first = repeated.iloc[0]
        raise ValueError(
            f"{where}: each file must have one row, got {first} in "
            f"{_lines(repeated == first)}. {_n_others(repeated.nunique())}Keep one row "
            "of each."
        )


def _n_others(n_files):
    return f"{n_files - 1} more are repeated. " if n_files > 1 else ""


def _refuse_no_grades(labels, grades, where):
    """Judge one column without its gaps."""
    if is_float_dtype(labels):
        odd = labels % 1 != 0  # NaN for infinity, which differs, too
        _refuse(
            labels,
            odd,
            f"{where}: grades must be whole numbers or text",
            "Number their steps 0, 1, 2 and so on.",
        )
    if 2 < len(labels) == labels.nunique():
        raise ValueError(
            f"{where}: scans must share grades, got a value of its own for each of "
            f"{len(labels)} scans. Name the column with the grades by --target."
        )
    if grades is not None:
        _refuse(
            labels,
            ~labels.isin(grades),
            f"{where}: every grade must be one of --grades "
            f"{','.join(map(str, grades))}",
            "Correct the table, or add the grade to --grades.",
        )
    elif not is_numeric_dtype(labels):
        _refuse_typos(labels, where)


def _refuse_typos(labels, where):
    """Refuse the rarer of numbers and text where a column has both."""
    is_number = np.array([as_number(label) is not None for label in labels])
    is_rare = is_number if is_number.mean() <= 0.5 else ~is_number
    kinds = "a number among text" if is_rare is is_number else "text among numbers"
    _refuse(
        labels,
        pd.Series(is_rare, index=labels.index),
        f"{where}: grades must be all numbers or all text, without {kinds}",
        "Correct the table, or, if that is a grade, name all of them by --grades.",
    )


def _refuse(labels, wrong, must, advice):
    if wrong.any():
        label = labels[wrong].iloc[0]
        lines = _lines(wrong & (labels == label))
        raise ValueError(f"{must}, got {label!s} in {lines}. {advice}")


def _lines(mask):
    """Return the lines of the table that a mask over its rows stands for."""
    lines = (mask.index[mask] + _FIRST_LINE).tolist()
    shown = ", ".join(map(str, lines[:_N_LINES]))
    more = f" and {len(lines) - _N_LINES} more" if len(lines) > _N_LINES else ""
    return f"line{'s' if len(lines) > 1 else ''} {shown}{more}"
