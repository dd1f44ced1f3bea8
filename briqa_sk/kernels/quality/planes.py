"""Planes that differ from their neighbours: zipper lines and dark bands."""

import numpy as np
from scipy import ndimage

from briqa_sk.kernels.quality.head import spread
from briqa_sk.kernels.quality.sample import second_differences

_NEIGHBOURS = 9  # planes; a zipper has fewer than half of them
_LINE = 0.05  # of the mean foreground: what is fainter counts as no line
_LINE_SPREADS = 5.0
_IN_PLANE = 96  # voxels along each edge of a plane that gains are measured on
_DARKEST = 0.03  # of the mean foreground: the logarithm of less is noise
_SMALLEST_AREA = 0.1  # of the largest cut through the head
_BAND = 1 / 3  # of the head: what is wider is anatomy or a sensitivity
_DIP = 1 / 8


def plane_metrics(head):
    """Measure lines, bands and jumps along each axis.

    Parameters
    ----------
    head : HeadAndAir
        A scan. Axes of fewer than 8 voxels are left out.

    Returns
    -------
    metrics : dict of str to float
        See the user guide.
    """
    axes = head.long_axes
    lines = [_lines(profile) for profile in roughness(head.data, axes)]
    gains = [log_gains(head, axis) for axis in axes]
    return {
        "line_max": max((height for height, _ in lines), default=0.0),
        "lines_max": max((share for _, share in lines), default=0.0),
        "band_max": max((band_depth(gain, _BAND) for gain in gains), default=0.0),
        "dip_max": max((band_depth(gain, _DIP) for gain in gains), default=0.0),
    }


def roughness(data, axes):
    """Return how rough each plane is, for planes perpendicular to some axes.

    Parameters
    ----------
    data : ndarray of shape (i, j, k)
        Voxels.
    axes : list of int
        The axes.

    Returns
    -------
    profiles : list of ndarray
        For each axis, the mean absolute second difference within each plane, added
        over its two directions. Interference that differs from line to line is rough.
    """
    profiles = {axis: np.zeros(data.shape[axis]) for axis in axes}
    for along, n_voxels in enumerate(data.shape):
        if n_voxels < 3:
            continue
        rough = np.abs(second_differences(data, along))
        for axis in axes:
            if axis != along:
                others = tuple(a for a in range(3) if a != axis)
                profiles[axis] += rough.mean(axis=others, dtype=np.float64)
    return list(profiles.values())


def _lines(profile):
    """Return the height of the largest outlier and the share of outliers."""
    around = ndimage.median_filter(profile, _NEIGHBOURS, mode="nearest")
    excess = profile - around
    usual = 1.4826 * np.median(np.abs(excess))
    is_line = excess > max(_LINE, _LINE_SPREADS * usual)
    return float(excess.max()), float(is_line.mean())


def log_gains(head, axis):
    """Return by how much the signal changes from plane to plane.

    Parameters
    ----------
    head : HeadAndAir
        A scan.
    axis : int
        Axis perpendicular to the planes.

    Returns
    -------
    gains : ndarray of shape (n_planes - 1,)
        Median over the head of the logarithm of the ratio of each voxel to the one in
        the next plane, for planes that cut a tenth of the largest area or more.
        Neighbours are mostly of one tissue, so anatomy cancels, and a band stays. The
        median ignores the zipper, the mean would not.
    """
    thin = [slice(None, None, -(-n // _IN_PLANE)) for n in head.data.shape]
    thin[axis] = slice(None)
    data = np.moveaxis(head.data[tuple(thin)], axis, 0)
    # A deep band may cut the head in two: what lies between is head, too.
    inside = spread(_between(head.head, axis), head.data.shape)
    inside = np.moveaxis(inside[tuple(thin)], axis, 0)
    areas = inside.sum(axis=(1, 2))
    first, *_, last = np.flatnonzero(areas >= _SMALLEST_AREA * areas.max())[[0, -1]]
    logs = np.log(np.maximum(data[first : last + 1], _DARKEST))
    inside = inside[first : last + 1]
    both = inside[1:] & inside[:-1]
    steps = np.diff(logs, axis=0)
    gains = [
        np.median(s[b]) if b.any() else 0.0 for s, b in zip(steps, both, strict=True)
    ]
    return np.array(gains or [0.0], dtype=np.float64)


def band_depth(gains, width):
    """Return the part of the signal that is lost in the deepest band.

    Parameters
    ----------
    gains : ndarray of shape (n_planes - 1,)
        From :func:`log_gains`. They add up to a profile of the logarithm of the signal.
    width : float
        Share of the profile. What a grey closing of this length fills is a band.

    Returns
    -------
    depth : float
        From 0, no band, to 1, no signal.
    """
    profile = np.concatenate([[0.0], np.cumsum(gains)])
    size = max(3, round(width * len(profile)))
    # Nothing lies beyond the ends: where the signal fades there, that is no band.
    padded = np.pad(profile, size, constant_values=profile.min())
    filled = ndimage.grey_closing(padded, size)[size:-size]
    return float(1 - np.exp((profile - filled).min()))


def _between(mask, axis):
    """Return what lies between the first and the last True along an axis."""
    before = np.logical_or.accumulate(mask, axis=axis)
    after = np.flip(np.logical_or.accumulate(np.flip(mask, axis), axis=axis), axis)
    return before & after
