import numpy as np
import pandas as pd
import pytest
from imblearn.metrics import macro_averaged_mean_absolute_error
from sklearn.metrics import accuracy_score, cohen_kappa_score

from briqa_sk.metrics import (
    bootstrap_interval,
    calibration_error,
    macro_averaged_mae,
    quadratic_kappa,
)

TEXT = np.array(["none", "moderate", "severe"])


@pytest.fixture
def ranks():
    rng = np.random.default_rng(0)
    return rng.integers(3, size=60), rng.integers(3, size=60)


def test_kappa_of_text_equals_scikit_learn_on_ranks(ranks):
    true, pred = ranks
    expected = cohen_kappa_score(true, pred, weights="quadratic")
    kappa = quadratic_kappa(TEXT[true], TEXT[pred], grades=TEXT)
    assert kappa == pytest.approx(expected)


def test_kappa_by_hand():
    # Observed: one miss by 1. By chance, with margins (2, 1, 1) and (2, 2, 0) over 4:
    # 1 * 2 * 2 / 4 + 1 * 1 * 2 / 4 + 4 * 1 * 2 / 4 + 1 * 1 * 2 / 4 = 4.
    assert quadratic_kappa([0, 0, 1, 2], [0, 0, 1, 1]) == pytest.approx(1 - 1 / 4)


def test_kappa_is_undefined_where_only_one_grade_exists():
    assert np.isnan(quadratic_kappa([1, 1], [1, 1]))


def test_an_absent_grade_keeps_its_place_on_the_scale():
    assert macro_averaged_mae([0, 2], [0, 0], grades=[0, 1, 2]) == 1.0
    assert macro_averaged_mae([0, 2], [0, 0]) == 0.5


def test_ordered_categoricals_rank_themselves():
    y_true = pd.Series(
        pd.Categorical(
            ["good", "bad"], categories=["good", "fair", "bad"], ordered=True
        )
    )
    assert macro_averaged_mae(y_true, ["good", "good"]) == 1.0


def test_mae_equals_imbalanced_learn(ranks):
    true, pred = ranks
    expected = macro_averaged_mean_absolute_error(true, pred)
    assert macro_averaged_mae(true, pred) == pytest.approx(expected)


def test_mae_takes_a_grade_that_is_never_true():
    assert macro_averaged_mae([0, 0, 1], [0, 2, 1]) == 0.5


@pytest.mark.parametrize("score", [quadratic_kappa, macro_averaged_mae])
def test_text_needs_an_order(score):
    with pytest.raises(ValueError, match="grades must give the order"):
        score(["a", "b"], ["a", "b"])


def test_calibration_error_by_hand():
    # Bin (.5, .6]: two scans at .6, one right: |.5 - .6|. Bin (.8, .9]: two at .9, both
    # right: |1 - .9|. Each bin holds half of the scans.
    proba = [[0.6, 0.4], [0.6, 0.4], [0.9, 0.1], [0.1, 0.9]]
    error = calibration_error([0, 1, 0, 1], proba, n_bins=10)
    assert error == pytest.approx(0.5 * 0.1 + 0.5 * 0.1)


def test_calibration_error_reads_columns_by_their_classes():
    proba = [[1.0, 0.0], [0.0, 1.0]]
    assert calibration_error(["b", "a"], proba, classes=["b", "a"]) == 0
    assert calibration_error(["b", "a"], proba) == 1


def test_calibration_error_refuses_columns_without_a_class():
    with pytest.raises(ValueError, match=r"\(2, 2\), got \(2, 3\)"):
        calibration_error([0, 1], np.full((2, 3), 1 / 3))


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


@pytest.mark.parametrize("score", [quadratic_kappa, macro_averaged_mae])
@pytest.mark.parametrize(
    ("true", "pred", "said"),
    [
        ([], [], "at least 1 scan, got none"),
        ([0.0, np.nan], [0.0, 1.0], "got 1 of 4 that are None or NaN"),
        (["a", None], ["a", "a"], "got 1 of 4 that are None or NaN"),
    ],
    ids=["empty", "nan", "none"],
)
def test_scores_need_a_label_for_every_scan(score, true, pred, said):
    with pytest.raises(ValueError, match=f"{score.__name__}: .*{said}"):
        score(true, pred)


@pytest.mark.parametrize(
    ("true", "proba", "keywords", "said"),
    [
        ([], np.empty((0, 0)), {}, "at least 1 scan, got none"),
        ([0, 1], np.eye(2), {"n_bins": 0}, "n_bins must be a whole number above 0"),
        ([0, 1], 2 * np.eye(2), {}, r"in \[0, 1\], got values from 0.0 to 2.0"),
        ([0, 1], np.full((2, 2), np.nan), {}, "got values from nan to nan"),
    ],
    ids=["empty", "no bin", "beyond 1", "nan"],
)
def test_calibration_needs_probabilities_and_bins(true, proba, keywords, said):
    with pytest.raises(ValueError, match=f"calibration_error: .*{said}"):
        calibration_error(true, proba, **keywords)


def test_an_interval_of_no_scan_is_refused():
    with pytest.raises(ValueError, match="at least 1 scan, got none"):
        bootstrap_interval(np.mean, [])
