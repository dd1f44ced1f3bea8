import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    balanced_accuracy_score,
    classification_report,
    cohen_kappa_score,
    f1_score,
)

from briqa_sk.metrics import macro_averaged_mae
from briqa_sk.reporting import summarize_grades

GRADES = ["none", "moderate", "severe"]
FAST = {"n_resamples": 20}


@pytest.fixture
def graded():
    """Sixty scans of twenty subjects with probabilities in sorted-label order."""
    rng = np.random.default_rng(0)
    truth = rng.choice(GRADES, size=60, p=[0.6, 0.25, 0.15])
    classes = np.array(sorted(GRADES))  # moderate, none, severe
    proba = rng.dirichlet([1, 1, 1], size=60) + (truth[:, None] == classes)
    proba /= proba.sum(axis=1, keepdims=True)
    pred = classes[rng.permuted(proba, axis=1).argmax(axis=1)]
    return truth, pred, proba, classes, np.repeat(np.arange(20), 3)


def value(summary, name):
    return summary["scores"][name]["value"]


def test_scores_are_those_of_scikit_learn(graded):
    truth, pred, proba, classes, _ = graded
    summary = summarize_grades(
        truth, pred, proba=proba, classes=classes, grades=GRADES, **FAST
    )
    ranks = [[GRADES.index(label) for label in y] for y in (truth, pred)]
    assert value(summary, "macro_f1") == pytest.approx(
        f1_score(truth, pred, average="macro")
    )
    assert value(summary, "balanced_accuracy") == pytest.approx(
        balanced_accuracy_score(truth, pred)
    )
    assert value(summary, "quadratic_kappa") == pytest.approx(
        cohen_kappa_score(*ranks, weights="quadratic")
    )
    assert value(summary, "macro_averaged_mae") == pytest.approx(
        macro_averaged_mae(*ranks)
    )


def test_grade_by_grade_numbers_are_those_of_scikit_learn(graded):
    truth, pred, *_ = graded
    expected = classification_report(truth, pred, output_dict=True)
    for row in summarize_grades(truth, pred, grades=GRADES, **FAST)["per_grade"]:
        assert row["recall"] == pytest.approx(expected[row["grade"]]["recall"])
        assert row["precision"] == pytest.approx(expected[row["grade"]]["precision"])
        assert row["n_true"] == expected[row["grade"]]["support"]


def test_confusion_rows_are_true_grades_from_best_to_worst():
    summary = summarize_grades(
        ["none", "severe", "severe"],
        ["none", "none", "moderate"],
        grades=GRADES,
        **FAST,
    )
    assert summary["confusion"] == [[1, 0, 0], [0, 0, 0], [1, 1, 0]]
    assert summary["majority"] == "severe"


def test_columns_of_probabilities_follow_the_classes():
    # Certain and right when read as classes_; certain and wrong in the order of grades.
    truth = ["none", "moderate"]
    proba = [[0.0, 1.0], [1.0, 0.0]]
    summary = summarize_grades(
        truth,
        truth,
        proba=proba,
        classes=["moderate", "none"],
        grades=GRADES[:2],
        **FAST,
    )
    assert value(summary, "calibration_error") == 0
    assert summary["reliability"] == [{"n_scans": 2, "confidence": 1, "accuracy": 1}]


def test_majority_calls_every_scan_the_most_frequent_grade():
    summary = summarize_grades([0, 0, 0, 1], [0, 0, 0, 1], **FAST)
    scores = summary["scores"]
    # F1 of grade 0 is 2 * 3 / (2 * 3 + 1), of grade 1 is 0.
    assert scores["macro_f1"].pop("baselines") == pytest.approx({"majority": 3 / 7})
    assert scores["macro_f1"] == {"value": 1, "low": 1, "high": 1}
    assert scores["quadratic_kappa"]["baselines"] == {"majority": 0}
    assert summary["margins"] == {}


def test_baselines_are_scored_as_the_model_is_after_the_majority(graded):
    truth, pred, proba, classes, _ = graded
    others = {"z": truth, "a": np.roll(pred, 7)}
    scores = summarize_grades(
        truth,
        pred,
        proba=proba,
        classes=classes,
        grades=GRADES,
        baselines=others,
        **FAST,
    )["scores"]
    assert all(list(s["baselines"]) == ["majority", "z", "a"] for s in scores.values())
    assert scores["macro_f1"]["baselines"]["a"] == pytest.approx(
        f1_score(truth, others["a"], average="macro")
    )
    assert scores["macro_averaged_mae"]["baselines"]["z"] == 0
    assert set(scores["calibration_error"]["baselines"].values()) == {None}


def test_margin_is_the_difference_of_macro_f1_on_the_same_subjects():
    truth, pred, other = [0, 1, 0, 1], [0, 1, 1, 1], [0, 0, 0, 1]
    summary = summarize_grades(
        truth,
        pred,
        subjects=list("aabb"),
        baselines={"other": other},
        n_resamples=100,
    )
    # Macro F1 over all: 11/15 for both. A quarter of the resamples is a alone, 1 - 1/3,
    # and a quarter b alone, 1/3 - 1.
    assert summary["margins"]["other"] == pytest.approx(
        {"value": 0, "low": -2 / 3, "high": 2 / 3}
    )


