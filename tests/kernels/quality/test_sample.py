import numpy as np
import pytest

from briqa_sk.kernels.quality.sample import (
    extremes,
    ratio,
    sample,
    second_differences,
    spread_of,
)


@pytest.mark.parametrize(
    ("top", "bottom", "quotient"),
    [(6, 3, 2), (0, 0, 0), (0, 3, 0), (1, 0, 1e5), (1, 1e-9, 1e5), (-1, 2, 0)],
)
def test_a_ratio_is_finite(top, bottom, quotient):
    assert ratio(top, bottom) == quotient


def test_few_values_are_their_own_sample():
    np.testing.assert_array_equal(sample(np.arange(5)), np.arange(5))


def test_a_sample_of_many_values_is_evenly_spaced():
    assert np.unique(np.diff(sample(np.arange(1_000_000)))).tolist() == [3]


def test_the_spread_of_normal_numbers_is_their_standard_deviation():
    normal = np.random.default_rng(0).normal(5, 2, 100_000)
    assert spread_of(normal) == pytest.approx((5, 2), rel=0.02)
    assert spread_of(np.empty(0)) == (0.0, 0.0)


def test_the_spread_of_mostly_equal_numbers_is_their_standard_deviation():
    values = np.array([0.0] * 9 + [10.0])
    assert spread_of(values) == (0.0, pytest.approx(3.0))


def test_extremes_are_named():
    assert extremes("x", [3, 1, 2]) == {"x_min": 1.0, "x_max": 3.0}
    assert extremes("x", []) == {"x_min": 0.0, "x_max": 0.0}


@pytest.mark.parametrize("axis", range(3))
def test_second_differences_are_those_of_numpy(axis):
    data = np.random.default_rng(0).random((4, 5, 3))
    truth = np.diff(data, 2, axis=axis)
    np.testing.assert_allclose(second_differences(data, axis), truth, atol=1e-12)
