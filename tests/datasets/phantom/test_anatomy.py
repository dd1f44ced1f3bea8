import numpy as np
import pytest

from briqa_sk.datasets.phantom.anatomy import draw_head, head_at, tissue_fractions
from briqa_sk.datasets.phantom.scan import head_affine
from briqa_sk.kernels.tissues import TISSUES

SHAPE = (48, 56, 48)


def fractions_of(seed):
    affine = head_affine(SHAPE)
    points = np.indices(SHAPE).reshape(3, -1).T @ affine[:3, :3].T + affine[:3, 3]
    head = draw_head(np.random.default_rng(seed))
    return tissue_fractions(head, points.astype(np.float32), 4.0), points


@pytest.fixture(scope="module", params=[0, 1, 2])
def sample(request):
    return fractions_of(request.param)


def share(fractions, tissue):
    return fractions[:, list(TISSUES).index(tissue)]


def test_fractions_are_shares_of_a_whole(sample):
    total = sample[0].sum(axis=1)
    assert sample[0].min() >= 0
    assert total.max() == pytest.approx(1, abs=1e-5)
    assert total.min() == 0  # air


def test_brain_volumes_are_those_of_adults(sample):
    # Grey 0.5 to 1.1 and white 0.35 to 0.8 litres cover BrainWeb (0.90, 0.67) and the
    # spread of healthy adults.
    litres = sample[0].sum(axis=0) * 4**3 / 1e6
    names = list(TISSUES)
    assert 0.5 < litres[names.index("grey")] < 1.1
    assert 0.35 < litres[names.index("white")] < 0.8


def test_from_the_centre_upwards_come_brain_skull_and_scalp(sample):
    fractions, points = sample
    column = np.flatnonzero((abs(points[:, 0] - 22) < 2.1) & (abs(points[:, 1]) < 2.1))
    column = column[points[column, 2] > 0]
    heights = {
        tissue: np.average(points[column, 2], weights=share(fractions, tissue)[column])
        for tissue in ("white", "bone", "muscle")
    }
    assert heights["white"] < heights["bone"] < heights["muscle"]


def test_the_cortex_is_folded(sample):
    # A smooth ellipsoid of grey matter would leave no CSF deep below the surface.
    fractions, points = sample
    sphere = np.linalg.norm((points - (0, -8, 14)) / (66, 84, 54), axis=1)
    below = (sphere > 0.8) & (sphere < 0.88) & (abs(points[:, 0]) > 12)
    csf = share(fractions, "csf")[below & (points[:, 2] > 10)]
    assert 0.02 < csf.mean() < 0.4


def test_two_heads_differ_and_a_seed_repeats_one():
    first, second = fractions_of(0)[0], fractions_of(1)[0]
    assert abs(first - second).mean() > 0.01
    np.testing.assert_array_equal(first, fractions_of(0)[0])


def test_halves_are_not_mirror_images(sample):
    grey = share(sample[0], "grey").reshape(SHAPE)
    assert abs(grey - grey[::-1]).mean() > 0.005


@pytest.mark.parametrize(
    ("age_years", "circumference_cm"),
    [(0.0, 34.5), (0.5, 43.3), (1, 46.1), (2, 48.3), (5, 50.7), (25, 56)],
)
def test_heads_grow_as_the_medians_of_boys_do(age_years, circumference_cm):
    adult = draw_head(np.random.default_rng(0))
    shrunk = head_at(adult, age_years).size / adult.size
    np.testing.assert_allclose(shrunk, circumference_cm / 56, atol=0.02)
