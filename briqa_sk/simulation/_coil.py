"""The sensitivity of the receive coil: one smooth field, drawn once per scan."""

import numpy as np
from numpy.polynomial import legendre

DEGREE = 3
_SPREAD = np.array([0, 1, 0.3, 0.1])  # of the coefficients of order 0 to 3
_ACROSS = 0.3  # of it, for each order across the first axis
_GRID = np.linspace(-1, 1, 17)  # on which the largest deviation is measured


def draw_coil(rng):
    """Return axes and coefficients c[l][m][n] of Legendre polynomials.

    The polynomial reaches 1 or -1 in the field of view, and no further. Most of it is a
    slope along the first of the axes, as from a coil on one side of the head.

    Parameters
    ----------
    rng : Generator
        Source of the coefficients.

    Returns
    -------
    coil : dict
        ``axes``, in which the polynomial has its first, second and third variable, and
        ``coefficients``, a nested list of shape (4, 4, 4).
    """
    axes = rng.permutation(3).tolist()
    orders = np.indices((DEGREE + 1,) * 3)
    order = orders.sum(axis=0)
    across = order - orders[0]
    spread = np.where(order <= DEGREE, _SPREAD[np.minimum(order, DEGREE)], 0)
    weights = rng.standard_normal(order.shape) * spread * _ACROSS**across
    weights[1, 0, 0] = rng.choice([-1, 1]) * rng.uniform(0.8, 1)
    weights /= abs(legendre.leggrid3d(*[_GRID] * 3, weights)).max()
    return {"axes": axes, "coefficients": weights.tolist()}
