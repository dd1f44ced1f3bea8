import numpy as np
import pytest

from briqa_sk.kernels.quality.head import find_head
from briqa_sk.kernels.quality.texture import smooth_field, texture_metrics


@pytest.fixture
def tissue():
    """Cubes of 4 voxels, of two levels around 1."""
    cubes = np.random.default_rng(0).choice([-1.0, 1.0], (8, 8, 8))
    return cubes.repeat(4, 0).repeat(4, 1).repeat(4, 2)


def scan(tissue, contrast, field=1.0):
    data = np.zeros((48, 48, 48))
    data[8:40, 8:40, 8:40] = (1 + contrast * tissue) * field
    return find_head(data)


def test_a_third_of_the_contrast_leaves_a_third_of_the_variation(tissue):
    full, third = texture_metrics(scan(tissue, 0.3)), texture_metrics(scan(tissue, 0.1))
    for name in ("block_iqr", "flat_range", "local_deviation"):
        assert third[name] == pytest.approx(full[name] / 3, rel=0.35)
    assert full["block_iqr"] in (pytest.approx(0.6 / 0.7), pytest.approx(0.6 / 1.3))


def test_a_coil_that_fades_is_nonuniform(tissue):
    field = np.linspace(0.6, 1.4, 32)
    even, faded = scan(tissue, 0.1), scan(tissue, 0.1, field)
    before, after = texture_metrics(even), texture_metrics(faded)
    assert after["nonuniformity"] > 2 * before["nonuniformity"]


def test_the_smooth_field_of_a_constant_is_the_constant():
    head = scan(np.zeros((32, 32, 32)), 0)
    np.testing.assert_allclose(smooth_field(head.coarse, head.head)[head.head], 1, 1e-5)
