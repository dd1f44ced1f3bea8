"""Grey levels against closed forms."""

import math

import numpy as np
import pytest
from scipy import stats

from briqa_sk.kernels.quality.head import find_head
from briqa_sk.kernels.quality.histogram import (
    entropy_focus,
    histogram_entropy,
    histogram_metrics,
)


@pytest.mark.parametrize("n_bright", [1, 10, 500, 1000])
def test_entropy_focus_of_equal_voxels_in_empty_air(n_bright):
    data = np.zeros(1000, np.float32)
    data[:n_bright] = 7
    expected = math.sqrt(n_bright / 1000) * math.log(n_bright) / math.log(1000)
    assert entropy_focus(data) == pytest.approx(expected, abs=1e-6)


def test_entropy_focus_is_that_of_mriqc():
    data = np.random.default_rng(0).random((12, 13, 14)).astype(np.float32)
    n = data.size  # mriqc.qc.anatomical.efc, with a mask of all voxels
    most = n * (1 / math.sqrt(n)) * math.log(1 / math.sqrt(n))
    norm = np.sqrt((data.astype(float) ** 2).sum())
    efc = 1 / most * np.sum(data / norm * np.log((data + 1e-16) / norm))
    assert entropy_focus(data) == pytest.approx(efc, rel=1e-5)


def test_entropy_counts_bits():
    even = np.repeat(np.arange(64) + 0.5, 100)
    # 63.5 in the 99th percentile is the top, and the bins are a little narrower.
    assert histogram_entropy(even) == pytest.approx(6, abs=0.05)
    assert histogram_entropy(np.full(50, 3.0)) == 0
    assert histogram_entropy(np.repeat([10.0, 30.0], 50)) == pytest.approx(1)


def test_energy_and_percentiles_of_a_box_in_air():
    rng = np.random.default_rng(0)
    data = np.full((40, 40, 40), 2.0)
    data[10:30, 10:30, 10:30] = rng.uniform(80, 120, (20, 20, 20))
    metrics = histogram_metrics(find_head(data))
    assert metrics["fber"] == pytest.approx((100 / 2) ** 2, rel=0.02)
    for percent in (5, 25, 75, 95, 99):
        expected = 0.8 + 0.4 * percent / 100
        assert metrics[f"p{percent:02}"] == pytest.approx(expected, abs=0.01)


def test_skewness_and_kurtosis_are_those_of_scipy():
    data = np.zeros((30, 30, 30))
    tissue = np.random.default_rng(0).gamma(20, 1, (20, 20, 20)) + 10
    data[5:25, 5:25, 5:25] = tissue
    metrics = histogram_metrics(find_head(data))
    assert metrics["skewness"] == pytest.approx(stats.skew(tissue, None), abs=0.01)
    kurtosis = stats.kurtosis(tissue, None, fisher=False)
    assert metrics["kurtosis"] == pytest.approx(kurtosis, abs=0.02)
