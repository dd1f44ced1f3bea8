"""Bias field: a receive coil that does not hear all voxels equally well."""

import numpy as np
import torch
from numpy.polynomial import legendre

from briqa_sk.simulation._axes import MIN_VOXELS, acting_axis, draw_axes
from briqa_sk.simulation._base import Artifact

_DEGREE = 3
_SPREAD = np.array([0, 1, 0.3, 0.1])  # of the coefficients of order 0 to 3
_ACROSS = 0.3  # of it, for each order across the first axis
_GRID = np.linspace(-1, 1, 17)  # on which the largest deviation is measured


class BiasField(Artifact):
    r"""Multiply by a smooth sensitivity of the receive coil.

    The sensitivity is a polynomial of order 3 or less in the position, made of
    Legendre polynomials :math:`P` over the field of view, whose edges are -1 and 1:

    .. math:: b(x, y, z) = 1 + d \sum_{1 \le l + m + n \le 3}
              c_{lmn} P_l(x) P_m(y) P_n(z)

    as [1]_ models it. Its axes x, y, z are the axes of the volume in drawn order, x one
    with at least 8 voxels. Its coefficients are drawn: most of it is a slope along x,
    as from a coil on one side of the head. They are scaled so that the largest
    deviation from 1 in the field of view, most often in one of its corners, is d; a
    head in the middle sees about half of it. The mean is 1, and the smallest value
    above 0. Along axes with fewer than 8 voxels, the field is constant, as in the
    centre. Strength scales d.

    ======== ========= =========
    Severity Strength  Deviation
    ======== ========= =========
    0        0         0
    1        .3-.5     .27-.45
    2        .75-1     .68-.9
    ======== ========= =========

    Parameters
    ----------
    deviation : float or None, default=None
        Largest deviation of the sensitivity from 1, below 1. None: 0.9 times strength.

    References
    ----------
    .. [1] K. Van Leemput, F. Maes, D. Vandermeulen and P. Suetens, "Automated
       model-based bias field correction of MR images of the brain", IEEE Transactions
       on Medical Imaging 18, 1999.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk.simulation import BiasField
    >>> field = BiasField(deviation=0.5)(np.ones((17, 17, 17)), random_state=0)
    >>> bool(np.isclose(abs(field - 1).max(), 0.5))
    True
    """

    NAME = "bias_field"
    PHYSICAL = "deviation"
    LARGEST = 0.9
    RANGES = ((0.0, 0.0), (0.3, 0.5), (0.75, 1.0))

    def __init__(self, deviation=None):
        self.deviation = deviation

    def _check_params(self):
        super()._check_params()
        if self.deviation is not None and self.deviation >= 1:
            raise ValueError(
                f"{self._name}: deviation must be below 1, so that the field stays "
                f"above 0, got {self.deviation}."
            )

    def _draw(self, deviation, rng):
        return {
            "axes": draw_axes(None, rng),
            "coefficients": _draw_coefficients(rng),
        }

    def _apply(self, data, parameters, spacing_mm):
        weights = parameters["deviation"] * np.array(parameters["coefficients"])
        weights[0, 0, 0] = 1
        # Of a coil, slices are no special axis: as if voxels were cubes.
        cube = (1.0, 1.0, 1.0)
        main = acting_axis(parameters["axes"], data.shape, cube, caller=self._name)
        others = [axis for axis in parameters["axes"] if axis != main]
        weights = weights.transpose(np.argsort([main, *others]))
        rows, along_j, along_k = (_basis(n) for n in data.shape)
        columns = np.einsum("lmn,jm,kn->ljk", weights, along_j, along_k)
        rows = torch.from_numpy(rows).to(data.device, torch.float32)
        columns = torch.from_numpy(columns).to(data.device, torch.float32).flatten(1)
        for plane, row in zip(data.flatten(1), rows, strict=True):
            plane.mul_(row @ columns)
        return data


def add_bias_field(volume, strength, *, spacing_mm=(1.0, 1.0, 1.0), random_state=None):
    """Multiply by a smooth sensitivity of the receive coil; see :class:`BiasField`.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor of shape (i, j, k)
        Magnitude image, not negative; left untouched.
    strength : float
        In [0, 1]: a sensitivity that deviates from 1 by up to 0.9 at 1. 0 returns the
        voxels unchanged.
    spacing_mm : float or tuple of 3 float, default=(1.0, 1.0, 1.0)
        Voxel size, which the field does not depend on.
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    return BiasField()(
        volume, strength, spacing_mm=spacing_mm, random_state=random_state
    )


def _draw_coefficients(rng):
    """Return c[l][m][n], whose polynomial reaches 1 or -1, but no further."""
    orders = np.indices((_DEGREE + 1,) * 3)
    order = orders.sum(axis=0)
    across = order - orders[0]
    spread = np.where(order <= _DEGREE, _SPREAD[np.minimum(order, _DEGREE)], 0)
    weights = rng.standard_normal(order.shape) * spread * _ACROSS**across
    weights[1, 0, 0] = rng.choice([-1, 1]) * rng.uniform(0.8, 1)
    return (weights / abs(legendre.leggrid3d(*[_GRID] * 3, weights)).max()).tolist()


def _basis(n_voxels):
    """Return the Legendre polynomials at the voxels of an axis, (n_voxels, 4)."""
    edge = 1 if n_voxels >= MIN_VOXELS else 0
    return legendre.legvander(np.linspace(-edge, edge, n_voxels), _DEGREE)
