"""``briqa-sk train``."""

import sys
import tempfile
import warnings
from contextlib import nullcontext, suppress

import numpy as np
import pandas as pd
from sklearn.base import clone
from skorch.callbacks import Callback
from tqdm.auto import tqdm

from briqa_sk.cli.labels import match_labels
from briqa_sk.cli.model import make_classifier, make_pipeline
from briqa_sk.cli.rated import read_rated
from briqa_sk.cli.tables import prepare_output
from briqa_sk.exceptions import BriqaWarning, UnreadableVolumeError
from briqa_sk.io import Volume, VolumeSequence
from briqa_sk.persistence import save


def run(args):
    """Train on rated scans and write the model.

    Parameters
    ----------
    args : argparse.Namespace
        From :func:`briqa_sk.cli.parser.make_parser`.
    """
    scans = read_rated(args)
    grades = parse_grades(args.grades, scans.grades)
    keeper = nullcontext(args.cache) if args.cache else tempfile.TemporaryDirectory()
    with keeper as cache:
        pipeline = make_pipeline(
            make_classifier(args, grades, several=scans.is_several),
            spacing_mm=args.spacing_mm,
            shape=args.shape,
            orientation=args.orientation,
            cache=cache,
        )
        volumes = pipeline[:-1].fit_transform(scans.paths.tolist())
        rehearse(pipeline["grade"], args.shape, scans)
        prepare_output(args.out)
        scans = scans.take(read_all(volumes, skip=args.skip_unreadable))
        metadata = {f"grade__{name}": v for name, v in scans.metadata.items()}
        pipeline.fit(scans.paths.tolist(), scans.y, **metadata)
    save(pipeline, args.out)
    sys.stdout.write(f"{describe(scans, pipeline['grade'])}: {args.out}\n")


def parse_grades(text, grades):
    """Return the grades of ``--grades`` in the type of the labels, or None."""
    if text is None:
        return None
    wanted = [grade.strip() for grade in text.split(",")]
    known = [label for label in grades.to_numpy().ravel() if pd.notna(label)]
    return match_labels(wanted, known, caller="--grades")


def describe(scans, classifier):
    """Return on what a model was trained, as text without a full stop."""
    if not scans.is_several:
        n_epochs = len(classifier.history_)
        counts = _count(scans.grades)
        return f"Trained on {len(scans)} scans ({counts}) for {n_epochs} epochs"
    width = max(map(len, scans.grades))
    lines = [f"{n:<{width}}  {_count(scans.grades[n])}\n" for n in scans.grades]
    is_shared = classifier.encoder == "shared"
    encoder = "a shared encoder" if is_shared else "separate encoders"
    who = "" if scans.subjects is None else f" of {len(set(scans.subjects))} subjects"
    what = f"{len(lines)} artifacts on {len(scans)} scans{who}"
    return f"{''.join(lines)}Trained {what}, with {encoder}"


def _count(grades):
    counts = grades.value_counts().sort_index()
    parts = [f"{count} x {grade}" for grade, count in counts.items()]
    n_unrated = grades.isna().sum()
    return ", ".join([*parts, f"{n_unrated} not rated"] if n_unrated else parts)


class RehearsalOverError(Exception):
    """All is well up to the first batch."""


class StopBeforeTraining(Callback):
    """End a rehearsal."""

    def on_train_begin(self, net, **kwargs):
        """Stop as soon as the net, the data sets and the batches are built."""
        raise RehearsalOverError


def rehearse(classifier, shape, scans):
    """Fit a copy to blank scans up to the first batch.

    Reading the scans may take hours; whatever is wrong with the arguments is said
    before.

    Parameters
    ----------
    classifier : SeverityClassifier or MultiArtifactClassifier
        Left as it is.
    shape : sequence of int
        Of the volumes.
    scans : RatedScans
        What it will be fitted to.

    Raises
    ------
    ValueError, TypeError
        What ``fit`` would raise.
    """
    voxels = np.zeros(shape, np.float32)
    blank = VolumeSequence([Volume(voxels, path=path) for path in scans.paths])
    net = "estimator__" if scans.is_several else ""
    copy = clone(classifier).set_params(
        **{f"{net}callbacks": [StopBeforeTraining()], f"{net}checkpoint_dir": None}
    )
    for y in _fits(copy, scans.y):
        with warnings.catch_warnings(), suppress(RehearsalOverError):
            warnings.simplefilter("ignore", BriqaWarning)  # the fit will give them
            copy.fit(blank, y, **scans.metadata)


def _fits(classifier, y):
    """Return the labels of each network that is going to be trained."""
    if getattr(classifier, "encoder", "shared") == "shared":
        return [y]
    classifier.set_params(verbose=0)
    return [y[[name]] for name in y]


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
