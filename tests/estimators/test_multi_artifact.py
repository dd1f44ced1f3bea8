import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch.callbacks import Callback

from briqa_sk import SeverityClassifier, StandardizeIntensity, Volume, VolumeSequence
from briqa_sk.estimators import MultiArtifactClassifier
from briqa_sk.estimators.multi_artifact import share_encoder
from briqa_sk.exceptions import BriqaWarning
from briqa_sk.losses import CRITERIA, Corn
from briqa_sk.networks import CompactNet
from briqa_sk.persistence import REGISTRY, load, save

BOTH = pytest.mark.parametrize("encoder", ["separate", "shared"])


def quick(**params):
    return SeverityClassifier(**{"max_epochs": 2, "random_state": 0, **params})


def learning(**params):
    return quick(**{"max_epochs": 60, "lr": 0.01, "batch_size": 24, **params})


@pytest.fixture
def scans():
    """24 volumes of 8 subjects: noise all over, a bright slab, a bright corner."""
    rng = np.random.default_rng(0)
    Y = pd.DataFrame(
        {
            "Noise": np.repeat([0, 1, 2], 8),
            "Zipper": np.tile(["none", "some"], 12),
            "Motion": np.tile([0, 1, 2], 8),
        }
    )
    spread = 0.1 + 0.3 * Y["Noise"].to_numpy()
    X = rng.normal(size=(24, 8, 8, 8)) * spread[:, None, None, None]
    X[Y["Zipper"] == "some", :, :, :2] += 2
    X[:, :4, :4, 4:] += 2 * Y["Motion"].to_numpy()[:, None, None, None]
    return X.astype(np.float32), Y, rng.permutation(np.repeat(np.arange(8), 3))


# What comes out


@BOTH
def test_every_artifact_is_learned_in_its_own_labels(scans, encoder):
    X, Y, _ = scans
    clf = MultiArtifactClassifier(learning(), encoder=encoder).fit(X, Y)
    assert clf.artifacts_ == ["Noise", "Zipper", "Motion"]
    assert [c.tolist() for c in clf.classes_] == [
        [0, 1, 2],
        ["none", "some"],
        [0, 1, 2],
    ]
    predicted = clf.predict(X)
    assert predicted.shape == (24, 3)
    assert (predicted == Y.to_numpy(object)).mean(axis=0).min() > 0.9
    assert type(predicted[0, 0]) is int


@BOTH
def test_probabilities_are_a_list_over_artifacts_in_the_order_of_classes(
    scans, encoder
):
    X, Y, _ = scans
    clf = MultiArtifactClassifier(quick(), encoder=encoder).fit(X, Y)
    probas = clf.predict_proba(X)
    assert [proba.shape for proba in probas] == [(24, 3), (24, 2), (24, 3)]
    for number, (classes, proba) in enumerate(zip(clf.classes_, probas, strict=True)):
        np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-5)
        best = classes[proba.argmax(axis=1)]
        assert best.tolist() == clf.predict(X)[:, number].tolist()


def test_separate_estimators_are_those_of_one_artifact_each(scans):
    X, Y, _ = scans
    clf = MultiArtifactClassifier(quick()).fit(X, Y)
    for name, proba in zip(Y, clf.predict_proba(X), strict=True):
        alone = quick().fit(X, Y[name])
        np.testing.assert_array_equal(proba, alone.predict_proba(X))


@pytest.mark.slow
def test_worker_processes_change_nothing(scans):
    X, Y, _ = scans
    one, two = (
        MultiArtifactClassifier(quick(), n_jobs=n).fit(X, Y).predict_proba(X)
        for n in (1, 2)
    )
    for first, second in zip(one, two, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-6)


def test_the_score_is_the_mean_macro_f1(scans):
    X, Y, _ = scans
    clf = MultiArtifactClassifier(quick(max_epochs=8, lr=0.01)).fit(X, Y)
    predicted = clf.predict(X)
    scores = [
        f1_score(
            Y[name].to_numpy(),
            predicted[:, k].astype(Y[name].to_numpy().dtype),
            average="macro",
        )
        for k, name in enumerate(Y)
    ]
    assert clf.score(X, Y) == pytest.approx(np.mean(scores))


def test_one_dimensional_labels_are_one_artifact_as_in_a_forest(scans):
    X, Y, _ = scans
    clf = MultiArtifactClassifier(quick()).fit(X, Y["Motion"])
    assert clf.artifacts_ == ["Motion"]
    assert clf.classes_.tolist() == [0, 1, 2]
    assert clf.predict(X).shape == (24,)
    assert clf.predict_proba(X).shape == (24, 3)


