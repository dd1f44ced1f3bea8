"""Low resolution: box averages by hand, linear in between."""

import tracemalloc

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from briqa_sk.simulation.low_resolution import (
    LowResolution,
    add_low_resolution,
    averaging_matrix,
    multiply_along,
)


def ramp(shape, axis):
    return np.moveaxis(np.ones(shape) * np.arange(1.0, shape[axis] + 1), -1, axis)


def test_slices_of_three_voxels_hold_their_box_average():
    """Signal 1 in voxel 4 of 9, a hat of area 1, lies wholly in the middle slice."""
    data = np.zeros((9, 9, 9))
    data[:, :, 4] = 9
    thick = LowResolution(thickness_mm=3, axis=2)(data)[0, 0]
    # Slice centres 1, 4, 7 hold 0, 9 / 3, 0; linear in between.
    np.testing.assert_allclose(thick, [0, 0, 1, 2, 3, 2, 1, 0, 0], atol=1e-6)


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
def test_a_ramp_stays_a_ramp_inside(axis):
    data = ramp((24, 24, 24), 2).swapaxes(2, axis)
    thick = add_low_resolution(data, 0.5, axis=axis, random_state=0)
    inside = [slice(4, -4) if other == axis else slice(None) for other in range(3)]
    np.testing.assert_allclose(thick[tuple(inside)], data[tuple(inside)], rtol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_only_the_stated_axis_is_blurred(axis):
    data = np.random.default_rng(0).random((20, 22, 24))
    thick = LowResolution(thickness_mm=4, axis=axis)(data, random_state=0)
    matrix = LowResolution(thickness_mm=4, axis=0)(np.eye(data.shape[axis])[..., None])
    truth = np.moveaxis(np.tensordot(matrix[..., 0], data, (1, axis)), 0, axis)
    np.testing.assert_allclose(thick, truth, rtol=1e-4)


@pytest.mark.parametrize("strength", [0.25, 0.5, 1.0])
def test_strength_scales_the_thickness(strength):
    assert LowResolution().draw(strength)["thickness_mm"] == 8 * strength


def test_thickness_counts_in_millimetres():
    data = np.random.default_rng(0).random((16, 16, 16))
    coarse = LowResolution(thickness_mm=6, axis=1)(data, spacing_mm=(1, 2, 1))
    fine = LowResolution(thickness_mm=3, axis=1)(data)
    np.testing.assert_array_equal(coarse, fine)


def test_a_constant_stays_up_to_the_edges():
    thick = LowResolution(thickness_mm=5, axis=0)(np.full((17, 8, 8), 7.0))
    np.testing.assert_allclose(thick, 7, rtol=1e-6)


@pytest.mark.parametrize("thickness_mm", [1e-3, 1e-9, 1e-300])
def test_slices_far_thinner_than_voxels_change_nothing(thickness_mm):
    data = np.random.default_rng(0).random((8, 9, 30))
    thin = LowResolution(thickness_mm=thickness_mm, axis=2)(data)
    np.testing.assert_allclose(thin, data, atol=thickness_mm + 1e-6)


def test_thin_slices_take_no_more_memory_than_thick_ones():
    data, peaks = np.ones((8, 8, 64), np.float32), []
    for strength in (0.5, 0.002):
        tracemalloc.start()
        add_low_resolution(data, strength, axis=2)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_white_noise_averages_out():
    noise = 100 + np.random.default_rng(0).standard_normal((80, 40, 40))
    spread = LowResolution(thickness_mm=8, axis=0)(noise)[::8].std()
    assert spread < 1 / np.sqrt(8)  # slices average 8 voxels; between them, more


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_products_along_each_axis_equal_einsum(axis):
    rng = np.random.default_rng(1)
    data = rng.random((4, 5, 6), dtype=np.float32)
    matrix = rng.random((3, data.shape[axis]))
    truth = np.moveaxis(np.tensordot(matrix, data, (1, axis)), 0, axis)
    product = multiply_along(torch.from_numpy(data), matrix, axis)
    assert product.is_contiguous()
    np.testing.assert_allclose(product, truth, rtol=1e-5)


def test_a_short_axis_is_refused():
    with pytest.raises(ValueError, match="at least 8 voxels along axis 2"):
        add_low_resolution(np.ones((20, 20, 4)), 0.5, axis=2)
