"""The rated scans to train on."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from briqa_sk.cli.tables import read_grade_table, read_scan_table
from briqa_sk.datasets import read_lisa
from briqa_sk.metrics.lisa_table import name_some


@dataclass(frozen=True, eq=False)
class RatedScans:
    """Position i is the same scan everywhere.

    Parameters
    ----------
    paths : ndarray of str of shape (n_scans,)
        The files.
    grades : Series or DataFrame of shape (n_scans,) or (n_scans, n_artifacts)
        Of one artifact, or of several, ``pandas.NA`` where a scan is not rated.
    subjects : ndarray of shape (n_scans,) or None
        Whose scan each is, if known.
    planes : ndarray of shape (n_scans,) or None
        How each was taken, if known.
    """

    paths: np.ndarray
    grades: pd.DataFrame
    subjects: np.ndarray = None
    planes: np.ndarray = None

    @property
    def is_several(self):
        """Whether there are grades of several artifacts."""
        return isinstance(self.grades, pd.DataFrame)

    @property
    def y(self):
        """The grades as ``fit`` takes them: an array, or a table of artifacts."""
        return self.grades if self.is_several else self.grades.to_numpy()

    @property
    def metadata(self):
        """Keywords for ``fit``: what is known of each scan beside its grades."""
        known = {"groups": self.subjects, "plane": self.planes}
        return {name: values for name, values in known.items() if values is not None}

    def __len__(self):
        return len(self.paths)

    def take(self, mask):
        """Return some of the scans, by a mask of shape (n_scans,)."""
        each = {name: values for name, values in vars(self).items() if name != "grades"}
        return replace(
            self,
            grades=self.grades[mask],
            **{name: None if v is None else v[mask] for name, v in each.items()},
        )


def read_rated(args):
    """Return the rated scans that the arguments of ``briqa-sk train`` name.

    A scan that is rated for none of several artifacts is left out, and named on
    standard error.

    Parameters
    ----------
    args : argparse.Namespace
        From :func:`briqa_sk.cli.parser.make_parser`.

    Returns
    -------
    scans : RatedScans
        At least one.

    Raises
    ------
    ValueError
        If an argument does not suit the format, the table or the folder is not as it
        should be, or no scan is rated.
    """
    scans = _read_challenge(args) if args.format == "lisa" else _read_table(args)
    if not scans.is_several:
        return scans
    rated = scans.grades.notna().any(axis=1).to_numpy()
    unrated = scans.paths[~rated].tolist()
    if not rated.any():
        raise ValueError(
            f"{args.table} must rate at least 1 scan, got no grade for any of "
            f"{len(scans)}."
        )
    if unrated:
        sys.stderr.write(
            f"Left out {len(unrated)} of {len(scans)} scans, which have no grade: "
            f"{name_some([Path(path).name for path in unrated])}.\n"
        )
    return scans.take(rated)


def _read_challenge(args):
    for option in ("target", "group", "grades"):
        if getattr(args, option) is not None:
            raise ValueError(
                f"--{option} must be left out with --format lisa, which knows the "
                "artifacts, the subjects and the grades of the challenge, got "
                f"{getattr(args, option)!r}."
            )
    given = Path(args.table)
    found = read_lisa(*((given,) if given.is_dir() else (given.parent, given)))
    if found.labels is None:
        raise ValueError(
            f"{given} must hold the challenge's table of grades, a .csv file with a "
            f"column for each artifact, got {len(found.paths)} scans without one. Put "
            "the table into the folder."
        )
    return RatedScans(
        np.array(found.paths, dtype=object),
        found.labels.astype("Int64"),
        found.subjects,
        found.planes if args.plane_head else None,
    )


def _read_table(args):
    if args.group is not None and not args.early_stopping:
        raise ValueError(
            "--group must come with --early-stopping, which holds out subjects, got "
            f"{args.group!r} alone. Training needs it for nothing else, so leave it "
            "out, or add --early-stopping."
        )
    if args.target is None:
        raise ValueError(
            "--target must name the column with the grades, got none. For a folder of "
            "the LISA challenge add --format lisa."
        )
    if Path(args.table).is_dir():
        raise ValueError(
            f"--table must be a file, got the folder {args.table}. For a folder of the "
            "LISA challenge add --format lisa."
        )
    one = args.target[0] if len(args.target) == 1 else None
    columns = {"path": args.path_column, "target": one, "group": args.group}
    table = read_scan_table(args.table, columns)
    grades = table["target"] if one else read_grade_table(args.table, args.target)
    subjects = table["group"].to_numpy() if args.group else None
    return RatedScans(table["path"].to_numpy(dtype=object), grades, subjects)
