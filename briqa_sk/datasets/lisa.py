"""Sets of scans laid out and graded as in the LISA challenge."""

import json
from numbers import Integral
from pathlib import Path

import numpy as np
import pandas as pd

from briqa_sk._random import draw_seed, make_generator
from briqa_sk._validation import as_triple, check_paths, check_positive
from briqa_sk.datasets.phantom import make_head_phantom
from briqa_sk.io import read_volume
from briqa_sk.io.atomic import write_atomically
from briqa_sk.io.writing import write_volume
from briqa_sk.metrics import quadratic_kappa
from briqa_sk.simulation import LISA_2025, ArtifactSimulator, to_low_field

PLANES = ("axi", "cor", "sag")
YOUNGEST_YEARS, OLDEST_YEARS = 0.25, 8.0

_ARTIFACTS = list(LISA_2025.counts)
_GRADES = (0, 1, 2)
_BISECTIONS = 30


def make_lisa_like(
    n_subjects,
    folder,
    *,
    heads=None,
    rater_kappa=None,
    shape=(96, 112, 96),
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
    ``simulation.tsv`` says how each scan was made.

    A rater sees a severity through noise of their own: the latent variable behind it
    is mixed with a normal one and cut at the same proportions. How much is mixed in
    follows from the kappa asked for.

    Scans are written one at a time and appear complete or not at all, the tables last.
    Equal parameters give equal bytes on one machine.

    Parameters
    ----------
    n_subjects : int
        Number of subjects; there are three scans of each.
    folder : str or os.PathLike
        Where to; made if missing. Files of the same name are replaced.
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
    random_state : int, Generator, RandomState or None, default=None
        Seeds heads, severities, artifacts, noise and the rater.

    Returns
    -------
    table : pathlib.Path
        ``labels.csv``.

    Raises
    ------
    ValueError
        If a number is out of range, or there are no heads.
    BriqaError
        If a head can't be read.

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
    folder, rng = Path(folder), make_generator(random_state)
    sources = _choose_heads(n_subjects, heads, rng)
    severities, ratings = _draw_grades(len(PLANES) * n_subjects, rater_kappa, rng)
    folder.mkdir(parents=True, exist_ok=True)
    records = list(_write_scans(folder, sources, severities, shape, draw_seed(rng)))
    names = [record["filename"] for record in records]
    simulation = pd.DataFrame(records)
    _write_table(simulation, folder / "simulation.tsv", "\t")
    if rater_kappa is not None:
        _write_table(_as_labels(names, severities), folder / "truth.csv", ",")
    _write_table(_as_labels(names, ratings), folder / "labels.csv", ",")
    return folder / "labels.csv"


def rate(latents, severities, kappa, rng):
    """Grade scans as a rater would who agrees with the truth to a given kappa.

    A rating is ``rho * latent + sqrt(1 - rho ** 2) * noise``, cut at the proportions of
    the severities. Bisection finds the rho that comes closest to the kappa.

    Parameters
    ----------
    latents : ndarray of shape (n_scans, 7)
        Standard normal variables behind the severities.
    severities : ndarray of shape (n_scans, 7)
        The truth: the latents, cut exactly.
    kappa : float
        Quadratic kappa to reach, averaged over the artifacts that occur.
    rng : numpy.random.Generator
        Source of the rater's noise.

    Returns
    -------
    ratings : ndarray of shape (n_scans, 7)
        Severities as rated.
    """
    noise = rng.standard_normal(latents.shape)

    def rated(rho):
        mixed = rho * latents + np.sqrt(1 - rho**2) * noise
        return LISA_2025.cut(mixed, _ARTIFACTS, exact=True)

    best, nearest, low, high = severities, 1 - kappa, 0.0, 1.0
    for _ in range(_BISECTIONS):
        rho = (low + high) / 2
        ratings = rated(rho)
        excess = mean_kappa(severities, ratings) - kappa
        if abs(excess) < nearest:
            best, nearest = ratings, abs(excess)
        low, high = (low, rho) if excess > 0 else (rho, high)
    return best


def mean_kappa(severities, ratings):
    """Quadratic kappa averaged over the artifacts that occur; 1 if none does.

    Parameters
    ----------
    severities, ratings : ndarray of shape (n_scans, n_artifacts)
        Grades 0, 1 and 2.

    Returns
    -------
    kappa : float
        At most 1.
    """
    kappas = [
        quadratic_kappa(truth, rating, grades=_GRADES)
        for truth, rating in zip(severities.T, ratings.T, strict=True)
        if truth.any() or rating.any()
    ]
    return float(np.mean(kappas)) if kappas else 1.0


def _check(n_subjects, rater_kappa, shape):
    caller = "make_lisa_like"
    check_positive(n_subjects, "n_subjects", caller=caller, kind=Integral)
    as_triple(shape, "shape", caller=caller, kind=Integral)
    if rater_kappa is not None and not 0 < rater_kappa <= 1:
        raise ValueError(
            f"{caller}: rater_kappa must be in (0, 1], got {rater_kappa}. Pass None "
            "for labels without noise."
        )


def _choose_heads(n_subjects, heads, rng):
    """Return a path, or the age of a phantom, for each subject."""
    if heads is None:
        ages = np.log([YOUNGEST_YEARS, OLDEST_YEARS])
        return np.exp(rng.uniform(*ages, size=n_subjects)).round(2).tolist()
    paths = check_paths(heads, caller="make_lisa_like")
    n_rounds = -(-n_subjects // len(paths))
    order = [index for _ in range(n_rounds) for index in rng.permutation(len(paths))]
    return [paths[index] for index in order[:n_subjects]]


def _draw_grades(n_scans, rater_kappa, rng):
    latents = LISA_2025.draw_latents(n_scans, _ARTIFACTS, rng)
    severities = LISA_2025.cut(latents, _ARTIFACTS, exact=True)
    if rater_kappa is None:
        return severities, severities
    return severities, rate(latents, severities, rater_kappa, rng)


def _write_scans(folder, sources, severities, shape, seed):
    """Write scan after scan; yield how each was made."""
    simulator = ArtifactSimulator()
    for subject, source in enumerate(sources):
        head = _get_head(source, shape, [seed, subject])
        for index, plane in enumerate(PLANES, start=len(PLANES) * subject):
            name = f"LISA_{subject + 1:04d}_LF_{plane}.nii.gz"
            low, corrupt = np.random.SeedSequence([seed, index]).spawn(2)
            scan = to_low_field(head, plane=plane, random_state=low)
            grades = dict(zip(_ARTIFACTS, severities[index].tolist(), strict=True))
            scan, record = simulator.corrupt(scan, grades, random_state=corrupt)
            write_volume(scan, folder / name)
            parameters = json.dumps(record["parameters"])
            made = {"filename": name, "head": _name_head(source)}
            yield {**made, **record, "parameters": parameters}


def _get_head(source, shape, seed):
    if isinstance(source, str):
        return read_volume(source)
    return make_head_phantom(shape, contrast="T2w", age_years=source, random_state=seed)


def _name_head(source):
    if isinstance(source, str):
        return Path(source).name
    return f"phantom of {source:.2f} years"


def _as_labels(names, severities):
    columns = [name.capitalize() for name in _ARTIFACTS]
    labels = pd.DataFrame(severities, columns=columns)
    labels.insert(0, "filename", names)
    return labels


def _write_table(table, path, separator):
    text = table.to_csv(sep=separator, index=False, lineterminator="\n")
    write_atomically(path, lambda file: file.write(text.encode()))
