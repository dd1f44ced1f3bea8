"""What an artifact gives away of itself by what it does to the noise of a scan."""

import math
from numbers import Integral

import numpy as np
import pandas as pd
import torch
from scipy import ndimage, special
from sklearn.metrics import roc_auc_score

from briqa_sk._random import make_generator
from briqa_sk._validation import as_triple, check_positive
from briqa_sk.io import Volume
from briqa_sk.kernels import signal_levels
from briqa_sk.kernels.quality import METRICS, quality_metrics
from briqa_sk.simulation._scan import Scan
from briqa_sk.simulation.registry import resolve_artifact

_BANDS = ("0-.25", ".25-.5", ".5-.75", ".75-1")  # of the Nyquist frequency
_AIR, _TISSUE = 0.5, 5.0  # levels, in standard deviations of the noise
_FEWEST = 500  # voxels of a place, on the average, below which nothing is measured


def noise_ratio(
    artifact,
    phantom,
    *,
    snr=20.0,
    n_draws=4,
    spacing_mm=(1.0, 1.0, 1.0),
    random_state=None,
):
    r"""Measure the noise of a scan with an artifact, over that without it.

    Noise is received once, whatever happens to the head: an artifact that leaves less
    of it, as interpolation and averaging do, can be told by its noise, and so will a
    network tell it. What remains is measured by a pair of scans. Two realisations
    :math:`a, b` of Rician noise on one phantom get the artifact :math:`T` with the
    same parameters, so that whatever it does to the anatomy is in both:

    .. math:: d = \frac{T a - T b}{\sqrt 2 \, \sigma(T s)}

    with the phantom :math:`s` and the standard deviation :math:`\sigma` of Rician noise
    about a level [1]_, which is .655 in air for 1 in tissue. An artifact that leaves
    the noise alone leaves :math:`d` white, with a standard deviation of 1, in air and
    in tissue. The ratio is that of four bands of its spectrum.

    Parameters
    ----------
    artifact : str or Artifact
        A name of :data:`ARTIFACTS`, or an artifact with parameters of its own.
    phantom : Volume or ndarray of shape (i, j, k)
        Magnitude image without noise, such as
        :func:`~briqa_sk.datasets.make_head_phantom` makes. The larger, the more exact:
        with 64 voxels along each axis and 4 draws, errors are about 2 %, and 4 % in
        the lowest band.
    snr : float, default=20.0
        Mean tissue signal over the standard deviation of the noise in each of the two
        receiver channels.
    n_draws : int, default=4
        Strengths that are drawn for each severity, of which the ratio is the
        root-mean-square.
    spacing_mm : float or tuple of 3 float, default=(1.0, 1.0, 1.0)
        Voxel size of an array. A Volume knows its own.
    random_state : int, Generator, RandomState or None, default=None
        Seeds noise, strengths and artifacts.

    Returns
    -------
    table : DataFrame
        A row for each severity but 0, ``place`` and ``band``: the ``ratio``, 1 for an
        artifact that gives nothing away, and ``n_voxels``, the mean size of the place.
        Air is where the phantom is darker than half the standard deviation of the noise
        with and without the artifact, tissue where it is brighter than five. Bands are
        radial frequencies over the Nyquist frequency; corners of the spectrum count to
        the last. A place of fewer than 500 voxels has no ratio: of a scan with stripes
        all over it, the air is no air.

    Raises
    ------
    ValueError
        If the artifact is unknown, the phantom is no 3-D magnitude image, or the number
        of draws or the SNR is not positive.

    References
    ----------
    .. [1] H. Gudbjartsson and S. Patz, "The Rician distribution of noisy MRI data",
       Magnetic Resonance in Medicine 34, 1995.

    Examples
    --------
    >>> from briqa_sk.datasets import make_head_phantom
    >>> from briqa_sk.simulation import Ghosting, noise_ratio
    >>> phantom = make_head_phantom(24, random_state=0)
    >>> table = noise_ratio(Ghosting(), phantom, n_draws=1, random_state=0)
    >>> table.columns.tolist()
    ['severity', 'place', 'band', 'ratio', 'n_voxels']
    >>> len(table)
    16
    """
    artifact = resolve_artifact(artifact, caller="noise_ratio")
    artifact.check_takes_strength(caller="noise_ratio")
    check_positive(snr, "snr", caller="noise_ratio")
    check_positive(n_draws, "n_draws", caller="noise_ratio", kind=Integral)
    if not isinstance(phantom, Volume):
        spacing_mm = as_triple(spacing_mm, "spacing_mm", caller="noise_ratio")
        phantom = Volume(phantom, np.diag([*spacing_mm, 1.0]))
    rng = make_generator(random_state)
    phantom = phantom.derive(
        phantom.data / signal_levels(phantom.data).tissue, step="unit tissue"
    )
    sigma = 1 / snr
    rows = []
    for severity, (low, high) in enumerate(artifact.RANGES):
        if high == 0:
            continue
        pairs = [
            _corrupt_pair(artifact, phantom, sigma, float(rng.uniform(low, high)), rng)
            for _ in range(n_draws)
        ]
        for place in ("air", "tissue"):
            masks = [masks[place] for _, masks in pairs]
            n_voxels = float(np.mean([mask.sum() for mask in masks]))
            noises = [noise for noise, _ in pairs]
            ratios = (
                _band_ratios(noises, masks) if n_voxels >= _FEWEST else [np.nan] * 4
            )
            for band, ratio in zip(_BANDS, ratios, strict=True):
                rows.append((severity, place, band, float(ratio), n_voxels))
    return pd.DataFrame(
        rows, columns=["severity", "place", "band", "ratio", "n_voxels"]
    )


