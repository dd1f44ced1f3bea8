import numpy as np
import pandas as pd
import pytest

from briqa_sk.sampling import RotatingBatches, RotatingBatchSampler

# The counts of Zipper in the LISA 2025 training set: 398 / 105 / 29.
ZIPPER = np.repeat([0, 1, 2], [398, 105, 29])


def deal(sampler, n_epochs=1):
    """The next epochs, each of shape (n_batches, batch_size)."""
    epochs = [np.array(list(sampler)) for _ in range(n_epochs)]
    return epochs[0] if n_epochs == 1 else epochs


def counts(y, batch):
    return [int(np.sum(y[batch] == grade)) for grade in np.unique(y)]


def test_three_epochs_by_hand():
    # N0 = 5, r0 = 2, B = N1 = 3: epoch e starts at scan 6 e mod 5, so 0, 1, 2.
    y = np.repeat([0, 1, 2], [5, 3, 1])
    sampler = RotatingBatchSampler(y, random_state=0)
    epochs = np.array(deal(sampler, 3))[:, :, :2]  # (epoch, batch, slot of class 0)
    table = [
        [[0, 1], [2, 3], [4, 0]],
        [[1, 2], [3, 4], [0, 1]],
        [[2, 3], [4, 0], [1, 2]],
    ]
    place = np.empty(5, int)
    place[epochs[0].ravel()[:5]] = np.arange(5)  # scan -> its place in the shuffle
    np.testing.assert_array_equal(place[epochs], table)


def test_the_papers_batch_is_two_one_one():
    sampler = RotatingBatchSampler(ZIPPER, random_state=0)
    assert len(sampler) == 105
    assert all(counts(ZIPPER, batch) == [2, 1, 1] for batch in deal(sampler))


def test_every_majority_scan_is_seen_within_the_promised_epochs():
    # ceil(398 / (2 * 105)) = 2
    first, second = deal(RotatingBatchSampler(ZIPPER, random_state=0), 2)
    seen = np.concatenate([first, second]).ravel()
    assert np.unique(seen[ZIPPER[seen] == 0]).size == 398


def test_an_epoch_holds_class_1_once_and_class_2_evenly():
    n_seen = np.bincount(deal(RotatingBatchSampler(ZIPPER, random_state=0)).ravel())
    assert set(n_seen[ZIPPER == 1]) == {1}
    assert set(n_seen[ZIPPER == 2]) == {3, 4}  # 105 slots for 29 scans


def test_class_1_rests_on_no_order():
    sampler = RotatingBatchSampler(ZIPPER, random_state=0)
    first, second = (epoch[:, 2].tolist() for epoch in deal(sampler, 2))
    assert first != second
    assert sorted(first) == sorted(second)


def test_more_scans_of_class_2_than_of_class_1_rotate():
    y = np.repeat([0, 1, 2], [20, 3, 8])
    sampler = RotatingBatchSampler(y, random_state=0)
    assert len(sampler) == 3
    epochs = np.concatenate(deal(sampler, 3))  # 9 slots for 8 scans
    assert set(epochs[:, 3]) == set(np.flatnonzero(y == 2))


@pytest.mark.parametrize(
    ("y", "n_batches", "expected"),
    [
        (np.repeat([0, 1], [9, 4]), 4, [2, 1]),
        (np.repeat([0, 2], [9, 4]), 4, [2, 1]),
        (np.repeat([1, 2], [9, 4]), 9, [1, 1]),
        (np.repeat([0], [9]), 5, [2]),
    ],
    ids=["no 2", "no 1", "no 0", "only 0"],
)
def test_the_slots_of_a_missing_class_stay_empty(y, n_batches, expected):
    sampler = RotatingBatchSampler(y, grades=[0, 1, 2], random_state=0)
    batches = list(sampler)
    assert len(sampler) == len(batches) == n_batches
    assert all(counts(y, batch) == expected for batch in batches)


