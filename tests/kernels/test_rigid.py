"""Rigid motion against shifts, quarter turns, rolls and SciPy's splines."""

import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform, gaussian_filter
from scipy.spatial.transform import Rotation

from briqa_sk.kernels.rigid import move_and_wrap, move_rigidly, rotation_matrix

STILL = np.eye(3)


@pytest.fixture(scope="module")
def smooth():
    """Random blobs away from the edges of the volume."""
    blobs = np.zeros((36, 40, 38))
    blobs[12:-12, 12:-12, 12:-12] = np.random.default_rng(0).random((12, 16, 14))
    return gaussian_filter(blobs, 2).astype(np.float32)


def moved(data, rotation, translation_mm, spacing_mm=(1, 1, 1), n_lobes=3):
    motion = rotation, translation_mm, spacing_mm
    return move_rigidly(torch.tensor(data), *motion, n_lobes=n_lobes).numpy()


def by_scipy(data, rotation, translation_mm, spacing_mm):
    """Read each voxel y at R'(y - t), in millimetres from the centre."""
    scale = np.diag(spacing_mm)
    matrix = np.linalg.inv(scale) @ rotation.T @ scale
    centre = (np.array(data.shape) - 1) / 2
    offset = centre - matrix @ (centre + np.linalg.solve(scale, translation_mm))
    return affine_transform(data, matrix, offset, order=3)


def test_the_matrix_is_that_of_scipy():
    vector = np.array([10.0, -25.0, 40.0])
    truth = Rotation.from_rotvec(vector, degrees=True).as_matrix()
    assert rotation_matrix(vector) == pytest.approx(truth, abs=1e-12)


def test_whole_voxels_shift_the_array():
    data = np.random.default_rng(1).random((12, 14, 16), dtype=np.float32)
    out = moved(data, STILL, (2.0, -3.0, 8.0), (1.0, 1.5, 2.0))
    assert out[2:, :-2, 4:] == pytest.approx(data[:-2, 2:, :-4], abs=1e-6)


def test_what_comes_from_outside_has_the_value_at_the_edge_and_fades():
    data = np.random.default_rng(1).random((12, 14, 16), dtype=np.float32)
    out = moved(data, STILL, (2.0, 0.0, 0.0))
    # One voxel and a half beyond the edge, and half a voxel, of 30.
    fade = 1 - (np.array([1.5, 0.5]) / 30) ** 2
    assert out[:2] == pytest.approx(fade[:, None, None] * data[:1], abs=1e-5)


def test_noise_from_outside_is_a_mirror_image_unless_the_edge_is_air():
    data = np.random.default_rng(1).random((12, 14, 16), dtype=np.float32)
    data[0, :7] = 0
    out = moved(data, STILL, (2.0, 0.0, 0.0), n_lobes=0)
    fade = 1 - (np.array([1.5, 0.5]) / 30) ** 2
    truth = fade[:, None, None] * data[1::-1]
    assert out[:2, 7:] == pytest.approx(truth[:, 7:], abs=1e-5)
    assert (out[:2, :7] == 0).all()


def test_half_a_field_of_view_beyond_the_edge_nothing_is_left():
    out = moved(np.ones((64, 8, 8), np.float32), STILL, (40.0, 0.0, 0.0))
    assert (out[:10] == 0).all()
    assert out[40:] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("axis", range(3))
def test_a_quarter_turn_is_rot90(axis):
    data = np.random.default_rng(2).random((15, 15, 15), dtype=np.float32)
    plane = ((axis + 1) % 3, (axis + 2) % 3)
    out = moved(data, rotation_matrix(90 * np.eye(3)[axis]), (0, 0, 0))
    assert out == pytest.approx(np.rot90(data, axes=plane), abs=1e-5)


@pytest.mark.parametrize("spacing_mm", [(1, 1, 1), (1.0, 0.8, 1.3)])
def test_a_smooth_volume_moves_as_splines_move_it(smooth, spacing_mm):
    rotation, translation_mm = rotation_matrix((6, -9, 4)), (1.3, -0.6, 0.45)
    out = moved(smooth, rotation, translation_mm, spacing_mm)
    truth = by_scipy(smooth, rotation, translation_mm, spacing_mm)
    assert np.abs(out - truth).max() < 0.01 * smooth.max()


