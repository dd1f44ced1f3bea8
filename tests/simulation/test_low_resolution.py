"""Low resolution: box averages by hand, linear in between."""

import tracemalloc

import numpy as np
import pytest

from briqa_sk.simulation import LowResolution, add_low_resolution


def in_air(data, axis):
    """Lay what fills an axis into air of 0 along the others."""
    return np.pad(data, [(0, 0) if a == axis else (12, 12) for a in range(3)])


def test_slices_of_three_voxels_hold_their_box_average():
    """Signal 1 in voxel 4 of 9, a hat of area 1, lies wholly in the middle slice."""
    data = np.zeros((9, 9, 9))
    data[:, :, 4] = 9
    thick = LowResolution(thickness_mm=3, axis=2)(data)[0, 0]
    # Slice centres 1, 4, 7 hold 0, 9 / 3, 0; linear in between.
    np.testing.assert_allclose(thick, [0, 0, 1, 2, 3, 2, 1, 0, 0], atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_ramp_stays_a_ramp_inside(axis):
    data = np.moveaxis(np.ones((24, 24, 24)) * np.arange(50.0, 74), -1, axis)
    data = in_air(data, axis)
    thick = add_low_resolution(data, 0.5, axis=axis, random_state=0)
    inside = [slice(4, -4) if other == axis else slice(None) for other in range(3)]
    np.testing.assert_allclose(thick[tuple(inside)], data[tuple(inside)], atol=0.05)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_only_the_stated_axis_is_blurred(axis):
    lines = 50 + 50 * (np.arange(24) // 6 % 2)
    data = np.moveaxis(np.ones((24, 24, 24)) * lines, -1, axis)
    data = in_air(data, axis)
    others = LowResolution(thickness_mm=4, axis=(axis + 1) % 3)
    thick = LowResolution(thickness_mm=4, axis=axis)(data, random_state=0)
    middle = [24, 24, 24]
    middle[axis] = slice(None)
    across = others(data, random_state=0)[tuple(middle)]
    np.testing.assert_allclose(across, lines[: len(across)], atol=0.05)
    assert np.abs(thick[tuple(middle)] - lines).max() > 10


@pytest.mark.parametrize("strength", [0.25, 0.5, 1.0])
def test_strength_scales_the_thickness(strength):
    assert LowResolution().draw(strength)["thickness_mm"] == 8 * strength


def test_thickness_counts_in_millimetres():
    data = np.zeros((30, 30, 30))
    data[8:22, 8:22, 8:22] = 100
    coarse = LowResolution(thickness_mm=6, axis=1)(data, spacing_mm=(1, 2, 1))
    fine = LowResolution(thickness_mm=3, axis=1)(data)
    np.testing.assert_allclose(coarse, fine, atol=0.05)


def test_a_constant_stays_up_to_the_edges():
    thick = LowResolution(thickness_mm=5, axis=0)(np.full((17, 8, 8), 7.0))
    np.testing.assert_allclose(thick, 7, rtol=1e-6)


@pytest.mark.parametrize("thickness_mm", [1e-3, 1e-9, 1e-300])
def test_slices_far_thinner_than_voxels_change_nothing(thickness_mm):
    data = in_air(np.random.default_rng(0).uniform(80, 120, (8, 9, 30)), axis=2)
    thin = LowResolution(thickness_mm=thickness_mm, axis=2)(data)
    np.testing.assert_allclose(thin, data, atol=100 * thickness_mm + 0.01)


def test_thin_slices_take_no_more_memory_than_thick_ones():
    data, peaks = np.ones((8, 8, 64), np.float32), []
    for strength in (0.5, 0.002):
        tracemalloc.start()
        add_low_resolution(data, strength, axis=2)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_white_noise_stays_as_strong_as_it_was():
    noise = np.random.default_rng(0).normal(100, 5, (80, 40, 40))
    thick = LowResolution(thickness_mm=8, axis=0)(in_air(noise, 0))
    inside = thick[4:-4, 14:-14, 14:-14]
    assert inside.std() == pytest.approx(5, rel=0.05)


def test_air_beside_the_slices_stays_exactly_0():
    data = in_air(np.full((20, 16, 16), 100.0), axis=0)
    assert (LowResolution(thickness_mm=6, axis=0)(data)[data == 0] == 0).all()


def test_one_slice_has_no_neighbours():
    with pytest.raises(ValueError, match="at least 2 voxels along its slice axis 2"):
        add_low_resolution(np.ones((20, 20, 1)), 0.5, axis=2)
