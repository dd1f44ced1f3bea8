"""Tables of grades as the LISA challenge hands them out and wants them back."""

import warnings

import pandas as pd

from briqa_sk.exceptions import BriqaWarning
from briqa_sk.io.atomic import write_atomically
from briqa_sk.metrics.lisa_table import (
    LISA_ARTIFACTS,
    check_lisa_table,
    name_some,
    scan_ids,
)

_READER = "read_lisa_labels"


def read_lisa_labels(path):
    """Read a table of grades of the LISA challenge.

    The names of the files stand in the column ``filename``, or in the first column if
    there is no such: the challenge's own table leaves its name empty. Names of columns
    may be in any case and order; other columns are left out. A byte order mark doesn't
    matter.

    Parameters
    ----------
    path : str or os.PathLike
        Comma-separated.

    Returns
    -------
    labels : DataFrame of shape (n_scans, 7)
        Indexed by file name as it stands in the table; 0, 1, 2, or NaN for an empty
        cell. Whole numbers where nothing is missing.

    Raises
    ------
    ValueError
        If it is not such a table, a column is missing or occurs twice, a file name is
        missing, a grade is not 0, 1 or 2, or rows of one scan contradict each other;
        names them.

    Warns
    -----
    BriqaWarning
        If a row is repeated word for word; it is kept once.
    """
    table = _read(path)
    table = table.set_axis(_name_columns(read_header(path), path), axis=1)
    nameless = table["filename"].isna()
    if nameless.any():
        raise ValueError(
            f"{_READER}: {path} must have a file name in each row, got none in "
            f"{nameless.sum()} of {len(table)}."
        )
    ids = scan_ids(table["filename"])
    grades = table.loc[:, table.columns.isin(LISA_ARTIFACTS)]
    repeated = grades.assign(filename=ids).duplicated()
    if repeated.any():
        warnings.warn(
            f"{_READER}: {path} repeats the rows of "
            f"{name_some(table['filename'][repeated].tolist())}; each is kept once.",
            BriqaWarning,
            stacklevel=2,
        )
    table = table[~repeated].set_index("filename")
    table = table[list(LISA_ARTIFACTS)]
    grades = check_lisa_table(table, str(path), caller=_READER).set_axis(table.index)
    return grades if grades.isna().any(axis=None) else grades.astype(int)


def write_submission(table, path):
    """Write predicted grades as the LISA challenge wants them.

    Parameters
    ----------
    table : DataFrame
        Indexed by file name, with the columns Noise, Zipper, Positioning, Banding,
        Motion, Contrast and Distortion, in any order. Each grade is 0, 1 or 2.
    path : str or os.PathLike
        Where to; the file appears complete or not at all.

    Raises
    ------
    TypeError
        If it is not a DataFrame.
    ValueError
        If a column or a grade is missing, a grade is not 0, 1 or 2, or a scan has two
        rows; names them.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from briqa_sk.datasets import read_lisa_labels
    >>> from briqa_sk.metrics import LISA_ARTIFACTS
    >>> path = Path(tempfile.mkdtemp()) / "submission.csv"
    >>> names = ["LISA_0001_LF_axi.nii.gz"]
    >>> write_submission(pd.DataFrame(0, index=names, columns=LISA_ARTIFACTS), path)
    >>> print(path.read_text().replace(",", " "))
    filename Noise Zipper Positioning Banding Motion Contrast Distortion
    LISA_0001_LF_axi.nii.gz 0 0 0 0 0 0 0
    <BLANKLINE>
    """
    caller = "write_submission"
    grades = check_lisa_table(table, "table", caller=caller)
    grades = grades.set_axis(table.index)
    missing = grades.isna().any(axis=1)
    if missing.any():
        raise ValueError(
            f"{caller}: table must have a grade in each cell, got NaN for "
            f"{name_some(table.index[missing])}."
        )
    text = grades.astype(int).to_csv(index_label="filename", lineterminator="\n")
    content = text.encode(errors="surrogateescape")
    write_atomically(path, lambda file: file.write(content))


def read_header(path):
    """Return the names of the columns as they stand in the first line of a table."""
    # Where pandas reads all of a table, it renames the second of two equal names.
    first = _read(path, header=None, nrows=1, dtype=str, encoding_errors="replace")
    return first.iloc[0].fillna("").tolist()


def _read(path, **keywords):
    try:
        # Else pandas takes a field too many in each row for a name of the row.
        keywords = {"encoding": "utf-8-sig", "index_col": False, **keywords}
        return pd.read_csv(path, **keywords)
    except ValueError as error:
        raise ValueError(
            f"{_READER}: {path} must be a comma-separated table in UTF-8 whose first "
            "line names its columns, got this from pandas: "
            f"{str(error).strip().rstrip('.')}."
        ) from error


def _name_columns(header, path):
    """Spell names of columns as the challenge does; the first may be of the files."""
    official = {name.lower(): name for name in ("filename", *LISA_ARTIFACTS)}
    names = [official.get(name.strip().lower(), name) for name in header]
    if "filename" not in names:
        names[0] = "filename"
    if any(names.count(name) != 1 for name in official.values()):
        raise ValueError(
            f"{_READER}: {path} must be comma-separated, with the names of the files "
            f"and each of the columns {', '.join(LISA_ARTIFACTS)} once, got the "
            f"columns {', '.join(header)}."
        )
    return names
