"""Where the head lies in the field of view, and what shape it has."""

import math

import numpy as np
from scipy import ndimage

from briqa_sk.kernels.quality.sample import extremes, ratio


def shape_metrics(head):
    """Measure position, cut edges, form and symmetry of the head.

    All of it is measured on blocks of voxels. Lengths are shares of the field of view.

    Parameters
    ----------
    head : HeadAndAir
        A scan.

    Returns
    -------
    metrics : dict of str to float
        See the user guide.
    """
    points = np.argwhere(head.head)
    size = np.array(head.head.shape)
    offsets = np.abs((points.mean(axis=0) + 0.5) / size - 0.5)
    low, high = points.min(axis=0) / size, 1 - (points.max(axis=0) + 1) / size
    centre = points.mean(axis=0)
    on_grid = [asymmetry(head.coarse, (n - 1) / 2, a) for a, n in enumerate(size)]
    of_head = [asymmetry(head.coarse, c, axis) for axis, c in enumerate(centre)]
    return {
        **extremes("offset", offsets.tolist()),
        "margin": float(min(low.min(), high.min())),
        "head_share": float(head.head.mean()),
        **_faces(head.head),
        **_inertia(points),
        "surface": _surface(head.head),
        "asymmetry_grid": min(on_grid),
        "asymmetry_head": min(of_head),
    }


def asymmetry(data, centre, axis):
    """Return 1 minus the correlation with the mirror image about a plane.

    Parameters
    ----------
    data : ndarray of shape (a, b, c)
        Voxels.
    centre : float
        Where the plane lies, in voxels; rounded to halves of one.
    axis : int
        Axis perpendicular to it.

    Returns
    -------
    asymmetry : float
        From 0, symmetric, to 2; 0 if what has a mirror image is constant.
    """
    index = np.arange(data.shape[axis])
    mirror = round(2 * centre) - index
    has_mirror = (mirror >= 0) & (mirror < len(index))
    one = data.take(index[has_mirror], axis=axis).astype(np.float64)
    one -= one.mean()
    other = np.flip(one, axis)
    power = np.square(one).sum()
    return float(1 - (one * other).sum() / power) if power > 0 else 0.0


def _faces(mask):
    """Return how much of the faces of the field of view is head.

    ``cut_1`` to ``cut_3`` are the largest of the six: a scan that shows the neck has
    one. ``wrap`` is the smaller one of two opposite faces, largest of three pairs.
    """
    faces = [[mask.take(end, axis=axis).mean() for end in (0, -1)] for axis in range(3)]
    largest = np.sort(np.ravel(faces))[::-1]
    cuts = {f"cut_{n + 1}": float(largest[n]) for n in range(3)}
    return {**cuts, "wrap": float(np.min(faces, axis=1).max())}


def _inertia(points):
    """Return the form of the ellipsoid with the moments of the head."""
    moments = np.cov(points.T.astype(np.float64), bias=True)
    lengths = np.sqrt(np.maximum(np.linalg.eigvalsh(moments), 0))
    # A solid ellipsoid has a variance of a fifth of its squared semi-axis.
    volume = 4 / 3 * math.pi * np.prod(np.sqrt(5) * lengths)
    return {
        "elongation_min": ratio(lengths[0], lengths[2]),
        "elongation_mid": ratio(lengths[1], lengths[2]),
        "ellipsoid": ratio(len(points), volume),
    }


def _surface(mask):
    """Return the blocks on the surface over the two-thirds power of all blocks."""
    n_inner = ndimage.binary_erosion(mask).sum()
    n_blocks = mask.sum()
    return float((n_blocks - n_inner) / n_blocks ** (2 / 3))
