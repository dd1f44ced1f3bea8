"""The main job: files and grades into a Pipeline, as a researcher writes it."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    cross_validate,
)
from sklearn.pipeline import Pipeline

from briqa_sk import (
    CacheVolumes,
    CropOrPad,
    LoadVolumes,
    Resample,
    SeverityClassifier,
    StandardizeIntensity,
    VolumeSequence,
)
from briqa_sk.datasets import write_graded_heads
from briqa_sk.losses import ReweightedCrossEntropy
from briqa_sk.networks import CompactNet, DenseNet


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """24 small phantom scans of 8 subjects: path, severity, subject."""
    labels = write_graded_heads(
        tmp_path_factory.mktemp("scans"),
        8,
        scans_per_subject=3,
        shape=(16, 18, 16),
        proportions=(0.4, 0.3, 0.3),
        random_state=0,
    )
    table = pd.read_csv(labels, sep="\t")
    return table.assign(path=[str(labels.parent / path) for path in table["path"]])


def make_pipeline(cache, **params):
    params = {"max_epochs": 2, "random_state": 0, **params}
    return Pipeline(
        [
            ("load", LoadVolumes(orientation="RAS")),
            ("resample", Resample(spacing_mm=12.0)),
            ("crop", CropOrPad((16, 18, 16))),
            ("scale", StandardizeIntensity()),
            ("cache", CacheVolumes(cache)),
            ("grade", SeverityClassifier(**params)),
        ]
    )


def test_a_pipeline_over_files_learns(table, tmp_path):
    pipe = make_pipeline(tmp_path, batches="rotating", max_epochs=40)
    pipe.fit(table["path"], table["severity"])
    assert pipe.score(table["path"], table["severity"]) > 0.9


@pytest.mark.parametrize("kind", [list, tuple, np.array, pd.Series, VolumeSequence])
def test_paths_come_in_any_sequence(table, tmp_path, kind):
    pipe = make_pipeline(tmp_path).fit(kind(table["path"]), table["severity"])
    assert pipe.predict(kind(table["path"])).shape == (24,)


def test_the_pipeline_of_the_readme_fits(table, tmp_path):
    pipe = make_pipeline(
        tmp_path,
        module=DenseNet(growth_rate=4, init_features=8),
        criterion="reweighted",
        batches="rotating",
        max_epochs=1,
    ).set_params(crop__shape=(32, 32, 32), resample__spacing_mm=8.0)
    pipe.fit(table["path"], table["severity"])
    assert pipe.predict_proba(table["path"][:2]).shape == (2, 3)


def test_grid_search_over_files_reaches_nested_parameters(table, tmp_path):
    pipe = make_pipeline(
        tmp_path, module=CompactNet(), criterion=ReweightedCrossEntropy()
    )
    grid = {
        "grade__module__n_filters": [2, 4],
        "grade__criterion__rule": ["smallest", "proportional"],
    }
    search = GridSearchCV(pipe, grid, cv=2, n_jobs=2, error_score="raise")
    search.fit(table["path"].tolist(), table["severity"])
    chosen = search.best_estimator_["grade"]
    assert chosen.module.n_filters == search.best_params_["grade__module__n_filters"]
    assert chosen.net_.criterion_.heads[0].rule == chosen.criterion.rule


def test_cross_validation_over_files_keeps_subjects_apart(table, tmp_path):
    result = cross_validate(
        make_pipeline(tmp_path),
        table["path"].tolist(),
        table["severity"],
        groups=table["subject"],
        cv=StratifiedGroupKFold(2),
        return_indices=True,
        error_score="raise",
    )
    for part in zip(*result["indices"].values(), strict=True):
        train, test = (set(table["subject"].iloc[rows]) for rows in part)
        assert not train & test


def test_groups_are_routed_through_a_pipeline(table, tmp_path):
    with config_context(enable_metadata_routing=True):
        pipe = make_pipeline(tmp_path, early_stopping=True, validation_fraction=0.5)
        pipe["grade"].set_fit_request(groups=True)
        result = cross_validate(
            pipe,
            table["path"].tolist(),
            table["severity"],
            cv=StratifiedGroupKFold(2),
            params={"groups": table["subject"]},
            error_score="raise",
        )
    assert np.isfinite(result["test_score"]).all()


def test_groups_reach_the_classifier_by_its_step_name(table, tmp_path):
    pipe = make_pipeline(tmp_path, early_stopping=True)
    pipe.fit(table["path"], table["severity"], grade__groups=table["subject"])
    assert "valid_loss" in pipe["grade"].history_[0]


def test_a_pickled_pipeline_grades_files_in_another_process(table, tmp_path):
    pipe = make_pipeline(tmp_path / "cache").fit(table["path"], table["severity"])
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(pipe))
    code = (
        "import pickle, sys; pipe = pickle.load(open('model.pkl', 'rb'));"
        "print(*pipe.predict(sys.argv[1:]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, *table["path"]],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout.split() == [str(y) for y in pipe.predict(table["path"])]


def test_the_second_fit_reads_the_cache_only(table, tmp_path, monkeypatch):
    pipe = make_pipeline(tmp_path / "cache").fit(table["path"], table["severity"])
    expected = pipe.predict_proba(table["path"])

    def unwelcome(*args, **kwargs):
        raise AssertionError("the file was read again")

    monkeypatch.setattr("briqa_sk.preprocessing.loading.read_volume", unwelcome)
    again = make_pipeline(tmp_path / "cache").fit(table["path"], table["severity"])
    np.testing.assert_array_equal(again.predict_proba(table["path"]), expected)


def test_pandas_output_leaves_volumes_alone(table, tmp_path):
    with config_context(transform_output="pandas"):
        pipe = make_pipeline(tmp_path).fit(table["path"], table["severity"])
        assert isinstance(pipe[:-1].transform(table["path"]), VolumeSequence)
