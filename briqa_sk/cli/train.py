"""``briqa-sk train``."""

import sys
import tempfile
from contextlib import nullcontext, suppress

import numpy as np
from sklearn.base import clone
from skorch.callbacks import Callback
from tqdm.auto import tqdm

from briqa_sk.cli.labels import match_labels
from briqa_sk.cli.model import make_classifier, make_pipeline
from briqa_sk.cli.tables import prepare_output, read_scan_table
from briqa_sk.exceptions import UnreadableVolumeError
from briqa_sk.io import Volume, VolumeSequence
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
        volumes = pipeline[:-1].fit_transform(table["path"].tolist())
        rehearse(pipeline["grade"], args.shape, *labels_of(table))
        prepare_output(args.out)
        table = table[read_all(volumes, skip=args.skip_unreadable)]
        y, groups = labels_of(table)
        pipeline.fit(table["path"].tolist(), y, grade__groups=groups)
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
    grades = [grade.strip() for grade in text.split(",")]
    return match_labels(grades, y.to_numpy(), caller="--grades")


def labels_of(table):
    """Return the grades and the subjects, or None, as arrays."""
    groups = table["group"].to_numpy() if "group" in table else None
    return table["target"].to_numpy(), groups


class RehearsalOverError(Exception):
    """All is well up to the first batch."""


class StopBeforeTraining(Callback):
    """End a rehearsal."""

    def on_train_begin(self, net, **kwargs):
        """Stop as soon as the net, the data sets and the batches are built."""
        raise RehearsalOverError


def rehearse(classifier, shape, y, groups):
    """Fit a copy to blank scans up to the first batch.

    Reading the scans may take hours; whatever is wrong with the arguments is said
    before.

    Parameters
    ----------
    classifier : SeverityClassifier
        Left as it is.
    shape : sequence of int
        Of the volumes.
    y, groups : ndarray of shape (n_scans,)
        As for ``fit``.

    Raises
    ------
    ValueError, TypeError
        What ``fit`` would raise.
    """
    scans = VolumeSequence([Volume(np.zeros(shape, np.float32))] * len(y))
    copy = clone(classifier).set_params(
        callbacks=[StopBeforeTraining()], checkpoint_dir=None
    )
    with suppress(RehearsalOverError):
        copy.fit(scans, y, groups=groups)


def read_all(volumes, *, skip):
    """Preprocess every scan once, which fills the cache and finds the bad ones.

    Parameters
    ----------
    volumes : VolumeSequence
        From files to the cache.
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
