"""Noise of a magnitude image, against noise that was added by hand."""

import pytest
import torch

from briqa_sk.kernels.noise import (
    finest_texture,
    local_means,
    middle_slabs,
    noise_level,
    smooth_means,
)


@pytest.fixture
def noise():
    generator = torch.Generator().manual_seed(0)
    return 5 * torch.randn(40, 40, 40, generator=generator)


@pytest.mark.parametrize("sigma", [1, 5, 20])
def test_the_level_is_that_of_the_noise(noise, sigma):
    assert noise_level(100 + noise * sigma / 5, 0.0) == pytest.approx(sigma, rel=0.05)


def test_the_level_does_not_see_edges(noise):
    steps = 100 * (torch.arange(40) // 5)[:, None, None]
    assert noise_level(100 + steps + noise, 0.0) == pytest.approx(5, rel=0.1)


def test_smooth_means_are_binomial():
    line = torch.zeros(9, 1, 1)
    line[4] = 16
    assert smooth_means(line).flatten().tolist() == [0, 0, 0, 4, 8, 4, 0, 0, 0]


def test_smooth_means_keep_what_is_linear():
    i, j, k = torch.meshgrid(*[torch.arange(12.0)] * 3, indexing="ij")
    plane = 3 * i - 2 * j + k
    inner = (slice(1, -1),) * 3
    torch.testing.assert_close(smooth_means(plane)[inner], plane[inner])


def test_local_means_average_noise_and_keep_edges(noise):
    step = 100 + 200 * (torch.arange(40) >= 20).float()[:, None, None]
    means = local_means(step + noise, 13.0)
    assert (means - step).std() < 0.45 * 5
    assert (means - step)[19:21].abs().mean() < 5


def test_local_means_of_no_width_are_a_copy(noise):
    copy = local_means(noise, 0.0)
    assert torch.equal(copy, noise)
    assert copy.data_ptr() != noise.data_ptr()


def test_the_finest_texture_has_no_edges(noise):
    step = 100 + 1000 * (torch.arange(40) >= 20).float()[:, None, None]
    data = step + noise
    texture = finest_texture(data, smooth_means(data), 0.0)
    assert texture[19:21].abs().max() < 5 * 5
    inside = texture[2:18, 2:-2, 2:-2]
    # White noise less its binomial means: 1 - 2 (1/2)^3 + (3/8)^3 of its variance.
    assert inside.std() == pytest.approx(5 * (1 - 0.25 + 0.375**3) ** 0.5, rel=0.03)


def test_the_middle_is_a_view_of_half_a_million_voxels():
    data = torch.zeros(100, 128, 128)
    middle = middle_slabs(data)
    assert middle.shape == (32, 128, 128)
    assert middle.data_ptr() == data[34].data_ptr()


def test_a_voxel_is_all_of_its_own_mean_where_it_has_no_neighbours():
    """Truth by hand: own weight .5 against one of each of two equal neighbours."""
    flat = torch.full((5, 5, 5), 10.0)
    flat[2, 2, 2] = 100.0
    own = torch.empty_like(flat)
    local_means(flat, 1.0, own)
    assert own[2, 2, 2] == pytest.approx(1)
    assert own[0, 0, 0] == pytest.approx(0.5 / 1.5)
    assert own[1, 1, 1] == pytest.approx(0.5 / 2.5)
