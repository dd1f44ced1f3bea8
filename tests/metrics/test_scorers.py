"""Scorers inside scikit-learn's own tools."""

import pickle
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from briqa_sk import SeverityClassifier
from briqa_sk.metrics import (
    SCORERS,
    calibration_error,
    get_scorer,
    macro_averaged_mae,
    quadratic_kappa,
)

ROOT = Path(__file__).parents[2]
TEXT = np.array(["none", "moderate", "severe"])


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 20)
    return y[:, None] + rng.normal(size=(60, 3)), y


@pytest.fixture
def model(data):
    return LogisticRegression().fit(*data)


def test_all_scorers_fit_into_one_cross_validation(data):
    scores = cross_validate(LogisticRegression(), *data, scoring=SCORERS)
    for name in SCORERS:
        assert np.isfinite(scores[f"test_{name}"]).all()


def test_the_guide_names_scorers_that_exist_and_passes_none_by_its_name():
    page = (ROOT / "docs" / "user_guide" / "metrics.rst").read_text()
    table = page[page.index("Name for ``get_scorer``") : page.index("imbalanced-learn")]
    names = re.findall(r'``"(\w+)"``', table)
    assert set(SCORERS) < set(names)
    assert all(callable(get_scorer(name)) for name in names)
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.rst")]
    given = [re.findall(r'scoring="(\w+)"', p.read_text()) for p in pages]
    assert {name for found in given for name in found} <= {
        *sklearn.metrics.get_scorer_names()
    }


def test_every_scorer_is_its_metric_and_greater_is_better(data, model):
    X, y = data
    pred = model.predict(X)
    expected = {
        "f1_macro": sklearn.metrics.f1_score(y, pred, average="macro"),
        "f1_weighted": sklearn.metrics.f1_score(y, pred, average="weighted"),
        "balanced_accuracy": sklearn.metrics.balanced_accuracy_score(y, pred),
        "quadratic_kappa": quadratic_kappa(y, pred),
        "neg_macro_averaged_mae": -macro_averaged_mae(y, pred),
        "neg_calibration_error": -calibration_error(y, model.predict_proba(X)),
    }
    scores = {name: scorer(model, X, y) for name, scorer in SCORERS.items()}
    assert scores == pytest.approx(expected)


def test_a_search_takes_a_scorer_and_workers_get_it(data):
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()),
        {"logisticregression__C": [1e-6, 1.0]},
        scoring=pickle.loads(pickle.dumps(get_scorer("quadratic_kappa"))),
    )
    assert search.fit(*data).best_params_ == {"logisticregression__C": 1.0}


def test_a_fold_without_the_middle_grade_still_counts_two_steps(data):
    X, y = data
    always_0 = DummyClassifier(strategy="constant", constant=0).fit(X, y)
    ends = y != 1
    scorer = get_scorer("neg_macro_averaged_mae")
    assert scorer(always_0, X[ends], y[ends]) == -1


def test_a_model_without_the_middle_grade_still_counts_two_steps(data):
    X, y = data
    ends = y != 1
    always_0 = DummyClassifier(strategy="constant", constant=0).fit(X[ends], y[ends])
    scorer = get_scorer("neg_macro_averaged_mae")
    assert scorer(always_0, X[ends], y[ends]) == -1
    assert (
        get_scorer("neg_macro_averaged_mae", grades=[0, 2])(always_0, X[ends], y[ends])
        == -0.5
    )


def test_mae_of_a_regressor_is_in_grades(data):
    X, y = data
    always_half = DummyRegressor(strategy="constant", constant=0.5).fit(X, y)
    expected = -np.mean([0.5, 0.5, 1.5])
    assert get_scorer("neg_macro_averaged_mae")(always_half, X, y) == expected


def test_a_fold_without_a_grade_reads_probabilities_by_their_classes(data, model):
    X, y = data
    bad = y == 2
    proba = model.predict_proba(X[bad])
    error = calibration_error(y[bad], proba, classes=[0, 1, 2])
    assert get_scorer("neg_calibration_error")(model, X[bad], y[bad]) == -error


def test_text_takes_its_order_from_the_scorer_the_labels_or_the_estimator(data):
    X, y = data
    text = TEXT[y]
    model = LogisticRegression().fit(X, text)
    expected = quadratic_kappa(text, model.predict(X), grades=TEXT)
    ordered = pd.Series(pd.Categorical(text, categories=TEXT, ordered=True))
    assert get_scorer("quadratic_kappa", grades=TEXT)(model, X, text) == expected
    assert get_scorer("quadratic_kappa")(model, X, ordered) == expected
    model.grades = SeverityClassifier(grades=TEXT.tolist()).grades
    assert get_scorer("quadratic_kappa")(model, X, text) == expected
    assert get_scorer("quadratic_kappa")(make_pipeline(model), X, text) == expected


def test_text_without_an_order_is_refused(data):
    X, y = data
    model = LogisticRegression().fit(X, TEXT[y])
    with pytest.raises(ValueError, match="grades must give the order"):
        get_scorer("quadratic_kappa")(model, X, TEXT[y])


@pytest.mark.parametrize("labels", [np.array([0, 1, 2]), np.array([0.0, 1, 2]), TEXT])
def test_recall_of_a_grade_is_found_by_its_name(data, labels):
    X, y = data
    model = LogisticRegression().fit(X, labels[y])
    recall = sklearn.metrics.recall_score(labels[y], model.predict(X), average=None)
    by_class = dict(zip(np.unique(labels).tolist(), recall, strict=True))
    name = "recall_severe" if labels is TEXT else "recall_2"
    assert get_scorer(name)(model, X, labels[y]) == by_class[labels[2]]


def test_recall_of_a_grade_that_no_scan_has_is_undefined(data, model):
    X, y = data
    assert np.isnan(get_scorer("recall_2")(model, X[y < 2], y[y < 2]))


def test_recall_of_an_unknown_grade_is_refused(data, model):
    with pytest.raises(ValueError, match="must be one of 0, 1, 2, got 'severe'"):
        get_scorer("recall_severe")(model, *data)


def test_names_of_scikit_learn_are_its_scorers():
    theirs = sklearn.metrics.get_scorer("recall_macro")
    assert str(get_scorer("recall_macro")) == str(theirs)


def test_an_unknown_name_is_refused_with_those_that_exist():
    with pytest.raises(ValueError, match=r"quadratic_kappa.* got 'kappa'"):
        get_scorer("kappa")
