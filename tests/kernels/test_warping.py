"""Displacement with pile-up: what is conserved, and where it goes."""

import numpy as np
import pytest
import torch

from briqa_sk.kernels.warping import arriving, displace, take_nearest


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


@pytest.mark.parametrize("axis", range(3))
def test_what_arrives_left_from_where_it_was(axis):
    shape = [5, 5, 5]
    shape[axis] = 60
    x = np.arange(60).reshape([-1 if dim == axis else 1 for dim in range(3)])
    wave = np.broadcast_to(4 * np.sin(2 * np.pi * x / 40), shape).astype(np.float32)
    arrived = arriving(torch.from_numpy(wave.copy()), axis).numpy()
    came_from = x - arrived
    # y = x + d(x) at x = y - e(y).
    back = came_from + 4 * np.sin(2 * np.pi * came_from / 40)
    inner = np.moveaxis(np.abs(back - x), axis, 0)[1:-1]
    assert inner.max() < 0.05


def test_an_image_that_folds_piles_up_and_keeps_its_signal():
    x = np.arange(80)
    fold = -20 * np.tanh((x - 40) / 8)  # falls by 2.5 per voxel in the middle
    field = torch.from_numpy(np.tile(fold, (2, 2, 1)).astype(np.float32))
    arrived = arriving(field, 2)
    borders = torch.cat(
        [
            arrived[..., :1],
            (arrived[..., 1:] + arrived[..., :-1]) / 2,
            arrived[..., -1:],
        ],
        -1,
    )
    data = torch.zeros(2, 2, 80)
    data[..., 20:60] = 1
    out = displace(data, borders, 2)
    assert out.sum(-1) == pytest.approx(40.0, rel=1e-3)
    assert out[..., 38:43].sum(-1).min() > 25
    assert out.min() >= 0


def test_the_nearest_voxel_is_moved_as_it_is():
    data = np.random.default_rng(0).random((3, 20, 3)).astype(np.float32)
    field = torch.full((3, 21, 3), 2.4)
    moved = take_nearest(torch.from_numpy(data), field, 1).numpy()
    np.testing.assert_array_equal(moved[:, 2:], data[:, :-2])
    np.testing.assert_array_equal(moved[:, :2], data[:, [0, 0]])
