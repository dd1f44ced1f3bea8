"""Phantom scans with a known grade of noise, in memory or as files."""

from numbers import Integral
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial.transform import Rotation

from briqa_sk._random import make_generator
from briqa_sk._validation import check_positive
from briqa_sk.datasets.phantom.anatomy import draw_head
from briqa_sk.datasets.phantom.scan import check_scan, head_affine, scan_head
from briqa_sk.io import Volume, VolumeSequence
from briqa_sk.io.atomic import write_atomically
from briqa_sk.io.writing import write_volume
from briqa_sk.simulation import Noise

#: Range of the signal-to-noise ratio of a scan to which nothing was added.
SNR_AS_ACQUIRED = (40.0, 80.0)


def make_graded_heads(
    n_subjects=24,
    *,
    scans_per_subject=2,
    shape=(48, 56, 48),
    spacing_mm=None,
    contrast="T1w",
    proportions=(0.7, 0.2, 0.1),
    random_state=None,
):
    """Make scans of several subjects, graded by their noise.

    Each scan has a signal-to-noise ratio of 40 to 80 from its scanner, which is grade
    0. Grades 1 and 2 add noise as :class:`~briqa_sk.simulation.Noise` of severity 1 and
    2 does, with a ratio of 17 to 8 and of 5 to 2. Each subject is one random anatomy
    that is scanned several times, in a slightly different position and with its own
    noise. Severe scans are rare, as in real life.

    Parameters
    ----------
    n_subjects : int, default=24
        Number of heads.
    scans_per_subject : int, default=2
        Scans of each.
    shape : int or tuple of 3 int, default=(48, 56, 48)
        Voxels along i, j, k.
    spacing_mm : float, tuple of 3 float or None, default=None
        Voxel size; None sees the whole head. See :func:`make_head_phantom`.
    contrast : {"T1w", "T2w", "FLAIR"}, default="T1w"
        Sequence.
    proportions : tuple of 3 float, default=(0.7, 0.2, 0.1)
        Shares of severity 0, 1 and 2, above 0 and with sum 1. The counts are exact up
        to rounding, and no grade is left out.
    random_state : int, Generator, RandomState or None, default=None
        Seeds anatomies, positions, grades and noise.

    Returns
    -------
    X : VolumeSequence of length n_subjects * scans_per_subject
        The scans, in memory, with the column ``group`` that holds ``subjects``.
    y : ndarray of shape (n_samples,)
        Severity, 0, 1 or 2.
    subjects : ndarray of shape (n_samples,)
        ``"sub-01"`` and so on.

    Raises
    ------
    ValueError
        If the proportions are not above 0 or don't add up to 1, there are fewer than 3
        scans, or there is no such grid or contrast.

    Examples
    --------
    >>> from briqa_sk.datasets import make_graded_heads
    >>> X, y, subjects = make_graded_heads(5, shape=(12, 14, 12), random_state=0)
    >>> X
    VolumeSequence(n_samples=10, columns=['group'])
    >>> [int((y == severity).sum()) for severity in (0, 1, 2)]
    [7, 2, 1]
    """
    rng = make_generator(random_state)
    y, subjects = _plan(n_subjects, scans_per_subject, proportions, rng)
    shape = check_scan(shape, spacing_mm, contrast, caller="make_graded_heads")
    affine = head_affine(shape, spacing_mm)
    X = list(_scan_all(y, subjects, shape, affine, contrast, rng))
    return VolumeSequence(X, columns={"group": subjects}), y, subjects


