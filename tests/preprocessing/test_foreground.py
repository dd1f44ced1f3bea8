import numpy as np
import pytest

from briqa_sk import CropForeground, Volume


@pytest.fixture
def head():
    data = np.zeros((12, 14, 16), np.float32)
    data[3:9, 4:8, 5:15] = 100
    return Volume(data, np.diag([1.0, 2.0, 0.5, 1.0]))


def test_without_a_margin_the_box_is_the_head(head):
    cropped = CropForeground(margin_mm=0)(head)
    np.testing.assert_array_equal(cropped.data, np.full((6, 4, 10), 100))
    np.testing.assert_allclose(cropped.affine[:3, 3], [3, 8, 2.5])


def test_the_margin_is_in_millimetres_and_ends_at_the_edge(head):
    cropped = CropForeground(margin_mm=2)(head)
    # 2 voxels of 1 mm, 1 of 2 mm, 4 of 0.5 mm with only 1 left at the upper end
    assert cropped.shape == (6 + 4, 4 + 2, 10 + 4 + 1)
    assert cropped.data.sum() == head.data.sum()


def test_an_array_whose_boxes_differ_is_refused(head):
    X = np.stack([head.data, np.roll(head.data, 1, axis=0)])
    X[1, 5:] = 0
    with pytest.raises(ValueError, match="must keep one shape"):
        CropForeground(margin_mm=0).fit_transform(X)


@pytest.mark.parametrize("margin_mm", [-1, np.nan])
def test_a_bad_margin_is_refused(head, margin_mm):
    with pytest.raises(ValueError, match="margin_mm must be"):
        CropForeground(margin_mm).fit([head])


def test_a_margin_beyond_all_bounds_keeps_the_volume(head):
    assert CropForeground(margin_mm=1e20)(head).shape == head.shape
