"""Agreement of ordered grades: by hand and by other libraries."""

import numpy as np
import pandas as pd
import pytest
from imblearn.metrics import macro_averaged_mean_absolute_error
from sklearn.metrics import cohen_kappa_score

from briqa_sk.metrics import macro_averaged_mae, quadratic_kappa

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
    assert macro_averaged_mae(["a", "c"], ["a", "a"], grades=list("abc")) == 1.0


@pytest.mark.parametrize("dtype", [int, object, np.uint8])
def test_mae_equals_imbalanced_learn_where_numbers_have_gaps(dtype):
    true, pred = np.array([0, 2, 2, 7], dtype), np.array([2, 0, 7, 7], dtype)
    expected = macro_averaged_mean_absolute_error(true.astype(int), pred.astype(int))
    assert macro_averaged_mae(true, pred) == expected
    assert macro_averaged_mae(true, pred, grades=[0, 2, 7]) == 2 / 3


def test_mae_of_a_regressor_is_the_distance_of_numbers():
    assert macro_averaged_mae([0, 1, 1], [0.5, 1.25, 2.25]) == (0.5 + 0.75) / 2


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


@pytest.mark.parametrize("score", [quadratic_kappa, macro_averaged_mae])
def test_a_table_of_several_artifacts_is_refused_with_its_shape(score):
    said = rf"{score.__name__}: labels must be 1-D, .* got shape \(2, 3\)"
    with pytest.raises(ValueError, match=said):
        score(np.zeros((2, 3)), np.ones((2, 3)))
    with pytest.raises(ValueError, match=said):
        score([0, 1], np.ones((2, 3)))
