"""Levels of tissue and air, where both are known."""

import numpy as np
import pytest

from briqa_sk.kernels import signal_levels


@pytest.fixture
def box():
    data = np.zeros((45, 45, 45))
    data[15:30, 15:30, 15:30] = 100
    return data


def test_where_air_is_zero_tissue_is_the_rest(box):
    box[20:25, 20:25, 20:25] = 10  # dark tissue counts
    assert signal_levels(box).tissue == box[box > 0].mean()
    assert signal_levels(box).air_sigma == 0


def test_rayleigh_air_shows_its_sigma(box):
    noise = np.random.default_rng(0).normal(0, 5, (2, *box.shape))
    levels = signal_levels(np.hypot(box + noise[0], noise[1]))
    assert levels.air_sigma == pytest.approx(5, rel=0.02)
    assert levels.floor == pytest.approx(20, rel=0.02)
    assert levels.tissue == pytest.approx(100, rel=0.02)


def test_large_volumes_are_measured_on_a_part(box):
    large = np.kron(box, np.ones((3, 3, 3)))
    assert signal_levels(large).tissue == 100


def test_a_constant_volume_is_all_tissue():
    levels = signal_levels(np.full((8, 8, 8), 7.0))
    assert (levels.tissue, levels.floor, levels.air_sigma) == (7, 0, 0)
