"""The challenge's score beside the rule that it is defined by."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    fbeta_score,
    precision_score,
    recall_score,
)

from briqa_sk.exceptions import BriqaWarning
from briqa_sk.metrics import LISA_ARTIFACTS, lisa_ranking, lisa_score
from briqa_sk.simulation import LISA_2025


def by_the_rule(truth, pred):
    """The published rule, word by word, on tables in one order."""
    scores = {}
    for average in ("micro", "macro", "weighted"):
        how = {"average": average, "zero_division": 0}
        values = {"F1": [], "F2": [], "Precision": [], "Recall": [], "Accuracy": []}
        for name in LISA_ARTIFACTS:
            t, p = truth[name], pred[name]
            values["F1"].append(f1_score(t, p, **how))
            values["F2"].append(fbeta_score(t, p, beta=2, **how))
            values["Precision"].append(precision_score(t, p, **how))
            values["Recall"].append(recall_score(t, p, **how))
            values["Accuracy"].append(accuracy_score(t, p))
        for metric, each in values.items():
            scores[f"{metric}_{average}"] = round(sum(each) / len(each), 3)
    return scores


def make_tables(n_scans, proportions, rng):
    names = [f"LISA_{i:04d}_LF_axi.nii.gz" for i in range(n_scans)]
    shape = (n_scans, len(LISA_ARTIFACTS))
    truth, guess = rng.choice(3, size=(2, *shape), p=proportions)
    pred = np.where(rng.random(shape) < 0.6, truth, guess)
    return (pd.DataFrame(t, names, LISA_ARTIFACTS) for t in (truth, pred))


@pytest.fixture
def tables():
    return tuple(make_tables(40, [0.7, 0.2, 0.1], np.random.default_rng(0)))


@pytest.mark.parametrize("n_scans", [1, 2, 3, 10, 100, 2000])
@pytest.mark.parametrize("seed", range(3))
def test_aligned_tables_get_the_official_numbers_to_the_last_digit(n_scans, seed):
    rng = np.random.default_rng([n_scans, seed])
    truth, pred = make_tables(n_scans, rng.dirichlet(np.full(3, 0.5)), rng)
    scores = lisa_score(truth, pred)
    assert list(scores.items()) == list(by_the_rule(truth, pred).items())


def test_a_table_of_strangers_order_and_spelling_gets_the_same_numbers(tables):
    truth, pred = tables
    mangled = pred.sample(frac=1, random_state=0)[list(LISA_ARTIFACTS[::-1])]
    mangled.index = mangled.index.str.removesuffix(".nii.gz").str.upper()
    mangled["age"] = 7
    assert lisa_score(truth, mangled) == lisa_score(truth, pred)
    assert lisa_score(truth, mangled) != by_the_rule(truth, mangled)


def test_the_ranking_forgives_calling_every_scan_free_of_artifacts():
    n_scans = 532
    columns = [
        np.repeat([0, 1, 2], LISA_2025.counts[name.lower()]) for name in LISA_ARTIFACTS
    ]
    names = [f"LISA_{i:04d}" for i in range(n_scans)]
    truth = pd.DataFrame(np.stack(columns, axis=1), names, LISA_ARTIFACTS)
    scores = lisa_score(truth, 0 * truth)
    assert lisa_ranking(scores) == pytest.approx(0.749, abs=1e-3)
    assert scores["F1_macro"] < 0.31


def test_ten_to_the_five_rows_are_scored_as_the_sum_of_their_counts():
    truth, pred = make_tables(100, [0.7, 0.2, 0.1], np.random.default_rng(1))
    many = [
        pd.concat([table] * 1000).set_axis([f"{i}.nii" for i in range(100_000)])
        for table in (truth, pred)
    ]
    assert lisa_score(*many) == by_the_rule(truth, pred)


def test_what_is_not_rated_is_not_scored(tables):
    truth, pred = tables
    partial = truth.astype(float)
    partial.iloc[:10, 0] = np.nan
    expected = np.mean(
        [
            accuracy_score(truth[name].iloc[10 * (name == "Noise") :], column)
            for name, column in (
                (name, pred[name].iloc[10 * (name == "Noise") :]) for name in pred
            )
        ]
    )
    assert lisa_score(partial, pred)["Accuracy_macro"] == round(expected, 3)


def test_an_artifact_that_nobody_rated_is_left_out_with_a_warning(tables):
    truth, pred = tables
    partial = truth.assign(Motion=np.nan)
    with pytest.warns(BriqaWarning, match="Motion is not rated") as said:
        scores = lisa_score(partial, pred)
    accuracy = (truth == pred).drop(columns="Motion").to_numpy().mean()
    assert scores["Accuracy_micro"] == round(accuracy, 3)
    assert len(said) == 1
    with pytest.raises(ValueError, match="at least 1 rating"):
        lisa_score(truth * np.nan, pred)


def test_rows_that_one_table_lacks_are_an_error_that_names_them(tables):
    truth, pred = tables
    with pytest.raises(ValueError, match=r"no row of y_pred for LISA_0003_LF_axi.nii"):
        lisa_score(truth, pred.drop("LISA_0003_LF_axi.nii.gz"))
    with pytest.raises(ValueError, match=r"no row of y_true for LISA_0000\S+, .*and 4"):
        lisa_score(truth[9:], pred)


def test_a_rating_without_a_prediction_is_an_error_that_names_it(tables):
    truth, pred = tables
    pred = pred.astype(float)
    pred.loc["LISA_0007_LF_axi.nii.gz", "Zipper"] = np.nan
    with pytest.raises(ValueError, match=r"NaN in y_pred for LISA_0007_LF_axi.nii"):
        lisa_score(truth, pred)


def test_common_rows_are_scored_with_one_warning_that_names_the_others(tables):
    truth, pred = tables
    expected = lisa_score(truth[10:30], pred[10:30])
    with pytest.warns(BriqaWarning, match="not scored: no row of y_pred for") as said:
        scores = lisa_score(truth[:30], pred[10:], rows="common")
    assert scores == expected
    assert len(said) == 1
    assert said[0].filename == __file__


def test_common_rows_leave_out_ratings_without_a_prediction(tables):
    truth, pred = tables
    holes = pred.astype(float)
    holes.iloc[:10, 0] = np.nan
    same_holes = truth.astype(float)
    same_holes.iloc[:10, 0] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BriqaWarning)
        scores = lisa_score(truth, holes, rows="common")
    assert scores == lisa_score(same_holes, pred)


def test_an_artifact_that_is_never_predicted_is_no_common_ground(tables):
    truth, pred = tables
    nobody = pred.assign(Noise=np.nan, Motion=np.nan)
    with pytest.raises(ValueError, match="a grade of Noise, Motion in some scan"):
        lisa_score(truth, nobody, rows="common")
    late = truth.assign(Noise=truth["Noise"].where(np.arange(40) >= 30))
    with pytest.raises(ValueError, match="a grade of Noise in some scan"):
        lisa_score(late, pred[:30], rows="common")


def test_tables_of_other_scans_are_an_error_even_for_common_rows(tables):
    truth, pred = tables
    with pytest.raises(ValueError, match="got none; y_true has LISA_0000"):
        lisa_score(truth[:5], pred[5:], rows="common")


def test_rows_is_one_of_two_words(tables):
    with pytest.raises(ValueError, match="'all' or 'common', got 'inner'"):
        lisa_score(*tables, rows="inner")
