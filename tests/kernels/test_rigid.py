"""Rigid motion against shifts, quarter turns and SciPy's splines."""

import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform, gaussian_filter
from scipy.spatial.transform import Rotation

from briqa_sk.kernels.rigid import move_rigidly, rotation_matrix

STILL = np.eye(3)


@pytest.fixture(scope="module")
def smooth():
    """Random blobs away from the edges of the volume."""
    blobs = np.zeros((36, 40, 38))
    blobs[12:-12, 12:-12, 12:-12] = np.random.default_rng(0).random((12, 16, 14))
    return gaussian_filter(blobs, 2).astype(np.float32)


def moved(data, rotation, translation_mm, spacing_mm=(1, 1, 1)):
    data = torch.tensor(data)
    return move_rigidly(data, rotation, translation_mm, spacing_mm).numpy()


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


def test_what_comes_from_outside_has_the_value_at_the_edge():
    data = np.random.default_rng(1).random((12, 14, 16), dtype=np.float32)
    out = moved(data, STILL, (2.0, 0.0, 0.0))
    assert out[:2] == pytest.approx(np.broadcast_to(data[:1], (2, 14, 16)), abs=1e-6)


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
