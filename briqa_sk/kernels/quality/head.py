"""Where the head is, where the air, and how bright tissue is."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from briqa_sk.kernels.foreground import otsu_threshold

_MIN_VOXELS = 8
_BLOCKS = 64  # along each axis of the coarse image, at most
_LOWEST_PERCENTILE = 0.1
_SPECK = 0.01  # smallest part of the head, as a share of it
_MARGIN = 2  # blocks beside the head that are neither head nor air
_MOST = np.float32(100)  # times the mean foreground: a broken voxel, not a signal
_CUBE = np.ones((3, 3, 3), bool)
_FROM_AIR = 0.5  # of the way from air to Otsu's threshold: dark tissue is head, too


@dataclass(frozen=True)
class HeadAndAir:
    """A scan in units of its tissue, told apart into head and air.

    Parameters
    ----------
    data : ndarray of shape (i, j, k), dtype float32
        Voxels, C-contiguous, not negative; 1 is the mean foreground.
    foreground, air : ndarray of shape (i, j, k), dtype bool
        Tissue that gives signal; what lies outside the head and not beside it.
    coarse : ndarray of shape (a, b, c), dtype float32
        Means of blocks of voxels, at most 64 along each axis.
    head, coarse_air : ndarray of shape (a, b, c), dtype bool
        The head without holes; air.
    """

    data: np.ndarray
    foreground: np.ndarray
    air: np.ndarray
    coarse: np.ndarray
    head: np.ndarray
    coarse_air: np.ndarray

    @property
    def long_axes(self):
        """Axes of at least 8 voxels, along which something can be measured."""
        return [axis for axis, n in enumerate(self.data.shape) if n >= _MIN_VOXELS]


def find_head(data):
    """Scale a scan and find its head.

    The head is found in means of blocks, where noise is less: Otsu's threshold, moved
    half-way to the air so that dark tissue counts, then closed and filled. Parts with
    less than 1 % of it are noise. Foreground voxels lie in the head and are brighter
    than the threshold; their mean is the unit of the scaled image.

    Parameters
    ----------
    data : ndarray of shape (i, j, k)
        Finite voxels, not all equal. Where some are negative, the 0.1st percentile
        becomes 0 and what is below is clipped: a standardized scan gets its magnitudes
        back, up to scale. Voxels above 100 times the mean foreground are clipped.

    Returns
    -------
    head : HeadAndAir
        The scan, and what is where.
    """
    data = _as_magnitude(data)
    coarse = block_means(data)
    threshold = _threshold(coarse)
    head = _without_specks(coarse > threshold)
    head = ndimage.binary_fill_holes(_closed(head))
    coarse_air = ~ndimage.binary_dilation(head, _CUBE, iterations=_MARGIN)
    foreground = data > threshold
    foreground &= spread(head, data.shape)
    if not foreground.any():  # a block may seem brighter than its voxels, by rounding
        foreground = data == data.max()
    level = np.float32(data[foreground].mean(dtype=np.float64))
    data, coarse = (np.minimum(part, _MOST * level) / level for part in (data, coarse))
    air = spread(coarse_air, data.shape)
    return HeadAndAir(data, foreground, air, coarse, head, coarse_air)


def block_means(data):
    """Return means of blocks of equal edges, at most 64 along each axis."""
    for axis, n_voxels in enumerate(data.shape):
        edge = block_edge(n_voxels)
        if edge > 1:
            starts = np.arange(0, n_voxels, edge)
            sizes = np.diff([*starts, n_voxels]).astype(np.float32)
            sizes = sizes.reshape([-1 if a == axis else 1 for a in range(3)])
            data = np.add.reduceat(data, starts, axis=axis) / sizes
    return data


def block_edge(n_voxels):
    """Return how many voxels along an axis make a block."""
    return -(-n_voxels // _BLOCKS)


def spread(mask, shape):
    """Return the mask of the voxels whose blocks are in a coarse mask."""
    for axis, n_voxels in enumerate(shape):
        edge = block_edge(n_voxels)
        if edge > 1:
            mask = mask.take(np.arange(n_voxels) // edge, axis=axis)
    return mask


def _as_magnitude(data):
    data = np.ascontiguousarray(data, dtype=np.float32)
    # First to [-1, 1]: the difference of two float32 numbers may be infinite.
    data = data / np.abs([data.min(), data.max()]).max()
    if data.min() < 0:
        low = data.dtype.type(np.percentile(data, _LOWEST_PERCENTILE))
        low = data.min() if low == data.max() else low
        data = np.maximum(data - low, 0)
    return data


def _threshold(coarse):
    otsu = otsu_threshold(coarse)
    if otsu == -np.inf:  # blocks that are all equal: all is head
        return np.float32(otsu)
    dark, bright = coarse[coarse <= otsu], coarse[coarse > otsu]
    # Otsu's optimum lies between the means; where few levels occur, his threshold is
    # anywhere between two of them.
    middle = (dark.mean(dtype=np.float64) + bright.mean(dtype=np.float64)) / 2
    air = np.median(dark)
    between = np.float32(air + _FROM_AIR * (middle - air))
    # Of numbers that are almost equal, rounding must leave one above.
    return min(between, np.nextafter(coarse.max(), np.float32(-1)))


def _closed(mask):
    # Padded: closing erodes what touches the border.
    return ndimage.binary_closing(np.pad(mask, 1))[1:-1, 1:-1, 1:-1] | mask


def _without_specks(mask):
    labels, n_parts = ndimage.label(mask)
    sizes = np.bincount(labels.ravel(), minlength=n_parts + 1)
    is_large = sizes >= _SPECK * sizes[1:].sum()
    is_large[0] = False
    return is_large[labels] if is_large.any() else mask