@BOTH
def test_arrays_paths_and_sequences_give_the_same_model(scans, encoder):
    X, Y, _ = scans
    clf = MultiArtifactClassifier(quick(), encoder=encoder)
    from_array = clf.fit(X, Y.to_numpy()).predict_proba(X)
    sequence = VolumeSequence([Volume(volume) for volume in X])
    from_sequence = clf.fit(sequence, Y).predict_proba(sequence)
    for first, second in zip(from_array, from_sequence, strict=True):
        np.testing.assert_array_equal(first, second)


@BOTH
def test_a_pipeline_is_an_estimator_too(scans, encoder):
    X, Y, groups = scans
    pipe = make_pipeline(StandardizeIntensity(), quick(plane_head=True))
    clf = MultiArtifactClassifier(pipe, encoder=encoder)
    clf.fit(X, Y, groups=groups, plane=["axi", "cor", "sag"] * 8)
    assert clf.predict(X).shape == (24, 3)
    last = clf._shared[-1] if encoder == "shared" else clf.estimators_[0][-1]
    assert last.predict_plane(X).shape == (24,)


@BOTH
def test_it_clones_pickles_and_nests_its_parameters(scans, encoder):
    X, Y, _ = scans
    clf = clone(MultiArtifactClassifier(quick(), encoder=encoder))
    clf.set_params(estimator__lr=0.5, estimator__max_epochs=1)
    assert clf.fit(X, Y).estimator.lr == 0.5
    loaded = pickle.loads(pickle.dumps(clf))
    for first, second in zip(
        loaded.predict_proba(X), clf.predict_proba(X), strict=True
    ):
        np.testing.assert_array_equal(first, second)


def test_a_search_reaches_the_estimator_within(scans):
    X, Y, groups = scans
    search = GridSearchCV(
        MultiArtifactClassifier(learning(), encoder="shared"),
        {"estimator__lr": [1e-7, 1e-2]},
        cv=GroupKFold(2),
    ).fit(X, Y, groups=groups)
    assert search.best_params_ == {"estimator__lr": 1e-2}


# Labels that are missing, rare or in another order


@BOTH
@pytest.mark.parametrize("missing", [np.nan, None, pd.NA])
def test_scans_that_are_not_rated_are_left_out_for_this_artifact(
    scans, encoder, missing
):
    X, Y, _ = scans
    Y["Zipper"] = Y["Zipper"].astype(object)
    Y["Motion"] = Y["Motion"].astype(object)
    Y.loc[::5, "Zipper"] = missing
    Y.loc[1::5, "Motion"] = missing
    clf = MultiArtifactClassifier(learning(), encoder=encoder).fit(X, Y)
    assert clf.classes_[2].dtype.kind == "i"
    assert clf.score(X, Y) > 0.9
    if encoder == "separate":
        rated = Y["Zipper"].notna()
        alone = learning().fit(X[rated], Y["Zipper"][rated])
        np.testing.assert_array_equal(clf.predict_proba(X)[1], alone.predict_proba(X))


def test_scans_without_any_label_do_not_reach_the_shared_network(scans):
    X, Y, _ = scans
    extra = np.full((4, 8, 8, 8), 1e6, np.float32)
    unrated = pd.DataFrame(index=range(4), columns=Y.columns)
    clf = MultiArtifactClassifier(quick(), encoder="shared")
    expected = clf.fit(X, Y).predict_proba(X)
    more = clf.fit(np.concatenate([X, extra]), pd.concat([Y, unrated])).predict_proba(X)
    for first, second in zip(expected, more, strict=True):
        np.testing.assert_array_equal(first, second)


@BOTH
@pytest.mark.parametrize("dtype", [float, object, "Int64", "Float64"])
def test_whole_numbers_stay_so_where_all_gaps_are_scans_without_any_label(
    scans, encoder, dtype
):
    X, Y, _ = scans
    Y = Y[["Noise", "Motion"]].astype(float)
    Y.loc[:3] = np.nan
    clf = MultiArtifactClassifier(quick(), encoder=encoder).fit(X, Y.astype(dtype))
    assert [classes.dtype.kind for classes in clf.classes_] == ["i", "i"]
    assert clf.predict(X).dtype.kind == "i"


