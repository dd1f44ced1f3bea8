"""Displacement with pile-up: what is conserved, and where it goes."""

import numpy as np
import pytest
import torch

from briqa_sk.kernels.warping import displace


def displaced(data, displacement, axis=0):
    shape = [1, 1, 1]
    shape[axis] = -1
    borders = list(data.shape)
    borders[axis] += 1
    field = np.broadcast_to(np.reshape(displacement, shape), borders)
    field = torch.from_numpy(field.astype(np.float32))
    return displace(torch.from_numpy(data.astype(np.float32)), field, axis).numpy()


@pytest.fixture(scope="module")
def object_in_air():
    data = np.zeros((12, 40, 11))
    profile = np.exp(-(((np.arange(40) - 19.5) / 6) ** 2))
    return data + profile[:, None]


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("n", [-3, 0, 2])
def test_a_constant_field_of_whole_voxels_shifts_the_array(axis, n):
    data = np.random.default_rng(0).random((10, 11, 12))
    data = np.moveaxis(
        np.pad(np.moveaxis(data, axis, 0), ((4, 4), (0, 0), (0, 0))), 0, axis
    )
    out = displaced(data, np.full(data.shape[axis] + 1, n), axis)
    assert out == pytest.approx(np.roll(data, n, axis), abs=1e-5)


def test_signal_is_conserved(object_in_air):
    borders = np.arange(41)
    field = 3 * np.sin(2 * np.pi * borders / 40)
    out = displaced(object_in_air, field, 1)
    assert out.sum(1) == pytest.approx(object_in_air.sum(1), rel=1e-5)


def test_a_uniform_object_has_one_minus_the_slope_of_its_brightness():
    borders = np.linspace(0, 1, 65)
    field = 64 * 0.1 * borders**2  # slope .2 y, so .2 (k + .5) / 64 within voxel k
    out = displaced(np.ones((64, 2, 2)), field)
    slope = 0.2 * (np.arange(64) + 0.5) / 64
    assert out[:, 0, 0] == pytest.approx(1 - slope, abs=1e-5)


def test_a_point_comes_from_where_the_field_says():
    data = np.zeros((60, 1, 1))
    data[30] = 5
    field = 4 + 0.1 * (np.arange(61) - 30.5)
    out = displaced(data, field)[:, 0, 0]
    y = (np.arange(60) * out).sum() / out.sum()
    # y - d(y) = 30, with d(y) = 4 + .1 (y + .5 - 30.5) at the centre of voxel y.
    assert y == pytest.approx(30 + 4 / 0.9, abs=0.1)
    assert out.sum() == pytest.approx(5, rel=0.02)


def test_a_smooth_object_is_read_where_the_field_says():
    x = np.arange(80)
    wave = lambda x: 2 + np.sin(2 * np.pi * x / 16)  # noqa: E731
    out = displaced(wave(x)[:, None, None], np.full(81, 0.5))[4:-4, 0, 0]
    assert out == pytest.approx(wave(x - 0.5)[4:-4], abs=0.005)


def test_a_fold_is_dark_and_never_negative():
    field = np.clip(2.0 * (np.arange(41) - 15), 0, 20)
    out = displaced(np.ones((40, 2, 2)), field)
    assert out.min() == 0
    assert (out[15:25] == 0).all()
