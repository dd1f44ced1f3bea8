import numpy as np
import pytest

from briqa_sk.sampling import BalancedBatchSampler, RotatingBatchSampler

Y = np.repeat([0, 1, 2], [40, 9, 5])


def epochs(sampler, n_epochs=8):
    return [[list(batch) for batch in sampler] for _ in range(n_epochs)]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, 8, 100])
def test_batches_have_the_size_asked_for_and_the_last_what_is_left(batch_size):
    sizes = [len(b) for b in BalancedBatchSampler(Y, batch_size, random_state=0)]
    full, rest = divmod(4 * 9, batch_size)  # nine times 0 1 0 2
    assert sizes == [batch_size] * full + [rest] * (rest > 0)


def test_every_other_scan_is_of_the_majority_and_the_others_take_turns():
    (epoch,) = epochs(BalancedBatchSampler(Y, 2, random_state=0), n_epochs=1)
    assert Y[np.concatenate(epoch)].tolist() == [0, 1, 0, 2] * 9


@pytest.mark.parametrize("n_grades", [2, 3, 4, 5])
def test_half_of_what_is_dealt_is_of_the_majority(n_grades):
    y = np.repeat(np.arange(n_grades), [50] + [7] * (n_grades - 1))
    dealt = np.concatenate(list(BalancedBatchSampler(y, 6, random_state=0)))
    expected = [7 * (n_grades - 1)] + [7] * (n_grades - 1)
    assert np.bincount(y[dealt]).tolist() == expected


def test_a_batch_of_four_is_a_rotating_batch():
    ours = epochs(BalancedBatchSampler(Y, 4, random_state=3))
    theirs = epochs(RotatingBatchSampler(Y, 4, random_state=3))
    assert [[sorted(b) for b in e] for e in ours] == [
        [sorted(b) for b in e] for e in theirs
    ]


def test_all_of_the_majority_are_seen_before_one_is_seen_again():
    # 18 places per epoch: 40 scans take 2.2 epochs.
    sampler = BalancedBatchSampler(Y, 5, random_state=1)
    dealt = np.concatenate([np.concatenate(e) for e in epochs(sampler)])
    majority = dealt[Y[dealt] == 0]
    assert sorted(majority[:40]) == list(range(40))


def test_the_most_frequent_grade_rotates_whatever_its_name():
    y = np.array(["bad"] * 9 + ["good"] * 3)
    dealt = list(BalancedBatchSampler(y, 2, random_state=0))
    assert [y[batch].tolist() for batch in dealt] == [["bad", "good"]] * 3


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((10, 10, 10), [10, 10, 10]),
        ((19, 10, 10), [10] * 3),
        ((20, 10, 9), [20, 10, 10]),
    ],
)
def test_grades_that_are_equally_frequent_get_equally_many_places(counts, expected):
    y = np.repeat([0, 1, 2], counts)
    dealt = np.concatenate(list(BalancedBatchSampler(y, 4, random_state=0)))
    assert np.bincount(y[dealt]).tolist() == expected


def test_one_grade_only_is_dealt_once():
    dealt = np.concatenate(list(BalancedBatchSampler([1] * 5, 2, random_state=0)))
    assert sorted(dealt) == list(range(5))


@pytest.mark.parametrize("batch_size", [0, -1, 2.5])
def test_a_batch_size_that_is_no_whole_number_above_zero_is_refused(batch_size):
    with pytest.raises((ValueError, TypeError), match="batch_size must be"):
        BalancedBatchSampler(Y, batch_size)
