"""Noise: the stated signal-to-noise ratio and Rice's distribution."""

import numpy as np
import pytest
from scipy import stats

from briqa_sk.datasets import make_head_phantom
from briqa_sk.simulation import Noise, add_noise


@pytest.fixture(scope="module")
def box():
    """A box of signal 100 in air that is exactly 0."""
    data = np.zeros((48, 48, 48), np.float32)
    data[12:36, 12:36, 12:36] = 100
    return data


@pytest.mark.parametrize("snr", [2, 5, 10, 20, 50])
def test_air_and_tissue_show_the_stated_snr(snr):
    clean = make_head_phantom(48, random_state=0).data
    noisy = Noise(snr=snr, kind="uniform")(clean, random_state=0)
    sigma = noisy[clean == 0].mean() / np.sqrt(np.pi / 2)
    assert clean[clean > 0].mean() / sigma == pytest.approx(snr, rel=0.02)


@pytest.mark.parametrize("snr", [2, 5, 20])
def test_tissue_has_the_moments_of_rice(box, snr):
    noisy = Noise(snr=snr, kind="uniform")(box, random_state=1)[box > 0]
    rice = stats.rice(snr, scale=100 / snr)
    assert noisy.mean() == pytest.approx(rice.mean(), rel=0.005)
    assert noisy.std() == pytest.approx(rice.std(), rel=0.02)


def test_tissue_is_distributed_as_rice_has_it(box):
    noisy = Noise(snr=4, kind="uniform")(box, random_state=2)[box > 0]
    assert stats.kstest(noisy[::7], stats.rice(4, scale=25).cdf).pvalue > 0.01


@pytest.mark.parametrize(("strength", "snr"), [(0.25, 8), (0.5, 4), (1, 2)])
def test_strength_scales_the_noise(box, strength, snr):
    assert Noise().draw(strength, random_state=0)["snr"] == snr
    noisy = Noise(kind="uniform")(box, strength, random_state=0)
    sigma = noisy[box == 0].mean()
    assert 100 / (sigma / np.sqrt(np.pi / 2)) == pytest.approx(snr, rel=0.02)


def test_neighbouring_voxels_are_independent(box):
    noise = Noise(snr=10)(np.full((40, 40, 40), 100.0), random_state=3)
    for axis in range(3):
        one = np.delete(noise, -1, axis).ravel()
        next_one = np.delete(noise, 0, axis).ravel()
        assert abs(np.corrcoef(one, next_one)[0, 1]) < 0.02


def test_parallel_imaging_has_more_noise_in_the_middle_and_as_much_in_all():
    flat = np.full((40, 40, 40), 100.0)
    noise = Noise(snr=20, kind="g_factor")(flat, random_state=3) - 100
    middle, all_of_it = noise[15:25, 15:25, 15:25], np.sqrt((noise**2).mean())
    assert middle.std() > 1.3 * all_of_it
    assert all_of_it == pytest.approx(5, rel=0.02)


def test_one_draw_in_four_is_that_of_parallel_imaging():
    kinds = [Noise().draw(0.5, random_state=seed)["kind"] for seed in range(400)]
    assert kinds.count("g_factor") == pytest.approx(100, abs=26)  # 3 sigma


def test_the_function_draws_as_the_artifact_does(box):
    expected = Noise()(box, 0.4, random_state=5)
    np.testing.assert_array_equal(add_noise(box, 0.4, random_state=5), expected)


@pytest.mark.parametrize("snr", [-1, 0, np.inf])
def test_an_impossible_snr_is_refused(snr):
    with pytest.raises(ValueError, match="snr must be a number above 0"):
        Noise(snr=snr)(np.ones((8, 8, 8)))