@BOTH
def test_artifacts_of_one_grade_are_constant_with_one_warning(scans, encoder):
    X, Y, _ = scans
    Y = Y.assign(Banding=0, Contrast="fine")
    with pytest.warns(BriqaWarning, match=r"\['Banding', 'Contrast'\]") as caught:
        clf = MultiArtifactClassifier(quick(), encoder=encoder).fit(X, Y)
    assert len(caught) == 1
    assert set(clf.predict(X)[:, 3]) == {0}
    assert set(clf.predict(X)[:, 4]) == {"fine"}
    assert clf.predict_proba(X)[3].tolist() == [[1.0]] * 24


@BOTH
def test_all_artifacts_may_be_constant(scans, encoder):
    X, Y, _ = scans
    with pytest.warns(BriqaWarning, match="only one class"):
        clf = MultiArtifactClassifier(quick(), encoder=encoder).fit(X, 0 * Y[["Noise"]])
    assert clf.predict(X).tolist() == [[0]] * 24


def test_an_artifact_that_nobody_rated_is_refused(scans):
    X, Y, _ = scans
    with pytest.raises(ValueError, match=r"no grade at all for \['Banding'\]"):
        MultiArtifactClassifier(quick()).fit(X, Y.assign(Banding=np.nan))


def test_columns_are_found_by_name(scans):
    X, Y, _ = scans
    clf = MultiArtifactClassifier(quick()).fit(X, Y)
    assert clf.score(X, Y[["Motion", "Noise", "Zipper"]]) == clf.score(X, Y)


@pytest.mark.parametrize(
    "change",
    [
        lambda Y: Y.rename(columns={"Motion": "Banding"}),
        lambda Y: Y.drop(columns="Motion"),
        lambda Y: Y.assign(Banding=0),
        lambda Y: Y.to_numpy()[:, :2],
    ],
)
def test_other_artifacts_than_in_fit_are_refused(scans, change):
    X, Y, _ = scans
    clf = MultiArtifactClassifier(quick()).fit(X, Y)
    with pytest.raises(ValueError, match="must have the artifacts seen in fit"):
        clf.score(X, change(Y))


def test_an_artifact_without_a_rating_is_left_out_of_the_score_with_a_warning(scans):
    X, Y, _ = scans
    clf = MultiArtifactClassifier(quick()).fit(X, Y)
    alone = MultiArtifactClassifier(quick()).fit(X, Y[["Noise", "Motion"]])
    with pytest.warns(BriqaWarning, match=r"no scan is rated for \['Zipper'\]"):
        score = clf.score(X, Y.assign(Zipper=None))
    assert score == alone.score(X, Y[["Noise", "Motion"]])
    with pytest.raises(ValueError, match="must rate at least 1 scan"):
        clf.score(X, Y.assign(Zipper=None, Noise=None, Motion=None))


@pytest.mark.parametrize(
    ("Y", "said"),
    [
        (np.zeros((24, 2, 2)), "must be 2-D"),
        (np.zeros((23, 2)), "inconsistent numbers of samples"),
        (np.zeros((24, 0)), "at least 1 column"),
        (pd.DataFrame(np.zeros((24, 2)), columns=["a", "a"]), "a name of its own"),
        (np.linspace(0, 1, 48).reshape(24, 2), "Unknown label type"),
        (pd.DataFrame({"a": [0, "1", None] * 8}), "text '1' among numbers in 'a'"),
        ([[0, 0], [1, "1"]] * 12, "text '1' among numbers in 'artifact_1'"),
    ],
)
def test_tables_that_are_none_are_refused(scans, Y, said):
    with pytest.raises(ValueError, match=said):
        MultiArtifactClassifier(quick()).fit(scans[0], Y)


def test_a_refused_refit_leaves_the_fitted_model(scans):
    X, Y, _ = scans
    clf = MultiArtifactClassifier(quick()).fit(X, Y)
    expected = clf.predict_proba(X)
    with pytest.raises(ValueError, match="criterion must be one of"):
        clf.set_params(estimator__criterion="hinge").fit(X[:, :4], Y[["Noise"]])
    np.testing.assert_array_equal(clf.predict_proba(X)[0], expected[0])


