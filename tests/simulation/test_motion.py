"""Motion: rigid moves, joined k-space, ghosts and displacement, known beforehand."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from briqa_sk.datasets import make_head_phantom
from briqa_sk.simulation import Acquisition, Motion, add_motion

KINDS = ("sudden", "drift", "periodic")
HALF_PRECISION = 2e-3  # of the brightest voxel


def acquire(axis=1, order="sequential", mode="3d", **given):
    """Return an acquisition with a phase axis and an order of its lines."""
    drawn = Acquisition(mode, phase_axis=axis, **given).draw(random_state=0)
    return {**drawn, "line_order": order, "n_segments": 4}


def as_parameters(poses, shots, displacement_mm, acquisition=None, **others):
    """Return parameters of poses (rotation, translation) and shots (start, pose)."""
    return {
        "strength": 1.0,
        "displacement_mm": displacement_mm,
        "kind": "drift",
        "reference": "scanner",
        "n_packages": 1,
        "n_lobes": 3,
        "poses": [{"rotation_deg": r, "translation_mm": t} for r, t in poses],
        "shots": [{"start": start, "pose": pose} for start, pose in shots],
        "acquisition": acquisition or acquire(),
        **others,
    }


def shift(*mm):
    return [0, 0, 0], list(mm)


def boxes(shape=(16, 16, 16)):
    """Return boxes of even brightness, without noise, in air that is 0."""
    data = np.zeros(shape, np.float32)
    low, middle, high = ([n * part // 8 for n in shape] for part in (2, 4, 6))
    data[tuple(map(slice, low, high))] = 0.5
    data[tuple(map(slice, middle, high))] = 1.0
    return data


@pytest.mark.parametrize("axis", range(3))
def test_one_shifted_pose_for_all_of_k_space_is_the_shifted_volume(axis):
    data = boxes((12, 14, 16))
    parameters = as_parameters([shift(2, -4, 6)], [(0, 0)], 56**0.5, acquire(axis))
    out = Motion().apply(data, parameters, spacing_mm=(1, 2, 3))
    truth = np.roll(data, (2, -2, 2), (0, 1, 2))
    assert out == pytest.approx(truth, abs=HALF_PRECISION)


def test_one_turned_pose_for_all_of_k_space_is_the_turned_volume():
    data = boxes()
    # The norm of a rotation by 90 degrees minus the identity is 2.
    parameters = as_parameters([([0, 90, 0], [0, 0, 0])], [(0, 0)], 160 / 5**0.5)
    out = Motion().apply(data, parameters)
    assert out == pytest.approx(np.rot90(data, axes=(2, 0)), abs=HALF_PRECISION)


@pytest.mark.parametrize("reference", ["centre", "mean"])
def test_from_the_pose_of_the_centre_one_pose_is_the_input(reference):
    poses = [([5, 9, -3], [2, 1, 0])]
    parameters = as_parameters(poses, [(0, 0)], 3, reference=reference)
    out = Motion().apply(boxes(), parameters)
    assert out == pytest.approx(boxes(), abs=HALF_PRECISION)


def power_mean(displacements_mm, n):
    """Return the displacement of lines in the order of the FFT, by hand."""
    weights = (2 * np.abs(np.fft.fftfreq(n)) + 0.1) ** -2.0
    return np.average(displacements_mm**0.75, weights=weights) ** (4 / 3)


def late_lines(n, order, time):
    """Return which lines of the FFT are acquired after a time."""
    row = np.fft.fftfreq(n, 1 / n) + n // 2
    if order == "sequential":
        acquired = sorted(range(n), key=lambda line: row[line])
    elif order == "centric":
        acquired = sorted(
            range(n), key=lambda line: (abs(row[line] - n // 2), row[line])
        )
    else:
        acquired = sorted(range(n), key=lambda line: (row[line] % 4, row[line]))
    return np.isin(np.arange(n), acquired[round(time * n) :])


@pytest.mark.parametrize("order", ["sequential", "centric", "interleaved"])
@pytest.mark.parametrize("axis", range(3))
def test_lines_before_and_after_a_move_are_joined(axis, order):
    n = 20
    data = boxes((n,) * 3)
    late = late_lines(n, order, 0.6)
    parameters = as_parameters(
        [shift(0, 0, 0), shift(2, 0, -1)],
        [(0, 0), (0.6, 1)],
        power_mean(5**0.5 * late, n),
        acquire(axis, order),
    )
    out = Motion().apply(data, parameters)
    spectrum = np.fft.fft(data, axis=axis)
    moved = np.fft.fft(np.roll(data, (2, -1), (0, 2)), axis=axis)
    late = late.reshape([-1 if dim == axis else 1 for dim in range(3)])
    truth = np.abs(np.fft.ifft(np.where(late, moved, spectrum), axis=axis))
    assert out == pytest.approx(truth, abs=HALF_PRECISION)


@pytest.mark.parametrize("cycles", [8, 12])
def test_ghosts_of_periodic_motion_are_one_field_of_view_per_period_apart(cycles):
    n = 96
    data = np.zeros((8, n, 8), np.float32)
    data[:, n // 2] = 100
    data = gaussian_filter(data, (0, 1, 0))
    poses = [shift(0, mm, 0) for mm in (0.3, -0.3)]
    shots = [(i / (2 * cycles), i % 2) for i in range(2 * cycles)]
    out = Motion().apply(data, as_parameters(poses, shots, 0.3))[4, :, 4]
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
    out = np.moveaxis(motion(data, random_state=1), axis, 0)
    along, across = out[:10, 14:26, 14:26], out[:, :10]
    assert np.sqrt(np.mean(along**2)) > 10 * np.sqrt(np.mean(across**2))


@pytest.mark.parametrize("order", ["ascending", "interleaved"])
def test_packages_of_slices_move_one_after_the_other(order):
    data = boxes((16, 16, 12))
    acquisition = {**acquire(mode="2d", slice_axis=2), "slice_order": order}
    parameters = as_parameters(
        [shift(0, 0, 0), shift(3, 0, 0)],
        [(0, 0), (0.5, 1)],
        3 * 0.5 ** (4 / 3),  # of a power mean over equal halves
        acquisition,
        n_packages=2,
    )
    out = Motion().apply(data, parameters)
    late = slice(6, None) if order == "ascending" else slice(1, None, 2)
    truth = data.copy()
    truth[..., late] = np.roll(data, 3, 0)[..., late]
    assert out == pytest.approx(truth, abs=HALF_PRECISION)


def test_three_dimensional_acquisitions_have_no_packages():
    poses, shots = [shift(0, 0, 0), shift(3, 0, 0)], [(0, 0), (0.5, 1)]
    one, two = (
        Motion().apply(boxes(), as_parameters(poses, shots, 1.0, n_packages=n))
        for n in (1, 2)
    )
    assert (one == two).all()


def test_what_is_stated_is_how_far_points_of_a_sphere_move():
    points = np.random.default_rng(0).normal(size=(20_000, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    points *= 80 * np.cbrt(np.random.default_rng(1).random((20_000, 1)))
    turn, mm = [3.0, -2.0, 4.0], [1.0, 2.0, -1.0]
    moved = Rotation.from_rotvec(turn, degrees=True).apply(points) + mm
    rms = np.sqrt(np.square(moved - points).sum(1).mean())
    data = gaussian_filter(np.pad(np.full((20, 20, 20), 100.0), 14), 2)
    data[data < 1e-3] = 0
    parameters = as_parameters([(turn, mm)], [(0, 0)], rms)
    out = Motion().apply(data.astype(np.float32), parameters)
    centre = (np.arange(48) * out.sum((1, 2))).sum() / out.sum()
    assert centre - 23.5 == pytest.approx(mm[0], abs=0.05)


def drawn_scale(parameters, order, n=256):
    """Return by what drawn poses are multiplied to reach what is stated."""
    starts = [shot["start"] for shot in parameters["shots"]]
    poses = np.array([shot["pose"] for shot in parameters["shots"]])
    of_line = poses[np.sum([late_lines(n, order, s) for s in starts], axis=0) - 1]
    weights = (2 * np.abs(np.fft.fftfreq(n)) + 0.1) ** -2.0
    home = np.bincount(of_line, weights).argmax()
    turns = np.radians([pose["rotation_deg"] for pose in parameters["poses"]])
    shifts = np.array([pose["translation_mm"] for pose in parameters["poses"]])
    # The RMS over a sphere of radius R is R sqrt(2 / 5) per radian of a small turn.
    rms = np.hypot(
        80 * np.sqrt(0.4) * np.linalg.norm(turns - turns[home], axis=1),
        np.linalg.norm(shifts - shifts[home], axis=1),
    )
    return parameters["displacement_mm"] / power_mean(rms[of_line], n)


def test_poses_are_as_large_as_stated_whatever_size_they_are_drawn_in():
    shots, stated = [(0, 0), (0.6, 1)], 1.5
    one, other = (
        Motion().apply(
            boxes(), as_parameters([shift(0, 0, 0), shift(mm, 0, 0)], shots, stated)
        )
        for mm in (1, 9)
    )
    assert one == pytest.approx(other, abs=HALF_PRECISION)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["sequential", "centric", "interleaved"])
def test_no_head_leaves_its_coil(kind, order):
    for seed in range(10):
        acquisition = acquire(order=order)
        motion = Motion(kind=kind)
        parameters = motion.draw(1.0, acquisition=acquisition, random_state=seed)
        poses = [pose["rotation_deg"] for pose in parameters["poses"]]
        shifts = [pose["translation_mm"] for pose in parameters["poses"]]
        scale = drawn_scale(parameters, order)
        assert scale * np.ptp(poses, axis=0).max() < 40
        assert scale * np.ptp(shifts, axis=0).max() < 40


@pytest.mark.parametrize("kind", KINDS)
def test_a_stronger_motion_has_the_same_moves_only_larger(kind):
    weak, strong = (Motion(kind=kind).draw(s, random_state=1) for s in (0.2, 0.8))
    assert strong["displacement_mm"] == pytest.approx(4 * weak["displacement_mm"])
    same = [key for key in weak if key not in ("strength", "displacement_mm")]
    assert [weak[key] for key in same] == [strong[key] for key in same]


def test_kind_and_axis_change_nothing_else_that_is_drawn():
    drawn = Motion().draw(0.5, random_state=4)
    given = Motion(kind=drawn["kind"], axis=1).draw(0.5, random_state=4)
    assert given["poses"] == drawn["poses"]
    assert given["shots"] == drawn["shots"]


def test_draws_differ_in_all_that_can_differ():
    drawn = [Motion().draw(0.5, random_state=seed) for seed in range(60)]
    assert {one["kind"] for one in drawn} == set(KINDS)
    assert {one["reference"] for one in drawn} == {"centre", "mean"}
    assert {one["n_lobes"] for one in drawn} == {1, 2, 3}
    assert {one["n_packages"] for one in drawn} == {1, 2, 3}
    sudden = [len(one["shots"]) - 1 for one in drawn if one["kind"] == "sudden"]
    assert set(sudden) == set(range(1, 7))


@pytest.mark.parametrize("kind", KINDS)
def test_four_slices_do_not_mix(kind):
    data = np.zeros((32, 32, 4), np.float32)
    data[..., 1] = make_head_phantom(32, random_state=0).data[:, :, 16]
    out = Motion(kind=kind)(data, 0.8, spacing_mm=(1, 1, 5), random_state=0)
    assert np.abs(out[..., 1] - data[..., 1]).max() > 0.1 * data.max()
    assert (out[..., [0, 2, 3]] == 0).all()


def test_four_slices_move_as_far_in_their_plane_as_stated():
    data = np.repeat(boxes((32, 32, 16))[:, :, 8:9], 4, axis=2)
    parameters = as_parameters([shift(3, 0, 4)], [(0, 0)], 5)
    out = Motion().apply(data, parameters, spacing_mm=(1, 1, 5))
    assert out == pytest.approx(np.roll(data, 5, 0), abs=HALF_PRECISION)


@pytest.fixture(scope="module")
def noisy_heads():
    """Return a head without noise, and two scans of it, SNR 20."""
    head = make_head_phantom((72, 80, 72), random_state=0).data
    sigma = 0.05 * head[head > 0].mean()
    noise = sigma * np.random.default_rng(0).normal(size=(2, 2, *head.shape))
    return head, sigma, [np.hypot(head + real, other) for real, other in noise]


@pytest.mark.parametrize("kind", KINDS)
def test_tissue_and_air_stay_as_noisy_as_they_were(noisy_heads, kind):
    # Half the difference of two scans is noise, whatever became of the head.
    head, sigma, scans = noisy_heads
    parameters = Motion(kind=kind).draw(0.5, random_state=2)
    moved = [Motion().apply(scan, parameters) for scan in scans]
    clean = Motion().apply(head, parameters)
    before, after = (np.subtract(*pair) / 2 for pair in (scans, moved))
    for region in (
        np.minimum(head, clean) > 5 * sigma,
        np.maximum(head, clean) < 0.3 * sigma,
    ):
        ratio = after[region].std() / before[region].std()
        assert ratio == pytest.approx(1, abs=0.07)


def test_the_function_is_the_class():
    data = boxes()
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
        Motion(**{"displacement_mm": 1, **parameters})(boxes())
