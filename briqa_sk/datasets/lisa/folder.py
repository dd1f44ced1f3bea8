"""A folder of the LISA challenge: scans, grades, planes and subjects."""

import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from briqa_sk.datasets.lisa.labels import read_header, read_lisa_labels
from briqa_sk.datasets.names import parse_name
from briqa_sk.exceptions import BriqaWarning
from briqa_sk.metrics.lisa_table import LISA_ARTIFACTS, name_some, scan_ids

_SCAN = re.compile(r"[^.].*\.nii(\.gz)?", re.IGNORECASE)
_PREDICTED = re.compile("submission|predict", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class LisaScans:
    """What a folder of the challenge holds; position i is the same scan everywhere.

    Parameters
    ----------
    paths : list of str of length n_scans
        The files, sorted by name.
    labels : DataFrame of shape (n_scans, 7) or None
        Grades 0, 1, 2, indexed by file name as on disk; NaN where there is none. None
        if there is no table.
    planes : ndarray of shape (n_scans,), dtype object
        ``"axi"``, ``"cor"``, ``"sag"``, or None where the name doesn't say.
    subjects : ndarray of shape (n_scans,), dtype object
        In capitals: what the name says, ``"LISA_0001"`` or ``"SUB-01"``, or all of it.
    table : str or None
        The file that the grades come from.
    without_scan : list of str
        Names in the table that no file has; they are not among the labels.
    without_label : list of str
        Names of files that the table lacks; their grades are NaN.
    """

    paths: list
    labels: pd.DataFrame
    planes: np.ndarray
    subjects: np.ndarray
    table: str
    without_scan: list
    without_label: list


def read_lisa(folder, table=None):
    """Find the scans of task 1 of the LISA challenge, and their grades.

    No scan is opened. Names in the table and on disk are matched whatever their case,
    with or without ``.nii.gz``. What has no partner is kept or left out as stated in
    :class:`LisaScans`, and one warning names it.

    Parameters
    ----------
    folder : str or os.PathLike
        Searched with its subfolders for ``.nii`` and ``.nii.gz``, except for names that
        start with a dot.
    table : str or os.PathLike, default=None
        Grades; see :func:`read_lisa_labels`. None takes the CSV file in the folder
        (subfolders don't count) whose first line has the names of the seven artifacts
        and whose own name has neither "submission" nor "predict", of several the one
        with "label" in its name, and no grades if there is none, as in the test set.

    Returns
    -------
    scans : LisaScans
        Has ``paths``, ``labels``, ``planes``, ``subjects``, ``table``,
        ``without_scan`` and ``without_label``.

    Raises
    ------
    ValueError
        If there is no scan, two files have one name, no row of the table has a scan,
        it is unclear which table to take, or the table is not as it should be.

    Warns
    -----
    BriqaWarning
        If scans lack a row or rows a scan, or the table repeats rows. If there are
        ``.csv`` or ``.tsv`` files, in subfolders too, and none is taken; names them,
        and why.

    Examples
    --------
    >>> import tempfile
    >>> from briqa_sk.datasets import make_lisa_like, read_lisa
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = make_lisa_like(1, folder, shape=16, random_state=0)
    ...     scans = read_lisa(folder)
    >>> scans.planes.tolist(), scans.subjects.tolist(), scans.labels.shape
    (['axi', 'cor', 'sag'], ['LISA_0001', 'LISA_0001', 'LISA_0001'], (3, 7))
    """
    folder = Path(folder)
    by_id = _find_scans(folder)
    table = _find_table(folder) if table is None else table
    labels, without_scan, without_label = None, [], []
    if table is not None:
        given = read_lisa_labels(table)
        labels = _align(given, by_id, table)
        without_scan = given.index[~scan_ids(given.index).isin(list(by_id))].tolist()
        without_label = labels.index[~pd.Index(by_id).isin(scan_ids(given.index))]
        without_label = without_label.tolist()
        _report(without_scan, without_label, table)
    parsed = [parse_name(scan) for scan in by_id]
    return LisaScans(
        paths=[str(path) for path in by_id.values()],
        labels=labels,
        planes=np.array([plane for _, plane in parsed], dtype=object),
        subjects=np.array(
            [
                (subject or scan).upper()
                for (subject, _), scan in zip(parsed, by_id, strict=True)
            ],
            dtype=object,
        ),
        table=None if table is None else str(table),
        without_scan=without_scan,
        without_label=without_label,
    )


def _find_scans(folder):
    """Return ID -> file, sorted."""
    found = [
        path
        for path in folder.rglob("*")
        if _SCAN.fullmatch(path.name) and not path.is_dir()
    ]
    if not found:
        raise ValueError(
            f"read_lisa: {folder} must be a folder with scans, .nii or .nii.gz, got "
            "none."
        )
    ids = scan_ids([path.name for path in found])
    repeated = ids.duplicated(keep=False)
    if repeated.any():
        same = sorted(str(p) for p, twice in zip(found, repeated, strict=True) if twice)
        raise ValueError(
            "read_lisa: each scan must have one file, got several of one name, but for "
            f"case, ending or folder: {name_some(same)}."
        )
    return dict(sorted(zip(ids, found, strict=True)))


def _find_table(folder):
    tables = sorted(
        path
        for path in folder.rglob("[!.]*")
        if path.suffix.lower() in (".csv", ".tsv") and path.is_file()
    )
    faults = {path: _fault(path, folder) for path in tables}
    found = [path for path, fault in faults.items() if not fault]
    if faults and not found:
        seen = [f"{p.relative_to(folder)} ({fault})" for p, fault in faults.items()]
        warnings.warn(
            f"read_lisa: no file in {folder} is taken for the table of grades, so "
            f"labels are None: {name_some(seen)}. If one of them is, mend it or pass "
            "table=.",
            BriqaWarning,
            stacklevel=3,
        )
    if len(found) > 1:
        named = [path for path in found if "label" in path.stem.lower()]
        if len(named) != 1:
            raise ValueError(
                "read_lisa: one table must have the grades, got "
                f"{', '.join(path.name for path in found)}. Pass table=."
            )
        found = named
    return found[0] if found else None


def _fault(path, folder):
    """Say why a table is not taken for the grades of the folder, or return ""."""
    try:
        header = {name.strip().lower() for name in read_header(path)}
    except (OSError, ValueError):
        header = set()
    missing = [name for name in LISA_ARTIFACTS if name.lower() not in header]
    if missing:
        return f"no column {name_some(missing)}"
    if path.suffix.lower() != ".csv" or path.parent != folder:
        return "not a .csv file in the folder itself"
    return "predictions, by its name" if _PREDICTED.search(path.stem) else ""


def _align(given, by_id, table):
    """Return the grades of each scan, in the order of the scans."""
    aligned = given.set_axis(scan_ids(given.index)).reindex(list(by_id))
    if not scan_ids(given.index).isin(aligned.index).any():
        raise ValueError(
            f"read_lisa: {table} must have rows of the scans, got none: it has "
            f"{name_some(given.index)}, the scans are "
            f"{name_some([path.name for path in by_id.values()])}."
        )
    names = [path.name for path in by_id.values()]
    return aligned.set_axis(pd.Index(names, name="filename"))


def _report(without_scan, without_label, table):
    problems = {"no scan for": without_scan, "no row for": without_label}
    text = "; ".join(
        f"{what} {name_some(names)}" for what, names in problems.items() if names
    )
    if text:
        warnings.warn(
            f"read_lisa: {table} and the folder don't match: {text}.",
            BriqaWarning,
            stacklevel=3,
        )