def _corrupt_pair(artifact, phantom, sigma, strength, rng):
    """Return noise over what it should be, under an artifact, and masks of places."""
    parameters = artifact.draw(strength, random_state=rng)
    volumes = [_with_rician_noise(phantom.data, sigma, rng) for _ in range(2)]
    scans = [
        Scan(
            torch.tensor(data),
            phantom.spacing_mm,
            parameters["acquisition"],
            phantom.affine,
        )
        for data in (*volumes, phantom.data)
    ]
    for scan in scans:  # one head has one field, whatever the noise
        scan.field_map = scans[-1].field_map
    first, second, noiseless = (
        artifact._apply(torch.tensor(data), parameters, scan).numpy()
        for data, scan in zip((*volumes, phantom.data), scans, strict=True)
    )
    before, after = phantom.data / sigma, noiseless / sigma
    masks = {
        "air": (before < _AIR) & (after < _AIR),
        "tissue": (before > _TISSUE) & (after > _TISSUE),
    }
    noise = (first - second) / (math.sqrt(2) * sigma * rician_deviation(after))
    return noise, {place: ndimage.binary_erosion(m) for place, m in masks.items()}


def _with_rician_noise(data, sigma, rng):
    real, imaginary = sigma * rng.standard_normal((2, *data.shape), np.float32)
    return np.hypot(data + real, imaginary)


def rician_deviation(level):
    """Return the standard deviation of Rician noise about some levels.

    Parameters
    ----------
    level : ndarray
        Signal over the standard deviation of the noise in each channel.

    Returns
    -------
    deviation : ndarray
        In the same units: .655 at 0, and nearly 1 from 3 on.
    """
    half = np.minimum(np.asarray(level, float), 1e3) ** 2 / 2
    # Bessel functions that are scaled by exp(-x), which would overflow.
    bessel = (1 + half) * special.i0e(half / 2) + half * special.i1e(half / 2)
    return np.sqrt(2 + 2 * half - np.pi / 2 * bessel**2)


def _band_ratios(noises, masks):
    """Return the root-mean-square of unit noise in each band of its spectrum."""
    shape = noises[0].shape
    axes = np.meshgrid(*(np.fft.fftfreq(n) / 0.5 for n in shape), indexing="ij")
    band = np.minimum(4 * np.sqrt(sum(axis**2 for axis in axes)), 3).astype(int)
    power = sum(
        np.bincount(band.ravel(), _power(noise * mask).ravel(), minlength=4)
        for noise, mask in zip(noises, masks, strict=True)
    )
    # White noise of unit variance has the power of its mask at every frequency.
    white = np.bincount(band.ravel(), minlength=4) * sum(mask.sum() for mask in masks)
    return np.sqrt(power / white)