@pytest.mark.parametrize(
    ("n_classes", "batch_size", "ratio", "expected"),
    [
        (1, 2, None, [2]),
        (2, 4, None, [2, 2]),
        (4, 6, None, [3, 1, 1, 1]),
        (5, 16, None, [8, 2, 2, 2, 2]),
        (3, 8, None, [4, 2, 2]),
        (4, 8, "balanced", [2, 2, 2, 2]),
        (3, 12, {0: 1, 1: 2, 2: 3}, [2, 4, 6]),
    ],
)
def test_any_number_of_classes_and_any_ratio(n_classes, batch_size, ratio, expected):
    y = np.repeat(np.arange(n_classes), np.arange(5 + n_classes, 5, -1))
    sampler = RotatingBatchSampler(y, batch_size, ratio, random_state=0)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    assert all(counts(y, batch) == expected for batch in batches)


def test_an_epoch_can_have_any_length():
    sampler = RotatingBatchSampler(ZIPPER, n_batches=50, random_state=0)
    epochs = np.concatenate(deal(sampler, 3))
    assert len(sampler) == 50
    # 105 scans of class 1 on 50 slots now rotate, too: 150 slots show them all.
    assert set(epochs[:, 2]) == set(np.flatnonzero(ZIPPER == 1))


def test_a_second_slot_of_class_1_is_filled_without_repeating_more_than_needed():
    y = np.repeat([0, 1], [10, 5])  # 3 batches of 2 slots for 5 scans
    n_seen = np.bincount(deal(RotatingBatchSampler(y, 4, random_state=0)).ravel())
    assert sorted(n_seen[y == 1]) == [1, 1, 1, 1, 2]


def test_seeds_shuffle_the_majority_differently():
    first, other = (deal(RotatingBatchSampler(ZIPPER, random_state=s)) for s in (0, 1))
    assert first[:, :2].tolist() != other[:, :2].tolist()


@pytest.mark.parametrize("kind", [list, pd.Series, np.array])
def test_text_labels_with_grades_deal_the_same_indices_as_numbers(kind):
    names = np.array(["none", "mild", "severe"], dtype=object)
    text = RotatingBatchSampler(
        kind(names[ZIPPER]), grades=names.tolist(), random_state=0
    )
    numbers = RotatingBatchSampler(ZIPPER, random_state=0)
    np.testing.assert_array_equal(deal(text), deal(numbers))


def test_an_ordered_categorical_ranks_itself():
    y = pd.Series(
        pd.Categorical(["b", "a", "b", "b"], categories=["b", "c", "a"], ordered=True)
    )
    batches = deal(RotatingBatchSampler(y, random_state=0))  # 2 : 1 : 1, no "c"
    assert [sorted(y[batch]) for batch in batches] == [["a", "b", "b"]]


def test_numbers_of_a_ratio_that_y_lacks_rank_themselves():
    y = np.repeat([1, 2], [4, 2])
    sampler = RotatingBatchSampler(y, 4, {2: 1, 1: 1, 0: 2}, random_state=0)
    assert [counts(y, batch) for batch in sampler] == [[1, 1]] * 4


def test_the_plan_passes_on_what_it_holds():
    plan = RotatingBatches(ratio={0: 1, 1: 1, 2: 1, 3: 1}, n_batches=7)
    sampler = plan(ZIPPER, 8, grades=np.arange(3), random_state=0)
    assert len(sampler) == 7
    assert all(counts(ZIPPER, batch) == [2, 2, 2] for batch in sampler)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"batch_size": 6}, r"ratio 2 : 1 : 1, got 6\. Use 4 or 8\."),
        ({"batch_size": 3}, r"sum of the ratio 2 : 1 : 1, got 3\. Use 4\."),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"ratio": {0: 2, 1: 2}}, r"no slots for \[2\]"),
        (
            {"ratio": {0: 1, 1: 1, 2: 1, 3: 1}, "grades": [0, 1, 2]},
            r"slots for unknown \[3\]",
        ),
        ({"ratio": {0: 2, 1: 2, 2: 0}}, "slots of at least 1, got"),
        ({"ratio": {0: 2.5, 1: 1, 2: 1}}, "slots of at least 1, got"),
        ({"ratio": "even"}, "must be 'balanced', None or a dict"),
        ({"n_batches": 0}, "n_batches must be at least 1, got 0"),
        ({"y": np.zeros((4, 1))}, r"y must be 1-D .* got shape \(4, 1\)"),
        ({"y": []}, r"at least 1 label, got shape \(0,\)"),
        ({"y": ["a", "b"]}, "grades must give the order"),
    ],
)
def test_arguments_that_cannot_work_are_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        RotatingBatchSampler(**{"y": ZIPPER, **arguments})
