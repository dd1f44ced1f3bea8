"""Noise, and how well two classes of tissue stand out from it."""

import math

import numpy as np
from scipy import ndimage

from briqa_sk.kernels.foreground import otsu_threshold
from briqa_sk.kernels.quality.sample import (
    ratio,
    sample,
    second_differences,
    spread_of,
)

_RAYLEIGH = math.sqrt(2 / (4 - math.pi))  # from the deviation in air to that in tissue
_TAIL_PERCENTILE = 99
_NEIGHBOURHOOD = 3


def noise_metrics(head):
    """Measure noise in tissue and in air, and the contrast of two classes of tissue.

    The foreground is split in two by Otsu's threshold of means over 3 x 3 x 3 voxels:
    gray and white matter in a T1w scan, roughly. The middle half of the bright class is
    nearly one tissue.

    Parameters
    ----------
    head : HeadAndAir
        A scan.

    Returns
    -------
    metrics : dict of str to float
        See the user guide.
    """
    foreground = sample(head.data[head.foreground]).astype(np.float64)
    air = head.data[head.air]
    air_deviation = air.std(dtype=np.float64) if air.size else 0.0
    _, air_spread = spread_of(air)
    dark, bright, core = _classes(head)
    contrast = bright.mean() - dark.mean()
    residual, residual_tail, residual_air = _residuals(head)
    return {
        "snr": ratio(*spread_of(core)),
        "snr_foreground": ratio(np.median(foreground), _deviation(foreground)),
        "snr_dietrich": ratio(np.median(foreground), _RAYLEIGH * air_spread),
        "cnr": ratio(contrast, math.sqrt(air_deviation**2 + dark.var() + bright.var())),
        "cjv": ratio(dark.std() + bright.std(), contrast),
        "contrast": float(contrast),
        "contrast_to_residual": ratio(contrast, residual),
        "residual": residual,
        "residual_tail": residual_tail,
        "residual_air": residual_air,
    }


def _classes(head):
    """Return dark and bright foreground voxels, and the core of the bright ones.

    The mean over the neighbours decides: were noisy voxels told apart by themselves,
    the classes would not overlap, and their deviations stay small, however noisy the
    scan. The core is the middle half of the bright class.
    """
    smooth = ndimage.uniform_filter(head.data, _NEIGHBOURHOOD, mode="nearest")
    smooth = sample(smooth[head.foreground])
    foreground = sample(head.data[head.foreground]).astype(np.float64)
    is_bright = smooth > otsu_threshold(smooth)
    if is_bright.all():  # equal voxels are one class
        return foreground, foreground, foreground
    low, high = np.percentile(smooth[is_bright], [25, 75])
    core = foreground[(smooth >= low) & (smooth <= high)]
    return foreground[~is_bright], foreground[is_bright], core


def _deviation(values):
    """Return the standard deviation as MRIQC has it: it grows for few voxels."""
    return values.std() * math.sqrt(values.size / max(1, values.size - 1))


def _residuals(head):
    """Return noise in tissue, the weight of its tail, and noise in air.

    Second differences along all axes, one after the other, leave white noise times the
    square root of 6 per axis, and little of the anatomy.
    """
    rest, inner, gain = head.data, [slice(None)] * 3, 1.0
    for axis, n_voxels in enumerate(head.data.shape):
        if n_voxels >= 3:
            rest, gain = second_differences(rest, axis), gain * math.sqrt(6)
            inner[axis] = slice(1, -1)
    tissue = sample(np.abs(rest[head.foreground[tuple(inner)]]))
    _, in_air = spread_of(rest[head.air[tuple(inner)]])
    if tissue.size == 0:
        return 0.0, 0.0, in_air / gain
    median, tail = np.percentile(tissue, [50, _TAIL_PERCENTILE])
    return 1.4826 * float(median) / gain, ratio(tail, median), in_air / gain