# Metadata


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")  # sklearn's
@pytest.mark.parametrize(("cv", "dtype"), [(KFold(2), float), (2, object)])
def test_tables_with_gaps_are_cross_validated_as_the_guide_says(scans, cv, dtype):
    X, Y, _ = scans
    order = np.random.default_rng(0).permutation(24)
    Y = Y[["Noise", "Motion"]].astype(float).iloc[order]
    Y.iloc[::5, 1] = np.nan
    clf = MultiArtifactClassifier(quick(max_epochs=1))
    with pytest.raises(ValueError, match="contains NaN"):
        cross_validate(clf, X[order], Y, cv=2)
    result = cross_validate(clf, X[order], Y.astype(dtype), cv=cv, error_score="raise")
    assert np.isfinite(result["test_score"]).all()


@BOTH
def test_groups_and_planes_are_routed_by_cross_validate(scans, enable_routing, encoder):
    X, Y, groups = scans
    inner = quick(plane_head=True, early_stopping=True)
    clf = MultiArtifactClassifier(inner, encoder=encoder)
    clf.set_fit_request(groups=True, plane=True)
    result = cross_validate(
        clf,
        X,
        Y,
        cv=GroupKFold(2),
        params={"groups": groups, "plane": ["axi", "cor", "sag"] * 8},
        error_score="raise",
    )
    assert result["test_score"].shape == (2,)


def test_routed_metadata_reach_the_last_step_of_a_pipeline(scans, enable_routing):
    X, Y, _ = scans
    inner = quick(plane_head=True).set_fit_request(plane=True)
    pipe = Pipeline([("scale", StandardizeIntensity()), ("grade", inner)])
    clf = MultiArtifactClassifier(pipe, encoder="shared").set_fit_request(plane=True)
    plane = ["axi", "cor", "sag"] * 8
    result = cross_validate(
        clf, X, Y, cv=KFold(2), params={"plane": plane}, error_score="raise"
    )
    assert result["test_score"].shape == (2,)


@BOTH
def test_an_estimator_gets_nothing_that_it_does_not_request(
    scans, enable_routing, encoder
):
    X, Y, groups = scans
    inner = quick(early_stopping=True).set_fit_request(groups=False)
    clf = MultiArtifactClassifier(inner, encoder=encoder)
    with pytest.warns(BriqaWarning, match="early stopping without groups"):
        clf.fit(X, Y, groups=groups)
    clf.set_params(estimator=quick(plane_head=True).set_fit_request(plane=False))
    with pytest.raises(TypeError, match=r"got \['plane'\], which"):
        clf.fit(X, Y, plane=["axi", "cor", "sag"] * 8)


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_a_search_for_each_artifact_splits_by_subject(scans, routing, in_pipeline):
    X, Y, groups = scans
    X[:, 0, 0, 0] = groups
    splits = []

    class Spy(GroupKFold):
        def split(self, X, y=None, groups=None):
            for train, test in super().split(X, y, groups):
                splits.append({*X[train, 0, 0, 0]} & {*X[test, 0, 0, 0]})
                yield train, test

    with config_context(enable_metadata_routing=routing):
        inner = quick()
        if routing:
            inner.set_fit_request(groups=False)
        search = GridSearchCV(inner, {"lr": [1e-3]}, cv=Spy(2))
        estimator = make_pipeline(FunctionTransformer(), search)
        clf = MultiArtifactClassifier(estimator if in_pipeline else search)
        clf.fit(X, Y, groups=groups)
    assert splits == [set()] * 2 * 3


@BOTH
def test_a_sample_without_weight_teaches_nothing(scans, encoder):
    X, Y, _ = scans
    weight = np.where(Y["Motion"] == 2, 0, 1)
    clf = MultiArtifactClassifier(learning(), encoder=encoder)
    clf.fit(X, Y, sample_weight=weight)
    assert 2 not in clf.predict(X)[:, 2]


def test_what_an_estimator_does_not_take_is_refused(scans):
    X, Y, _ = scans
    forest = make_pipeline(StandardizeIntensity(), RandomForestClassifier())
    clf = MultiArtifactClassifier(forest)
    with pytest.raises(TypeError, match=r"got \['plane'\], which Pipeline"):
        clf.fit(X, Y, plane=["axi"] * 24)
    with pytest.raises(
        ValueError, match="groups must have one value for each of the 24"
    ):
        clf.fit(X, Y, groups=[1])


@BOTH
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_planes_that_no_estimator_looks_at_get_one_warning(scans, encoder, in_pipeline):
    X, Y, _ = scans
    inner = make_pipeline(StandardizeIntensity(), quick()) if in_pipeline else quick()
    clf = MultiArtifactClassifier(inner, encoder=encoder)
    with pytest.warns(BriqaWarning, match="no plane head learns it") as caught:
        clf.fit(X, Y, plane=["axi", "cor", "sag"] * 8)
    assert len(caught) == 1


