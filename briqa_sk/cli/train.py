"""``briqa-sk train``."""

import sys
import tempfile
import warnings
from contextlib import nullcontext

import numpy as np
from sklearn.base import clone
from tqdm.auto import tqdm

from briqa_sk.cli.counting import counted
from briqa_sk.cli.labels import parse_grades
from briqa_sk.cli.mistakes import refuse_mistakes
from briqa_sk.cli.model import make_classifier, make_pipeline
from briqa_sk.cli.rated import read_rated
from briqa_sk.cli.tables import prepare_output
from briqa_sk.exceptions import BriqaWarning, UnreadableVolumeError
from briqa_sk.io import Volume, VolumeSequence
from briqa_sk.persistence import save

MODEL_ENDING = ".zip"


def run(args):
    """Train on rated scans and write the model.

    Parameters
    ----------
    args : argparse.Namespace
        From :func:`briqa_sk.cli.parser.make_parser`.
    """
    scans = read_rated(args)
    grades = parse_grades(args.grades, scans.grades)
    if args.format == "table":
        refuse_mistakes(
            scans,
            grades,
            table=args.table,
            path_column=args.path_column,
            targets=args.target,
        )
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
        prepare_output(args.out, ending=MODEL_ENDING)
        scans = scans.take(read_all(volumes, skip=args.skip_unreadable))
        metadata = {f"grade__{name}": v for name, v in scans.metadata.items()}
        pipeline.fit(scans.paths.tolist(), scans.y, **metadata)
    save(pipeline, args.out)
    sys.stdout.write(f"{describe(scans, pipeline['grade'])}: {args.out}\n")


def describe(scans, classifier):
    """Return on what a model was trained, as text without a full stop."""
    n_scans = counted(len(scans), "scan")
    if scans.subjects is not None:
        n_scans += f" of {counted(len(set(scans.subjects)), 'subject')}"
    if not scans.is_several:
        n_epochs = counted(len(classifier.history_), "epoch")
        return f"Trained on {n_scans} ({_count(scans.grades)}) for {n_epochs}"
    width = max(map(len, scans.grades))
    lines = [f"{n:<{width}}  {_count(scans.grades[n])}\n" for n in scans.grades]
    is_shared = classifier.encoder == "shared"
    encoder = "a shared encoder" if is_shared else "separate encoders"
    n_artifacts = counted(len(lines), "artifact")
    return f"{''.join(lines)}Trained {n_artifacts} on {n_scans}, with {encoder}"


def _count(grades):
    counts = grades.value_counts().sort_index()
    parts = [f"{count} x {grade}" for grade, count in counts.items()]
    n_unrated = grades.isna().sum()
    return ", ".join([*parts, f"{n_unrated} not rated"] if n_unrated else parts)


def rehearse(classifier, shape, scans):
    """Fit a copy to blank scans, without a single step.

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
    quiet = {"max_steps": 0, "verbose": 0, "checkpoint_dir": None}
    copy = clone(classifier)
    copy.set_params(**{f"{net}{name}": value for name, value in quiet.items()})
    if scans.is_several:
        copy.set_params(verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BriqaWarning)  # the fit will give them
        copy.fit(blank, scans.y, **scans.metadata)


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
    # None: no bar where nobody watches, as in a log file.
    for index in tqdm(range(len(volumes)), desc="read", unit="scan", disable=None):
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
