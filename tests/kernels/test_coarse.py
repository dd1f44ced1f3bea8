"""Blocks of voxels: their means, and the way back."""

import numpy as np
import pytest
import torch

from briqa_sk.kernels.coarse import CoarseGrid


def interpolated(grid, values, **options):
    across = options.get("across", 0)
    return torch.cat(list(grid.slabs(values, **options)), across).numpy()


def test_blocks_are_about_2_mm_long_and_thick_voxels_are_blocks():
    grid = CoarseGrid((181, 300, 30), (1.0, 0.7, 5.0))
    assert grid.factors == (2, 3, 1)
    assert grid.n_blocks == (91, 100, 30)
    assert grid.spacing_mm == pytest.approx((2.0, 2.1, 5.0))


def test_a_small_volume_keeps_its_voxels():
    assert CoarseGrid((8, 8, 8), (0.01, 1.0, 1.0)).factors == (1, 1, 1)


def test_a_block_has_the_mean_of_its_voxels():
    data = np.random.default_rng(0).random((51, 72, 49)).astype(np.float32)
    grid = CoarseGrid(data.shape, (1.0, 0.7, 1.0))
    means = grid.average(torch.from_numpy(data)).numpy()
    assert grid.factors == (2, 3, 2)
    assert means.shape == (26, 24, 25)
    assert means[3, 4, 5] == pytest.approx(data[6:8, 12:15, 10:12].mean())
    assert means[25, 0, 24] == pytest.approx(data[50, :3, 48].mean())


def test_means_are_a_copy_where_a_block_is_a_voxel():
    data = torch.ones(4, 4, 4)
    CoarseGrid((4, 4, 4), (2.0, 2.0, 2.0)).average(data).zero_()
    assert (data == 1).all()


@pytest.mark.parametrize("across", [0, 1])
@pytest.mark.parametrize("borders", [None, 0, 1, 2])
def test_what_is_linear_stays_linear(across, borders):
    grid = CoarseGrid((50, 72, 60), (1.0, 0.7, 1.0))

    def ramp(axis, n, offset):
        return (np.arange(n) + offset).reshape(
            [-1 if a == axis else 1 for a in (0, 1, 2)]
        )

    voxels = sum((axis + 1) * ramp(axis, n, 0.5) for axis, n in enumerate(grid.shape))
    values = grid.average(torch.from_numpy(voxels.astype(np.float32)))
    out = interpolated(grid, values, across=across, borders=borders)
    expected = sum(
        (axis + 1) * ramp(axis, n + (axis == borders), 0 if axis == borders else 0.5)
        for axis, n in enumerate(grid.shape)
    )
    inner = (slice(6, -6),) * 3
    np.testing.assert_allclose(out[inner], expected[inner], atol=1e-3)


def test_what_rises_goes_on_rising():
    grid = CoarseGrid((64, 2, 2), (1.0, 1.0, 1.0))
    steps = np.random.default_rng(0).exponential(size=(32, 1, 1)) ** 4
    values = np.broadcast_to(steps.cumsum(axis=0), (32, 2, 2)).astype(np.float32)
    out = interpolated(grid, torch.from_numpy(values.copy()), borders=0)
    assert out.shape == (65, 2, 2)
    assert (np.diff(out, axis=0) >= -1e-4).all()
