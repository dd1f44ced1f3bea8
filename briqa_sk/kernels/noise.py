"""Noise of a magnitude image: how much there is, and what is left without it."""

import math

import numpy as np
import torch
from torch.nn.functional import avg_pool3d, max_pool3d

_CENTRE = 0.5  # weight of a voxel in its own mean; its neighbours have up to 1
_SLAB_VOXELS = 1 << 18
_SAMPLE_VOXELS = 1 << 19
_N_STEPS = 12
_BELOW_SIGMA = 0.903  # median of the spreads of 27 normal numbers that are below 1
_NORMAL_MEDIAN = 0.6745  # of the absolute value of a normal number
_FINEST = (3.0, 5.0)  # robust standard deviations; what differs by more is an edge


def noise_level(data, floor):
    """Estimate the standard deviation of noise in tissue; needs no air.

    Most cubes of 3 x 3 x 3 voxels hold some anatomy. Those that do not have the lowest
    spread, and it scatters about that of the noise: half of what is below the noise is
    below .903 of it, which is solved from the lower end. Slabs in the middle of the
    volume stand for all of it.

    Parameters
    ----------
    data : Tensor of shape (i, j, k)
        Magnitude.
    floor : float
        Brightest value that counts as air.

    Returns
    -------
    sigma : float
        In the units of the data; 0 without tissue.
    """
    part = middle_slabs(data)[None].double()  # (1, n_rows, j, k)
    size = [min(3, n) for n in part.shape[1:]]
    n = math.prod(size)
    mean = avg_pool3d(part, size, 1)
    variance = avg_pool3d(part.square(), size, 1).sub_(mean.square())
    is_tissue = -max_pool3d(-part, size, 1) > floor
    spread = variance[is_tissue].clamp_(min=0).mul_(n / max(1, n - 1)).sqrt_()
    return _lowest_level(np.sort(spread.cpu().numpy()))


def local_means(data, width, own=None):
    """Average each voxel with its neighbours that are within a width of it.

    A bilateral filter, along one axis after the other: edges that are higher than the
    width stay (Pham and van Vliet 2005, *IEEE International Conference on Multimedia
    and Expo*).

    Parameters
    ----------
    data : Tensor of shape (i, j, k), dtype float32
        Left untouched.
    width : float
        Largest difference to a neighbour that counts, in the units of the data.
    own : Tensor of shape (i, j, k), dtype float32, or None, default=None
        Overwritten by the weight that each voxel has in its own mean along an axis,
        averaged over the axes: 1 for a voxel without neighbours that count.

    Returns
    -------
    means : Tensor of shape (i, j, k), dtype float32
        A copy of the data at width 0.
    """
    local = torch.empty_like(data)
    if own is not None:
        own.fill_(0 if width > 0 else 1)
    for rows, slab, inner in _overlapping(data):
        if width > 0:
            for axis in range(3):
                slab, total = _averaged(slab, axis, width)
                if own is not None:
                    own[rows] += total.reciprocal_().mul_(_CENTRE / 3)[inner]
        local[rows] = slab[inner]
    return local


def smooth_means(data, axes=(0, 1, 2)):
    """Average each voxel with its neighbours, with weights (1, 2, 1) / 4 on some axes.

    Parameters
    ----------
    data : Tensor of shape (i, j, k), dtype float32
        Left untouched; outside, it has the value at its edge.
    axes : sequence of int, default=(0, 1, 2)
        Those on which it is averaged.

    Returns
    -------
    means : Tensor of shape (i, j, k), dtype float32
        A copy.
    """
    means = torch.empty_like(data)
    for rows, slab, inner in _overlapping(data):
        for axis in axes:
            slab = _binomial(slab, axis)
        means[rows] = slab[inner]
    return means


def finest_texture(data, means, floor):
    """Return what is finer than a voxel and its neighbours, but for edges.

    It is the difference from :func:`smooth_means`, faded out between 3 and 5 robust
    standard deviations of it in tissue. In scans that is noise, for the most part.
    Interpolation between voxels would remove it; the rest is smooth enough to be
    interpolated.

    Parameters
    ----------
    data : Tensor of shape (i, j, k), dtype float32
        Left untouched.
    means : Tensor of shape (i, j, k), dtype float32
        Its smooth means; overwritten by the texture.
    floor : float
        Brightest value that counts as air.

    Returns
    -------
    texture : Tensor of shape (i, j, k), dtype float32
        Of both signs.
    """
    texture = means.sub_(data).neg_()
    tissue = middle_slabs(texture)[middle_slabs(data) > floor]
    step = max(1, len(tissue) // 100_000)
    size = float(tissue[::step].abs().median()) / _NORMAL_MEDIAN if len(tissue) else 0.0
    if size == 0:
        return texture.zero_()
    low, high = (n * size for n in _FINEST)
    for slab in texture.split(max(1, _SLAB_VOXELS // texture[0].numel())):
        slab.mul_(slab.abs().sub_(high).mul_(1 / (low - high)).clamp_(0, 1))
    return texture


def middle_slabs(data):
    """Return a view of slabs from the middle of a volume, half a million voxels."""
    n_rows = max(3, _SAMPLE_VOXELS // max(1, data[0].numel()))
    start = max(0, (len(data) - n_rows) // 2)
    return data[start : start + n_rows]


def _lowest_level(spread):
    """Level about which the lowest of sorted spreads scatter."""
    if spread.size == 0:
        return 0.0
    level = float(spread[len(spread) // 20])
    for _ in range(_N_STEPS):
        n_below = np.searchsorted(spread, level, side="right")
        level = float(spread[n_below // 2]) / _BELOW_SIGMA
    return level


def _overlapping(data):
    """Yield rows, the slab of these with their neighbours, and where it has them."""
    n_rows = max(1, _SLAB_VOXELS // max(1, data[0].numel()))
    for start in range(0, len(data), n_rows):
        first, last = max(0, start - 1), min(len(data), start + n_rows + 1)
        n = min(n_rows, len(data) - start)
        rows, inner = (slice(at, at + n) for at in (start, start - first))
        yield rows, data[first:last], inner


def _averaged(data, axis, width):
    """Average along one axis with weights 1 - (difference / width)^2; their sum."""
    n = data.shape[axis] - 1
    step = data.narrow(axis, 1, n) - data.narrow(axis, 0, n)
    weight = step.square().mul_(-1 / width**2).add_(1).clamp_(min=0)
    step *= weight
    total = torch.full_like(data, _CENTRE)
    total.narrow(axis, 0, n).add_(weight)
    total.narrow(axis, 1, n).add_(weight)
    shift = torch.zeros_like(data)
    shift.narrow(axis, 0, n).add_(step)
    shift.narrow(axis, 1, n).sub_(step)
    return shift.div_(total).add_(data), total


def _binomial(data, axis):
    """Average along one axis with weights 1/4, 1/2, 1/4; edges count for outside."""
    n = data.shape[axis] - 1
    step = (data.narrow(axis, 1, n) - data.narrow(axis, 0, n)).mul_(0.25)
    mean = data.clone()
    mean.narrow(axis, 0, n).add_(step)
    mean.narrow(axis, 1, n).sub_(step)
    return mean