def write_graded_heads(
    folder,
    n_subjects=24,
    *,
    scans_per_subject=2,
    shape=(48, 56, 48),
    spacing_mm=None,
    contrast="T1w",
    proportions=(0.7, 0.2, 0.1),
    random_state=None,
):
    """Write the scans of :func:`make_graded_heads` and a table of their grades.

    Scans are written one at a time, as ``sub-01/sub-01_run-1_T1w.nii.gz``, in integers
    as a scanner stores them. Equal parameters give equal bytes. Each file appears
    complete or not at all, and the table last.

    Parameters
    ----------
    folder : str or os.PathLike
        Where to; made if missing. Files of the same name are replaced.
    n_subjects : int, default=24
        Number of heads.
    scans_per_subject : int, default=2
        Scans of each.
    shape : int or tuple of 3 int, default=(48, 56, 48)
        Voxels along i, j, k.
    spacing_mm : float, tuple of 3 float or None, default=None
        Voxel size; None sees the whole head.
    contrast : {"T1w", "T2w", "FLAIR"}, default="T1w"
        Sequence.
    proportions : tuple of 3 float, default=(0.7, 0.2, 0.1)
        Shares of severity 0, 1 and 2.
    random_state : int, Generator, RandomState or None, default=None
        Seeds anatomies, positions, grades and noise.

    Returns
    -------
    table : pathlib.Path
        ``labels.tsv`` with the columns ``path`` (relative to the folder), ``severity``
        and ``subject``.

    Examples
    --------
    >>> import tempfile
    >>> from briqa_sk.datasets import write_graded_heads
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = write_graded_heads(folder, 2, shape=(8, 8, 8), random_state=0)
    ...     print(table.read_text().splitlines()[0].split())
    ['path', 'severity', 'subject']
    """
    folder = Path(folder)
    rng = make_generator(random_state)
    y, subjects = _plan(n_subjects, scans_per_subject, proportions, rng)
    shape = check_scan(shape, spacing_mm, contrast, caller="write_graded_heads")
    affine = head_affine(shape, spacing_mm)
    paths = []
    for index, scan in enumerate(_scan_all(y, subjects, shape, affine, contrast, rng)):
        run = index % scans_per_subject + 1
        subject = subjects[index]
        paths.append(f"{subject}/{subject}_run-{run}_{contrast}.nii.gz")
        path = folder / paths[-1]
        path.parent.mkdir(parents=True, exist_ok=True)
        write_volume(scan.derive(np.rint(scan.data), step="whole numbers"), path)
    table = pd.DataFrame({"path": paths, "severity": y, "subject": subjects})
    text = table.to_csv(sep="\t", index=False, lineterminator="\n")
    write_atomically(folder / "labels.tsv", lambda file: file.write(text.encode()))
    return folder / "labels.tsv"


def _plan(n_subjects, scans_per_subject, proportions, rng):
    """Return the grade and the subject of every scan."""
    caller = "make_graded_heads"
    check_positive(n_subjects, "n_subjects", caller=caller, kind=Integral)
    check_positive(scans_per_subject, "scans_per_subject", caller=caller, kind=Integral)
    n_scans = n_subjects * scans_per_subject
    shares_above_0 = len(proportions) == 3 and min(proportions) > 0
    if not shares_above_0 or not np.isclose(sum(proportions), 1):
        raise ValueError(
            "make_graded_heads: proportions must be 3 shares above 0 with sum 1, "
            f"got {proportions}."
        )
    if n_scans < 3:
        raise ValueError(
            "make_graded_heads: n_subjects * scans_per_subject must be at least 3, "
            f"one scan per grade, got {n_scans}."
        )
    n_moderate, n_severe = (max(1, round(n_scans * p)) for p in proportions[1:])
    n_severe = min(n_severe, n_scans - 2)
    n_moderate = min(n_moderate, n_scans - 1 - n_severe)
    counts = [n_scans - n_moderate - n_severe, n_moderate, n_severe]
    width = max(2, len(str(n_subjects)))
    names = [f"sub-{number:0{width}d}" for number in range(1, n_subjects + 1)]
    return rng.permutation(np.repeat([0, 1, 2], counts)), np.repeat(
        names, scans_per_subject
    )


def _scan_all(y, subjects, shape, affine, contrast, rng):
    """Yield the scans one at a time; a new subject is a new head."""
    head, name = None, None
    for severity, subject in zip(y, subjects, strict=True):
        if subject != name:
            head, name = draw_head(rng), subject
        data = scan_head(head, shape, _draw_pose(rng) @ affine, contrast)
        scan = Volume(data, affine, history=(f"{contrast} phantom",))
        as_acquired = Noise(snr=rng.uniform(*SNR_AS_ACQUIRED), kind="uniform")
        scan = as_acquired(scan, random_state=rng)
        strength = rng.uniform(*Noise.RANGES[severity])
        yield Noise()(scan, strength, random_state=rng)


def _draw_pose(rng, *, angle_deg=2.0, shift_mm=1.5):
    """Draw how a head lies in the scanner: a small rigid movement."""
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_rotvec(
        rng.normal(0, angle_deg, size=3), degrees=True
    ).as_matrix()
    pose[:3, 3] = rng.normal(0, shift_mm, size=3)
    return pose
