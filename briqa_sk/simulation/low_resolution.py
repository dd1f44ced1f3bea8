"""Thick slices."""

import numpy as np
import torch

from briqa_sk.simulation._axes import acting_axis, draw_axes
from briqa_sk.simulation._base import Artifact

_THINNEST_VOXELS = 1e-6  # a box that a float still resolves; it changes nothing


class LowResolution(Artifact):
    """Acquire a scan in thick slices, interpolated back to its grid.

    The signal is averaged over the thickness of a slice, a box profile, at slice
    positions one thickness apart and in the middle of the volume, and interpolated
    linearly between them. Fine structure along the axis mixes with its neighbours
    (partial volume), which no later interpolation undoes; the size of the grid stays.

    ======== ======== ============
    Severity Strength Thickness
    ======== ======== ============
    0        0        as acquired
    1        .35-.5   2.8 to 4 mm
    2        .75-1    6 to 8 mm
    ======== ======== ============

    Parameters
    ----------
    thickness_mm : float or None, default=None
        Of a slice. None: 8 mm times strength.
    axis : {0, 1, 2} or None, default=None
        Axis across the slices. None: drawn, along the finest voxels.

    Examples
    --------
    >>> from briqa_sk.datasets import make_head_phantom
    >>> from briqa_sk.simulation import LowResolution
    >>> head = make_head_phantom(24, random_state=0)
    >>> LowResolution(thickness_mm=20.0, axis=2)(head, random_state=0).history[-1]
    'low_resolution: thickness_mm=20'
    """

    NAME = "low_resolution"
    PHYSICAL = "thickness_mm"
    LARGEST = 8.0
    RANGES = ((0.0, 0.0), (0.35, 0.5), (0.75, 1.0))

    def __init__(self, thickness_mm=None, axis=None):
        self.thickness_mm = thickness_mm
        self.axis = axis

    def _draw(self, thickness_mm, rng):
        return {"axes": draw_axes(self.axis, rng)}

    def _apply(self, data, parameters, spacing_mm):
        axis = acting_axis(
            parameters["axes"], data.shape, spacing_mm, caller=self._name
        )
        thickness = parameters["thickness_mm"] / spacing_mm[axis]
        matrix = _through_slices(data.shape[axis], thickness)
        return multiply_along(data, matrix, axis)


def add_low_resolution(
    volume, strength, *, spacing_mm=(1.0, 1.0, 1.0), axis=None, random_state=None
):
    """Acquire a scan in thick slices; see :class:`LowResolution`.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor of shape (i, j, k)
        Magnitude image, not negative; left untouched.
    strength : float
        In [0, 1]: the thickness of the slices, over 8 mm. 0 returns the voxels
        unchanged.
    spacing_mm : float or tuple of 3 float, default=(1.0, 1.0, 1.0)
        Voxel size of an array or a tensor. A Volume knows its own.
    axis : {0, 1, 2} or None, default=None
        Axis across the slices. None: drawn.
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    return LowResolution(axis=axis)(
        volume, strength, spacing_mm=spacing_mm, random_state=random_state
    )


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


def _through_slices(n_voxels, thickness):
    """Matrix (n_voxels, n_voxels) into slices of a thickness in voxels, and back.

    Of thin slices there are many, so only the two on either side of a voxel are made.
    """
    thickness = max(thickness, _THINNEST_VOXELS)
    middle = (n_voxels - 1) / 2
    n_beside = int(np.ceil(middle / thickness - 0.5))
    place = (np.arange(n_voxels) - middle) / thickness
    place = np.clip(place, -n_beside, n_beside)
    below = np.floor(place)
    above = np.minimum(below + 1, n_beside)
    share = (place - below)[:, None]
    low, high = (
        _slice_averages(n_voxels, middle + thickness * index, thickness)
        for index in (below, above)
    )
    return (1 - share) * low + share * high


def _slice_averages(n_voxels, positions, thickness):
    average = averaging_matrix(n_voxels, positions, thickness)
    return average / average.sum(axis=1, keepdims=True)
