"""Intervals against normal theory, and differences of two models."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from briqa_sk.exceptions import BriqaWarning
from briqa_sk.metrics import bootstrap_interval, paired_difference


def test_interval_of_a_mean_matches_the_normal_one():
    x = np.random.default_rng(0).normal(size=400)
    low, high = bootstrap_interval(np.mean, x, random_state=0)
    half = 1.96 * x.std() / 20
    assert low == pytest.approx(x.mean() - half, abs=0.02)
    assert high == pytest.approx(x.mean() + half, abs=0.02)


def test_ten_copies_of_each_subject_do_not_narrow_the_interval():
    y_true = np.repeat([0, 0, 1, 1, 1], 10)
    y_pred = np.repeat([0, 1, 1, 0, 1], 10)
    subjects = np.repeat(list("abcde"), 10)
    draw = {"n_resamples": 200, "random_state": 0}
    once = bootstrap_interval(accuracy_score, y_true[::10], y_pred[::10], **draw)
    grouped = bootstrap_interval(
        accuracy_score, y_true, y_pred, groups=subjects, **draw
    )
    assert grouped == once


def test_several_scores_share_the_resamples():
    def both(x):
        return x.mean(), 2 * x.mean()

    low, high = bootstrap_interval(both, np.arange(20), n_resamples=50, random_state=0)
    assert low[1] == 2 * low[0]
    assert high[1] == 2 * high[0]


def test_undefined_resamples_are_left_out():
    def only_with_ones(x):
        return 1.0 if x.any() else np.nan

    low, high = bootstrap_interval(only_with_ones, [0, 1], random_state=0)
    assert (low, high) == (1, 1)
    assert np.isnan(bootstrap_interval(only_with_ones, [0, 0], random_state=0)).all()


def test_confidence_is_a_share():
    with pytest.raises(ValueError, match=r"in \(0, 1\), got 95"):
        bootstrap_interval(np.mean, [0, 1], confidence=95)


def test_an_interval_of_no_scan_is_refused():
    with pytest.raises(ValueError, match="at least 1 scan, got none"):
        bootstrap_interval(np.mean, [])


def accuracy(y_true, y_pred):
    return (y_true == y_pred).mean()


@pytest.fixture
def two_models():
    """True grades, and predictions that are right for 70 % and 60 % of 400 scans."""
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=400)
    return y, *(np.where(rng.random(400) < p, y, (y + 1) % 3) for p in (0.7, 0.6))


def test_a_paired_interval_matches_the_normal_one(two_models):
    y, a, b = two_models
    gain = (y == a).astype(float) - (y == b)
    result = paired_difference(y, a, b, accuracy, random_state=0)
    half = 1.96 * gain.std() / 20
    assert result.difference == pytest.approx(gain.mean())
    assert result.low == pytest.approx(gain.mean() - half, abs=0.01)
    assert result.high == pytest.approx(gain.mean() + half, abs=0.01)


def test_what_is_hard_for_both_models_cancels_out(two_models):
    y, a, _ = two_models
    b = np.where(np.arange(400) < 8, (y + 1) % 3, a)
    result = paired_difference(y, a, b, accuracy, random_state=0)
    low, high = bootstrap_interval(accuracy, y, a, random_state=0)
    assert result.high - result.low < (high - low) / 3


def test_swapping_the_models_changes_the_sign_and_nothing_else(two_models):
    y, a, b = two_models
    draw = {"n_resamples": 200, "random_state": 0}
    one = paired_difference(y, a, b, accuracy, **draw)
    other = paired_difference(y, b, a, accuracy, **draw)
    assert other.difference == -one.difference
    assert (other.low, other.high) == pytest.approx((-one.high, -one.low))
    assert other.p_value == one.p_value


def test_equal_models_have_no_difference_and_p_1(two_models):
    y, a, _ = two_models
    result = paired_difference(y, a, a, accuracy, n_resamples=50, random_state=0)
    assert (result.difference, result.low, result.high, result.p_value) == (0, 0, 0, 1)


def test_the_smallest_p_value_is_2_of_the_resamples_and_the_sample():
    y = np.zeros(20)
    result = paired_difference(y, y, y + 1, accuracy, n_resamples=99, random_state=0)
    assert result.p_value == 0.02


def test_p_values_of_equally_good_models_are_uniform():
    rng = np.random.default_rng(0)
    p_values = [
        paired_difference(
            np.ones(100),
            *(rng.random((2, 100)) < 0.6),
            accuracy,
            n_resamples=60,
            random_state=rng,
        ).p_value
        for _ in range(200)
    ]
    # Of 200, 5 % and 50 %, with three standard errors; ties push p up.
    assert np.mean(np.less(p_values, 0.05)) == pytest.approx(0.05, abs=0.046)
    assert np.mean(np.less(p_values, 0.5)) == pytest.approx(0.5, abs=0.11)


def test_copies_of_each_subject_do_not_narrow_a_difference(two_models):
    y, a, b = two_models
    draw = {"n_resamples": 100, "random_state": 0}
    once = paired_difference(y, a, b, accuracy, **draw)
    five = [np.repeat(array, 5) for array in (y, a, b)]
    subjects = np.repeat(np.arange(400), 5)
    assert paired_difference(*five, accuracy, groups=subjects, **draw) == once


def test_runs_are_averaged_and_widen_the_interval(two_models):
    y, a, b = two_models
    bad = (y + 1) % 3
    result = paired_difference(y, [a, bad], b, accuracy, random_state=0)
    mean = (accuracy(y, a) + accuracy(y, bad)) / 2
    assert result.difference == pytest.approx(mean - accuracy(y, b))
    # A run is drawn twice in a quarter of the resamples each.
    assert result.low < accuracy(y, bad) - accuracy(y, b) + 0.05
    assert result.high > accuracy(y, a) - accuracy(y, b) - 0.05


def test_run_s_of_one_model_is_compared_with_run_s_of_the_other(two_models):
    y, a, b = two_models
    runs = np.stack([a, b, (y + 1) % 3])
    result = paired_difference(y, runs, runs, accuracy, n_resamples=50, random_state=0)
    assert (result.low, result.high) == (0, 0)


def test_tables_of_several_artifacts_are_resampled_by_rows(two_models):
    y, a, b = two_models
    draw = {"n_resamples": 50, "random_state": 0}
    one = paired_difference(y, a, b, accuracy, **draw)
    y, a, b = (np.stack([array] * 7, axis=1) for array in (y, a, b))
    assert paired_difference(y, a[None], b, accuracy, **draw) == one


def test_several_differences_share_the_resamples(two_models):
    y, a, b = two_models

    def both(y_true, y_pred):
        return accuracy(y_true, y_pred), f1_score(y_true, y_pred, average="micro")

    result = paired_difference(y, a, b, both, n_resamples=50, random_state=0)
    for fact in (result.difference, result.low, result.high, result.p_value):
        assert fact[0] == pytest.approx(fact[1])


def test_predictions_of_other_scans_are_refused():
    with pytest.raises(ValueError, match=r"y_pred_b must .* \(3,\), .* got \(2,\)"):
        paired_difference([0, 1, 2], [0, 1, 2], [0, 1], accuracy)


def test_one_subject_tells_nothing_of_others():
    scans = [0, 0, 0], [0, 0, 0], [0, 0, 1], accuracy
    with pytest.warns(BriqaWarning, match="at least 2 subjects, got 1") as said:
        result = paired_difference(*scans, groups=["s"] * 3, random_state=0)
    assert result.difference == pytest.approx(1 / 3)
    assert np.isnan([result.low, result.high, result.p_value]).all()
    assert len(said) == 1
    assert said[0].filename == __file__


def test_one_scan_has_no_interval():
    with pytest.warns(BriqaWarning, match="at least 2 scans, got 1") as said:
        low, high = bootstrap_interval(lambda x: [x.mean(), 1.0], [1])
    assert np.isnan([low, high]).all()
    assert low.shape == (2,)
    assert said[0].filename == __file__


@pytest.mark.parametrize("n_resamples", [0, -1, 2.5])
def test_the_number_of_resamples_is_a_whole_one_above_0(n_resamples):
    said = f"n_resamples must be a whole number above 0, got {n_resamples}"
    with pytest.raises(ValueError, match=f"bootstrap_interval: {said}"):
        bootstrap_interval(np.mean, [0, 1], n_resamples=n_resamples)
    with pytest.raises(ValueError, match=f"paired_difference: {said}"):
        paired_difference([0, 1], [0, 1], [0, 0], accuracy, n_resamples=n_resamples)


def test_a_difference_that_is_never_defined_has_no_p_value():
    result = paired_difference([0, 1], [0, 1], [0, 0], lambda *_: np.nan)
    assert np.isnan(result.p_value)


def test_a_missing_subject_is_refused():
    subjects = ["a", "b", float("nan"), None]
    said = "every scan must have a subject, got 2 missing"
    with pytest.raises(ValueError, match=f"bootstrap_interval: {said}"):
        bootstrap_interval(np.mean, [0, 1, 1, 1], groups=subjects)
    with pytest.raises(ValueError, match=f"paired_difference: {said}"):
        paired_difference([0] * 4, [0] * 4, [1] * 4, accuracy, groups=subjects)
