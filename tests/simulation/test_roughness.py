"""Noise that is replaced, and how much texture a scan has."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter1d

from briqa_sk.simulation import Acquisition
from briqa_sk.simulation._roughness import average_along, roughness, share_of_texture
from briqa_sk.simulation._scan import Scan

SHAPE = (64, 60, 62)
TISSUE = (slice(8, -8), slice(8, -8), slice(8, -8))
INSIDE = (slice(16, -16), slice(16, -16), slice(16, -16))


def scan_of(data):
    return Scan(data, (1.0, 1.0, 1.0), Acquisition().draw(random_state=0))


@pytest.fixture(scope="module")
def noisy():
    """White noise of standard deviation 5 on a signal of 100, between air of 0."""
    data = np.zeros(SHAPE, np.float32)
    data[TISSUE] = np.random.default_rng(0).normal(100, 5, data[TISSUE].shape)
    return torch.tensor(data)


def blur(n):
    """Matrix of a Gaussian filter of two voxels."""
    return gaussian_filter1d(np.eye(n), 2.0, axis=0, mode="nearest")


@pytest.mark.parametrize("axis", range(3))
def test_averaged_white_noise_stays_white_and_as_strong(noisy, axis):
    matrix = blur(SHAPE[axis])
    out = average_along(noisy.clone(), scan_of(noisy), matrix, axis).numpy()
    noise = np.moveaxis(out[INSIDE] - 100, axis, 0)
    assert noise.std() == pytest.approx(5, rel=0.05)
    assert np.mean(noise[1:] * noise[:-1]) == pytest.approx(0, abs=0.05 * 25)


def test_a_matrix_that_averages_nothing_changes_nothing(noisy):
    out = average_along(noisy.clone(), scan_of(noisy), np.eye(SHAPE[1]), 1)
    torch.testing.assert_close(out, noisy, rtol=1e-4, atol=1e-2)


def test_a_scan_without_noise_is_multiplied_and_nothing_else():
    data = torch.zeros(SHAPE)
    data[10:30, 10:30, 10:30] = 100
    out = average_along(data.clone(), scan_of(data), blur(SHAPE[2]), 2)
    truth = data.numpy() @ blur(SHAPE[2]).T
    np.testing.assert_allclose(out.numpy(), truth, atol=1e-3)


@pytest.mark.parametrize("share", [0.3, 0.7, 1.0])
def test_the_share_of_a_texture_is_found_again(noisy, share):
    scan, coarse = scan_of(noisy), 100.0 * (noisy > 0)
    texture = noisy - coarse
    wanted = roughness(coarse, share * texture, scan)
    found = share_of_texture(coarse, texture, scan, wanted)
    assert found == pytest.approx(share, abs=2e-3)


@pytest.mark.parametrize("shape", [(1, 40, 40), (40, 40, 4), (9, 2, 2)])
def test_axes_of_fewer_than_three_voxels_have_no_second_differences(shape):
    coarse, texture = torch.ones(shape), torch.zeros(shape)
    assert roughness(coarse, texture, scan_of(coarse)) == 0
