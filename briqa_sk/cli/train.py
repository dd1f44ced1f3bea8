"""``briqa-sk train``."""

import sys
import tempfile
from contextlib import nullcontext

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from briqa_sk.cli.model import make_classifier, make_pipeline
from briqa_sk.cli.tables import read_scan_table
from briqa_sk.exceptions import UnreadableVolumeError
from briqa_sk.persistence import save


def run(args):
    """Train on the rated scans of a table and write the model.

    Parameters
    ----------
    args : argparse.Namespace
        From :func:`briqa_sk.cli.parser.make_parser`.
    """
    columns = {"path": args.path_column, "target": args.target, "group": args.group}
    table = read_scan_table(args.table, columns)
    grades = parse_grades(args.grades, table["target"])
    keeper = nullcontext(args.cache) if args.cache else tempfile.TemporaryDirectory()
    with keeper as cache:
        pipeline = make_pipeline(
            make_classifier(args, grades),
            spacing_mm=args.spacing_mm,
            shape=args.shape,
            orientation=args.orientation,
            cache=cache,
        )
        readable = read_all(pipeline[:-1], table["path"], skip=args.skip_unreadable)
        table = table[readable]
        groups = table["group"].to_numpy() if args.group else None
        pipeline.fit(
            table["path"].tolist(), table["target"].to_numpy(), grade__groups=groups
        )
    pipeline["grade"].set_params(verbose=0)
    save(pipeline, args.out)
    counts = table["target"].value_counts().sort_index()
    summary = ", ".join(f"{count} x {grade}" for grade, count in counts.items())
    sys.stdout.write(
        f"Trained on {len(table)} scans ({summary}) for "
        f"{len(pipeline['grade'].history_)} epochs: {args.out}\n"
    )


def parse_grades(text, y):
    """Return the grades of ``--grades`` in the type of the labels, or None."""
    if text is None:
        return None
    grades = pd.Series([grade.strip() for grade in text.split(",")])
    try:
        return grades.astype(y.dtype).tolist()
    except ValueError as error:
        raise ValueError(
            f"--grades must name labels of the target column, which holds numbers, got "
            f"{text!r}."
        ) from error


def read_all(preprocessing, paths, *, skip):
    """Preprocess every scan once, which fills the cache and finds the bad ones.

    Parameters
    ----------
    preprocessing : Pipeline
        From files to cached volumes.
    paths : Series of str
        The files.
    skip : bool
        Whether training may go on without the scans that can't be read.

    Returns
    -------
    readable : ndarray of bool of shape (n_scans,)
        Which scans can be read; the others are named on standard error.

    Raises
    ------
    ValueError
        If a scan can't be read and ``skip`` is False, or none can.
    """
    volumes = preprocessing.fit_transform(paths.tolist())
    readable = np.ones(len(volumes), bool)
    for index in tqdm(range(len(volumes)), desc="read", unit="scan"):
        try:
            volumes[index]
        except UnreadableVolumeError as error:
            readable[index] = False
            tqdm.write(f"{error.finding}: {error}", file=sys.stderr)
    n_bad = np.sum(~readable)
    if n_bad and (not skip or n_bad == len(readable)):
        raise ValueError(
            f"every scan must be readable, got {n_bad} of {len(readable)} that are not "
            "(listed above). Mend them, or pass --skip-unreadable."
        )
    return readable
