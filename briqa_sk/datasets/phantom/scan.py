"""Head phantoms: scans with a known anatomy, made in a moment and from nothing."""

from numbers import Integral

import numpy as np

from briqa_sk._random import make_generator
from briqa_sk._validation import as_triple
from briqa_sk.datasets.phantom.anatomy import draw_head, head_at, tissue_fractions
from briqa_sk.io import Volume
from briqa_sk.kernels.tissues import CONTRASTS, TISSUES, signal, tissues_at
from briqa_sk.simulation import BiasField, Noise

FIELD_OF_VIEW_MM = (192.0, 224.0, 192.0)
CENTRE_MM = (0.0, -8.0, 0.0)  # the middle of a head from chin to crown
SIGNAL_SCALE = 1000.0  # scanners store integers of this order


def make_head_phantom(
    shape=(48, 56, 48),
    *,
    spacing_mm=None,
    contrast="T1w",
    age_years=None,
    snr=None,
    bias_field=None,
    random_state=None,
):
    r"""Make a magnitude scan of a random head.

    Scalp, skull, folded cortex, white matter, deep grey nuclei, ventricles, cerebellum,
    face and neck are painted as smooth shapes; each seed draws the size, the
    asymmetry, the ventricles and the folds anew. A voxel between tissues is their
    mixture (partial volume). Tissue signals follow the spin-echo and
    inversion-recovery equations at 1.5 T; see :mod:`briqa_sk.kernels.tissues`.

    Parameters
    ----------
    shape : int or tuple of 3 int, default=(48, 56, 48)
        Voxels along i, j, k: left to right, back to front, bottom to top.
    spacing_mm : float, tuple of 3 float or None, default=None
        Voxel size. None: cubic voxels, as large as it takes to see the whole head.
    contrast : {"T1w", "T2w", "FLAIR"}, default="T1w"
        Sequence.
    age_years : float or None, default=None
        Age, which sets the contrast of grey and white matter, reversed in infants (see
        :func:`~briqa_sk.kernels.tissues.tissues_at`), and the size of the head. None
        is an adult.
    snr : float or None, default=None
        Mean tissue signal over the standard deviation of the noise in each of the two
        receiver channels, as :class:`~briqa_sk.simulation.Noise` has it. None: no
        noise.
    bias_field : float or None, default=None
        Sensitivity of the coil in the bright part of the head over that in the dark
        part, 1 or more, as :class:`~briqa_sk.simulation.BiasField` has it. None: the
        same everywhere.
    random_state : int, Generator, RandomState or None, default=None
        Seeds anatomy, bias field and noise.

    Returns
    -------
    volume : Volume
        Signal in [0, 1000] before bias field and noise, in RAS orientation.

    Raises
    ------
    ValueError
        If the contrast is unknown, or a number is out of range.

    Examples
    --------
    >>> from briqa_sk.datasets import make_head_phantom
    >>> make_head_phantom((24, 28, 24), random_state=0)
    Volume(shape=(24, 28, 24), spacing_mm=(8.0, 8.0, 8.0), history=('T1w phantom',))
    """
    shape = check_scan(shape, spacing_mm, contrast, caller="make_head_phantom")
    _check_degradation(snr, bias_field)
    rng = make_generator(random_state)
    tissues = tissues_at(age_years)
    head = head_at(draw_head(rng), age_years)
    affine = head_affine(shape, spacing_mm)
    data = scan_head(head, shape, affine, contrast, tissues)
    volume = Volume(data, affine, history=(f"{contrast} phantom",))
    if bias_field is not None:
        volume = BiasField(ratio=bias_field)(volume, random_state=rng)
    if snr is not None:
        volume = Noise(snr=snr, kind="uniform")(volume, random_state=rng)
    return volume


def scan_head(head, shape, affine, contrast, tissues=TISSUES):
    """Return the noiseless signal of a head on a grid.

    Parameters
    ----------
    head : Anatomy
        The anatomy.
    shape : tuple of 3 int
        Voxels along i, j, k.
    affine : ndarray of shape (4, 4)
        Voxel indices -> millimetres in the RAS space of the head.
    contrast : {"T1w", "T2w", "FLAIR"}
        Sequence.
    tissues : dict of str to Tissue, default=TISSUES
        What the tissues are; an adult's.

    Returns
    -------
    data : ndarray of shape (i, j, k), dtype float32
        Signal in [0, 1000].
    """
    voxels = np.indices(shape, dtype=np.float32).reshape(3, -1).T
    affine = affine.astype(np.float32)
    points_mm = voxels @ affine[:3, :3].T + affine[:3, 3]
    voxel_mm = float(np.linalg.norm(affine[:3, :3], axis=0).mean())
    sequence = CONTRASTS[contrast]
    signals = [SIGNAL_SCALE * signal(tissue, sequence) for tissue in tissues.values()]
    fractions = tissue_fractions(head, points_mm, voxel_mm)
    return (fractions @ np.float32(signals)).reshape(shape)


def head_affine(shape, spacing_mm=None):
    """Return the affine of a grid whose middle lies in the middle of the head.

    Parameters
    ----------
    shape : tuple of 3 int
        Voxels along i, j, k.
    spacing_mm : float, tuple of 3 float or None, default=None
        Voxel size; None: cubic voxels, as large as it takes to see the whole head.

    Returns
    -------
    affine : ndarray of shape (4, 4)
        Voxel indices -> RAS millimetres.
    """
    if spacing_mm is None:
        spacing_mm = max(
            extent / n for extent, n in zip(FIELD_OF_VIEW_MM, shape, strict=True)
        )
    spacing_mm = np.broadcast_to(np.asarray(spacing_mm, float), (3,))
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = CENTRE_MM - spacing_mm * (np.asarray(shape) - 1) / 2
    return affine


def check_scan(shape, spacing_mm, contrast, *, caller):
    """Return three axes, or raise ``ValueError`` for the grid or the contrast."""
    shape = as_triple(shape, "shape", caller=caller, kind=Integral)
    if spacing_mm is not None:
        as_triple(spacing_mm, "spacing_mm", caller=caller)
    if contrast not in CONTRASTS:
        raise ValueError(
            f"{caller}: contrast must be one of {', '.join(CONTRASTS)}, "
            f"got {contrast!r}."
        )
    return shape


def _check_degradation(snr, bias_field):
    if snr is not None and not snr > 0:
        raise ValueError(
            f"make_head_phantom: snr must be positive, got {snr}. "
            "Pass None for a scan without noise."
        )
    if bias_field is not None and not bias_field >= 1:
        raise ValueError(
            f"make_head_phantom: bias_field must be 1 or more, got {bias_field}. Pass "
            "None for a coil that hears all of the head equally well."
        )
