"""Gibbs ringing: edges of a scan whose k-space ends too early."""

import math

import numpy as np

from briqa_sk.simulation._axes import MIN_VOXELS
from briqa_sk.simulation._base import Artifact
from briqa_sk.simulation._roughness import average_along


class GibbsRinging(Artifact):
    r"""Acquire too few lines of k-space, and fill in zeros.

    The outer lines along the phase axis are missing, on both sides alike, as in every
    scan that is interpolated in k-space. Edges across the axis become less steep and
    get ripples beside them, each as wide as a voxel of the lines that are left. The
    first is 9 % of the height of the edge, and others fade with their distance [1]_.
    Scanners weaken the ripples with a filter, which blurs: a drawn one goes down to
    between 1 and .5 at the last line. In a 3-D acquisition, lines are missing along
    the slice axis, too, in one draw of two.

    ======== ======== =============
    Severity Strength Lines missing
    ======== ======== =============
    0        0        none
    1        .2-.4    14 to 28 %
    2        .8-1     56 to 70 %
    ======== ======== =============

    Parameters
    ----------
    missing : float or None, default=None
        Share of the lines, below 1. None: .7 times the strength.
    axis : int or None, default=None
        Phase axis. None draws it.

    References
    ----------
    .. [1] E. Kellner, B. Dhital, V. G. Kiselev and M. Reisert, "Gibbs-ringing artifact
       removal based on local subvoxel-shifts", *Magnetic Resonance in Medicine* 76,
       2016.

    Examples
    --------
    >>> from briqa_sk.datasets import make_head_phantom
    >>> from briqa_sk.simulation import GibbsRinging
    >>> head = make_head_phantom(24, random_state=0)
    >>> GibbsRinging(missing=0.5)(head, random_state=0).history[-1]
    'gibbs_ringing: missing=0.5'
    """

    NAME = "gibbs_ringing"
    PHYSICAL = "missing"
    AXIS = "phase"
    LARGEST = 0.7
    RANGES = ((0.0, 0.0), (0.2, 0.4), (0.8, 1.0))

    def __init__(self, missing=None, axis=None):
        self.missing = missing
        self.axis = axis

    def _check_params(self):
        super()._check_params()
        if self.missing is not None and self.missing >= 1:
            raise ValueError(
                f"{self._name}: missing must be a share of the lines, below 1, got "
                f"{self.missing}."
            )

    def _draw(self, missing, acquisition, rng):
        return {
            "filter": float(rng.uniform(0.0, 0.5)),
            "slice_share": float(rng.uniform(0.3, 1.0) * (rng.random() < 0.5)),
        }

    def _apply(self, data, parameters, scan):
        axes = {scan.axis("phase", caller=self._name): 1.0}
        slices = scan.axis("slice", caller=self._name, n_least=1)
        if not scan.is_2d and scan.shape[slices] >= MIN_VOXELS:
            axes.setdefault(slices, parameters["slice_share"])
        for axis, share in axes.items():
            if share > 0:
                kept = 1 - share * parameters["missing"]
                matrix = _truncation(data.shape[axis], kept, parameters["filter"])
                data = average_along(data, scan, matrix, axis)
        return data


def add_gibbs_ringing(
    volume, strength, *, spacing_mm=(1.0, 1.0, 1.0), axis=None, random_state=None
):
    """Acquire too few lines of k-space; see :class:`GibbsRinging`.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor of shape (i, j, k)
        Magnitude image, not negative; left untouched.
    strength : float
        In [0, 1]: share of the lines that are missing, over .7. 0 returns the voxels
        unchanged.
    spacing_mm, axis, random_state
        As in :class:`GibbsRinging` and its call.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    ringing = GibbsRinging(axis=axis)
    return ringing(volume, strength, spacing_mm=spacing_mm, random_state=random_state)


def _truncation(n_voxels, kept, depth):
    """Matrix (n_voxels, n_voxels) that keeps a share of the lowest spatial frequencies.

    They are cosines, because the scan goes on as its mirror image: the edges of the
    field of view don't ring. A line that is kept in part has that part.
    """
    order = np.arange(n_voxels)
    cosines = np.cos(math.pi * order[:, None] * (order + 0.5) / n_voxels)
    cosines /= np.linalg.norm(cosines, axis=1, keepdims=True)
    n_kept = max(1.0, kept * n_voxels)
    last = np.minimum(order / n_kept, 1)
    gains = (n_kept - order).clip(0, 1) * (1 - depth * np.sin(math.pi / 2 * last) ** 2)
    return (cosines.T * gains) @ cosines
