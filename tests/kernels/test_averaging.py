"""Box averages against integrals, and products against NumPy's."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from briqa_sk.kernels.averaging import averaging_matrix, multiply_along


def test_the_average_is_the_integral_of_the_linear_interpolant():
    signal = np.random.default_rng(0).random(12)
    position, width = 5.3, 2.6
    matrix = averaging_matrix(12, [position], width)
    ends = (position - width / 2, position + width / 2)
    area = quad(lambda t: np.interp(t, np.arange(12), signal), *ends, points=[4, 5, 6])[
        0
    ]
    assert matrix @ signal == pytest.approx(area / width)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_products_along_each_axis_equal_einsum(axis):
    rng = np.random.default_rng(1)
    data = rng.random((4, 5, 6), dtype=np.float32)
    matrix = rng.random((3, data.shape[axis]))
    truth = np.moveaxis(np.tensordot(matrix, data, (1, axis)), 0, axis)
    product = multiply_along(torch.from_numpy(data), matrix, axis)
    assert product.is_contiguous()
    np.testing.assert_allclose(product, truth, rtol=1e-5)
