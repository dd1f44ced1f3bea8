"""Positioning: wrap-around, air, shifts and turns that are known beforehand."""

import numpy as np
import pytest
from scipy import stats
from scipy.ndimage import center_of_mass, gaussian_filter

from briqa_sk.simulation import Acquisition, Positioning, add_positioning


def as_parameters(shift_mm, axis=0, rotation_deg=(0, 0, 0), cut_mm=0.0):
    length = float(np.linalg.norm(shift_mm)) or 1.0
    return {
        "strength": 1.0,
        "shift_mm": length,
        "direction": (np.asarray(shift_mm) / length).tolist(),
        "rotation_deg": list(rotation_deg),
        "cut_mm": cut_mm,
        "cut_axes": [2, 1, 0],
        "cut_end": "low",
        "n_lobes": 2,
        "acquisition": Acquisition(phase_axis=axis).draw(random_state=0),
    }


@pytest.fixture(scope="module")
def head():
    """A smooth, lopsided object, small enough to stay in the field of view."""
    data = np.zeros((64, 60, 62))
    data[26:40, 24:36, 25:33] = 100
    data[30:36, 36:44, 27:31] = 50
    return gaussian_filter(data, 1.5).astype(np.float32)


@pytest.fixture(scope="module")
def noisy(head):
    channels = np.random.default_rng(0).normal(0, 2, (2, *head.shape))
    return np.hypot(head + channels[0], channels[1]).astype(np.float32)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("n", [-30, 7])
def test_along_the_phase_axis_whole_voxels_wrap_around(head, axis, n):
    data = np.where(head < 1e-3, 0, head)
    spacing_mm = (1.0, 0.8, 1.5)
    shift = n * spacing_mm[axis] * np.eye(3)[axis]
    out = Positioning().apply(data, as_parameters(shift, axis), spacing_mm=spacing_mm)
    np.testing.assert_allclose(out, np.roll(data, n, axis), atol=1e-4)


def test_noise_of_tissue_goes_along_voxel_by_voxel(noisy, head):
    out = Positioning().apply(noisy, as_parameters((0, 0, 7), axis=0))
    is_tissue = head > 20
    np.testing.assert_allclose(
        np.roll(out, -7, 2)[is_tissue], noisy[is_tissue], rtol=0.02, atol=0.1
    )


def test_along_other_axes_what_leaves_is_lost(head):
    data = np.where(head < 1e-3, 0, head)
    data[:, 1:5] = 3
    out = Positioning().apply(data, as_parameters((0, -6, 0), axis=0))
    np.testing.assert_allclose(out[:, :-6], data[:, 6:], atol=1e-4)
    assert (out[:, -6:] == 0).all()


def test_air_is_as_noisy_where_the_head_was_and_elsewhere(noisy):
    out = Positioning().apply(noisy, as_parameters((0, 25, 0), axis=0))
    left, corner = out[28:38, 26:34, 26:31].ravel(), out[:, :8].ravel()
    for air in (left, corner[::5]):
        assert stats.kstest(air, stats.rayleigh(scale=2).cdf).statistic < 0.06


def test_air_far_from_the_head_stays_as_it_was(noisy):
    out = Positioning().apply(noisy, as_parameters((4, 0, 0), 0, (0, 0, 10)))
    np.testing.assert_allclose(out[:, :, :8], noisy[:, :, :8], rtol=0.3, atol=4)
    assert np.median(np.abs(out[:, :, :8] - noisy[:, :, :8])) < 0.01


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_neck_that_turns_in_from_beyond_the_edge_leaves_no_black_wedge(axis):
    data = np.zeros((48, 48, 48), np.float32)
    data[14:34, 14:34, :40] = 100  # goes on beyond k = 0
    out = Positioning().apply(data, as_parameters((0, 0, 6), axis, (0, 12, 0)))
    assert out[20:28, 20:28, :8].min() > 75
    assert (out[:4, :4] == 0).all()


def test_what_a_turn_moves_out_of_the_phase_axis_comes_back():
    data = np.zeros((64, 32, 8), np.float32)
    data[50:60, 12:20] = 100
    out = Positioning().apply(data, as_parameters((0, 0, 0), 1, (0, 0, 90)))
    truth = np.zeros_like(data)
    truth[28:36, 2:12] = 100  # 34 to 43, less one field of view
    np.testing.assert_allclose(out, truth, atol=1e-2)


