import numpy as np
import pytest

from briqa_sk.kernels.quality.head import block_means, find_head, spread


@pytest.fixture
def box():
    data = np.full((30, 32, 34), 2.0, np.float32)
    data[8:20, 9:22, 10:24] = 100
    return data


def test_the_foreground_is_the_box_and_counts_as_1(box):
    head = find_head(box)
    np.testing.assert_array_equal(head.foreground, box == 100)
    np.testing.assert_array_equal(head.head, box == 100)
    np.testing.assert_allclose(head.data[head.foreground], 1)
    np.testing.assert_allclose(head.data[head.air], 0.02)


def test_air_begins_two_voxels_beside_the_head(box):
    profile = find_head(box).air[:, 15, 15]
    assert np.flatnonzero(~profile).tolist() == list(range(6, 22))


def test_holes_are_head_but_not_foreground(box):
    box[12:16, 12:16, 12:16] = 2
    head = find_head(box)
    assert head.head[14, 14, 14]
    assert not head.foreground[14, 14, 14]


def test_a_speck_in_the_air_is_no_head(box):
    box[2, 2, 2] = 100
    assert not find_head(box).head[2, 2, 2]


def test_a_standardized_scan_gets_its_magnitudes_back(box):
    box[:2] = 0  # the darkest hundredth is 0
    standardized = (box - box.mean()) / box.std()
    np.testing.assert_allclose(
        find_head(standardized).data, find_head(box).data, atol=1e-5
    )


def test_a_broken_voxel_is_clipped(box):
    box[14, 14, 14] = 1e30
    head = find_head(np.tile(box, (2, 2, 2)))
    assert head.data.max() <= 100


def test_blocks_are_means_also_at_the_ragged_end():
    data = np.random.default_rng(0).random((130, 3, 5)).astype(np.float32)
    coarse = block_means(data)
    assert coarse.shape == (44, 3, 5)  # edges of 3 voxels, 1 in the last
    np.testing.assert_allclose(coarse[0], data[:3].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(coarse[-1], data[129], rtol=1e-6)


def test_a_coarse_mask_spreads_over_its_blocks():
    mask = np.zeros((44, 3, 5), bool)
    mask[1], mask[-1] = True, True
    wide = spread(mask, (130, 3, 5))
    assert np.flatnonzero(wide[:, 0, 0]).tolist() == [3, 4, 5, 129]
