"""Sets of scans laid out and graded as in the LISA challenge."""

from contextlib import closing
from numbers import Integral
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from briqa_sk._random import draw_seed, make_generator
from briqa_sk._validation import as_triple, check_paths, check_positive
from briqa_sk._version import __version__
from briqa_sk.datasets.lisa.raters import RATED, draw_grades
from briqa_sk.datasets.lisa.subject import PLANES, Subject, name_head, scan_subject
from briqa_sk.io.atomic import write_atomically
from briqa_sk.io.provenance import inspect_source, read_facts, write_facts

YOUNGEST_YEARS, OLDEST_YEARS = 0.25, 8.0

_MARKER = "simulation.json"
_NAMES = ("LISA_*", "labels.csv", "truth.csv", "simulation.tsv", _MARKER)


def make_lisa_like(
    n_subjects,
    folder,
    *,
    heads=None,
    rater_kappa=None,
    shape=(96, 112, 96),
    n_jobs=1,
    verbose=0,
    random_state=None,
):
    """Write a set of scans that looks like task 1 of the LISA 2025 challenge.

    Each subject is scanned at 0.064 T in three planes (see
    :func:`~briqa_sk.simulation.to_low_field`), and each scan is corrupted by seven
    artifacts of severity 0, 1 or 2. Over the whole set, severities have the
    proportions of the challenge, exactly up to rounding, and artifacts occur together
    as often as there. The layout is the challenge's: ``LISA_0001_LF_axi.nii.gz`` and
    so on, and ``labels.csv`` with the columns ``filename``, ``Noise``, ``Zipper``,
    ``Positioning``, ``Banding``, ``Motion``, ``Contrast`` and ``Distortion``.
    ``simulation.tsv`` says how each scan was made, and so does a JSON beside it.

    A rater sees a severity through noise of their own: the latent variable behind it
    is mixed with a normal one and cut at the same proportions. How much is mixed in
    follows from the kappa asked for.

    Scans appear complete or not at all, each before its JSON, and the tables last. An
    equal call on the same folder goes on where the last one stopped. A folder with
    another set is refused; ``simulation.json`` says which set a folder holds. Equal
    parameters give equal bytes on one machine.

    Parameters
    ----------
    n_subjects : int
        Number of subjects; there are three scans of each.
    folder : str or os.PathLike
        Where to; made if missing.
    heads : sequence of str or os.PathLike, default=None
        Clean scans to start from, in random order, none used again before all are
        used. None: T2w phantoms of children from 3 months to 8 years of age.
    rater_kappa : float or None, default=None
        Quadratic kappa of labels and truth, averaged over the artifacts, in (0, 1];
        met as closely as the number of scans allows, to .02 from about 20 subjects.
        ``labels.csv`` then has the ratings, and ``truth.csv`` the severities. None:
        labels are the truth.
    shape : int or tuple of 3 int, default=(96, 112, 96)
        Voxels of the phantoms, before they are scanned at low field.
    n_jobs : int, default=1
        Processes; the scans do not depend on it.
    verbose : int, default=0
        1 shows a progress bar.
    random_state : int, Generator, RandomState or None, default=None
        Seeds heads, severities, artifacts, noise and the rater.

    Returns
    -------
    table : pathlib.Path
        ``labels.csv``.

    Raises
    ------
    ValueError
        If a number is out of range, there are no heads, one has negative voxels, or
        the folder holds a set, or scans named as in one, that this call did not make.
    BriqaError
        If a head can't be read. All are read before anything is written.

    Examples
    --------
    >>> import tempfile
    >>> from briqa_sk.datasets import make_lisa_like
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = make_lisa_like(1, folder, shape=16, random_state=0)
    ...     print(*(line.split(",")[0] for line in table.read_text().splitlines()))
    filename LISA_0001_LF_axi.nii.gz LISA_0001_LF_cor.nii.gz LISA_0001_LF_sag.nii.gz
    """
    _check(n_subjects, rater_kappa, shape)
    if heads is not None:
        paths = check_paths(heads, caller="make_lisa_like")
        heads = [inspect_source(path) for path in paths]
    return write_lisa_like(
        n_subjects,
        folder,
        heads,
        rater_kappa=rater_kappa,
        shape=shape,
        n_jobs=n_jobs,
        verbose=verbose,
        random_state=random_state,
    )


