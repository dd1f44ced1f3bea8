"""How bright the head is, and how bright the air around it."""

import math
from dataclasses import dataclass

import numpy as np

from briqa_sk.kernels.foreground import otsu_threshold

_RAYLEIGH_MEDIAN = math.sqrt(2 * math.log(2))  # of unit sigma
_FLOOR_SIGMAS = 4.0  # one air voxel in 3000 is brighter
_FLOOR_OF_TISSUE = 0.02  # what is darker is air, whatever the noise
_SAMPLE_VOXELS = 100_000
_NARROW = 0.4  # quartiles over median; those of Rayleigh noise are .77 apart
_TOO_BRIGHT = 0.25  # over the bright part: air is darker, or wide


@dataclass(frozen=True)
class SignalLevels:
    """Levels of a magnitude image.

    Parameters
    ----------
    tissue : float
        Mean of all voxels that are not air; 0 for an empty volume.
    floor : float
        Brightest value that counts as air.
    air_sigma : float
        Standard deviation of the noise in each receiver channel, from the air; 0 if
        the air is exactly 0.
    """

    tissue: float
    floor: float
    air_sigma: float


def signal_levels(data):
    """Measure tissue and air of a magnitude image.

    Otsu's threshold finds the dark part. If most of it is exactly 0, as in phantoms and
    masked scans, air is what is 0. Otherwise air is Rayleigh noise, whose level follows
    from the median of the dark part, and tissue is what is brighter than 4 standard
    deviations of it. If the dark part is bright, and varies less than noise in air
    does, there is no air. Large volumes are measured on an evenly spaced part of their
    voxels.

    Parameters
    ----------
    data : ndarray of shape (i, j, k)
        Magnitude, not negative.

    Returns
    -------
    levels : SignalLevels
        In the units of the data.

    Examples
    --------
    >>> import numpy as np
    >>> box = np.zeros((20, 20, 20))
    >>> box[5:15, 5:15, 5:15] = 100.0
    >>> signal_levels(box).tissue
    100.0
    """
    sample = data[thinning(data.shape)]
    is_dark = sample <= otsu_threshold(sample)
    if not is_dark.any():  # a constant volume has no air
        return SignalLevels(float(sample.flat[0]), 0.0, 0.0)
    dark, bright = sample[is_dark], sample[~is_dark]
    if _is_tissue(dark, bright):
        return SignalLevels(float(sample.mean(dtype=np.float64)), 0.0, 0.0)
    sigma = float(np.median(dark)) / _RAYLEIGH_MEDIAN
    floor = max(_FLOOR_SIGMAS * sigma, _FLOOR_OF_TISSUE * float(np.median(bright)))
    # Where tissue fills most of the dark part, its median is no noise level.
    floor = min(floor, float(dark.max()))
    tissue = sample[sample > (floor if sigma > 0 else 0)]
    return SignalLevels(float(tissue.mean(dtype=np.float64)), floor, sigma)


def _is_tissue(dark, bright):
    low, median, high = np.percentile(dark, [25, 50, 75])
    is_bright = median > _TOO_BRIGHT * np.median(bright)
    return is_bright and high - low < _NARROW * median


def thinning(shape):
    """Return slices that keep at most about 100,000 voxels of a volume."""
    step = math.ceil((math.prod(shape) / _SAMPLE_VOXELS) ** (1 / 3))
    return (slice(None, None, step),) * 3
