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


@pytest.mark.parametrize(
    ("ratio", "grades"),
    [
        ({0: 2, 1: 1, 2: 1}, [1, 2]),
        ({2: 1, 1: 1, 0: 2}, [1, 2]),
        ({1: 1, 2: 1, 3: 2}, [2, 1]),  # 3 is the best
        ({"good": 2, "moderate": 1, "bad": 1}, ["moderate", "bad"]),
    ],
    ids=str,
)
def test_the_plan_and_the_sampler_agree_when_the_best_grade_is_missing(ratio, grades):
    y = np.repeat(grades, [5, 2])
    everything = sorted(ratio, reverse=grades == [2, 1]) if 1 in grades else [*ratio]
    plan = RotatingBatches(ratio)(y, 4, grades=np.array(grades), random_state=0)
    sampler = RotatingBatchSampler(y, 4, ratio, grades=everything, random_state=0)
    assert plan.best == sampler.best == everything[0]
    assert len(plan) == len(sampler) == 5
    assert list(plan) == list(sampler)


def test_a_ratio_that_contradicts_the_order_of_the_grades_is_refused():
    plan = RotatingBatches({"bad": 1, "good": 2, "moderate": 1})
    with pytest.raises(ValueError, match="must list its grades from best to worst"):
        plan(["good", "bad"], 4, grades=["good", "bad"], random_state=0)


def test_numbers_of_object_dtype_rank_themselves():
    y = pd.Series(ZIPPER, dtype=object)
    sampler = RotatingBatchSampler(y, random_state=0)
    np.testing.assert_array_equal(
        deal(sampler), deal(RotatingBatchSampler(ZIPPER, random_state=0))
    )


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
        ({"batch_size": 0}, "batch_size must be a whole number above 0, got 0"),
        ({"batch_size": 4.0}, "batch_size must be a whole number above 0, got 4.0"),
        ({"batch_size": "4"}, "batch_size must be a whole number above 0, got '4'"),
        ({"ratio": {0: 2, 1: 2}}, r"no slots for \[2\]"),
        (
            {"ratio": {0: 1, 1: 1, 2: 1, 3: 1}, "grades": [0, 1, 2]},
            r"slots for unknown \[3\]",
        ),
        ({"ratio": {0: 2, 1: 2, 2: 0}}, r"ratio\[2\] must be a whole number above 0"),
        (
            {"ratio": {0: 2.0, 1: 1, 2: 1}},
            r"ratio\[0\] must be .* number above 0, got 2.0",
        ),
        ({"ratio": {0: 2, 1: "1", 2: 1}}, r"ratio\[1\] must be .* above 0, got '1'"),
        ({"ratio": {0: 2, 1: 1, 2: None}}, r"ratio\[2\] must be .* above 0, got None"),
        ({"ratio": "even"}, "must be 'balanced', None or a dict"),
        ({"n_batches": 0}, "n_batches must be a whole number above 0, got 0"),
        ({"n_batches": 2.5}, "n_batches must be a whole number above 0, got 2.5"),
        ({"n_batches": "3"}, "n_batches must be a whole number above 0, got '3'"),
        ({"y": [0, 0, 1, 2, np.nan]}, r"got 1 missing \(first: index 4\)"),
        ({"y": np.zeros((4, 1))}, r"y must be 1-D .* got shape \(4, 1\)"),
        ({"y": []}, r"at least 1 label, got shape \(0,\)"),
        ({"y": ["a", "b"]}, "grades must give the order"),
    ],
)
def test_arguments_that_cannot_work_are_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        RotatingBatchSampler(**{"y": ZIPPER, **arguments})
