"""Move voxels without changing them, and keep the affine right."""

import numpy as np
from nibabel.orientations import (
    apply_orientation,
    axcodes2ornt,
    inv_ornt_aff,
    io_orientation,
    ornt_transform,
)


def reorient(data, affine, codes):
    """Permute and flip axes until they point where the codes say.

    Parameters
    ----------
    data : ndarray of shape (i, j, k)
        Voxels.
    affine : ndarray of shape (4, 4)
        Voxel indices -> millimetres. An oblique axis counts for the world axis that
        it is closest to.
    codes : sequence of str
        Three of the letters R or L, A or P, S or I, one per axis: the end towards
        which the index grows.

    Returns
    -------
    data : ndarray
        A view with the new axes.
    affine : ndarray of shape (4, 4)
        Places every voxel where it was.
    """
    moves = ornt_transform(io_orientation(affine), axcodes2ornt(codes))
    return apply_orientation(data, moves), affine @ inv_ornt_aff(moves, data.shape)


def crop_or_pad(data, shape, fill=0.0):
    """Cut or extend a volume around its centre.

    Where the number of voxels to cut or to add is odd, the odd one is at the low end
    of the axis, as in TorchIO; cutting undoes padding.

    Parameters
    ----------
    data : ndarray of shape (i, j, k)
        Voxels.
    shape : sequence of 3 int
        Shape to reach.
    fill : float, default=0.0
        Value of added voxels.

    Returns
    -------
    out : ndarray of the given shape
        A new array.
    start : ndarray of shape (3,), dtype int
        Index in ``data`` of the first voxel of ``out``; negative where voxels were
        added. :func:`shift_affine` takes it.
    """
    excess = np.subtract(data.shape, shape)
    start = np.sign(excess) * ((np.abs(excess) + 1) // 2)
    out = np.full(shape, fill, dtype=data.dtype)
    into, source = [], []
    for first, n_in, n_out in zip(start, data.shape, shape, strict=True):
        low, high = max(first, 0), min(first + n_out, n_in)
        source.append(slice(low, high))
        into.append(slice(low - first, high - first))
    out[tuple(into)] = data[tuple(source)]
    return out, start


def shift_affine(affine, start):
    """Return the affine of a grid whose first voxel is at index ``start``."""
    shifted = affine.copy()
    shifted[:3, 3] += affine[:3, :3] @ start
    return shifted
