"""How much tissue varies: between neighbours, over the head, and smoothly."""

import numpy as np
from scipy import ndimage

from briqa_sk.kernels.quality.sample import ratio

_RIM = 2  # blocks of scalp and skull that are not looked at
_SMOOTH = 1 / 10  # of the longest edge: wider than anatomy, as narrow as a coil's lobe
_DARKEST = 1e-3


def texture_metrics(head):
    """Measure variation of block means inside the head.

    Noise is small in means of blocks, so these follow the contrast of tissues. Blocks
    at the rim are left out, where the head is thick enough.

    Parameters
    ----------
    head : HeadAndAir
        A scan.

    Returns
    -------
    metrics : dict of str to float
        See the user guide.
    """
    inner = ndimage.binary_erosion(head.head, iterations=_RIM)
    inner = inner if inner.any() else head.head
    field = smooth_field(head.coarse, head.head)
    quarter, median, upper = _levels(head.coarse[inner], [25, 50, 75])
    flat_low, flat_high = _levels((head.coarse / field)[inner], [5, 95])
    local_deviation = np.median(_local_deviation(head.coarse)[inner])
    return {
        "block_iqr": ratio(upper - quarter, median),
        "flat_range": flat_high - flat_low,
        "local_deviation": float(local_deviation),
        "nonuniformity": float(np.log(field[head.head]).std()),
    }


def smooth_field(coarse, mask):
    """Return what varies slowly in a masked image: a Gaussian mean over the mask."""
    sigma = _SMOOTH * max(coarse.shape)
    weight = ndimage.gaussian_filter(mask.astype(np.float32), sigma)
    field = ndimage.gaussian_filter(coarse * mask, sigma)
    return np.maximum(field / np.maximum(weight, _DARKEST), _DARKEST)


def _local_deviation(coarse):
    """Return the standard deviation in 3 x 3 x 3 blocks around each block."""
    mean = ndimage.uniform_filter(coarse, 3, mode="nearest")
    square = ndimage.uniform_filter(np.square(coarse), 3, mode="nearest")
    return np.sqrt(np.maximum(square - np.square(mean), 0))


def _levels(values, percentiles):
    return np.percentile(values, percentiles).tolist()
