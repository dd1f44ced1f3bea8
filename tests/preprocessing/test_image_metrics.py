"""Scans in, a table out: the transformer, and scikit-learn's own checks on it."""

import sys

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import (
    estimator_checks_generator,
    parametrize_with_checks,
)
from sklearn.utils.validation import validate_data

from briqa_sk.datasets import make_graded_heads
from briqa_sk.exceptions import UnreadableVolumeError
from briqa_sk.io import Volume, VolumeSequence
from briqa_sk.kernels.quality import METRICS, quality_metrics
from briqa_sk.preprocessing import (
    CropOrPad,
    ImageQualityMetrics,
    LoadVolumes,
    StandardizeIntensity,
)


class ImageQualityMetricsOnTables(ImageQualityMetrics):
    """Rows of p features in, as volumes of 1 x 1 x p voxels.

    scikit-learn sends tables, and skips most checks for estimators of 3-D arrays.
    """

    def _check_X(self, X, *, reset):
        X = validate_data(self, X, dtype=np.float32, reset=reset)
        return X.reshape(len(X), 1, 1, -1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = False
        return tags


@parametrize_with_checks([ImageQualityMetricsOnTables()])
def test_scikit_learn_accepts_the_transformer(estimator, check):
    check(estimator)


def test_there_are_at_least_40_checks_that_run():
    checks = list(estimator_checks_generator(ImageQualityMetricsOnTables()))
    n_skipped = sum("array_api" in str(check) for _, check in checks)
    assert len(checks) - n_skipped >= 40  # one is for outputs in float32


@pytest.fixture
def X():
    """Three boxes in noisy air."""
    X = np.random.default_rng(0).normal(0, 2, size=(3, 12, 13, 10)).astype(np.float32)
    X[:, 3:9, 4:10, 2:8] += [[[[100]]], [[[50]]], [[[20]]]]
    return np.abs(X)


@pytest.fixture
def paths(X, tmp_path):
    paths = [str(tmp_path / f"{index}.nii.gz") for index in range(len(X))]
    for data, path in zip(X, paths, strict=True):
        nib.save(nib.Nifti1Image(data, np.eye(4)), path)
    return paths


def test_a_row_holds_the_metrics_of_a_scan(X):
    table = ImageQualityMetrics().fit_transform(X)
    assert table.shape == (3, len(METRICS))
    assert table.dtype == np.float64
    for row, data in zip(table, X, strict=True):
        np.testing.assert_array_equal(row, list(quality_metrics(data).values()))


def test_arrays_files_and_sequences_give_the_same_table(X, paths):
    expected = ImageQualityMetrics().fit_transform(X)
    sequence = VolumeSequence([Volume(data) for data in X])
    for other in (paths, sequence, LoadVolumes(orientation=None).fit_transform(paths)):
        np.testing.assert_array_equal(
            ImageQualityMetrics().fit_transform(other), expected
        )


def test_two_workers_find_what_one_does(X, paths):
    expected = ImageQualityMetrics().fit_transform(X)
    parallel = ImageQualityMetrics(n_jobs=2).fit_transform(paths)
    np.testing.assert_array_equal(parallel, expected)


def test_the_input_is_left_alone(X):
    before = X.copy()
    X.flags.writeable = False
    ImageQualityMetrics().fit_transform(X)
    np.testing.assert_array_equal(X, before)


def test_nothing_has_to_be_fitted(X):
    np.testing.assert_array_equal(
        ImageQualityMetrics().transform(X), ImageQualityMetrics().fit_transform(X)
    )


def test_scans_of_any_size_share_a_table(X):
    sizes = VolumeSequence([Volume(X[0]), Volume(X[1][:, :, :4]), Volume(X[2][:7])])
    table = ImageQualityMetrics().fit_transform(sizes)
    assert table.shape == (3, len(METRICS))
    assert np.isfinite(table).all()


def test_pandas_gets_names_and_one_row_per_scan(paths):
    table = ImageQualityMetrics().set_output(transform="pandas").fit_transform(paths)
    assert isinstance(table, pd.DataFrame)
    assert table.index.tolist() == [0, 1, 2]
    assert table.columns.tolist() == list(METRICS)


def test_a_whole_pipeline_gives_a_table_with_names(paths):
    pipe = make_pipeline(LoadVolumes(), CropOrPad(12), ImageQualityMetrics())
    table = pipe.set_output(transform="pandas").fit_transform(paths)
    assert table.columns.tolist() == list(METRICS)
    plain = pipe.set_output(transform="default").fit_transform(paths)
    np.testing.assert_array_equal(plain, table.to_numpy())


def test_names_reach_the_forest_behind_the_table(paths):
    forest = RandomForestClassifier(5, random_state=0)
    pipe = make_pipeline(LoadVolumes(), ImageQualityMetrics(), forest)
    pipe.set_output(transform="pandas").fit(paths, [0, 1, 1])
    assert pipe[-1].feature_names_in_.tolist() == list(METRICS)


def test_images_of_nibabel_give_the_table_of_their_files(paths):
    expected = ImageQualityMetrics().fit_transform(paths)
    images = [nib.load(path) for path in paths]
    for n_jobs in (1, 2):
        table = ImageQualityMetrics(n_jobs=n_jobs).fit_transform(images)
        np.testing.assert_array_equal(table, expected)


@pytest.mark.parametrize(
    "make",
    [
        lambda paths: [nib.load(path) for path in paths],
        lambda paths: pd.DataFrame({"path": paths}, index=list("fedcba"))["path"],
    ],
    ids=["images", "column"],
)
def test_cross_validation_takes_images_and_columns(make, X, tmp_path):
    paths = [str(tmp_path / f"{index}.nii.gz") for index in range(6)]
    for path, data in zip(paths, np.concatenate([X, X]), strict=True):
        nib.save(nib.Nifti1Image(data, np.eye(4)), path)
    y = [0, 1, 1, 0, 1, 1]
    pipe = make_pipeline(
        LoadVolumes(), ImageQualityMetrics(), RandomForestClassifier(5, random_state=0)
    )
    scores = cross_val_score(pipe, make(paths), y, cv=2, n_jobs=2)
    np.testing.assert_array_equal(scores, cross_val_score(pipe, paths, y, cv=2))


def test_a_series_of_paths_is_taken(paths):
    X = pd.Series(paths, index=["anna", "bert", "carl"])
    expected = ImageQualityMetrics().fit_transform(paths)
    np.testing.assert_array_equal(ImageQualityMetrics().fit_transform(X), expected)


def test_names_are_known_before_fit():
    names = ImageQualityMetrics().get_feature_names_out()
    assert names.dtype == object
    assert names.tolist() == list(METRICS)


def test_scans_are_read_one_at_a_time(X):
    n_read = []
    step = _Counting(n_read)
    sequence = VolumeSequence([Volume(data) for data in X]).map(step)
    transformer = ImageQualityMetrics().fit(sequence)
    assert n_read == []
    transformer.transform(sequence)
    assert len(n_read) == 3


class _Counting:
    def __init__(self, n_read):
        self.n_read = n_read

    def __call__(self, volume):
        self.n_read.append(volume)
        return volume


def test_progress_is_shown_on_request_to_a_terminal(X, capsys, monkeypatch):
    ImageQualityMetrics().fit_transform(X)
    assert capsys.readouterr().err == ""
    ImageQualityMetrics(verbose=1).fit_transform(X)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    ImageQualityMetrics(verbose=1).fit_transform(X)
    assert "3/3" in capsys.readouterr().err


def test_it_ends_a_pipeline_of_volumes(paths):
    pipe = make_pipeline(
        LoadVolumes(), CropOrPad(12), StandardizeIntensity(), ImageQualityMetrics()
    )
    assert clone(pipe).fit_transform(paths).shape == (3, len(METRICS))


def test_volumes_with_nan_are_refused(X):
    X[1, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="ImageQualityMetrics: X must be finite"):
        ImageQualityMetrics().fit(X)
    sequence = VolumeSequence([Volume(data) for data in X])
    with pytest.raises(ValueError, match="ImageQualityMetrics: a volume must be fin"):
        ImageQualityMetrics().fit_transform(sequence)


def test_a_file_that_is_no_scan_has_a_finding(tmp_path):
    (tmp_path / "empty.nii.gz").write_bytes(b"")
    with pytest.raises(UnreadableVolumeError):
        ImageQualityMetrics().fit_transform([tmp_path / "empty.nii.gz"])


def test_a_forest_grades_noise_of_heads_it_has_not_seen():
    X, y, subjects = make_graded_heads(12, shape=(32, 36, 32), random_state=0)
    baseline = make_pipeline(
        ImageQualityMetrics(),
        RandomForestClassifier(50, class_weight="balanced", random_state=0),
    )
    folds = GroupKFold(3)
    predicted = cross_val_predict(baseline, X, y, groups=subjects, cv=folds)
    assert f1_score(y, predicted, average="macro") > 0.8
