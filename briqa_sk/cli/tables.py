"""Tables of scans."""

from pathlib import Path

import pandas as pd

from briqa_sk.io.atomic import write_atomically

SCAN_ENDINGS = (".nii", ".nii.gz", ".mgz", ".mgh")


def read_scan_table(path, columns):
    """Read a table with one row per scan.

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
        If a column is missing, a value is missing, or there is no row.
    """
    path = Path(path)
    separator = "," if path.suffix.lower() == ".csv" else "\t"
    wanted = {use: name for use, name in columns.items() if name is not None}
    raw = pd.read_csv(path, sep=separator, encoding="utf-8-sig", comment=None)
    missing = [name for name in wanted.values() if name not in raw.columns]
    if missing:
        raise ValueError(
            f"{path} must have the columns {', '.join(wanted.values())}, got "
            f"{', '.join(map(str, raw.columns))}. Name yours with --path-column, "
            "--target and --group."
        )
    table = pd.DataFrame({use: raw[name] for use, name in wanted.items()})
    if table.empty:
        raise ValueError(f"{path} must hold at least 1 scan, got none.")
    for use, column in table.items():
        if column.isna().any():
            rows = (column.index[column.isna()] + 2).tolist()[:5]
            raise ValueError(
                f"{path} must have a value for every scan in column {wanted[use]!r}, "
                f"got {column.isna().sum()} without one, first in lines {rows}."
            )
    table["path"] = [str(path.parent / name) for name in table["path"]]
    return table


def write_table(table, path):
    """Write a table, tab-separated unless the name ends in ``.csv``, whole or not."""
    separator = "," if Path(path).suffix.lower() == ".csv" else "\t"
    text = table.to_csv(sep=separator, index=False)
    write_atomically(path, lambda file: file.write(text.encode()))


def find_scans(arguments):
    """Return the files that a list of files and folders stands for, sorted in folders.

    Raises
    ------
    ValueError
        If a folder holds no scan.
    """
    scans = []
    for argument in map(Path, arguments):
        if not argument.is_dir():
            scans.append(str(argument))
            continue
        found = sorted(
            str(path)
            for path in argument.rglob("*")
            if path.name.lower().endswith(SCAN_ENDINGS)
        )
        if not found:
            raise ValueError(
                f"{argument} must hold scans ({', '.join(SCAN_ENDINGS)}), got none."
            )
        scans += found
    return scans