def test_a_baseline_that_says_the_same_is_surely_equal(graded):
    truth, pred, *_ = graded
    summary = summarize_grades(truth, pred, baselines={"twin": pred}, **FAST)
    assert summary["margins"] == {"twin": {"value": 0, "low": 0, "high": 0}}


def test_a_baseline_cannot_take_the_place_of_the_majority():
    with pytest.raises(ValueError, match=r"not be named 'majority'.*got 'majority'"):
        summarize_grades([0, 1], [0, 1], baselines={"majority": [0, 0]})


def test_a_baseline_has_a_grade_for_each_scan():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        summarize_grades([0, 1], [0, 1], baselines={"short": [0]})


def test_without_a_truth_no_baseline_is_looked_at():
    summary = summarize_grades(None, [0, 1], baselines={"other": [7]})
    assert summary["grades"] == ["0", "1"]


def test_interval_holds_the_score_and_is_wider_over_subjects(graded):
    truth, _, _, _, subjects = graded
    pred = np.where(subjects % 2 == 0, truth, "none")  # whole subjects go wrong
    of_scans, of_subjects = (
        summarize_grades(truth, pred, grades=GRADES, subjects=s, n_resamples=100)[
            "scores"
        ]["balanced_accuracy"]
        for s in (None, subjects)
    )
    assert of_subjects["low"] < of_subjects["value"] < of_subjects["high"]
    width = of_subjects["high"] - of_subjects["low"]
    assert width > of_scans["high"] - of_scans["low"]


def test_text_without_an_order_gets_no_ordinal_score(graded):
    truth, pred, *_ = graded
    summary = summarize_grades(truth, pred, **FAST)
    assert summary["ordered"] is False
    assert set(summary["scores"]) == {"macro_f1", "balanced_accuracy"}


def test_ordered_categoricals_bring_their_order():
    y = pd.Series(pd.Categorical(["none"] * 2, categories=GRADES, ordered=True))
    summary = summarize_grades(y, ["none"] * 2, **FAST)
    assert summary["grades"] == GRADES
    assert summary["ordered"] is True


def test_a_missing_subject_is_refused():
    said = "summarize_grades: every scan must have a subject, got 1 missing"
    with pytest.raises(ValueError, match=said):
        summarize_grades([0, 1], [0, 1], subjects=["a", None])


def test_predictions_alone_give_counts_alone():
    summary = summarize_grades(None, ["severe", "none"], grades=GRADES)
    assert summary["predicted"] == [1, 0, 1]
    assert "scores" not in summary


def test_no_scan_at_all_is_a_summary_too():
    assert summarize_grades(None, [], grades=GRADES)["predicted"] == [0, 0, 0]


def test_json_holds_every_summary(graded):
    truth, pred, proba, classes, subjects = graded
    summary = summarize_grades(
        truth,
        pred,
        proba=proba,
        classes=classes,
        grades=GRADES,
        subjects=subjects,
        baselines={"forest": pred},
        **FAST,
    )
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_undefined_numbers_are_none():
    summary = summarize_grades([1, 1], [1, 1], grades=[0, 1, 2], **FAST)
    assert summary["scores"]["quadratic_kappa"]["value"] is None
    assert summary["per_grade"][2]["recall"] is None


def test_probabilities_need_a_column_per_class():
    with pytest.raises(ValueError, match=r"2 columns.*got shape \(2, 3\)"):
        summarize_grades([0, 1], [0, 1], proba=np.ones((2, 3)) / 3, **FAST)


def test_equal_numbers_are_one_grade_whatever_their_type():
    summary = summarize_grades([0.0, 1.0], [0, 1], grades=np.arange(2), **FAST)
    assert summary["grades"] == summarize_grades([0.0, 1.0], [0, 1], **FAST)["grades"]
    assert summary["grades"] == ["0", "1"]
    assert summary["majority"] == "0"


@pytest.mark.parametrize(
    ("grades", "expected"),
    [([0, 1, 2], ["0", "1", "2", "3"]), ([2, 1, 0], ["3", "2", "1", "0"])],
)
def test_true_numbers_that_the_model_never_saw_get_their_place(grades, expected):
    summary = summarize_grades(
        [0, 1, 3],
        [0, 1, 2],
        proba=np.eye(3),
        classes=[0, 1, 2],
        grades=grades,
        **FAST,
    )
    assert summary["grades"] == expected
    assert summary["per_grade"][expected.index("3")]["f1"] == 0


@pytest.mark.parametrize(
    ("grades", "true", "said"),
    [
        (["a", "b"], ["a", "c"], r"\['a', 'b'\], got also \['c'\]"),
        (np.array([0, 2, 1]), [0, 3], r"\[0, 2, 1\], got also \[3\]"),
    ],
    ids=["text", "no order"],
)
def test_an_unseen_grade_without_a_place_is_refused(grades, true, said):
    with pytest.raises(ValueError, match=said):
        summarize_grades(true, [grades[0]] * 2, grades=grades, **FAST)


def test_no_scan_with_a_truth_is_a_summary_without_scores():
    summary = summarize_grades([], [], proba=np.empty((0, 2)), grades=[0, 1], **FAST)
    assert summary["n_scans"] == 0
    assert "scores" not in summary
