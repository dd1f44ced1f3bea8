"""Thick slices."""

import numpy as np

from briqa_sk.kernels.averaging import averaging_matrix
from briqa_sk.simulation._base import Artifact
from briqa_sk.simulation._roughness import average_along

_FEWEST_VOXELS = 2  # along the slice axis
_THINNEST_VOXELS = 1e-6  # a box that a float still resolves; it changes nothing


class LowResolution(Artifact):
    """Acquire a scan in thick slices, interpolated back to its grid.

    The signal is averaged over the thickness of a slice, a box profile, at slice
    positions one thickness apart and in the middle of the volume, and interpolated
    linearly between them. Fine structure along the axis mixes with its neighbours
    (partial volume), which no later interpolation undoes; the size of the grid stays.
    Noise that averages out is replaced.

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
        Slice axis. None: that of the acquisition.

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
    AXIS = "slice"
    LARGEST = 8.0
    RANGES = ((0.0, 0.0), (0.35, 0.5), (0.75, 1.0))

    def __init__(self, thickness_mm=None, axis=None):
        self.thickness_mm = thickness_mm
        self.axis = axis

    def _draw(self, thickness_mm, acquisition, rng):
        return {}

    def _apply(self, data, parameters, scan):
        axis = scan.axis("slice", caller=self._name, n_least=_FEWEST_VOXELS)
        thickness = parameters["thickness_mm"] / scan.spacing_mm[axis]
        matrix = _through_slices(data.shape[axis], thickness)
        return average_along(data, scan, matrix, axis)


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
    spacing_mm, axis, random_state
        As in :class:`LowResolution` and its call.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    return LowResolution(axis=axis)(
        volume, strength, spacing_mm=spacing_mm, random_state=random_state
    )


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
