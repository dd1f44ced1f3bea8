"""Tell the head from the air around it."""

import numpy as np
from scipy import ndimage

_N_BINS = 256
_TOP_PERCENTILE = 99.9  # vessels and spikes beyond it would stretch the histogram
_SPECK = 0.01  # smallest part of the foreground that is not noise


def otsu_threshold(data):
    """Return the value that splits a volume best into dark and bright voxels.

    Maximises the variance between the two classes [1]_, on a histogram of 256 bins
    from the minimum to the 99.9th percentile.

    Parameters
    ----------
    data : ndarray
        Voxels.

    Returns
    -------
    threshold : float
        Bright voxels are above it. Less than the minimum for a constant volume, so
        that all of it is foreground.

    References
    ----------
    .. [1] N. Otsu, "A threshold selection method from gray-level histograms", IEEE
       Trans. Systems, Man, and Cybernetics 9(1), 1979, equation 18.

    Examples
    --------
    >>> bool(1 <= otsu_threshold(np.array([0.0, 1.0, 9.0, 10.0])) < 9)
    True
    """
    # float64: 256 edges do not fit between two float32 numbers that are almost equal.
    top = data.dtype.type(np.percentile(data, _TOP_PERCENTILE))
    low, high = data.min(), data.max()
    if low == high:
        return -np.inf
    top = high if top == low else top
    span = np.float64(low), np.float64(top)
    counts, edges = np.histogram(np.minimum(data, top), _N_BINS, range=span)
    centres = (edges[:-1] + edges[1:]) / 2
    n_dark = counts.cumsum()[:-1]
    n_bright = data.size - n_dark
    sums = (counts * centres).cumsum()
    mean_dark = sums[:-1] / np.maximum(n_dark, 1)
    mean_bright = (sums[-1] - sums[:-1]) / np.maximum(n_bright, 1)
    between = n_dark * n_bright.astype(float) * (mean_bright - mean_dark) ** 2
    return edges[1 + np.argmax(between)]


def foreground_mask(data):
    """Return which voxels are brighter than Otsu's threshold.

    Parameters
    ----------
    data : ndarray of shape (i, j, k)
        Voxels.

    Returns
    -------
    mask : ndarray of shape (i, j, k), dtype bool
        At least one voxel is True; all are in a constant volume.
    """
    return data > otsu_threshold(data)


def foreground_box(mask):
    """Return the smallest box around the foreground.

    Connected parts with less than 1 % of the foreground voxels are noise in the air
    and don't count, unless all parts are so small.

    Parameters
    ----------
    mask : ndarray of shape (i, j, k), dtype bool
        Foreground; at least one voxel.

    Returns
    -------
    start, stop : ndarray of shape (3,), dtype int
        First voxel, and the one after the last.
    """
    labels, n_parts = ndimage.label(mask)
    sizes = np.bincount(labels.ravel(), minlength=n_parts + 1)[1:]
    large = sizes >= _SPECK * sizes.sum()
    boxes = ndimage.find_objects(labels)
    kept = [b for b, is_large in zip(boxes, large, strict=True) if is_large] or boxes
    start = np.min([[axis.start for axis in box] for box in kept], axis=0)
    stop = np.max([[axis.stop for axis in box] for box in kept], axis=0)
    return start, stop
