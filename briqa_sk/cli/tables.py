"""Tables of scans."""

import os
import warnings
from pathlib import Path

import pandas as pd
from pandas.api.types import is_float_dtype, is_numeric_dtype

from briqa_sk.io.atomic import write_atomically

SCAN_ENDINGS = (".nii", ".nii.gz", ".mgz", ".mgh")
#: What BIDS calls images that are not scans, before the ending.
LABEL_SUFFIXES = ("_dseg", "_mask", "_probseg")


def read_scan_table(path, columns):
    """Read a table with one row per scan.

    Files and subjects are text: subjects 001 and 1 differ. Grades are numbers or truth
    values if all of them are, else text, and then "None" or "NA" may be a grade. Whole
    numbers are integers, also where they were written as 0.0 and 1.0.

    Parameters
    ----------
    path : str or os.PathLike
        Comma-separated if it ends in ``.csv``, tab-separated otherwise.
    columns : dict of str to str or None
        What a column is for -> its name; None is not asked for. ``"path"`` must be
        there; its relative paths start at the table's folder.

    Returns
    -------
    table : DataFrame
        The columns asked for, named by what they are for.

    Raises
    ------
    ValueError
        If the file is not a table, a column is missing, a value is missing (an empty
        cell or ``n/a``), or there is no row.
    """
    path = Path(path)
    wanted = {use: name for use, name in columns.items() if name is not None}
    raw = _read_text(path, wanted.values())
    table = pd.DataFrame({use: raw[name] for use, name in wanted.items()})
    if table.empty:
        raise ValueError(f"{path} must hold at least 1 scan, got none.")
    if "target" in table:
        table["target"] = _as_grades(table["target"], _read(path)[wanted["target"]])
    for use, column in table.items():
        if column.isna().any():
            rows = (column.index[column.isna()] + 2).tolist()[:5]
            raise ValueError(
                f"{path} must have a value for every scan in column {wanted[use]!r}, "
                f"got {column.isna().sum()} without one, first in lines {rows}."
            )
    table["path"] = [str(path.parent / name) for name in table["path"]]
    if "target" in table and is_float_dtype(table["target"]):
        is_whole = (table["target"] % 1 == 0).all()
        table["target"] = table["target"].astype("int64" if is_whole else "float64")
    return table


def read_grade_table(path, names):
    """Read the grades of several artifacts from a table with one row per scan.

    Parameters
    ----------
    path : str or os.PathLike
        See :func:`read_scan_table`.
    names : list of str
        Columns with grades, each as in :func:`read_scan_table`, except that they may
        be missing.

    Returns
    -------
    grades : DataFrame of shape (n_scans, n_artifacts)
        Missing values are ``pandas.NA``.

    Raises
    ------
    ValueError
        If the file is not a table, or a column is missing.
    """
    path = Path(path)
    raw, inferred = _read_text(path, names), _read(path)
    grades = {name: _as_grades(raw[name], inferred[name]) for name in names}
    return pd.DataFrame(grades).convert_dtypes()


def _read_text(path, names):
    raw = _read(path, dtype=str, keep_default_na=False, na_values=["", "n/a"])
    if not set(names) <= set(raw.columns):
        raise ValueError(
            f"{path} must have the columns {', '.join(names)}, got "
            f"{', '.join(map(str, raw.columns))}. Name yours with --path-column, "
            "--target and --group."
        )
    return raw


def _as_grades(raw, inferred):
    """Return numbers or truth values if all are, else text."""
    is_number = is_numeric_dtype(inferred) and inferred.notna().any()
    return inferred if is_number else raw


def _read(path, **options):
    separator = "," if path.suffix.lower() == ".csv" else "\t"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            # If rows have one field more than the header, pandas would take the first
            # for the name of the row.
            return pd.read_csv(
                path, sep=separator, encoding="utf-8-sig", index_col=False, **options
            )
    except (ValueError, pd.errors.ParserWarning) as error:
        raise ValueError(
            f"{path} must be a table in UTF-8 whose first line names every column, got "
            f"this from pandas: {str(error).strip().rstrip('.')}."
        ) from error


def write_table(table, path):
    """Write a table, tab-separated unless the name ends in ``.csv``, whole or not."""
    separator = "," if Path(path).suffix.lower() == ".csv" else "\t"
    text = table.to_csv(sep=separator, index=False)
    # A file name may be any bytes; Python keeps those that are not UTF-8 as surrogates.
    content = text.encode(errors="surrogateescape")
    write_atomically(path, lambda file: file.write(content))


def prepare_output(path, *, ending=""):
    """Make the folder of a file that will be written when the work is done.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    ending : str, default=""
        What its name must end in, in any case.

    Raises
    ------
    ValueError
        If the file is a folder, or has another ending.
    OSError
        If there can't be such a folder, or nothing may be written there.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"the output must be a file, got the folder {path}.")
    if not path.name.lower().endswith(ending):
        raise ValueError(
            f"the output must be a file *{ending}, got {path}. Write "
            f"{path.with_suffix(ending)}."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(
            f"the folder of {path} must be writable, got one that is not."
        )


def find_scans(arguments):
    """Return the files that a list of files and folders stands for, sorted in folders.

    Links to folders are followed. In folders, names that start with a dot are passed
    over, and so are segmentations and masks, by their BIDS suffix.

    Raises
    ------
    ValueError
        If a folder holds no scan.
    """
    scans = {}
    for argument in arguments:
        found = [os.fspath(argument)]
        if os.path.isdir(argument):
            found = sorted(_scans_below(argument))
        if not found:
            raise ValueError(
                f"{argument} must hold scans ({', '.join(SCAN_ENDINGS)}), got none."
            )
        for scan in found:
            scans.setdefault(os.path.abspath(scan), scan)
    return list(scans.values())


def find_sources(arguments, out):
    """Return the scans of some arguments that lie outside a folder of results.

    Parameters
    ----------
    arguments : list of str
        Files and folders.
    out : str or os.PathLike
        Folder of results. What lies in it is no source, so that it may itself lie in
        one of the folders.

    Returns
    -------
    sources : dict of str to str
        Scan -> the folder that it was found from. A scan found twice counts once.

    Raises
    ------
    ValueError
        If an argument lies in ``out`` or is ``out``, or there is no scan outside it.
    """
    sources, seen = {}, set()
    for argument in arguments:
        folder = argument if os.path.isdir(argument) else os.path.dirname(argument)
        if _is_in(folder or ".", out):
            raise ValueError(
                f"OUT must not be a folder of the scans themselves, got {out}, which "
                f"holds {argument}. Choose another folder."
            )
        for scan in find_scans([argument]):
            absolute = os.path.abspath(scan)
            if absolute not in seen and not _is_in(os.path.dirname(absolute), out):
                sources[scan] = folder or "."
            seen.add(absolute)
    if not sources:
        raise ValueError(
            f"there must be at least 1 scan outside the folder of results {out}, got "
            "none."
        )
    return sources


def relative_path(path, folder):
    """Return a path as it is seen from a folder, which may be a link."""
    return os.path.relpath(os.path.abspath(path), os.path.realpath(folder))


def _is_in(folder, other):
    folder, other = Path(folder).resolve(), Path(other).resolve()
    return other in (folder, *folder.parents)


def _scans_below(folder):
    seen = set()  # a link may lead back up
    for parent, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if _is_scan(name):
                yield os.path.join(parent, name)


def _is_scan(name):
    stem = name.split(".")[0]
    is_image = name.lower().endswith(SCAN_ENDINGS)
    return is_image and stem and not stem.endswith(LABEL_SUFFIXES)
