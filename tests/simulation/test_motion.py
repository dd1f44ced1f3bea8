"""Motion: rigid moves, joined k-space, ghosts and displacement, known beforehand."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from briqa_sk.datasets import make_head_phantom
from briqa_sk.simulation import Motion, add_motion

KINDS = ("sudden", "drift", "periodic")
STILL = {"rotation_deg": [0, 0, 0], "translation_mm": [0, 0, 0]}


def as_parameters(poses, shots, axis=1, reference=None):
    """Return parameters of poses (rotation, translation) and shots (start, pose)."""
    return {
        "strength": 1.0,
        "displacement_mm": 1.0,
        "axes": [axis],
        "reference": reference,
        "poses": [{"rotation_deg": r, "translation_mm": t} for r, t in poses],
        "shots": [{"start": start, "pose": pose} for start, pose in shots],
    }


def noise(shape=(16, 16, 16)):
    return np.random.default_rng(0).random(shape, dtype=np.float32)


@pytest.mark.parametrize("axis", range(3))
def test_one_shifted_pose_for_all_of_k_space_is_the_shifted_volume(axis):
    data = noise((12, 14, 16))
    parameters = as_parameters([([0, 0, 0], [2, -4, 6])], [(0, 0)], axis)
    out = Motion().apply(data, parameters, spacing_mm=(1, 2, 3))
    assert out[2:, :-2, 2:] == pytest.approx(data[:-2, 2:, :-2], abs=1e-5)


def test_one_turned_pose_for_all_of_k_space_is_the_turned_volume():
    data = noise()
    parameters = as_parameters([([0, 90, 0], [0, 0, 0])], [(0, 0)])
    assert Motion().apply(data, parameters) == pytest.approx(
        np.rot90(data, axes=(2, 0)), abs=1e-5
    )


@pytest.mark.parametrize("axis", range(3))
def test_from_the_pose_of_the_centre_one_pose_is_the_input(axis):
    data = noise()
    parameters = as_parameters([([5, 9, -3], [2, 1, 0])], [(0, 0)], axis, reference=0)
    assert (Motion().apply(data, parameters) == data).all()


@pytest.mark.parametrize("n", [15, 16])
@pytest.mark.parametrize("axis", range(3))
def test_two_halves_of_k_space_are_joined(n, axis):
    data = np.pad(noise((n - 6,) * 3), 3)
    poses = [([0, 0, 0], [0, 0, 0]), ([0, 0, 0], [2, 0, -1])]
    out = Motion().apply(data, as_parameters(poses, [(0, 0), (0.6, 1)], axis))
    spectrum = np.fft.fft(data, axis=axis)
    moved = np.fft.fft(np.roll(data, (2, -1), (0, 2)), axis=axis)
    late = (np.fft.fftfreq(n, 1 / n) + n // 2 + 0.5) / n >= 0.6
    late = late.reshape([-1 if dim == axis else 1 for dim in range(3)])
    truth = np.abs(np.fft.ifft(np.where(late, moved, spectrum), axis=axis))
    assert out == pytest.approx(truth, abs=1e-5)


@pytest.mark.parametrize("cycles", [8, 12])
def test_ghosts_of_periodic_motion_are_one_field_of_view_per_period_apart(cycles):
    n = 96
    data = np.zeros((8, n, 8), np.float32)
    data[:, n // 2] = 100
    data = gaussian_filter(data, (0, 1, 0))
    poses = [([0, 0, 0], [0, mm, 0]) for mm in (0.3, -0.3)]
    shots = [(i / (2 * cycles), i % 2) for i in range(2 * cycles)]
    out = Motion().apply(data, as_parameters(poses, shots))[4, :, 4]
    near = np.arange(n // 2 + 4, n // 2 + 2 * cycles - 4)
    ghost = (near * out[near] ** 2).sum() / (out[near] ** 2).sum()
    period_in_lines = n / cycles
    assert ghost - n // 2 == pytest.approx(n / period_in_lines, abs=0.25)


def test_a_drawn_swing_is_rounded_to_eight_steps_a_cycle():
    # Of eight shots per cycle, two are spent at each end and one on each other level.
    parameters = Motion(kind="periodic").draw(0.5, random_state=0)
    levels = np.array([shot["pose"] for shot in parameters["shots"]])
    assert (np.abs(np.diff(levels)) == 1).all()
    assert set(levels) == set(range(5))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("axis", range(3))
def test_ghosts_lie_along_the_phase_axis(kind, axis):
    data = np.zeros((40, 40, 40), np.float32)
    data[17:23, 17:23, 17:23] = 100
    motion = Motion(displacement_mm=2, kind=kind, axis=axis)
    out = np.moveaxis(motion(data, random_state=0), axis, 0)
    along, across = out[:10, 14:26, 14:26], out[:, :10]
    assert np.sqrt(np.mean(along**2)) > 20 * np.sqrt(np.mean(across**2))


def measured_displacement(parameters):
    """Average the displacement of points of a sphere from their place at half time."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(20_000, 3))
    points *= (
        80
        * np.cbrt(rng.random((20_000, 1)))
        / np.linalg.norm(points, axis=1, keepdims=True)
    )
    places = [
        Rotation.from_rotvec(pose["rotation_deg"], degrees=True).apply(points)
        + pose["translation_mm"]
        for pose in parameters["poses"]
    ]
    shots = parameters["shots"]
    starts = [shot["start"] for shot in shots]
    home = [shot["pose"] for shot in shots if shot["start"] <= 0.5][-1]
    rms = [np.sqrt(np.square(place - places[home]).sum(1).mean()) for place in places]
    durations = np.diff([*starts, 1])
    return sum(d * rms[s["pose"]] for d, s in zip(durations, shots, strict=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strength", [0.25, 0.5, 1])
def test_strength_scales_the_displacement(kind, strength):
    parameters = Motion(kind=kind).draw(strength, random_state=3)
    assert parameters["displacement_mm"] == 6 * strength
    assert measured_displacement(parameters) == pytest.approx(6 * strength, rel=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stronger_motion_has_the_same_moves_only_larger(kind):
    weak, strong = (Motion(kind=kind).draw(s, random_state=1) for s in (0.2, 0.8))
    assert weak["shots"] == strong["shots"]
    assert weak["axes"] == strong["axes"]
    for one, other in zip(weak["poses"], strong["poses"], strict=True):
        turns = one["rotation_deg"], other["rotation_deg"]
        assert np.cross(*turns) == pytest.approx(0, abs=1e-9)
        assert np.dot(*turns) >= 0


def test_kind_and_axis_change_nothing_else_that_is_drawn():
    drawn = Motion().draw(0.5, random_state=4)
    given = Motion(kind=drawn["kind"], axis=drawn["axes"][0]).draw(0.5, random_state=4)
    assert given["poses"] == drawn["poses"]
    assert given["shots"] == drawn["shots"]


@pytest.mark.parametrize("kind", KINDS)
def test_four_slices_do_not_mix(kind):
    data = np.zeros((32, 32, 4), np.float32)
    data[..., 1] = make_head_phantom(32, random_state=0).data[:, :, 16]
    out = Motion(kind=kind)(data, 0.8, spacing_mm=(1, 1, 5), random_state=0)
    assert np.abs(out[..., 1] - data[..., 1]).max() > 0.1 * data.max()
    assert (out[..., [0, 2, 3]] == 0).all()


def test_four_slices_move_as_far_in_their_plane_as_stated():
    data = np.pad(noise((16, 16, 4)), ((16, 16), (16, 16), (0, 0)))
    poses = [([0, 0, 0], [3, 0, 4])]
    out = Motion().apply(data, as_parameters(poses, [(0, 0)]), spacing_mm=(1, 1, 5))
    assert out == pytest.approx(np.roll(data, 5, 0), abs=1e-4)


def test_the_function_is_the_class():
    data = noise()
    out = add_motion(data, 0.5, axis=2, random_state=0)
    assert (out == Motion(axis=2)(data, 0.5, random_state=0)).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"displacement_mm": -1}, "displacement_mm must be a number above 0"),
        ({"kind": "nod"}, "kind must be 'sudden', 'drift', 'periodic'"),
        ({"axis": 3}, "axis must be 0, 1 or 2"),
        ({"reference": "neck"}, "reference must be 'centre' or 'scanner'"),
    ],
)
def test_an_impossible_parameter_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        Motion(**{"displacement_mm": 1, **parameters})(noise())