def test_planes_that_one_candidate_looks_at_need_no_warning(scans):
    X, Y, groups = scans
    candidates = [quick(), quick(plane_head=True)]
    clf = MultiArtifactClassifier(candidates=candidates, n_folds=2)
    plane = ["axi", "cor", "sag"] * 8
    with warnings.catch_warnings():
        warnings.simplefilter("error", BriqaWarning)
        clf.fit(X, Y[["Motion"]], groups=groups, plane=plane)


@BOTH
def test_equal_warnings_of_the_artifacts_are_given_once(scans, encoder):
    X, Y, _ = scans
    clf = MultiArtifactClassifier(quick(early_stopping=True), encoder=encoder)
    with pytest.warns(BriqaWarning, match="early stopping without groups") as caught:
        clf.fit(X, Y)
    assert len(caught) == 1


# Candidates


def flatten(X):
    return np.stack([np.asarray(volume).ravel() for volume in X])


def test_each_artifact_gets_the_candidate_that_suits_it(scans):
    X, Y, groups = scans
    slow = learning(lr=1e-7)
    clf = MultiArtifactClassifier(
        learning(), candidates=[slow, CompactNet(n_filters=4), Corn()]
    ).fit(X, Y[["Noise", "Motion"]], groups=groups)
    table = clf.selection_
    assert list(table) == [
        "artifact",
        "candidate",
        "fold_0",
        "fold_1",
        "fold_2",
        "mean",
        "chosen",
    ]
    assert len(table) == 6
    folds = table[["fold_0", "fold_1", "fold_2"]].to_numpy()
    np.testing.assert_allclose(folds.mean(axis=1), table["mean"])
    for _, rows in table.groupby("artifact"):
        assert rows["chosen"].sum() == 1
        assert rows["mean"][rows["chosen"]].item() == rows["mean"].max()
    assert not table["chosen"][table["candidate"].str.startswith("Severity")].any()


def test_candidates_are_names_configurations_and_estimators(scans):
    X, Y, groups = scans
    forest = make_pipeline(
        FunctionTransformer(flatten), RandomForestClassifier(random_state=0)
    )
    pipe = make_pipeline(StandardizeIntensity(), quick())
    candidates = ["compact", "focal", CompactNet(n_filters=2), Corn(), forest]
    clf = MultiArtifactClassifier(pipe, candidates=candidates, n_folds=2)
    clf.fit(X, Y[["Motion"]], groups=groups)
    labels = clf.selection_["candidate"].tolist()
    assert labels[:4] == ["compact", "focal", "CompactNet(n_filters=2)", "Corn()"]


def test_folds_share_no_subject(scans):
    X, Y, groups = scans
    seen = []

    class Spy(SeverityClassifier):
        def fit(self, X, y, *, groups=None):
            seen.append(set(groups))
            return super().fit(X, y)

        def predict(self, X):
            seen.append(set(X[:, 0, 0, 0].tolist()))
            return super().predict(X)

    X[:, 0, 0, 0] = groups
    clf = MultiArtifactClassifier(candidates=[Spy(max_epochs=1)], n_folds=2)
    clf.fit(X, Y[["Motion"]], groups=groups)
    (train_1, test_1, train_2, test_2), final = seen[:4], seen[4]
    assert train_1 == test_2
    assert train_2 == test_1
    assert not train_1 & train_2
    assert final == set(range(8))


def test_any_score_decides(scans):
    X, Y, groups = scans

    def prefers_few_filters(estimator, X, y):
        return -estimator.module.n_filters

    clf = MultiArtifactClassifier(
        quick(),
        candidates=[CompactNet(n_filters=4), CompactNet(n_filters=2)],
        scoring=prefers_few_filters,
    ).fit(X, Y[["Motion"]], groups=groups)
    assert clf.estimators_[0].module.n_filters == 2


def test_a_missing_subject_is_refused(scans):
    X, Y, groups = scans
    gaps = [None, float("nan"), *map(str, groups[2:])]
    clf = MultiArtifactClassifier(quick(), candidates=["compact", "resnet10"])
    said = "MultiArtifactClassifier: every scan must have a subject, got 2 missing"
    with pytest.raises(ValueError, match=said):
        clf.fit(X, Y, groups=gaps)
    with pytest.raises(ValueError, match=said):
        clf.fit(VolumeSequence(map(Volume, X), columns={"group": gaps}), Y)


