import numpy as np
import pytest
from scipy import ndimage

from briqa_sk.kernels.quality.head import find_head
from briqa_sk.kernels.quality.planes import (
    band_depth,
    log_gains,
    plane_metrics,
    roughness,
)


@pytest.fixture
def ball():
    """A ball of two tissues in a little noise."""
    rng = np.random.default_rng(0)
    grid = np.indices((48, 48, 48)) - 23.5
    inside = np.square(grid).sum(axis=0) < 20**2
    tissue = ndimage.gaussian_filter(rng.normal(size=inside.shape), 2) > 0
    return np.abs(inside * (1 + 0.5 * tissue) + rng.normal(0, 0.01, inside.shape))


@pytest.mark.parametrize("axis", range(3))
def test_an_alternating_plane_is_a_line_of_known_height(ball, axis):
    n = np.arange(48)
    sign = (-1.0) ** (n[:, None] + n)
    clean = find_head(ball)
    zipped = np.moveaxis(ball.copy(), axis, 0)
    zipped[9] = 2 + 0.2 * sign  # second differences of 0.8 along both directions
    profile = roughness(np.moveaxis(zipped, 0, axis), [axis])[0]
    assert profile.argmax() == 9
    assert profile[9] == pytest.approx(1.6)
    assert plane_metrics(clean)["lines_max"] == 0
    head = find_head(np.moveaxis(zipped, 0, axis))
    assert plane_metrics(head)["lines_max"] == pytest.approx(1 / 48)
    expected = 1.6 / ball[clean.foreground].mean()
    assert plane_metrics(head)["line_max"] == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("depth", [0.3, 0.6, 0.95])
def test_a_band_has_its_depth(ball, axis, depth):
    kept = np.ones(48)
    kept[22:26] = 1 - depth
    shape = [-1 if a == axis else 1 for a in range(3)]
    metrics = plane_metrics(find_head(ball * kept.reshape(shape)))
    assert metrics["band_max"] == pytest.approx(depth, abs=0.1)
    assert metrics["dip_max"] == pytest.approx(depth, abs=0.1)


def test_a_head_without_bands_has_none(ball):
    assert plane_metrics(find_head(ball))["band_max"] < 0.15


def test_a_wide_band_is_no_dip():
    profile = -np.log(2) * np.exp(-(np.linspace(-3, 3, 61)[20:41].repeat(3) ** 2))
    gains = np.diff(np.concatenate([np.zeros(40), profile, np.zeros(40)]))
    assert band_depth(gains, 0.6) == pytest.approx(0.5, abs=0.01)
    assert band_depth(gains, 1 / 8) < 0.35


def test_signal_that_fades_at_an_end_is_no_band():
    assert band_depth(np.full(30, -0.1), 1 / 3) == pytest.approx(0, abs=1e-12)


def test_gains_are_those_of_a_coil_that_fades(ball):
    field = 0.98 ** np.arange(48)
    gains = log_gains(find_head(ball * field), 2)
    middle = gains[len(gains) // 4 : -len(gains) // 4]
    np.testing.assert_allclose(middle, np.log(0.98), atol=0.01)


def test_short_axes_are_left_out():
    data = np.random.default_rng(0).uniform(1, 2, (4, 4, 4))
    assert set(plane_metrics(find_head(data)).values()) == {0.0}
