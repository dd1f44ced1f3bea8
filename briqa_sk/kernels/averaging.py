"""Averages over boxes, and matrices along one axis of a volume."""

import numpy as np
import torch


def averaging_matrix(n_voxels, positions, width):
    r"""Return the matrix that averages voxels over boxes.

    Between voxels the signal is linear, a sum of hats, and 0 outside; the average of a
    hat over a box is the difference of its integral :math:`G` at the ends of the box,
    with :math:`G(t) = (1 + t)^2 / 2` to the left of its top and
    :math:`1 - (1 - t)^2 / 2` to the right.

    Parameters
    ----------
    n_voxels : int
        Along the axis.
    positions : ndarray of shape (n_positions,)
        Centres of the boxes, in voxels.
    width : float
        Of a box, in voxels.

    Returns
    -------
    matrix : ndarray of shape (n_positions, n_voxels)
        A row sums to 1 where the box lies within the volume.
    """
    offset = np.asarray(positions)[:, None] - np.arange(n_voxels)

    def integral(t):
        t = np.clip(t, -1, 1)
        return np.where(t < 0, (1 + t) ** 2 / 2, 1 - (1 - t) ** 2 / 2)

    return (integral(offset + width / 2) - integral(offset - width / 2)) / width


def multiply_along(data, matrix, axis):
    """Multiply a volume by a matrix along one axis.

    Parameters
    ----------
    data : Tensor of shape (i, j, k), dtype float32
        C-contiguous.
    matrix : ndarray of shape (n_out, n_in)
        Its columns meet the voxels of the axis.
    axis : {0, 1, 2}
        The axis.

    Returns
    -------
    product : Tensor, dtype float32
        C-contiguous, n_out long along the axis.
    """
    matrix = torch.from_numpy(matrix).to(data.device, torch.float32)
    if axis == 2:
        return data @ matrix.T
    shape = [*data.shape[:axis], len(matrix), *data.shape[axis + 1 :]]
    product = data.new_empty(shape)
    if axis == 0:
        torch.mm(matrix, data.flatten(1), out=product.view(len(matrix), -1))
    else:
        for plane, target in zip(data, product, strict=True):
            torch.mm(matrix, plane, out=target)
    return product