def test_choosing_without_groups_warns_once(scans):
    X, Y, _ = scans
    clf = MultiArtifactClassifier(quick(), candidates=["compact"])
    with pytest.warns(BriqaWarning, match="groups are not known") as caught:
        clf.fit(X, Y)
    assert len(caught) == 1


def test_one_subject_takes_the_first_candidate_with_one_warning(scans):
    X, Y, _ = scans
    clf = MultiArtifactClassifier(quick(), candidates=["focal", "compact"])
    with pytest.warns(BriqaWarning, match="'Noise' cannot be split") as caught:
        clf.fit(X, Y[["Noise", "Motion"]], groups=["sub-1"] * 24)
    assert len(caught) == 1
    assert clf.selection_["chosen"].tolist() == [True, False] * 2
    assert clf.selection_["mean"].isna().all()


def test_a_grade_of_one_scan_is_compared_as_well_as_possible(scans):
    X, Y, groups = scans
    Y["Motion"] = [2] + [0, 1] * 11 + [0]
    clf = MultiArtifactClassifier(quick(), candidates=["compact", "focal"])
    with pytest.warns(BriqaWarning, match="'Motion' has a grade that not") as caught:
        clf.fit(X, Y[["Motion"]], groups=groups)
    assert len(caught) == 1
    assert clf.selection_["mean"].notna().all()
    assert clf.classes_[0].tolist() == [0, 1, 2]


def test_a_fold_that_would_train_on_one_grade_is_left_out(scans):
    X, Y, _ = scans
    groups = np.where(Y["Motion"] == 0, np.arange(24) // 3 % 3, 3)
    Y["Motion"] = Y["Motion"].clip(upper=1)
    clf = MultiArtifactClassifier(quick(), candidates=["compact", "focal"])
    with pytest.warns(BriqaWarning, match="'Motion' has 2 instead of 3 folds"):
        clf.fit(X, Y[["Motion"]], groups=groups)
    assert clf.selection_["fold_2"].isna().all()
    assert clf.selection_["mean"].notna().all()


@pytest.mark.parametrize(
    ("lacking", "chosen", "mean", "said"),
    [
        ({0}, 4, [-4, -9], r"'Motion' has .* in 2 of 3 folds\.$"),
        (
            {0, 1, 2},
            9,
            [np.nan] * 2,
            "in 0 of 3 folds, so the first candidate is taken",
        ),
    ],
)
def test_a_score_of_nan_never_wins(scans, lacking, chosen, mean, said):
    X, Y, groups = scans
    n_calls = {4: 0, 9: 0}

    def prefers_few_filters(estimator, X, y):
        n_filters = estimator.module.n_filters
        n_calls[n_filters] += 1
        is_lacking = n_filters == 9 and n_calls[9] - 1 in lacking
        return np.nan if is_lacking else -n_filters

    clf = MultiArtifactClassifier(
        quick(max_epochs=1),
        candidates=[CompactNet(n_filters=9), CompactNet(n_filters=4)],
        scoring=prefers_few_filters,
    )
    with pytest.warns(BriqaWarning, match=said) as caught:
        clf.fit(X, Y[["Motion"]], groups=groups)
    assert len(caught) == 1
    assert clf.estimators_[0].module.n_filters == chosen
    np.testing.assert_array_equal(clf.selection_["mean"], mean[::-1])


def test_groups_may_be_a_column_of_the_sequence(scans):
    X, Y, groups = scans
    X = VolumeSequence([Volume(volume) for volume in X], columns={"group": groups})
    clf = MultiArtifactClassifier(quick(), candidates=["compact"]).fit(X, Y)
    assert clf.selection_["fold_2"].notna().all()


@pytest.mark.parametrize(
    ("params", "error", "said"),
    [
        ({"encoder": "common"}, ValueError, "encoder must be one of separate, shared"),
        ({"candidates": []}, ValueError, "a list of at least 1 network"),
        ({"candidates": "focal"}, ValueError, "a list of at least 1 network"),
        ({"candidates": ["alexnet"]}, ValueError, "got 'alexnet'"),
        ({"candidates": [3]}, TypeError, "a network or a loss, by name"),
        ({"n_folds": 1}, ValueError, "n_folds must be a whole number of at least 2"),
        (
            {"candidates": ["focal"], "encoder": "shared"},
            ValueError,
            "must be None with",
        ),
        (
            {"estimator": RandomForestClassifier(), "encoder": "shared"},
            TypeError,
            "needs a SeverityClassifier",
        ),
    ],
)
def test_parameters_that_make_no_sense_are_refused(scans, params, error, said):
    X, Y, _ = scans
    with pytest.raises(error, match=said):
        MultiArtifactClassifier(**{"estimator": quick(), **params}).fit(X, Y)


# The shared encoder


@pytest.mark.parametrize("criterion", sorted(CRITERIA))
@pytest.mark.parametrize("batches", ["rotating", "resampled"])
def test_every_loss_works_on_shared_features(scans, criterion, batches):
    X, Y, groups = scans
    inner = quick(criterion=criterion, batches=batches, early_stopping=True)
    Y = Y[["Noise", "Motion"]].astype(float)
    Y.iloc[:5, 0] = np.nan
    clf = MultiArtifactClassifier(inner, encoder="shared").fit(X, Y, groups=groups)
    for proba in clf.predict_proba(X):
        np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-5)


