"""Oversampling by physics: counts, columns, laziness, pipelines, both check suites."""

from collections import Counter

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from imblearn.pipeline import Pipeline
from imblearn.utils.estimator_checks import (
    estimator_checks_generator as sampler_checks_generator,
)
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.utils.estimator_checks import (
    estimator_checks_generator,
    parametrize_with_checks,
)
from sklearn.utils.validation import validate_data

from briqa_sk import (
    CacheVolumes,
    LoadVolumes,
    SeverityClassifier,
    StandardizeIntensity,
)
from briqa_sk.datasets import make_graded_heads, make_head_phantom
from briqa_sk.io import VolumeSequence
from briqa_sk.simulation import (
    ArtifactSimulator,
    Motion,
    Noise,
    SimulatedArtifactSampler,
)


@pytest.fixture(scope="module")
def heads():
    return [make_head_phantom(16, random_state=seed) for seed in range(6)]


@pytest.fixture
def sequence(heads):
    return VolumeSequence(heads, columns={"group": list("abcdef")})


@pytest.fixture
def files(heads, tmp_path):
    paths = [tmp_path / f"{index}.nii.gz" for index in range(len(heads))]
    for head, path in zip(heads, paths, strict=True):
        nib.save(nib.Nifti1Image(np.asarray(head), head.affine), path)
    return [str(path) for path in paths]


Y = np.array([0, 0, 0, 0, 1, 2])


def test_rare_grades_are_lifted_to_the_most_frequent_one(sequence):
    X, y = SimulatedArtifactSampler("noise", random_state=0).fit_resample(sequence, Y)
    assert Counter(y.tolist()) == {0: 4, 1: 4, 2: 4}
    assert len(X) == 12


def test_copies_stand_behind_the_originals_and_come_from_clean_scans(sequence):
    sampler = SimulatedArtifactSampler("noise", random_state=0)
    X, y = sampler.fit_resample(sequence, Y)
    assert sampler.sample_indices_[:6].tolist() == list(range(6))
    assert y[:6].tolist() == Y.tolist()
    assert set(sampler.sample_indices_[6:]) <= {0, 1, 2, 3}
    for index in range(6):
        np.testing.assert_array_equal(X[index].data, sequence[index].data)


def test_no_clean_scan_is_taken_twice_before_all_were_once(sequence):
    sampler = SimulatedArtifactSampler(
        "noise", sampling_strategy={1: 9, 2: 1}, random_state=0
    )
    sampler.fit_resample(sequence, Y)
    assert sorted(Counter(sampler.sample_indices_[6:]).values()) == [2, 2, 2, 2]


def test_a_copy_has_the_strength_of_its_grade_and_the_columns_of_its_source(sequence):
    sampler = SimulatedArtifactSampler("noise", random_state=0)
    X, y = sampler.fit_resample(sequence, Y)
    for grade, strength in zip(y[6:], sampler.record_["noise_strength"], strict=True):
        low, high = Noise.RANGES[grade]
        assert low <= strength <= high
    groups = sequence.columns["group"][sampler.sample_indices_]
    assert X.columns["group"].tolist() == groups.tolist()


def test_no_two_copies_of_a_scan_are_alike(sequence):
    sampler = SimulatedArtifactSampler(
        "noise", sampling_strategy={1: 9, 2: 1}, random_state=0
    )
    X, _ = sampler.fit_resample(sequence, Y)
    copies = [X[index].data.tobytes() for index in range(6, len(X))]
    assert len(set(copies)) == len(copies)


def test_files_are_not_read(tmp_path):
    paths = [str(tmp_path / f"not_there_{index}.nii.gz") for index in range(6)]
    X, y = SimulatedArtifactSampler("noise").fit_resample(paths, Y)
    assert isinstance(X, VolumeSequence)
    assert X.paths[:6] == paths
    assert len(y) == 12


def test_one_seed_gives_one_set(sequence):
    make = SimulatedArtifactSampler("noise", random_state=3).fit_resample
    first, second = make(sequence, Y)[0], make(sequence, Y)[0]
    np.testing.assert_array_equal(first[11].data, second[11].data)


def test_arrays_stay_arrays(heads):
    X = np.stack([head.data for head in heads])
    before = X.copy()
    resampled, _ = SimulatedArtifactSampler("noise", random_state=0).fit_resample(X, Y)
    assert resampled.shape == (12, 16, 16, 16)
    assert resampled.dtype == np.float32
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(resampled[:6], X)
    assert (resampled[6:] != X[[0] * 6]).any(axis=(1, 2, 3)).all()


def test_text_grades_need_their_order(sequence):
    y = np.array(["good", "good", "good", "good", "fair", "bad"])
    with pytest.raises(ValueError, match="grades must give the order"):
        SimulatedArtifactSampler("noise").fit_resample(sequence, y)
    sampler = SimulatedArtifactSampler(
        "noise", grades=["good", "fair", "bad"], random_state=0
    )
    _, resampled = sampler.fit_resample(sequence, y)
    assert Counter(resampled.tolist()) == {"good": 4, "fair": 4, "bad": 4}
    assert sampler.record_["noise"].tolist() == [2, 2, 2, 1, 1, 1]


