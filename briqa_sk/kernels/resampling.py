"""Trilinear resampling, one axis at a time."""

import numpy as np

# Rows of one block of interpolation weights. Small blocks multiply few zeros; smaller
# ones cost more in calls than they save (measured from 8 to 200 on a 192-voxel axis).
_BLOCK = 16

# Positions closer than this to whole voxels, over a whole axis, are whole voxels.
_SAME_VOXEL = 1e-4


def resample(data, affine, spacing_mm):
    """Resample a volume to a voxel size, by trilinear interpolation.

    The new grid has the same axes and the same centre, and as many voxels as fit into
    the old field of view; an axis of one voxel keeps it. This is the convention of
    TorchIO. Outside the outermost voxel centres, the edge value holds.

    Parameters
    ----------
    data : ndarray of shape (i, j, k), dtype float32
        Voxels, in any memory order.
    affine : ndarray of shape (4, 4)
        Voxel indices -> millimetres.
    spacing_mm : sequence of 3 float
        Voxel size to reach along i, j and k, in millimetres.

    Returns
    -------
    data : ndarray of shape (i_out, j_out, k_out), dtype float32
        C-contiguous.
    affine : ndarray of shape (4, 4)
        Of the new grid.
    """
    shape, affine_out = resampled_grid(data.shape, affine, spacing_mm)
    step = np.asarray(spacing_mm) / np.linalg.norm(affine[:3, :3], axis=0)
    positions = [
        (np.arange(n_out) - (n_out - 1) / 2) * s + (n_in - 1) / 2
        for n_out, n_in, s in zip(shape, data.shape, step, strict=True)
    ]
    return interpolate(data, positions), affine_out


def resampled_grid(shape, affine, spacing_mm):
    """Return shape and affine of the grid that :func:`resample` fills.

    Parameters
    ----------
    shape : tuple of 3 int
        Of the old grid.
    affine : ndarray of shape (4, 4)
        Of the old grid.
    spacing_mm : sequence of 3 float
        Voxel size to reach.

    Returns
    -------
    shape_out : tuple of 3 int
        Of the new grid.
    affine_out : ndarray of shape (4, 4)
        Of the new grid.
    """
    n_in, axes = np.asarray(shape), affine[:3, :3]
    spacing_in = np.linalg.norm(axes, axis=0)
    n_out = np.maximum(np.floor(n_in * spacing_in / spacing_mm), 1)
    # Headers hold float32: 100 voxels of 1.4999999 mm are 100 voxels of 1.5 mm.
    same = np.abs(n_in * (spacing_in / spacing_mm - 1)) < _SAME_VOXEL
    n_out = np.where(same | (n_in == 1), n_in, n_out)
    affine_out = np.eye(4)
    affine_out[:3, :3] = axes * (np.asarray(spacing_mm) / spacing_in)
    centre = axes @ ((n_in - 1) / 2) + affine[:3, 3]
    affine_out[:3, 3] = centre - affine_out[:3, :3] @ ((n_out - 1) / 2)
    return tuple(int(n) for n in n_out), affine_out


def interpolate(data, positions):
    """Interpolate linearly on the grid that three lists of positions span.

    Along one axis, interpolation multiplies by a matrix with two weights per row. Cut
    into blocks, this band is multiplied by the BLAS at close to its full speed, and
    without gathering voxels.

    Parameters
    ----------
    data : ndarray of shape (i, j, k), dtype float32
        Voxels, in any memory order.
    positions : sequence of 3 ndarray
        Increasing voxel indices along each axis, with fractions; indices outside the
        volume take the value at its edge.

    Returns
    -------
    out : ndarray of shape (len(positions[0]), ...), dtype float32
        C-contiguous.
    """
    data, positions = _with_positive_strides(data, positions)
    # The BLAS needs the contiguous axis among the two axes of each product. So this
    # axis comes last, and its product also turns the result into C order.
    contiguous = int(np.argmin(data.strides))
    others = [axis for axis in (2, 1, 0) if axis != contiguous]
    for axis in others:
        data = _along(data, positions[axis], axis, contiguous, order="K")
    partner = 2 if contiguous != 2 else 1
    return _along(data, positions[contiguous], contiguous, partner, order="C")


def _with_positive_strides(data, positions):
    """Undo flips of the memory order: the positions are flipped in their place."""
    positions = list(positions)
    for axis, stride in enumerate(data.strides):
        if stride < 0:
            data = np.flip(data, axis)
            positions[axis] = data.shape[axis] - 1 - positions[axis]
    return data, positions


def _along(data, positions, axis, partner, order):
    """Interpolate along one axis; ``partner`` is the other axis of the products."""
    n_in, shape = data.shape[axis], list(data.shape)
    if len(positions) == n_in and _are_whole(positions):
        flipped = positions[0] > positions[-1]
        return np.array(np.flip(data, axis) if flipped else data, order=order)
    shape[axis] = len(positions)
    out = np.empty_like(data, shape=shape, order=order)
    axes = (3 - axis - partner, axis, partner)
    source, target = data.transpose(axes), out.transpose(axes)
    for rows, columns, weights in _blocks(positions, n_in):
        np.matmul(weights, source[:, columns], out=target[:, rows])
    return out


def _are_whole(positions):
    whole = np.sort(positions) - np.arange(len(positions))
    return np.abs(whole).max() < _SAME_VOXEL


def _blocks(positions, n_in):
    """Yield rows, columns and weights of the blocks of the interpolation matrix."""
    positions = np.clip(positions, 0, n_in - 1)
    low = np.minimum(positions.astype(np.intp), max(n_in - 2, 0))
    high = np.minimum(low + 1, n_in - 1)
    fraction = (positions - low).astype(np.float32)
    for start in range(0, len(positions), _BLOCK):
        rows = slice(start, start + _BLOCK)
        first, last = low[rows].min(), high[rows].max()
        weights = np.zeros((len(low[rows]), last + 1 - first), np.float32)
        index = np.arange(len(weights))
        weights[index, low[rows] - first] += 1 - fraction[rows]
        weights[index, high[rows] - first] += fraction[rows]
        yield rows, slice(first, last + 1), weights