def test_a_shared_network_of_one_artifact_learns_as_one_of_its_own(scans):
    X, Y, _ = scans
    shared = MultiArtifactClassifier(quick(batch_size=24), encoder="shared")
    alone = quick(batch_size=24).fit(X, Y["Motion"])
    np.testing.assert_allclose(
        shared.fit(X, Y[["Motion"]]).predict_proba(X)[0],
        alone.predict_proba(X),
        atol=1e-5,
    )


def test_a_shared_fit_sees_as_many_scans_as_one_artifact(scans):
    X, Y, _ = scans
    seen = []

    def watch(volume, random_state):
        seen.append(1)
        return volume

    MultiArtifactClassifier(quick(augment=watch), encoder="shared").fit(X, Y)
    assert len(seen) == 2 * 24


def test_batches_are_balanced_for_each_artifact_in_turn(scans):
    X, Y, _ = scans
    Y = pd.DataFrame({"a": [0] * 20 + [1] * 4, "b": [0] * 2 + [1] * 6 + [0] * 16})
    X[:, 0, 0, 0] = np.arange(24)
    seen = []

    def watch(volume, random_state):
        seen.append(int(volume.data[0, 0, 0]))
        return volume

    inner = quick(augment=watch, batches="rotating", batch_size=4)
    MultiArtifactClassifier(inner, encoder="shared").fit(X, Y)
    batches = np.reshape(seen, (-1, 4))
    for turn, name in enumerate(Y):
        counts = Y[name].to_numpy()[batches[turn::2]].sum(axis=1)
        assert set(counts) == {2}


def test_an_augmentation_with_a_grade_is_refused_on_shared_features(scans):
    X, Y, _ = scans
    inner = quick(augment=lambda volume, random_state: (volume, 2))
    with pytest.raises(TypeError, match="a Volume only where several"):
        MultiArtifactClassifier(inner, encoder="shared").fit(X, Y)


def test_an_interrupted_shared_fit_resumes(scans, tmp_path, power_cut):
    X, Y, _ = scans
    inner = quick(max_epochs=5, checkpoint_dir=tmp_path, callbacks=[power_cut])
    inner.set_params(batches="rotating", batch_size=4)
    clf = MultiArtifactClassifier(inner, encoder="shared")
    Y = Y[["Noise", "Motion"]]
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, Y)
    resumed = clf.fit(X, Y).predict_proba(X)
    whole = clf.set_params(estimator__checkpoint_dir=None).fit(X, Y).predict_proba(X)
    for first, second in zip(resumed, whole, strict=True):
        np.testing.assert_array_equal(first, second)


class EpochLimit(Callback):
    """Interrupt after so many epochs of all fits together."""

    n_done, n_most = 0, np.inf

    def on_epoch_begin(self, net, **kwargs):
        if EpochLimit.n_done == EpochLimit.n_most:
            raise KeyboardInterrupt
        EpochLimit.n_done += 1