def test_a_short_field_of_view_cuts_one_end_of_another_axis(head):
    data = head + np.float32(0)
    data[data < 1e-3] = 0
    out = Positioning().apply(data, as_parameters((0, 0, 0), axis=2, cut_mm=30.5))
    assert (out[:, :30] == 0).all()
    np.testing.assert_allclose(out[:, 30:], data[:, 30:], atol=1e-4)


@pytest.mark.parametrize("strength", [0.25, 0.5, 1])
def test_strength_scales_the_shift(head, strength):
    data = np.pad(head, 12)
    parameters = Positioning().draw(strength, random_state=0)
    shift = 35 * strength * np.asarray(parameters["direction"])
    parameters |= {"rotation_deg": [0, 0, 0], "cut_mm": 0.0}
    out = Positioning().apply(data, parameters, spacing_mm=(1, 2, 1.5))
    moved = np.subtract(center_of_mass(out), center_of_mass(data)) * (1, 2, 1.5)
    assert parameters["shift_mm"] == 35 * strength
    assert moved == pytest.approx(shift, abs=0.1)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("angle_deg", [-20, 5, 30])
def test_the_head_turns_by_the_stated_angle(axis, angle_deg):
    # A long ellipsoid in the plane: its second moments tell where it points.
    i, j, k = np.moveaxis(np.indices((41, 41, 41)) - 20, 0, -1).transpose(3, 0, 1, 2)
    first, second, third = np.roll([i, j, k], -axis - 1, axis=0)
    data = np.exp(-((first / 8) ** 2) - (second / 3) ** 2 - (third / 4) ** 2)
    turn = angle_deg * np.eye(3)[axis]
    out = Positioning().apply(data, as_parameters((0, 0, 0), 0, turn))
    moments = [
        (out * a * b).sum() for a, b in ((first, first), (first, second), (second,) * 2)
    ]
    angle = np.arctan2(2 * moments[1], moments[0] - moments[2]) / 2
    assert np.degrees(angle) == pytest.approx(angle_deg, abs=0.3)


@pytest.mark.parametrize("seed", range(3))
def test_rotation_and_cut_go_along_with_the_shift(seed):
    weak, strong = (Positioning().draw(s, random_state=seed) for s in (0.25, 1))
    assert 4 * np.array(weak["rotation_deg"]) == pytest.approx(strong["rotation_deg"])
    assert 4 * weak["cut_mm"] == pytest.approx(strong["cut_mm"])
    assert 9 <= np.linalg.norm(strong["rotation_deg"]) <= 30


def test_four_slices_stay_in_their_plane():
    data = np.zeros((40, 40, 4), np.float32)
    data[15:25, 12:28, 2] = 100
    out = Positioning()(data, 0.3, spacing_mm=(1, 1, 5), random_state=0)
    sums, truth = (part.sum((0, 1)) for part in (out, data))
    assert sums == pytest.approx(truth, rel=0.06, abs=1e-3)


def test_four_slices_shift_by_all_of_the_stated_length():
    data = np.zeros((60, 60, 4), np.float32)
    data[28:32, 28:32] = 100
    parameters = as_parameters((6, 0, 8), axis=0)
    out = Positioning().apply(data, parameters, spacing_mm=(1, 1, 5))
    np.testing.assert_allclose(out, np.roll(data, 10, 0), atol=1e-3)


def test_a_phase_axis_changes_nothing_else_that_is_drawn():
    free, given = (Positioning(axis=a).draw(0.5, random_state=1) for a in (None, 2))
    assert given.pop("acquisition")["given"] == {"phase": 2}
    assert free.pop("acquisition")["given"] == {}
    assert free == given


def test_the_function_is_the_class(noisy):
    out = add_positioning(noisy, 0.5, axis=2, random_state=0)
    assert (out == Positioning(axis=2)(noisy, 0.5, random_state=0)).all()
    assert out.min() >= 0


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"shift_mm": 0}, "shift_mm must be a number above 0"),
        ({"axis": "z"}, "axis must be 0, 1 or 2"),
    ],
)
def test_an_impossible_parameter_is_refused(head, parameters, message):
    with pytest.raises(ValueError, match=message):
        Positioning(**{"shift_mm": 1, **parameters})(head)