def write_lisa_like(
    n_subjects,
    folder,
    heads,
    *,
    rater_kappa=None,
    shape=(96, 112, 96),
    n_jobs=1,
    verbose=0,
    random_state=None,
):
    """Do what :func:`make_lisa_like` says, with heads that are inspected already.

    Parameters
    ----------
    n_subjects, folder
        As there.
    heads : list of Source or None
        None draws phantoms.
    rater_kappa, shape, n_jobs, verbose, random_state
        As there.

    Returns
    -------
    table : pathlib.Path
        ``labels.csv``.
    """
    _check(n_subjects, rater_kappa, shape)
    folder, is_seed = Path(folder), isinstance(random_state, Integral)
    seed = int(random_state) if is_seed else draw_seed(random_state)
    rng = make_generator(seed)
    shape = [int(n) for n in as_triple(shape, "shape", caller="make_lisa_like")]
    _claim(
        folder,
        {
            "n_subjects": int(n_subjects),
            "rater_kappa": None if rater_kappa is None else float(rater_kappa),
            "shape": shape,
            "seed": seed,
            "heads": heads and [[name_head(head), head.sha256] for head in heads],
            "briqa_sk": __version__,
        },
    )
    chosen = _choose_heads(n_subjects, heads, rng)
    severities, ratings = draw_grades(len(PLANES) * n_subjects, rater_kappa, rng)
    grades = severities.reshape(n_subjects, len(PLANES), -1).tolist()
    subjects = [
        Subject(number, head, shape, grades[number], seed)
        for number, head in enumerate(chosen)
    ]
    rows = _scan_all(subjects, folder, n_jobs, verbose)
    names = [row["filename"] for row in rows]
    _write_table(pd.DataFrame(rows), folder / "simulation.tsv", "\t")
    if rater_kappa is not None:
        _write_table(_as_labels(names, severities), folder / "truth.csv", ",")
    _write_table(_as_labels(names, ratings), folder / "labels.csv", ",")
    return folder / "labels.csv"


def _check(n_subjects, rater_kappa, shape):
    caller = "make_lisa_like"
    check_positive(n_subjects, "n_subjects", caller=caller, kind=Integral)
    as_triple(shape, "shape", caller=caller, kind=Integral)
    if rater_kappa is not None and not 0 < rater_kappa <= 1:
        raise ValueError(
            f"{caller}: rater_kappa must be in (0, 1], got {rater_kappa}. Pass None "
            "for labels without noise."
        )


def _claim(folder, facts):
    """Mark a folder as that of one set, unless it holds files of another one."""
    found = read_facts(folder / _MARKER) or {}
    if found == facts:
        return
    version = found.get("briqa_sk", __version__)
    if version != __version__:
        raise ValueError(
            f"make_lisa_like: {folder} must hold no set but one of this version, "
            f"{__version__}, got one of version {version}. Choose another folder, or "
            "empty it."
        )
    taken = sorted(path.name for name in _NAMES for path in folder.glob(name))
    if taken:
        raise ValueError(
            f"make_lisa_like: {folder} must hold no set but one of this very call, got "
            f"{taken[0]} of another one. Choose another folder, or empty it."
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_facts(facts, folder / _MARKER)


def _choose_heads(n_subjects, heads, rng):
    """Return a Source, or the age of a phantom, for each subject."""
    if heads is None:
        ages = np.log([YOUNGEST_YEARS, OLDEST_YEARS])
        return np.exp(rng.uniform(*ages, size=n_subjects)).round(2).tolist()
    n_rounds = -(-n_subjects // len(heads))
    order = [index for _ in range(n_rounds) for index in rng.permutation(len(heads))]
    return [heads[index] for index in order[:n_subjects]]


def _scan_all(subjects, folder, n_jobs, verbose):
    """Return how each scan was made, subject after subject."""
    work = (joblib.delayed(scan_subject)(subject, folder) for subject in subjects)
    results = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(work)
    bar = tqdm(
        desc="simulate",
        total=len(PLANES) * len(subjects),
        unit="scan",
        disable=None if verbose else True,  # None: no bar where nobody watches
    )
    rows = []
    with bar, closing(results):  # an interrupt ends the other processes first
        for made in results:
            rows += made
            bar.update(len(made))
    return rows


def _as_labels(names, severities):
    columns = [name.capitalize() for name in RATED]
    labels = pd.DataFrame(severities, columns=columns)
    labels.insert(0, "filename", names)
    return labels


def _write_table(table, path, separator):
    text = table.to_csv(sep=separator, index=False, lineterminator="\n")
    write_atomically(path, lambda file: file.write(text.encode()))
