import numpy as np
import pytest

from briqa_sk.kernels import foreground_box, foreground_mask, otsu_threshold


@pytest.fixture
def head():
    """A noisy bright box in darker noise, and its mask."""
    rng = np.random.default_rng(0)
    data = np.abs(rng.normal(0, 3, size=(20, 24, 16)))
    truth = np.zeros(data.shape, bool)
    truth[4:15, 6:20, 2:9] = True
    data[truth] += 100
    return data.astype(np.float32), truth


def test_the_threshold_separates_best_among_all_values():
    data = np.random.default_rng(0).normal(size=300)
    data[:90] += 4
    threshold = otsu_threshold(data)

    def within(t):  # weighted variance inside the classes, which Otsu minimises
        return sum(part.var() * part.size for part in (data[data <= t], data[data > t]))

    best = min(within(t) for t in np.sort(data)[1:-1])
    assert within(threshold) <= 1.03 * best  # 256 bins cannot hit it exactly


def test_the_mask_is_the_head(head):
    data, truth = head
    np.testing.assert_array_equal(foreground_mask(data), truth)


def test_one_spike_does_not_become_the_foreground(head):
    data, truth = head
    data[0, 0, 0] = 1e6
    truth[0, 0, 0] = True
    np.testing.assert_array_equal(foreground_mask(data), truth)


def test_a_single_bright_voxel_is_found():
    data = np.zeros((16, 16, 16))
    data[3, 4, 5] = 1
    assert np.argwhere(foreground_mask(data)).tolist() == [[3, 4, 5]]


def test_a_constant_volume_is_all_foreground():
    assert foreground_mask(np.full((2, 2, 2), -3.0)).all()


def test_the_box_holds_the_head_and_no_specks(head):
    _, truth = head
    truth[0, 0, 0] = truth[19, 23, 15] = True
    start, stop = foreground_box(truth)
    assert start.tolist() == [4, 6, 2]
    assert stop.tolist() == [15, 20, 9]


def test_parts_that_are_all_small_all_count():
    mask = np.zeros((30, 30, 30), bool)
    mask[::2, ::2, ::2] = True
    start, stop = foreground_box(mask)
    assert start.tolist() == [0, 0, 0]
    assert stop.tolist() == [29, 29, 29]
