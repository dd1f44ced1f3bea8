"""Scans stay as rough as they were, whatever an artifact does to their fine structure.

White noise would do so by itself. That of real scans is correlated, in many ways, so
how much noise belongs on top of what an artifact leaves is found from the scan.
"""

import math

import numpy as np
import torch

from briqa_sk.kernels.averaging import multiply_along
from briqa_sk.kernels.quality.sample import second_differences
from briqa_sk.simulation._received import settle, split_tissue
from briqa_sk.simulation._tables import normal_like

_LARGEST_SHARE = 1.05  # interpolation has taken some of the rest
_N_STEPS = 10
_N_SAMPLES = 500_000
_FLAT = 0.1  # of the tissue: voxels whose neighbours differ least
_TISSUE_SIGMAS = 4.0  # what is darker has less than the noise of tissue


def roughness(coarse, texture, scan):
    """Return the size of the second differences of noise in flat tissue.

    They are taken along all axes, one after the other. Tissue is flat where its coarse
    part hardly changes from voxel to voxel.

    Parameters
    ----------
    coarse : Tensor of shape (i, j, k), dtype float32
        Part of a scan, from :func:`~briqa_sk.simulation._received.split_tissue`.
    texture : Tensor of shape (i, j, k), floating point
        The rest of its tissue.
    scan : Scan
        What is known of it.

    Returns
    -------
    roughness : float
        Median of their size; 0 without tissue.
    """
    rest, fine = _differences(coarse, texture, scan)
    return _size(rest + fine)


def share_of_texture(coarse, texture, scan, wanted):
    """Return how much of a texture makes a scan as rough as it was, at most.

    Noise that moves to the nearest voxel is rougher than it was if neighbours had
    similar noise.

    Parameters
    ----------
    coarse : Tensor of shape (i, j, k), dtype float32
        The scan without the texture.
    texture : Tensor of shape (i, j, k), floating point
        What can be added.
    scan : Scan
        What is known of it.
    wanted : float
        The :func:`roughness` of the scan before.

    Returns
    -------
    share : float
        From 0 to 1.05: so rough is coarse + share * texture.
    """
    rest, fine = _differences(coarse, texture, scan)
    low, high = 0.0, _LARGEST_SHARE
    for _ in range(_N_STEPS):
        share = (low + high) / 2
        is_rough = _size(rest + share * fine) > wanted
        low, high = (low, share) if is_rough else (share, high)
    return (low + high) / 2


def average_along(data, scan, matrix, axis):
    r"""Multiply tissue by a matrix along an axis, and replace noise that averages out.

    Where the matrix is :math:`W`, white noise of standard deviation 1 comes to have the
    covariance :math:`W W^T`. So new noise has what is left to the identity, and is
    :math:`(1 - W W^T)^{1/2}` times white noise. There is as much of it as makes the
    scan as rough as before.

    Parameters
    ----------
    data : Tensor of shape (i, j, k), dtype float32
        Magnitude; overwritten.
    scan : Scan
        What is known of it.
    matrix : ndarray of shape (n, n)
        Its columns meet the voxels of the axis.
    axis : int
        0, 1 or 2.

    Returns
    -------
    averaged : Tensor of shape (i, j, k), dtype float32
        ``data``, a magnitude in the air of the scan.
    """
    coarse, texture = split_tissue(data, scan)
    wanted = roughness(coarse, texture, scan)
    moved = multiply_along(coarse.add_(texture), matrix, axis)
    del coarse, texture  # before there are other copies
    values, vectors = np.linalg.eigh(np.eye(len(matrix)) - matrix @ matrix.T)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    noise = normal_like(data, scan.fresh_bits()).mul_(scan.sigma)
    noise = multiply_along(noise, root, axis)
    noise.mul_(_share_of_tissue(moved, scan))
    moved.add_(noise, alpha=share_of_texture(moved, noise, scan, wanted))
    del noise
    return data.copy_(settle(moved, data, scan))


def _share_of_tissue(data, scan):
    if scan.sigma == 0:
        return 1.0
    return data.abs().mul_(1 / (_TISSUE_SIGMAS * scan.sigma)).clamp_(max=1)


def _differences(coarse, texture, scan):
    """Return second differences of coarse and texture, at a sample of flat tissue."""
    middle = rest = _sampled(coarse)
    fine, slope = _sampled(texture), torch.zeros_like(rest)
    for axis in (1, 2, 3):
        n = rest.shape[axis] - 2
        if n >= 1:
            rest, fine = (second_differences(part, axis) for part in (rest, fine))
            step = middle.narrow(axis, 2, n) - middle.narrow(axis, 0, n)
            middle, slope = (part.narrow(axis, 1, n) for part in (middle, slope))
            slope = slope + step.abs_()
    is_tissue = middle > scan.levels.floor
    n_flat = math.ceil(_FLAT * int(is_tissue.sum()))
    if n_flat == 0:
        return rest[is_tissue], fine[is_tissue]
    is_flat = is_tissue & (slope <= slope[is_tissue].kthvalue(n_flat)[0])
    return rest[is_flat], fine[is_flat]


def _sampled(data):
    """Return every few slices, each with those beside it, (n, 3 or fewer, j, k)."""
    step = max(1, data.numel() // _N_SAMPLES)
    return data.unfold(0, min(3, len(data)), step).movedim(3, 1).float()


def _size(values):
    return float(values.abs().median()) if len(values) else 0.0
