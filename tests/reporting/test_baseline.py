import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from briqa_sk import ImageQualityMetrics
from briqa_sk._random import draw_seed
from briqa_sk.datasets import make_graded_heads, write_graded_heads
from briqa_sk.exceptions import UnreadableVolumeError
from briqa_sk.reporting import baseline, forest_baseline

GRADES = np.array(["good", "fair", "bad"])


@pytest.fixture(autouse=True)
def _few_trees(monkeypatch):
    monkeypatch.setattr(baseline, "N_TREES", 20)


@pytest.fixture(scope="module")
def heads():
    """Forty scans of twenty subjects: volumes, grades of noise, subjects."""
    return make_graded_heads(
        20, shape=(16, 18, 16), proportions=(0.5, 0.25, 0.25), random_state=0
    )


def test_it_is_the_cross_validated_pipeline_of_scikit_learn(heads):
    X, y, subjects = heads
    pipeline = make_pipeline(
        ImageQualityMetrics(),
        RandomForestClassifier(
            20,
            class_weight="balanced_subsample",
            min_samples_leaf=5,
            random_state=draw_seed(3),
        ),
    )
    expected = cross_val_predict(
        pipeline, X, y, groups=subjects, cv=StratifiedGroupKFold(4)
    )
    found = forest_baseline(X, y, subjects=subjects, n_folds=4, random_state=3)
    np.testing.assert_array_equal(found, expected)


def test_the_forest_has_500_trees_of_balanced_samples(heads, monkeypatch):
    monkeypatch.undo()
    grown = []

    class Spy(RandomForestClassifier):
        def fit(self, X, y):
            grown.append(self.get_params())
            self.set_params(n_estimators=1)
            return super().fit(X, y)

    monkeypatch.setattr(baseline, "RandomForestClassifier", Spy)
    X, y, subjects = heads
    forest_baseline(X, y, subjects=subjects)
    assert [forest["n_estimators"] for forest in grown] == [500] * 5
    assert {forest["min_samples_leaf"] for forest in grown} == {5}
    assert {forest["class_weight"] for forest in grown} == {"balanced_subsample"}


def test_no_subject_is_learnt_from_and_graded_by_one_forest(heads, monkeypatch):
    seen = []

    class Spy(RandomForestClassifier):
        def fit(self, X, y):
            seen.append([X])
            return super().fit(X, y)

        def predict(self, X):
            seen[-1].append(X)
            return super().predict(X)

    monkeypatch.setattr(baseline, "RandomForestClassifier", Spy)
    X, y, subjects = heads
    forest_baseline(X, y, subjects=subjects)
    rows = ImageQualityMetrics().fit_transform(X)
    whose = {
        row.tobytes(): subject for row, subject in zip(rows, subjects, strict=True)
    }
    assert len(whose) == 40
    for train, test in seen:
        learnt, graded = (
            {whose[row.tobytes()] for row in part} for part in (train, test)
        )
        assert not learnt & graded
        assert learnt | graded == set(subjects)
    assert sum(len(test) for _, test in seen) == 40


def test_it_finds_noise_and_nothing_in_shuffled_labels(heads):
    X, y, subjects = heads
    shuffled = np.random.default_rng(0).permutation(y)
    noise, nothing = (
        f1_score(true, forest_baseline(X, true, subjects=subjects), average="macro")
        for true in (y, shuffled)
    )
    assert noise > 0.8
    assert nothing < 0.5


def test_paths_and_labels_of_any_type_give_the_same_grades(heads, tmp_path):
    _, y, subjects = heads
    labels = write_graded_heads(
        tmp_path, 20, shape=(16, 18, 16), proportions=(0.5, 0.25, 0.25), random_state=0
    )
    table = pd.read_csv(labels, sep="\t")
    paths = [tmp_path / path for path in table["path"]]
    of_numbers = forest_baseline(paths, table["severity"], subjects=table["subject"])
    ordered = pd.Series(
        pd.Categorical(GRADES[y], categories=GRADES.tolist(), ordered=True)
    )
    assert of_numbers.dtype == y.dtype
    for text in (GRADES[y].tolist(), ordered):
        of_text = forest_baseline(paths, text, subjects=subjects)
        # Sorted text is another order of classes, which settles ties of the trees only.
        assert np.mean(of_text == GRADES[of_numbers]) > 0.9


def test_without_subjects_each_scan_is_its_own(heads):
    X, y, _ = heads
    np.testing.assert_array_equal(
        forest_baseline(X, y), forest_baseline(X, y, subjects=np.arange(40))
    )


def test_a_grade_rarer_than_folds_is_graded_without_a_warning(heads, recwarn):
    X, y, subjects = heads
    rare = np.where(np.cumsum(y == 2) <= 2, y, 0)
    assert np.sum(rare == 2) == 2
    assert forest_baseline(X, rare, subjects=subjects).shape == (40,)
    assert not recwarn.list


def test_a_grade_of_one_subject_cannot_be_found_there(heads):
    X, y, subjects = heads
    y = np.where(y == 2, 1, y)
    y[subjects == subjects[0]] = 2
    assert 2 not in forest_baseline(X, y, subjects=subjects)[subjects == subjects[0]]


@pytest.mark.parametrize(
    ("y", "subjects", "said"),
    [
        (np.zeros(40), None, "two grades must be found in two scans each.*0.0 in 40"),
        (np.arange(40) % 2, np.zeros(40), "two subjects each.*got 0 in 1, 1 in 1"),
        (np.arange(40) == 0, None, "two scans each.*False in 39, True in 1"),
        (np.arange(40) % 2, np.arange(40) > 26, "at least 16 scans to train.*got 13"),
        ([None] * 40, None, "a grade for every scan, got 40 missing"),
        (np.arange(40) % 2, [None] * 40, "must have a subject, got 40 missing"),
        (np.arange(39), None, "inconsistent numbers of samples"),
    ],
    ids=["grade", "subject", "lone scan", "few", "no grade", "no subject", "lengths"],
)
def test_what_a_forest_cannot_learn_from_is_refused_unread(
    heads, monkeypatch, y, subjects, said
):
    monkeypatch.setattr(baseline, "ImageQualityMetrics", None)
    with pytest.raises(ValueError, match=said):
        forest_baseline(heads[0], y, subjects=subjects)


def test_a_lost_file_is_an_unreadable_volume():
    with pytest.raises(UnreadableVolumeError, match="lost-0"):
        forest_baseline([f"lost-{i}.nii" for i in range(40)], np.arange(40) % 2)


def test_progress_is_shown_on_request_only(heads, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    X, y, subjects = heads
    forest_baseline(X, y, subjects=subjects)
    assert capsys.readouterr().err == ""
    forest_baseline(X, y, subjects=subjects, verbose=1)
    assert "40/40" in capsys.readouterr().err
