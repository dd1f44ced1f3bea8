import numpy as np
import pytest

from briqa_sk.kernels.quality.background import background_metrics
from briqa_sk.kernels.quality.head import find_head


@pytest.fixture
def box():
    """A box of 1 at the low end of axis 0, in empty air."""
    data = np.zeros((48, 40, 40), np.float32)
    data[4:18, 14:26, 14:26] = 1
    return data


def test_a_ghost_half_a_field_of_view_away_has_its_share_of_the_signal(box):
    ghosted = box + 0.1 * np.roll(box, 24, axis=0)
    metrics = background_metrics(find_head(ghosted))
    assert metrics["gsr_i"] == pytest.approx(0.1, rel=1e-5)
    assert metrics["gsr_j"] < 0.001
    assert metrics["gsr_k"] < 0.001


@pytest.mark.parametrize("axis", range(3))
def test_streaks_along_an_axis_fill_the_shadow_of_the_head(box, axis):
    streaks = np.broadcast_to(box.any(axis=axis, keepdims=True), box.shape)
    head = find_head(np.where(box > 0, box, 0.2 * streaks))
    assert background_metrics(head)["shadow_max"] == pytest.approx(0.2, rel=1e-5)


def test_the_level_of_rayleigh_noise_is_measured():
    real, imaginary = np.random.default_rng(0).normal(0, 0.02, (2, 48, 48, 48))
    real[12:36, 12:36, 12:36] += 1
    metrics = background_metrics(find_head(np.hypot(real, imaginary)))
    assert metrics["air_median"] == pytest.approx(0.02 * np.sqrt(2 * np.log(2)), 0.02)
    assert metrics["air_p99"] == pytest.approx(0.02 * np.sqrt(2 * np.log(100)), 0.02)
    assert metrics["air_tail"] == pytest.approx(np.sqrt(np.log(100) / np.log(2)), 0.02)
    assert metrics["air_bright"] == pytest.approx(np.exp(-8), abs=3e-4)


def test_interference_in_a_part_of_the_air_is_uneven(box):
    even, uneven = box + np.float32(0.05), box + np.float32(0.05)
    uneven[:, :4] += 0.1
    assert background_metrics(find_head(even))["air_uneven"] < 1e-6
    assert background_metrics(find_head(uneven))["air_uneven"] > 0.08


def test_without_air_all_is_0():
    full = np.random.default_rng(0).uniform(1, 1.1, (12, 12, 12))
    assert set(background_metrics(find_head(full)).values()) == {0.0}
