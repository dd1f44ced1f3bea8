import numpy as np
import pytest
from scipy import ndimage

from briqa_sk.kernels.quality.head import find_head
from briqa_sk.kernels.quality.sharpness import (
    log_spectrum,
    sharpness_metrics,
    smoothness,
)


@pytest.mark.parametrize("sigma", [0.8, 1.2, 2.0])
def test_smoothness_is_the_width_of_the_kernel(sigma):
    noise = np.random.default_rng(0).normal(size=(64, 64, 64))
    smooth = ndimage.gaussian_filter(noise, sigma, mode="wrap")
    square = np.mean(np.diff(smooth, axis=0) ** 2)
    expected = sigma * np.sqrt(8 * np.log(2))
    assert smoothness(square, smooth.var()) == pytest.approx(expected, rel=0.05)


def test_white_noise_and_constants_were_not_smoothed():
    assert smoothness(2.1, 1.0) == smoothness(0.0, 0.0) == smoothness(0.0, 1.0) == 0


def test_the_spectrum_of_a_wave_has_one_peak():
    wave = np.cos(2 * np.pi * 10 / 64 * np.arange(64, dtype=np.float32))
    data = np.ones((12, 1, 14), np.float32) * (1 + wave[:, None])
    assert log_spectrum(data, 1)[4:].argmax() == 10 - 4


def test_stripes_stand_out_of_the_spectrum():
    rng = np.random.default_rng(0)
    clean = np.zeros((48, 48, 48))
    clean[10:38, 10:38, 10:38] = 1
    clean = ndimage.gaussian_filter(clean, 2)
    clean += rng.normal(0, 0.02, clean.shape).clip(0)
    stripes = 0.1 * np.sin(2 * np.pi * 17 / 48 * np.arange(48))
    striped = np.abs(clean + stripes[:, None])
    heights = [
        sharpness_metrics(find_head(data))["peak_max"] for data in (clean, striped)
    ]
    assert heights[0] < 0.7
    assert heights[1] > 1


def test_blur_lowers_gradients_and_fine_detail():
    rng = np.random.default_rng(0)
    sharp = np.zeros((40, 40, 40))
    sharp[8:32, 8:32, 8:32] = (
        rng.choice([0.7, 1.3], (12, 12, 12)).repeat(2, 0).repeat(2, 1).repeat(2, 2)
    )
    blurred = ndimage.gaussian_filter(sharp, 1)
    before, after = (sharpness_metrics(find_head(d)) for d in (sharp, blurred))
    for name in ("gradient_min", "gradient_max", "fine_min", "fine_max"):
        assert after[name] < before[name]
    assert after["fwhm_min"] > before["fwhm_max"]


def test_four_slices_are_measured_in_their_plane():
    data = np.random.default_rng(0).uniform(1, 2, (32, 32, 4))
    metrics = sharpness_metrics(find_head(data))
    assert metrics["gradient_min"] > 0