def as_series(codes, categories):
    return pd.Series(pd.Categorical.from_codes(codes, categories, ordered=True))


@pytest.mark.parametrize("as_given", [lambda y: y, lambda y: y.array])
def test_an_ordered_categorical_of_text_has_its_order(sequence, as_given):
    y = as_given(as_series(Y, ["good", "fair", "bad"]))
    sampler = SimulatedArtifactSampler("noise", random_state=0)
    _, resampled = sampler.fit_resample(sequence, y)
    assert type(resampled) is type(y)
    assert resampled.dtype == y.dtype
    assert Counter(resampled) == {"good": 4, "fair": 4, "bad": 4}
    assert sampler.severities_ == {"good": 0, "fair": 1, "bad": 2}


def test_a_category_that_is_absent_keeps_its_severity(sequence):
    y = as_series([0, 0, 0, 0, 2, 2], ["good", "fair", "bad"])
    sampler = SimulatedArtifactSampler("noise", random_state=0)
    sampler.fit_resample(sequence, y)
    assert sampler.record_["noise"].tolist() == [2, 2]


def test_an_ordered_categorical_goes_through_a_pipeline(sequence):
    pipe = Pipeline(
        [
            ("artifacts", SimulatedArtifactSampler("noise", random_state=0)),
            ("scale", StandardizeIntensity()),
            ("grade", SeverityClassifier("compact", "corn", max_epochs=1)),
        ]
    )
    pipe.fit(sequence, as_series(Y, ["good", "fair", "bad"]))
    assert pipe["grade"].grades_.tolist() == ["good", "fair", "bad"]
    assert pipe["grade"].class_counts_.tolist() == [4, 4, 4]


def test_the_record_makes_a_copy_again(sequence):
    sampler = SimulatedArtifactSampler("noise", random_state=0)
    X, _ = sampler.fit_resample(sequence, Y)
    row = sampler.record_.iloc[-1]
    again, _ = ArtifactSimulator(["noise"]).corrupt(
        sequence[sampler.sample_indices_[-1]],
        {"noise": row["noise"]},
        random_state=row["seed"],
    )
    np.testing.assert_array_equal(X[len(X) - 1].data, again.data)


def test_a_physical_value_is_refused_because_ranges_say_how_strong(sequence):
    sampler = SimulatedArtifactSampler(Motion())
    sampler.set_params(artifact__displacement_mm=3.0)
    with pytest.raises(
        ValueError, match=r"come without displacement_mm, because range"
    ):
        sampler.fit_resample(sequence, Y)


def test_an_artifact_of_ones_own_makes_the_copies(sequence):
    class Blanking(Noise):
        def _apply(self, data, parameters, scan):
            return data * 0

    X, _ = SimulatedArtifactSampler(Blanking()).fit_resample(sequence, Y)
    assert not X[len(X) - 1].data.any()


def test_a_number_is_its_own_severity_where_others_are_absent(sequence):
    sampler = SimulatedArtifactSampler("noise", random_state=0)
    sampler.fit_resample(sequence, [0, 0, 0, 0, 2, 2])
    assert sampler.record_["noise"].tolist() == [2, 2]


def test_the_best_grade_is_lifted_by_repeating_its_scans(sequence):
    X, y = SimulatedArtifactSampler("noise", random_state=0).fit_resample(
        sequence, np.array([1, 1, 1, 1, 0, 0])
    )
    assert Counter(y.tolist()) == {0: 4, 1: 4}
    for index in (6, 7):
        assert len(X[index].history) == 1


def test_a_series_stays_a_series(sequence):
    y = pd.Series(Y, name="severity")
    _, resampled = SimulatedArtifactSampler("noise").fit_resample(sequence, y)
    assert isinstance(resampled, pd.Series)
    assert resampled.name == "severity"


@pytest.mark.parametrize(
    ("params", "y", "said"),
    [
        ({}, [1, 1, 1, 1, 2, 2], None),
        ({}, [1, 1, 1, 1, 1, 2], "y must have scans of the best grade"),
        ({"ranges": [(0, 0), (0.2, 1)]}, Y, "grades must be as many as the 2 ranges"),
        ({"ranges": [(0, 0), (0.5, 0.4)]}, Y, "ranges of noise must rise"),
        ({"artifact": "snow"}, Y, "artifact must be one of"),
        ({}, [0] * 6, "class"),
    ],
)
def test_impossible_wishes_are_refused(sequence, params, y, said):
    sampler = SimulatedArtifactSampler(**{"artifact": "noise", **params})
    if said is None:
        sampler = SimulatedArtifactSampler("noise", sampling_strategy={1: 4, 2: 2})
        assert len(sampler.fit_resample(sequence, y)[0]) == 6
        return
    with pytest.raises(ValueError, match=said):
        sampler.fit_resample(sequence, y)


