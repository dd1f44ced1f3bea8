"""Positioning: wrap-around, air, shifts and turns that are known beforehand."""

import numpy as np
import pytest
from scipy import stats
from scipy.ndimage import center_of_mass, gaussian_filter

from briqa_sk.simulation import Positioning, add_positioning


def as_parameters(shift_mm, axis=0, rotation_deg=(0, 0, 0), cut_mm=0.0):
    length = float(np.linalg.norm(shift_mm)) or 1.0
    return {
        "strength": 1.0,
        "shift_mm": length,
        "axes": [axis],
        "direction": (np.asarray(shift_mm) / length).tolist(),
        "rotation_deg": list(rotation_deg),
        "cut_mm": cut_mm,
        "cut_axes": [2, 1, 0],
        "cut_end": "low",
        "seed": 0,
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
def test_along_the_phase_axis_whole_voxels_wrap_around(noisy, axis, n):
    spacing_mm = (1.0, 0.8, 1.5)
    shift = n * spacing_mm[axis] * np.eye(3)[axis]
    out = Positioning().apply(noisy, as_parameters(shift, axis), spacing_mm=spacing_mm)
    assert (out == np.roll(noisy, n, axis)).all()


def test_along_other_axes_whole_voxels_leave_air_of_zero_behind(head):
    data = head + 0 * head
    data[:, :5] = 3  # leaves the field of view
    data[data < 1e-3] = 0
    out = Positioning().apply(data, as_parameters((0, -6, 0), axis=0))
    assert (out[:, :-6] == data[:, 6:]).all()
    assert (out[:, -6:] == 0).all()


def test_air_that_comes_in_is_as_noisy_as_the_air_that_was_there(noisy):
    out = Positioning().apply(noisy, as_parameters((0, 0, 12), axis=0))
    new = out[:, :, :12].ravel()
    assert stats.kstest(new[::5], stats.rayleigh(scale=2).cdf).statistic < 0.02
    assert (out[:, :, 12:] == noisy[:, :, :-12]).all()


def test_air_behind_a_turn_is_noisy_too(noisy):
    out = Positioning().apply(noisy, as_parameters((0, 0, 0), 0, (0, 0, 45)))
    corner = out[:8, :8].ravel()
    assert stats.kstest(corner, stats.rayleigh(scale=2).cdf).statistic < 0.03


def test_no_word_of_random_bits_makes_an_infinite_voxel(noisy, monkeypatch):
    class LowestWords:
        def __init__(self, seed):
            pass

        def random_raw(self, n):
            return np.full(n, 0x80000000_80000000, np.uint64)

    monkeypatch.setattr(np.random, "SFC64", LowestWords)
    out = Positioning().apply(noisy, as_parameters((0, 0, 12), axis=0))
    assert np.isfinite(out).all()


@pytest.mark.parametrize("axis", [0, 2])
def test_a_turn_out_of_the_field_of_view_and_a_shift_back_lose_nothing(axis):
    data = np.zeros((64, 32, 8), np.float32)
    data[50:60, 12:20] = 100  # around j = 38.5 after the turn, and 18.5 with the shift
    out = Positioning().apply(data, as_parameters((0, -20, 0), axis, (0, 0, 90)))
    truth = np.zeros_like(data)
    truth[28:36, 14:24] = 100
    assert out == pytest.approx(truth, abs=1e-3)


def test_what_a_turn_moves_out_of_the_phase_axis_comes_back():
    data = np.zeros((64, 32, 8), np.float32)
    data[50:60, 12:20] = 100
    out = Positioning().apply(data, as_parameters((0, 0, 0), 1, (0, 0, 90)))
    truth = np.zeros_like(data)
    truth[28:36, 2:12] = 100  # 34 to 43, less one field of view
    assert out == pytest.approx(truth, abs=1e-3)


def test_where_copies_overlap_air_is_as_noisy_as_before(noisy):
    out = Positioning().apply(noisy, as_parameters((0, 0, 0), 0, (0, 0, 30)))
    overlap = out[:6, 28:32, ::2].ravel()
    assert overlap.mean() == pytest.approx(2 * np.sqrt(np.pi / 2), rel=0.15)


def test_a_short_field_of_view_cuts_one_end_of_another_axis(head):
    data = head + np.float32(0)
    data[data < 1e-3] = 0
    out = Positioning().apply(data, as_parameters((0, 0, 0), axis=2, cut_mm=30.5))
    assert (out[:, :30] == 0).all()
    assert (out[:, 30:] == data[:, 30:]).all()


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
    data = gaussian_filter(data, (1, 1, 0))
    out = Positioning()(data, 0.3, spacing_mm=(1, 1, 5), random_state=0)
    assert (out[..., [0, 1, 3]] == 0).all()
    assert out[..., 2].sum() == pytest.approx(data.sum(), rel=0.03)


def test_four_slices_shift_by_all_of_the_stated_length():
    data = np.zeros((60, 60, 4), np.float32)
    data[28:32, 28:32] = 100
    parameters = as_parameters((6, 0, 8), axis=0)
    out = Positioning().apply(data, parameters, spacing_mm=(1, 1, 5))
    assert out == pytest.approx(np.roll(data, 10, 0), abs=1e-4)


def test_a_phase_axis_changes_nothing_else_that_is_drawn():
    free, given = (Positioning(axis=a).draw(0.5, random_state=1) for a in (None, 2))
    assert {**free, "axes": [2]} == given


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
