"""A grid of about 2 mm for what is smooth, and the way from it to all voxels."""

import math
from dataclasses import dataclass

import numpy as np
import torch

_SPACING_MM = 2.0
_LEAST_VOXELS = 24  # along an axis, before blocks are larger than a voxel
_SLAB = 4  # slices that are interpolated at once


@dataclass(frozen=True)
class CoarseGrid:
    """Blocks of voxels, about 2 mm long; thicker voxels are blocks of their own.

    Parameters
    ----------
    shape : tuple of 3 int
        Voxels along i, j, k.
    voxel_mm : tuple of 3 float
        Their size.
    """

    shape: tuple
    voxel_mm: tuple

    @property
    def factors(self):
        """Voxels along the edges of a block."""
        return tuple(
            int(np.clip(round(_SPACING_MM / mm), 1, max(1, n // _LEAST_VOXELS)))
            for n, mm in zip(self.shape, self.voxel_mm, strict=True)
        )

    @property
    def spacing_mm(self):
        """Edges of a block."""
        return tuple(f * mm for f, mm in zip(self.factors, self.voxel_mm, strict=True))

    @property
    def n_blocks(self):
        """Blocks along i, j, k."""
        pairs = zip(self.shape, self.factors, strict=True)
        return tuple(math.ceil(n / factor) for n, factor in pairs)

    def average(self, data):
        """Return the mean of each block.

        Parameters
        ----------
        data : Tensor of shape (i, j, k), dtype float32
            Voxels; left untouched.

        Returns
        -------
        means : Tensor of the shape of the blocks, dtype float32
            A copy. At the end of an axis, a block may have fewer voxels.
        """
        means = data
        for axis, factor in enumerate(self.factors):
            if factor > 1:
                means = _average(means, axis, factor)
        return means.clone() if means is data else means

    def slabs(self, values, *, across=0, borders=None):
        """Interpolate values of blocks, a few slices at a time.

        Quadratic B-splines: smooth, and rising wherever the values rise.

        Parameters
        ----------
        values : Tensor of the shape of the blocks, dtype float32
            At their centres; beyond the outermost ones, they are as there.
        across : int, default=0
            Axis of the slices.
        borders : int or None, default=None
            An axis along which values are wanted at the borders of the voxels, one more
            than there are, and not at their centres.

        Yields
        ------
        slab : Tensor, dtype float32
            The next 4 slices, or what is left of them.
        """
        taps = [
            _taps(n + (axis == borders), factor, 0.0 if axis == borders else 0.5)
            for axis, (n, factor) in enumerate(
                zip(self.shape, self.factors, strict=True)
            )
        ]
        values = values.movedim(across, 0)
        first, second = (taps[axis] for axis in range(3) if axis != across)
        planes = _matrix(*first, values.shape[1], values.device) @ values
        planes = planes @ _matrix(*second, values.shape[2], values.device).T
        voxels, weights = taps[across]
        for start in range(0, len(voxels), _SLAB):
            rows = slice(start, start + _SLAB)
            yield _weighted(planes, voxels[rows], weights[rows]).movedim(0, across)


def _average(data, axis, factor):
    """Return means of successive slices along an axis; the last may be of fewer."""
    n = data.shape[axis]
    whole = data.narrow(axis, 0, n // factor * factor).unflatten(axis, (-1, factor))
    total = whole.select(axis + 1, 0) + whole.select(axis + 1, 1)
    for step in range(2, factor):
        total += whole.select(axis + 1, step)
    total /= factor
    if n % factor == 0:
        return total
    rest = data.narrow(axis, n // factor * factor, n % factor)
    return torch.cat([total, rest.mean(axis, keepdim=True)], axis)


def _taps(n_positions, factor, offset):
    """Return the 3 blocks that positions read, (n, 3), and their weights."""
    position = (np.arange(n_positions) + offset) / factor - 0.5
    near = np.rint(position)
    t = position - near
    weights = np.stack([(0.5 - t) ** 2 / 2, 0.75 - t**2, (0.5 + t) ** 2 / 2], axis=-1)
    return near[:, None].astype(int) + np.arange(-1, 2), weights


def _matrix(blocks, weights, n_blocks, device):
    """Return taps as a matrix (n_positions, n_blocks)."""
    matrix = np.zeros((len(blocks), n_blocks))
    rows = np.arange(len(blocks))[:, None]
    np.add.at(matrix, (rows, np.clip(blocks, 0, n_blocks - 1)), weights)
    return torch.from_numpy(matrix).to(device, torch.float32)


def _weighted(planes, blocks, weights):
    """Return sums of 3 planes each."""
    rows = []
    for near, weight in zip(blocks.clip(0, len(planes) - 1), weights, strict=True):
        row = planes[near[0]] * weight[0]
        row.add_(planes[near[1]], alpha=weight[1])
        rows.append(row.add_(planes[near[2]], alpha=weight[2]))
    return torch.stack(rows)
