"""Bias field: Legendre polynomials, by numpy.polynomial, of the stated deviation."""

import numpy as np
import pytest
from numpy.polynomial import legendre

from briqa_sk.simulation import BiasField, add_bias_field


def field_by_numpy(parameters, shape):
    """Evaluate x, y and z along the axes in drawn order, thin ones never first."""
    order = parameters["axes"]
    if shape[order[0]] < 8:
        order = [order[1], order[0], order[2]]
    shape = [shape[axis] for axis in order]
    ends = [1 if n >= 8 else 0 for n in shape]
    axes = [np.linspace(-e, e, n) for e, n in zip(ends, shape, strict=True)]
    polynomial = legendre.leggrid3d(*axes, np.array(parameters["coefficients"]))
    field = 1 + parameters["deviation"] * polynomial
    return np.moveaxis(field, [0, 1, 2], order)


@pytest.mark.parametrize("shape", [(20, 25, 30), (33, 8, 17), (32, 40, 4)])
@pytest.mark.parametrize("seed", range(3))
def test_the_field_is_the_polynomial_that_was_drawn(shape, seed):
    clean = np.random.default_rng(seed).uniform(50, 100, shape).astype(np.float32)
    parameters = BiasField().draw(0.8, random_state=seed)
    corrupted = BiasField().apply(clean, parameters)
    expected = field_by_numpy(parameters, shape)
    np.testing.assert_allclose(corrupted / clean, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("strength", "deviation"), [(0.25, 0.225), (0.5, 0.45), (1, 0.9)]
)
@pytest.mark.parametrize("seed", range(5))
def test_the_largest_deviation_is_the_stated_one(strength, deviation, seed):
    flat = np.ones((65, 65, 65), np.float32)
    field = add_bias_field(flat, strength, random_state=seed)
    assert abs(field - 1).max() == pytest.approx(deviation, rel=0.01)


@pytest.mark.parametrize("seed", range(10))
def test_the_field_has_mean_1_and_stays_above_0(seed):
    field = add_bias_field(np.ones((48, 48, 48)), 1, random_state=seed)
    assert field.min() > 0.05
    assert field.mean() == pytest.approx(1, abs=0.03)


def test_polynomials_have_order_3_or_less():
    for seed in range(10):
        coefficients = np.array(BiasField().draw(1, random_state=seed)["coefficients"])
        orders = np.argwhere(coefficients).sum(axis=1)
        assert set(orders) == {1, 2, 3}


def test_strength_changes_the_deviation_only():
    weak, strong = (BiasField().draw(s, random_state=6) for s in (0.25, 1))
    assert weak | {"strength": 1.0, "deviation": 0.9} == strong


def test_air_stays_0():
    data = np.zeros((16, 16, 16), np.float32)
    data[4:8] = 100
    field = add_bias_field(data, 1, random_state=0)
    assert (field[data == 0] == 0).all()


@pytest.mark.parametrize("seed", range(6))
def test_a_thin_scan_has_the_same_field_in_every_slice(seed):
    field = add_bias_field(np.ones((32, 40, 4)), 1, random_state=seed)
    assert np.ptp(field[:, :, 0]) > 0.5
    assert np.ptp(field, axis=2).max() == 0


def test_a_volume_without_8_voxels_along_any_axis_is_refused():
    with pytest.raises(ValueError, match="at least 8 voxels along an axis"):
        add_bias_field(np.ones((4, 4, 4)), 0.5)


def test_a_deviation_that_makes_signal_negative_is_refused():
    with pytest.raises(ValueError, match="deviation must be below 1"):
        BiasField(deviation=1.0)(np.ones((8, 8, 8)))
