import numpy as np
import pytest

from briqa_sk.kernels.quality.head import find_head
from briqa_sk.kernels.quality.shape import asymmetry, shape_metrics


def ellipsoid(centre, lengths, shape=(48, 48, 48)):
    grid = np.indices(shape) - np.reshape(centre, (3, 1, 1, 1))
    distance = np.square(grid / np.reshape(lengths, (3, 1, 1, 1))).sum(axis=0)
    return (distance < 1).astype(np.float32)


def test_an_ellipsoid_has_its_form():
    metrics = shape_metrics(find_head(ellipsoid([23.5] * 3, [20, 15, 10])))
    assert metrics["elongation_min"] == pytest.approx(0.5, rel=0.01)
    assert metrics["elongation_mid"] == pytest.approx(0.75, rel=0.01)
    assert metrics["ellipsoid"] == pytest.approx(1, rel=0.01)
    volume = 4 / 3 * np.pi * 20 * 15 * 10 / 48**3
    assert metrics["head_share"] == pytest.approx(volume, rel=0.01)


def test_a_head_in_the_centre_is_symmetric():
    metrics = shape_metrics(find_head(ellipsoid([23.5] * 3, [20, 15, 10])))
    assert metrics["offset_max"] == pytest.approx(0, abs=1e-9)
    assert metrics["asymmetry_grid"] == pytest.approx(0, abs=1e-6)
    assert metrics["margin"] == pytest.approx(4 / 48)
    assert [metrics[f"cut_{n}"] for n in (1, 2, 3)] == [0, 0, 0]


def test_a_shift_is_an_offset_and_leaves_the_head_symmetric():
    metrics = shape_metrics(find_head(ellipsoid([29.5, 26.5, 24.5], [15, 13, 10])))
    assert metrics["offset_max"] == pytest.approx(6 / 48, abs=1e-9)
    assert metrics["offset_min"] == pytest.approx(1 / 48, abs=1e-9)
    assert metrics["asymmetry_grid"] > 0.05
    assert metrics["asymmetry_head"] == pytest.approx(0, abs=1e-6)


def test_a_cut_head_touches_a_face_and_a_wrapped_one_two():
    data = np.zeros((40, 40, 40), np.float32)
    data[:20, 10:30, 10:30] = 1
    cut = shape_metrics(find_head(data))
    assert cut["cut_1"] == pytest.approx(20 * 20 / 40**2)
    assert cut["cut_2"] == cut["wrap"] == cut["margin"] == 0
    data[-6:, 10:30, 10:30] = 1
    assert shape_metrics(find_head(data))["wrap"] == pytest.approx(0.25)


def test_asymmetry_is_1_minus_the_correlation_with_the_mirror_image():
    data = np.random.default_rng(0).random((7, 8, 9))
    expected = 1 - np.corrcoef(data.ravel(), data[:, ::-1].ravel())[0, 1]
    assert asymmetry(data, 3.5, 1) == pytest.approx(expected)
    assert asymmetry(np.ones((4, 4, 4)), 1.5, 0) == 0


def test_a_rough_surface_is_larger():
    smooth = ellipsoid([23.5] * 3, [18, 18, 18])
    teeth = smooth * (np.indices((48, 48, 48))[0] % 8 < 4)
    rough, even = (shape_metrics(find_head(d))["surface"] for d in (teeth, smooth))
    assert rough > 1.5 * even