def _power(data):
    return np.abs(np.fft.fftn(data)) ** 2


def blind_metric_auc(
    artifact,
    volumes,
    *,
    metric="residual",
    spacing_mm=(1.0, 1.0, 1.0),
    random_state=None,
):
    """Measure how well a metric that is blind to an artifact tells its severities.

    Artifacts such as a turned head leave the fine structure of a scan alone, so that a
    metric of noise should not see them. Where it does, the simulator has changed
    something else, and a network will learn that in place of the artifact.

    Parameters
    ----------
    artifact : str or Artifact
        A name of :data:`ARTIFACTS`, or an artifact with parameters of its own.
    volumes : sequence of Volume, or ndarray of shape (n_samples, i, j, k)
        Clean magnitude images with their own noise, best real ones, 40 or more.
    metric : str, default="residual"
        A column of :class:`~briqa_sk.ImageQualityMetrics`. ``"residual"`` is the noise
        in tissue, by second differences along all axes.
    spacing_mm : float or tuple of 3 float, default=(1.0, 1.0, 1.0)
        Voxel size of arrays. A Volume knows its own.
    random_state : int, Generator, RandomState or None, default=None
        Seeds strengths and artifacts.

    Returns
    -------
    auc : Series
        Area under the ROC curve of each severity against the one below, by both:
        (0, 1), (1, 2). Near .5, the metric is as blind as it should be; near 1 it
        rises, and near 0 it falls with severity.

    Raises
    ------
    ValueError
        If the artifact or the metric is unknown, or there is no volume.

    Examples
    --------
    >>> from briqa_sk.datasets import make_head_phantom
    >>> from briqa_sk.simulation import blind_metric_auc
    >>> heads = [make_head_phantom(24, snr=20, random_state=n) for n in range(3)]
    >>> auc = blind_metric_auc("noise", heads, random_state=0)
    >>> float(auc[0, 1])  # noise is what residual does see
    1.0
    """
    rng = make_generator(random_state)
    values = [
        measure_severities(
            artifact, volume, metric=metric, spacing_mm=spacing_mm, random_state=rng
        )
        for volume in volumes
    ]
    if not values:
        raise ValueError(
            "blind_metric_auc: volumes must have at least one, got none. Pass clean "
            "scans."
        )
    by_severity = np.transpose(values)
    pairs = [(severity, severity + 1) for severity in range(len(by_severity) - 1)]
    aucs = [
        roc_auc_score(
            np.repeat([0, 1], len(values)),
            np.concatenate([by_severity[s] for s in pair]),
        )
        for pair in pairs
    ]
    index = pd.MultiIndex.from_tuples(pairs, names=["severity", "severity above"])
    return pd.Series(aucs, index, name="auc")


def measure_severities(
    artifact,
    volume,
    *,
    metric="residual",
    spacing_mm=(1.0, 1.0, 1.0),
    random_state=None,
):
    """Measure one metric of one scan under each severity of an artifact.

    Parameters
    ----------
    artifact : str or Artifact
        A name of :data:`ARTIFACTS`, or an artifact with parameters of its own.
    volume : Volume or ndarray of shape (i, j, k)
        Clean magnitude image.
    metric : str, default="residual"
        A column of :class:`~briqa_sk.ImageQualityMetrics`.
    spacing_mm : float or tuple of 3 float, default=(1.0, 1.0, 1.0)
        Voxel size of an array. A Volume knows its own.
    random_state : int, Generator, RandomState or None, default=None
        Seeds strengths and artifacts.

    Returns
    -------
    values : list of float
        One for each severity, from 0 on.
    """
    artifact = resolve_artifact(artifact, caller="blind_metric_auc")
    artifact.check_takes_strength(caller="blind_metric_auc")
    if metric not in METRICS:
        raise ValueError(
            "blind_metric_auc: metric must be a column of ImageQualityMetrics, such as "
            f"'residual', got {metric!r}."
        )
    rng = make_generator(random_state)
    values = []
    for low, high in artifact.RANGES:
        strength = float(rng.uniform(low, high))
        copy = artifact(volume, strength, spacing_mm=spacing_mm, random_state=rng)
        values.append(quality_metrics(np.asarray(copy))[metric])
    return values
