"""Rigid motion with wrap-around, against rolls and SciPy in a larger field of view."""

import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform, gaussian_filter

from briqa_sk.kernels.rigid import rotation_matrix
from briqa_sk.kernels.wrapping import count_sources, move_and_wrap

STILL = np.eye(3)


def counted(*args):
    return torch.stack(list(count_sources(*args))).numpy()


def by_scipy(data, rotation, translation_mm, spacing_mm, axis):
    """Move the volume in five fields of view, and add up those along an axis."""
    scale = np.diag(spacing_mm)
    matrix = np.linalg.inv(scale) @ rotation.T @ scale
    padded = np.pad(data, [(2 * n, 2 * n) for n in data.shape])
    centre = (np.array(padded.shape) - 1) / 2
    offset = centre - matrix @ (centre + np.linalg.solve(scale, translation_mm))
    moved = affine_transform(padded, matrix, offset, order=3)
    middle = [slice(2 * n, 3 * n) for n in data.shape]
    total = 0
    for copy in range(5):
        middle[axis] = slice(copy * data.shape[axis], (copy + 1) * data.shape[axis])
        total = total + moved[tuple(middle)]
    return total


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("n", [-30, -1, 5])
def test_whole_voxels_roll_along_the_axis(axis, n):
    data = np.random.default_rng(0).random((12, 14, 16), dtype=np.float32)
    shift = 0.8 * n * np.eye(3)[axis]
    moved = move_and_wrap(torch.tensor(data), STILL, shift, (0.8,) * 3, axis)
    assert (moved.numpy() == np.roll(data, n, axis)).all()


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("vector", [(25, -20, 10), (0, 40, 0), (80, 0, 0)])
def test_a_smooth_volume_moves_and_wraps_as_splines_do_it(axis, vector):
    spacing_mm, translation_mm = (1.0, 0.8, 1.3), np.array([7.3, -9.6, 14.0])
    blobs = np.zeros((26, 36, 22))
    blobs[6:-6, 6:-6, 6:-6] = np.random.default_rng(0).random((14, 24, 10))
    data = gaussian_filter(blobs, 1.5).astype(np.float32)
    motion = rotation_matrix(vector), translation_mm, spacing_mm, axis
    moved = move_and_wrap(torch.tensor(data), *motion).numpy()
    assert np.abs(moved - by_scipy(data, *motion)).max() < 0.02 * data.max()


@pytest.mark.parametrize("axis", range(3))
def test_sources_are_counted_where_a_volume_of_ones_comes_to(axis):
    shape, spacing_mm = (20, 24, 22), (1.0, 0.8, 1.3)
    motion = rotation_matrix((25, -20, 10)), (7.3, -9.6, 14.0), spacing_mm, axis
    moved = move_and_wrap(torch.ones(shape), *motion).numpy()
    # Their edges are blurred in one and sharp in the other.
    assert np.mean(np.rint(moved) == counted(shape, *motion)) > 0.95
    assert moved.max() > 1.5


def test_the_field_of_view_ends_where_its_voxels_end():
    counts = counted((8, 9, 10), STILL, (2.0, 0.0, -3.0), (1, 1, 1), 1)
    truth = np.zeros((8, 9, 10))
    truth[2:, :, :7] = 1
    assert counts.tolist() == truth.tolist()


def test_along_the_axis_a_shift_leaves_no_voxel_without_a_source():
    counts = counted((8, 9, 10), STILL, (0.0, 0.5, 0.0), (1, 1, 1), 1)
    assert (counts == 1).all()


def test_after_a_turn_by_45_degrees_the_corners_are_outside():
    turn = rotation_matrix((0, 0, 45))
    counts = counted((21, 21, 9), turn, (0, 0, 0), (1,) * 3, 2)
    i, j = np.indices((21, 21)) - 10
    diamond = np.abs(i) + np.abs(j) <= 10.5 * np.sqrt(2)
    assert ((counts == 1) == diamond[..., None]).all()


@pytest.mark.parametrize("vector", [(0, 0, 0), (10, 20, 30)])
def test_what_leaves_the_field_of_view_altogether_leaves_nothing(vector):
    data, turn = torch.ones((9, 9, 9)), rotation_matrix(vector)
    assert (move_and_wrap(data, turn, (40, 0, -40), (1, 1, 1), 1) == 0).all()