@pytest.mark.parametrize(
    ("params", "n_fits"),
    [({}, 2), ({"candidates": ["focal", "corn"], "n_folds": 2}, 10)],
)
def test_networks_that_are_trained_are_not_trained_again(
    scans, tmp_path, monkeypatch, params, n_fits
):
    X, Y, subjects = scans
    Y = Y[["Noise", "Motion"]]
    inner = quick(max_epochs=3, checkpoint_dir=tmp_path, callbacks=[EpochLimit()])
    clf = MultiArtifactClassifier(inner, **params)
    monkeypatch.setattr(EpochLimit, "n_done", 0)
    monkeypatch.setattr(EpochLimit, "n_most", 3 * n_fits - 1)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, Y, groups=subjects)
    assert len(list(tmp_path.iterdir())) == n_fits
    monkeypatch.setattr(EpochLimit, "n_most", np.inf)
    resumed = clf.fit(X, Y, groups=subjects)
    assert EpochLimit.n_done == 3 * n_fits
    assert list(tmp_path.iterdir()) == []
    whole = clone(clf).set_params(estimator__checkpoint_dir=None)
    whole.fit(X, Y, groups=subjects)
    for first, second in zip(
        resumed.predict_proba(X), whole.predict_proba(X), strict=True
    ):
        np.testing.assert_array_equal(first, second)


def test_early_stopping_is_not_undone_by_an_interrupt(scans, tmp_path, monkeypatch):
    X, Y, subjects = scans
    Y = Y[["Noise", "Motion"]]
    stopping = {"early_stopping": True, "patience": 1, "lr": 0.3, "schedule": None}
    inner = quick(max_epochs=30, callbacks=[EpochLimit()], **stopping)
    clf = MultiArtifactClassifier(inner)
    monkeypatch.setattr(EpochLimit, "n_done", 0)
    whole = clf.fit(X, Y, groups=subjects).predict_proba(X)
    assert EpochLimit.n_done < 60
    monkeypatch.setattr(EpochLimit, "n_most", EpochLimit.n_done - 1)
    monkeypatch.setattr(EpochLimit, "n_done", 0)
    clf.set_params(estimator__checkpoint_dir=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, Y, groups=subjects)
    monkeypatch.setattr(EpochLimit, "n_most", np.inf)
    resumed = clf.fit(X, Y, groups=subjects).predict_proba(X)
    for first, second in zip(resumed, whole, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("params", "metadata"),
    [
        ({"lr": 0}, {}),
        ({"criterion": "hinge"}, {}),
        ({"module": "vit", "device": "tpu"}, {}),
        ({"grades": [0, 1]}, {}),
        ({"checkpoint_dir": ".", "random_state": np.random.RandomState(0)}, {}),
        ({"plane_head": True}, {}),
        ({"early_stopping": True}, {"groups": ["sub-1"] * 24}),
    ],
    ids=lambda value: "-".join(value),
)
def test_errors_open_with_a_class_that_the_user_knows(scans, params, metadata):
    X, Y, _ = scans
    clf = MultiArtifactClassifier(quick(**params), encoder="shared")
    with pytest.raises(ValueError, match=r"^SeverityClassifier: "):
        clf.fit(X, Y[["Noise", "Motion"]], **metadata)


def test_a_shared_network_passes_the_estimators_parameters_on():
    inner = quick(lr=0.5, plane_head=True)
    shared = share_encoder(inner, caller="test")
    assert shared.get_params(deep=False) == inner.get_params(deep=False)


# Files


@BOTH
@pytest.mark.filterwarnings("ignore:.*only one class is known")
def test_a_loaded_model_predicts_the_same(scans, tmp_path, monkeypatch, encoder):
    for name, home in [
        ("ConstantGrade", "briqa_sk.estimators.multi_artifact"),
        ("MultiArtifactClassifier", "briqa_sk.estimators"),
        ("SharedEncoder", "briqa_sk.estimators.multi_artifact"),
    ]:
        monkeypatch.setitem(REGISTRY, name, home)
    X, Y, groups = scans
    candidates = ["compact", "focal"] if encoder == "separate" else None
    clf = MultiArtifactClassifier(quick(), encoder=encoder, candidates=candidates)
    save(clf.fit(X, Y.assign(Banding=0), groups=groups), tmp_path / "model.zip")
    loaded = load(tmp_path / "model.zip", device="cpu")
    assert loaded.artifacts_ == clf.artifacts_
    assert loaded.predict(X).tolist() == clf.predict(X).tolist()
    if candidates:
        assert loaded.selection_.equals(clf.selection_)


def test_a_shared_model_with_odd_grades_is_refused(scans, tmp_path, monkeypatch):
    monkeypatch.setitem(REGISTRY, "SharedEncoder", "briqa_sk.estimators.multi_artifact")
    X, Y, _ = scans
    shared = share_encoder(quick(), caller="test").fit(X, Y[["Noise", "Motion"]])
    shared.grades_[1] = shared.grades_[1][:2]
    with pytest.raises(ValueError, match="arrays over the same grades"):
        save(shared, tmp_path / "model.zip")