def test_a_motion_and_its_inverse_give_the_volume_back(smooth):
    rotation, translation = rotation_matrix((5, 5, -8)), np.array([0.5, 1.5, -1.0])
    there = moved(smooth, rotation, translation)
    back = moved(there, rotation.T, -rotation.T @ translation)
    assert np.abs(back - smooth).max() < 0.01 * smooth.max()


def test_fine_detail_keeps_more_contrast_than_linear_interpolation_leaves_it():
    # A wave of 4 voxels, shifted by half a voxel, keeps cos(pi / 4) = .71 of its
    # amplitude under linear interpolation.
    wave = np.sin(np.pi / 2 * np.arange(64))[:, None, None].astype(np.float32)
    out = moved(wave, STILL, (0.5, 0, 0))[8:-8]
    assert np.sqrt(2 * np.mean(out**2)) == pytest.approx(1, abs=0.03)


def wrapped(data, rotation, translation_mm, spacing_mm, axis, n_lobes=2):
    motion = rotation, translation_mm, spacing_mm, axis
    return move_and_wrap(torch.tensor(data), *motion, n_lobes=n_lobes).numpy()


def by_scipy_in_five(data, rotation, translation_mm, spacing_mm, axis):
    """Move the volume in five fields of view, and add up those along an axis."""
    padded = np.pad(data, [(2 * n, 2 * n) for n in data.shape])
    far = by_scipy(padded, rotation, translation_mm, spacing_mm)
    middle = [slice(2 * n, 3 * n) for n in data.shape]
    total = 0
    for copy in range(5):
        middle[axis] = slice(copy * data.shape[axis], (copy + 1) * data.shape[axis])
        total = total + far[tuple(middle)]
    return total


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize(
    ("n", "n_lobes"), [(-30, 2), (-1, 3), (5, 2), (-30, 0), (5, 0)]
)
def test_whole_voxels_roll_along_the_axis_that_wraps(axis, n, n_lobes):
    data = np.zeros((24, 26, 28), np.float32)
    data[8:16, 8:16, 8:16] = np.random.default_rng(0).random((8, 8, 8))
    shift = 0.8 * n * np.eye(3)[axis]
    out = wrapped(data, STILL, shift, (0.8,) * 3, axis, n_lobes)
    assert (out == np.roll(data, n, axis)).all()


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("vector", [(15, -12, 6), (0, 30, 0), (30, 0, 0)])
def test_a_smooth_volume_moves_and_wraps_as_splines_do_it(axis, vector):
    spacing_mm, translation_mm = (1.0, 0.8, 1.3), np.array([7.3, -9.6, 14.0])
    blobs = np.zeros((40, 50, 36))
    blobs[13:-13, 15:-15, 12:-12] = np.random.default_rng(0).random((14, 20, 12))
    data = gaussian_filter(blobs, 1.5).astype(np.float32)
    motion = rotation_matrix(vector), translation_mm, spacing_mm, axis
    out = wrapped(data, *motion)
    assert np.abs(out - by_scipy_in_five(data, *motion)).max() < 0.02 * data.max()


@pytest.mark.parametrize("axis", range(3))
def test_a_turn_and_a_shift_along_the_axis_that_wraps_keep_all_signal(smooth, axis):
    shift = 25.0 * np.eye(3)[axis]
    out = wrapped(smooth, rotation_matrix((8, -6, 9)), shift, (1, 1, 1), axis)
    assert out.sum() == pytest.approx(smooth.sum(), rel=1e-3)


def test_of_noise_that_overlaps_one_copy_is_kept():
    ones, turn = np.ones((20, 60, 8), np.float32), rotation_matrix((0, 0, 30))
    kept, summed = (
        wrapped(ones, turn, (0, 0, 0), (1, 1, 1), 0, n_lobes) for n_lobes in (0, 2)
    )
    assert kept.max() == 1
    assert summed.max() > 1.5
