from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from briqa_sk.kernels import interpolate, resample

OBLIQUE = nib.affines.from_matvec(
    nib.eulerangles.euler2mat(0.2, -0.1, 0.3) @ np.diag([1.0, 4 / 3, 2.5]), [5, -7, 11]
)


@pytest.fixture
def data():
    return np.random.default_rng(0).normal(size=(37, 20, 11)).astype(np.float32)


def by_scipy(data, positions):
    grid = np.meshgrid(*positions, indexing="ij")
    return map_coordinates(data, grid, order=1, mode="nearest")


POSITIONS = [np.linspace(-1, 37, 50), np.linspace(3.2, 15.7, 9), np.arange(1.0, 8.0)]


@pytest.mark.parametrize("axes", list(permutations(range(3))))
@pytest.mark.parametrize("signs", list(product([1, -1], repeat=3)))
def test_interpolation_is_that_of_scipy_in_every_memory_order(data, axes, signs):
    # The same values, stored with permuted axes and read backwards.
    stored = data.transpose(axes)[tuple(slice(None, None, s) for s in signs)].copy()
    view = stored[tuple(slice(None, None, s) for s in signs)].transpose(
        np.argsort(axes)
    )
    np.testing.assert_array_equal(view, data)
    out = interpolate(view, POSITIONS)
    np.testing.assert_allclose(out, by_scipy(data, POSITIONS), atol=1e-6)
    assert out.flags.c_contiguous
    assert out.dtype == np.float32


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("flip", [False, True])
def test_whole_positions_copy_the_voxels(data, order, flip):
    stored = np.array(data[::-1] if flip else data, order=order)
    view = stored[::-1] if flip else stored
    out = interpolate(view, [np.arange(n, dtype=float) for n in data.shape])
    np.testing.assert_array_equal(out, data)
    assert not np.shares_memory(out, stored)


def test_one_voxel_is_enough_along_an_axis():
    out = interpolate(np.full((1, 1, 2), [0, 1], np.float32), [[0.0], [0.3], [0.25]])
    assert out.ravel().tolist() == [0.25]


def resample_as_torchio(data, affine, spacing_mm):
    """Write the grid of torchio 1.2.1 out: floor of the extent, same centre."""
    old = np.linalg.norm(affine[:3, :3], axis=0)
    shape = np.floor(data.shape * old / spacing_mm).astype(int)
    rotation = affine[:3, :3] / old
    centre = affine @ np.append((np.array(data.shape) - 1) / 2, 1)
    new = nib.affines.from_matvec(rotation * spacing_mm, [0, 0, 0])
    new[:3, 3] = centre[:3] - new[:3, :3] @ ((shape - 1) / 2)
    index = np.indices(shape).reshape(3, -1)
    at = np.linalg.inv(affine) @ new @ np.vstack([index, np.ones(index.shape[1])])
    values = map_coordinates(data, at[:3], order=1, mode="nearest")
    return values.reshape(shape), new


@pytest.mark.parametrize("spacing_mm", [(1.5, 1.5, 1.5), (0.7, 2, 5), (1, 1.7, 1)])
def test_the_grid_is_that_of_torchio(data, spacing_mm):
    values, affine = resample_as_torchio(data, OBLIQUE, spacing_mm)
    out, out_affine = resample(data, OBLIQUE, spacing_mm)
    np.testing.assert_allclose(out_affine, affine, atol=1e-9)
    np.testing.assert_allclose(out, values, atol=1e-5)


def test_a_linear_ramp_in_world_space_stays_one(data):
    index = np.indices(data.shape).reshape(3, -1)
    world = OBLIQUE[:3, :3] @ index + OBLIQUE[:3, 3:]
    ramp = (world.T @ [1.0, -2.0, 0.5]).reshape(data.shape).astype(np.float32)
    out, affine = resample(ramp, OBLIQUE, (1.5, 1.5, 3.0))
    index = np.indices(out.shape).reshape(3, -1)
    world = affine[:3, :3] @ index + affine[:3, 3:]
    np.testing.assert_allclose(out.ravel(), world.T @ [1.0, -2.0, 0.5], atol=1e-3)


def test_the_same_spacing_changes_nothing(data):
    out, affine = resample(data, OBLIQUE, np.linalg.norm(OBLIQUE[:3, :3], axis=0))
    np.testing.assert_array_equal(out, data)
    np.testing.assert_allclose(affine, OBLIQUE)


def test_a_header_in_float32_loses_no_voxel(data):
    affine = np.diag([np.float32(1.4999999), 1, 1, 1]).astype(float)
    out, _ = resample(data, affine, (1.5, 1, 1))
    assert out.shape == data.shape


def test_an_axis_of_one_voxel_keeps_it(data):
    out, affine = resample(data[:, :, :1], np.diag([1.0, 1, 9, 1]), (2.0, 2.0, 2.0))
    assert out.shape == (18, 10, 1)
    assert affine[2, 2] == 2.0
