"""Bias field: exponentials of Legendre polynomials, of the stated ratio."""

import numpy as np
import pytest
from numpy.polynomial import legendre
from scipy.ndimage import gaussian_filter

from briqa_sk.datasets import make_head_phantom
from briqa_sk.simulation import BiasField, add_bias_field


def polynomial_by_numpy(parameters, shape):
    """Evaluate x, y and z along the axes of the coil, thin ones never first."""
    coil = parameters["acquisition"]["coil"]
    order = coil["axes"]
    if shape[order[0]] < 8:
        order = [order[1], order[0], order[2]]
    shape = [shape[axis] for axis in order]
    ends = [1 if n >= 8 else 0 for n in shape]
    axes = [np.linspace(-e, e, n) for e, n in zip(ends, shape, strict=True)]
    polynomial = legendre.leggrid3d(*axes, np.array(coil["coefficients"]))
    return np.moveaxis(polynomial, [0, 1, 2], order)


@pytest.mark.parametrize("shape", [(20, 25, 30), (33, 8, 17), (32, 40, 4)])
@pytest.mark.parametrize("seed", range(3))
def test_the_logarithm_of_the_field_is_the_polynomial_that_was_drawn(shape, seed):
    parameters = BiasField().draw(0.8, random_state=seed)
    field = BiasField().apply(np.full(shape, 100, np.float32), parameters) / 100
    expected = polynomial_by_numpy(parameters, shape)
    low, high = np.percentile(expected, [2, 98])
    expected *= np.log(4**0.8) / (high - low)
    log = np.log(field)
    np.testing.assert_allclose(log - log.mean(), expected - expected.mean(), atol=1e-4)


@pytest.mark.parametrize(("strength", "ratio"), [(0.25, 2**0.5), (0.5, 2), (1, 4)])
@pytest.mark.parametrize("seed", range(5))
def test_the_head_has_the_stated_ratio(strength, ratio, seed):
    head = make_head_phantom(48, random_state=seed).data
    field = add_bias_field(head, strength, random_state=seed)
    inside = head > 0.1 * head.max()
    low, high = np.percentile(field[inside] / head[inside], [2, 98])
    assert high / low == pytest.approx(ratio, rel=0.05)


@pytest.mark.parametrize("seed", range(10))
def test_the_field_has_root_mean_square_1_and_stays_above_0(seed):
    field = add_bias_field(np.ones((48, 48, 48)), 1, random_state=seed)
    assert field.min() > 0.05
    assert np.sqrt((field**2).mean()) == pytest.approx(1, abs=0.03)


def test_noise_is_as_before_where_the_coil_hears_little():
    rng = np.random.default_rng(0)
    flat = np.full((48, 48, 48), 100) + rng.normal(0, 5, (48, 48, 48))
    corrupted = BiasField(ratio=4.0)(flat, random_state=1)
    finest = corrupted[1:-1] - (corrupted[2:] + corrupted[:-2]) / 2
    dark = gaussian_filter(corrupted, 3)[1:-1] < 80
    assert finest[dark].std() == pytest.approx(5 * np.sqrt(1.5), rel=0.08)


def test_polynomials_have_order_3_or_less():
    for seed in range(10):
        drawn = BiasField().draw(1, random_state=seed)["acquisition"]["coil"]
        orders = np.argwhere(np.array(drawn["coefficients"])).sum(axis=1)
        assert set(orders) == {1, 2, 3}


def test_strength_changes_the_ratio_only():
    weak, strong = (BiasField().draw(s, random_state=6) for s in (0.25, 1))
    assert weak | {"strength": 1.0, "ratio": 4.0} == strong


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


def test_a_volume_without_8_voxels_along_any_axis_has_no_room_for_a_field():
    tiny = np.random.default_rng(0).uniform(50, 100, (4, 4, 4)).astype(np.float32)
    np.testing.assert_array_equal(add_bias_field(tiny, 0.5, random_state=0), tiny)


def test_a_ratio_below_1_is_refused():
    with pytest.raises(ValueError, match="ratio must be 1 or more"):
        BiasField(ratio=0.5)(np.ones((8, 8, 8)))