def test_metadata_of_each_scan_are_refused(sequence):
    with pytest.raises(TypeError, match="metadata of each scan can't pass a sampler"):
        SimulatedArtifactSampler("noise").fit_resample(sequence, Y, sample_weight=Y)


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier that remembers how many scans it saw."""

    def fit(self, X, y):
        self.n_fitted_, self.classes_ = len(X), np.unique(y)
        return self

    def predict(self, X):
        self.n_predicted_ = len(X)
        return np.zeros(len(X), int)


def test_validation_folds_stay_as_they_are():
    X, y, _ = make_graded_heads(9, shape=12, random_state=0)
    pipe = Pipeline(
        [
            ("artifacts", SimulatedArtifactSampler("noise", random_state=0)),
            ("scale", StandardizeIntensity()),
            ("grade", Recorder()),
        ]
    )
    result = cross_validate(pipe, X, y, cv=StratifiedKFold(2), return_estimator=True)
    for fitted in result["estimator"]:
        recorder = fitted["grade"]
        assert recorder.n_predicted_ == 9
        assert recorder.n_fitted_ > 9


def test_a_pipeline_over_files_trains_and_predicts(files):
    pipe = Pipeline(
        [
            ("load", LoadVolumes()),
            ("artifacts", SimulatedArtifactSampler("noise", random_state=0)),
            ("scale", StandardizeIntensity()),
            ("grade", SeverityClassifier(max_epochs=1, random_state=0, device="cpu")),
        ]
    )
    pipe.fit(files, Y)
    assert pipe["grade"].class_counts_.tolist() == [4, 4, 4]
    assert pipe.predict(files).shape == (6,)


def test_a_cache_behind_the_sampler_keeps_the_copies(files, tmp_path):
    pipe = Pipeline(
        [
            ("load", LoadVolumes()),
            ("artifacts", SimulatedArtifactSampler("noise", random_state=0)),
            ("scale", StandardizeIntensity()),
            ("cache", CacheVolumes(tmp_path / "cache")),
            ("grade", SeverityClassifier(max_epochs=2, random_state=0, device="cpu")),
        ]
    )
    pipe.fit(files, Y)
    entries = set((tmp_path / "cache").iterdir())
    assert len(entries) == 12
    pipe.fit(files, Y)
    assert set((tmp_path / "cache").iterdir()) == entries


def test_weights_that_pass_by_the_sampler_are_refused(sequence):
    pipe = Pipeline(
        [
            ("artifacts", SimulatedArtifactSampler("noise", random_state=0)),
            ("grade", SeverityClassifier(max_epochs=1, device="cpu")),
        ]
    )
    with pytest.raises(ValueError, match="sample_weight must have one value for each"):
        pipe.fit(sequence, Y, grade__sample_weight=np.ones(6))
    with pytest.raises(ValueError, match="groups must have one value for each"):
        pipe.fit(sequence, Y, grade__groups=list("abcdef"))


class _OnTables:
    """Rows of p features in, as magnitudes of 1 x 1 x p voxels, and rows out."""

    def fit_resample(self, X, y, **params):
        table = X
        X = validate_data(self, X, dtype=None, accept_sparse=True, reset=True)
        X = X.toarray() if hasattr(X, "toarray") else X
        volumes = np.abs(np.asarray(X, np.float32)).reshape(len(X), 1, 1, -1)
        offset = min(y) if np.asarray(y).dtype.kind == "i" and np.ndim(y) == 1 else 0
        Xt, yt = super().fit_resample(volumes, y - offset if offset else y, **params)
        return self._rows(Xt, X, table), yt + offset if offset else yt

    def fit(self, X, y, **params):
        self.fit_resample(X, y, **params)
        return self

    def _rows(self, Xt, X, table):
        rows = Xt.reshape(len(Xt), -1).astype(X.dtype)
        rows[: len(X)] = X
        if isinstance(table, pd.DataFrame):
            return pd.DataFrame(rows, columns=table.columns).astype(table.dtypes)
        if hasattr(table, "toarray"):
            return type(table)(rows)
        return rows.tolist() if isinstance(table, list) else rows

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = False
        tags.input_tags.positive_only = False
        tags.input_tags.sparse = True
        tags.input_tags.dataframe = True
        return tags


class SamplerOnTables(_OnTables, SimulatedArtifactSampler):
    """The sampler as both check suites can feed it."""


# The suites have up to four grades, not always beginning with 0.
ON_TABLES = SamplerOnTables(
    "noise", ranges=[(0, 0), (0.1, 0.2), (0.3, 0.4), (0.5, 1)], random_state=0
)


@pytest.mark.parametrize(
    ("estimator", "check"), list(sampler_checks_generator(ON_TABLES))
)
def test_imbalanced_learn_accepts_the_sampler(estimator, check):
    check(estimator)


@parametrize_with_checks([ON_TABLES])
def test_scikit_learn_accepts_the_sampler(estimator, check):
    check(estimator)


def test_both_suites_run_all_their_checks():
    assert len(list(sampler_checks_generator(ON_TABLES))) >= 15
    assert len(list(estimator_checks_generator(ON_TABLES))) >= 40
