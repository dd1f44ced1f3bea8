"""Noise against closed forms: MRIQC's formulas, and scans of known noise."""

import math

import numpy as np
import pytest

from briqa_sk.kernels.quality.head import HeadAndAir, find_head
from briqa_sk.kernels.quality.noise import noise_metrics

SIGMA = 0.05


@pytest.fixture
def two_tissues():
    """A box of tissues of 60 and 100 in air of 0, without noise."""
    data = np.zeros((40, 40, 40), np.float32)
    data[8:32, 8:32, 8:32] = 60
    data[8:32, 8:32, 20:32] = 100
    return data


def test_dietrich_divides_by_what_rayleigh_noise_in_air_says_of_tissue():
    rng = np.random.default_rng(0)
    real, imaginary = rng.normal(0, SIGMA, (2, 48, 48, 48))
    real[10:38, 10:38, 10:38] += 1
    metrics = noise_metrics(find_head(np.hypot(real, imaginary)))
    # The scaled median absolute deviation of Rayleigh noise is 0.6650 sigma, and the
    # factor of the standard deviation, which is 0.6551 sigma, is used for it.
    expected = 1 / SIGMA * math.sqrt(2 - math.pi / 2) / 0.6650
    assert metrics["snr_dietrich"] == pytest.approx(expected, rel=0.02)
    assert metrics["residual"] == pytest.approx(SIGMA, rel=0.03)


def test_a_scan_without_noise_has_the_largest_ratio(two_tissues):
    metrics = noise_metrics(find_head(two_tissues))
    assert metrics["snr_dietrich"] == metrics["snr"] == 1e5
    assert metrics["residual"] == metrics["residual_air"] == 0


def test_ratios_of_two_classes_follow_their_definitions():
    data = np.random.default_rng(0).normal(0, 0.05, (40, 40, 40)).astype(np.float32)
    data += np.where(np.arange(40) < 20, 0.75, 1.25).astype(np.float32)
    everywhere, nowhere = np.ones(data.shape, bool), np.zeros(data.shape, bool)
    metrics = noise_metrics(
        HeadAndAir(data, everywhere, nowhere, data, everywhere, nowhere)
    )
    assert metrics["contrast"] == pytest.approx(0.5, rel=0.01)
    # Of the middle half of the neighbourhoods, the noise is a little less.
    assert metrics["snr"] == pytest.approx(1.25 / 0.05, rel=0.04)
    assert metrics["cjv"] == pytest.approx((0.05 + 0.05) / 0.5, rel=0.02)
    assert metrics["cnr"] == pytest.approx(0.5 / math.hypot(0.05, 0.05), rel=0.02)


def test_noise_in_a_volume_of_one_slice_is_measured_in_the_slice():
    data = np.zeros((96, 96, 1))
    data[16:80, 16:80] = np.random.default_rng(0).normal(1, SIGMA, (64, 64, 1))
    assert noise_metrics(find_head(data))["residual"] == pytest.approx(SIGMA, rel=0.1)


def test_air_that_is_mostly_one_integer_has_its_standard_deviation(two_tissues):
    two_tissues[:2] = 4  # a quarter of the air or less: its median deviation is 0
    head = find_head(two_tissues)
    expected = np.median(head.data[head.foreground]) / head.data[head.air].std()
    factor = math.sqrt(2 - math.pi / 2)
    assert noise_metrics(head)["snr_dietrich"] == pytest.approx(factor * expected)
