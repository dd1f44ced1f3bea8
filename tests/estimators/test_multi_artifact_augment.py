"""Augmentations that grade several artifacts."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from briqa_sk import SeverityClassifier, StandardizeIntensity, load, save
from briqa_sk.datasets import make_head_phantom
from briqa_sk.estimators import MultiArtifactClassifier
from briqa_sk.simulation import LISA_ARTIFACTS, ArtifactSimulator

#: Phantoms go into networks as they are scanned here.
pytestmark = pytest.mark.filterwarnings("ignore:.*voxels should be about 1")
BOTH = pytest.mark.parametrize("encoder", ["separate", "shared"])
#: Where a scan bears its number, and where the fake augmentation writes its grades.
INDEX, NOISE, MOTION = (0, 0, 0), (0, 0, 1), (0, 0, 2)


class Batches(Callback):
    """Keep the voxels and the ranks of every training batch; fits work on copies."""

    seen = []

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        voxels, ranks = batch
        Batches.seen.append((voxels["x"][:, 0].numpy().copy(), ranks.numpy().copy()))


def columns_seen():
    """Return the voxels and the ranks of all batches, one row per scan shown."""
    voxels, ranks = zip(*Batches.seen, strict=True)
    return np.concatenate(voxels), np.concatenate(ranks)


class Marker:
    """Draw two grades, write them into voxels, and return those asked for."""

    def __init__(self, *names):
        self.names = names

    def __call__(self, volume, random_state):
        data = volume.data.copy()
        data[NOISE], data[MOTION] = random_state.integers(3, size=2)
        marked = {"noise": int(data[NOISE]), "MOTION": int(data[MOTION])}
        grades = {name: marked[name] for name in self.names}
        return volume.derive(data, step="marked"), grades


def quick(augment, **params):
    Batches.seen.clear()
    params = {"max_epochs": 3, "random_state": 0, "device": "cpu", **params}
    return SeverityClassifier(augment=augment, callbacks=[Batches()], **params)


@pytest.fixture
def scans():
    X = np.zeros((24, 8, 8, 8), np.float32)
    X[(slice(None), *INDEX)] = np.arange(24)
    Y = pd.DataFrame(
        {
            "Noise": np.repeat([0.0, 1.0, 2.0], 8),
            "Zipper": np.tile([0, 1], 12),
            "Motion": np.tile([0.0, 1.0, 2.0], 8),
        }
    )
    Y.loc[::4, "Motion"] = np.nan
    return X, Y


@pytest.fixture(scope="module")
def heads():
    return [make_head_phantom(16, random_state=seed) for seed in range(6)]


@pytest.fixture
def lisa_labels():
    return pd.DataFrame(
        {name.capitalize(): np.arange(6) % 3 for name in LISA_ARTIFACTS}
    )


def of_voxels(voxels, place):
    return voxels[(slice(None), *place)].astype(int)


def test_shared_labels_are_the_worse_of_the_old_and_the_simulated_ones(scans):
    X, Y = scans
    inner = quick(Marker("noise", "MOTION"))
    MultiArtifactClassifier(inner, encoder="shared").fit(X, Y)
    voxels, ranks = columns_seen()
    old = Y.iloc[of_voxels(voxels, INDEX)].to_numpy()
    noise, motion = of_voxels(voxels, NOISE), of_voxels(voxels, MOTION)
    assert ranks[:, 0].tolist() == np.maximum(old[:, 0], noise).tolist()
    assert ranks[:, 1].tolist() == old[:, 1].tolist()
    rated = ~np.isnan(old[:, 2])
    assert ranks[rated, 2].tolist() == np.maximum(old[rated, 2], motion[rated]).tolist()


def test_an_unrated_scan_is_rated_by_a_simulated_artifact_and_not_by_its_absence(scans):
    X, Y = scans
    inner = quick(Marker("noise", "MOTION"))
    MultiArtifactClassifier(inner, encoder="shared").fit(X, Y)
    voxels, ranks = columns_seen()
    unrated = Y["Motion"].isna().to_numpy()[of_voxels(voxels, INDEX)]
    motion = of_voxels(voxels, MOTION)[unrated]
    assert set(motion) == {0, 1, 2}
    assert ranks[unrated, 2].tolist() == np.where(motion == 0, -1, motion).tolist()


def test_what_is_not_named_keeps_its_label(scans):
    X, Y = scans
    MultiArtifactClassifier(quick(Marker("noise")), encoder="shared").fit(X, Y)
    voxels, ranks = columns_seen()
    old = Y["Motion"].fillna(-1).to_numpy()[of_voxels(voxels, INDEX)]
    assert of_voxels(voxels, MOTION).any()
    assert ranks[:, 2].tolist() == old.tolist()


@pytest.mark.parametrize(
    ("learned", "place"), [("Noise", NOISE), ("Zipper", None), ("Motion", MOTION)]
)
def test_each_separate_estimator_takes_the_grade_of_its_artifact(scans, learned, place):
    X, Y = scans
    # The other columns have one grade, so this one alone is learned.
    Y = Y.assign(**dict.fromkeys(set(Y) - {learned}, 0))
    with pytest.warns(match="only one class is known"):
        MultiArtifactClassifier(quick(Marker("noise", "MOTION"))).fit(X, Y)
    voxels, ranks = columns_seen()
    old = Y[learned].to_numpy()[of_voxels(voxels, INDEX)]
    new = of_voxels(voxels, place) if place else 0
    assert not np.isnan(old).any()
    assert ranks.tolist() == np.maximum(old, new).tolist()
    assert of_voxels(voxels, NOISE).any()
    assert of_voxels(voxels, MOTION).any()


def test_candidates_are_compared_under_the_grade_of_their_artifact(scans):
    X, Y = scans
    clf = MultiArtifactClassifier(
        quick(Marker("noise"), max_epochs=1), candidates=["compact", "focal"]
    )
    with pytest.warns(match="candidates are compared"):
        clf.fit(X, Y[["Noise", "Zipper"]])
    by_artifact = {2: [], 3: []}  # Zipper knows two grades, Noise three
    for estimator in clf.estimators_:
        by_artifact[len(estimator.classes_)].append(estimator.augment.learned)
    assert by_artifact == {2: [["Zipper"]], 3: [["Noise"]]}
    # Every fit, those in the folds too: ranks are one of the two columns' rules.
    for voxels, ranks in Batches.seen:
        old = Y.iloc[of_voxels(voxels, INDEX)]
        raised = np.maximum(old["Noise"], of_voxels(voxels, NOISE))
        assert ranks.tolist() in (raised.tolist(), old["Zipper"].tolist())


@BOTH
def test_a_simulator_of_seven_artifacts_grades_each_in_its_column(
    heads, lisa_labels, encoder
):
    never = dict.fromkeys(LISA_ARTIFACTS, (1, 0, 0))
    simulator = ArtifactSimulator(
        probabilities=never | {"zipper": (0, 0, 1), "noise": (0, 1, 0)},
        target=list(LISA_ARTIFACTS),
    )
    inner = quick(simulator, max_epochs=1, batch_size=6)
    MultiArtifactClassifier(inner, encoder=encoder).fit(heads, lisa_labels)
    ranks = [ranks for _, ranks in Batches.seen]
    table = ranks[0] if encoder == "shared" else np.transpose(ranks)
    found = dict(zip(LISA_ARTIFACTS, np.sort(table, axis=0).T.tolist(), strict=True))
    unchanged = {name: [0, 0, 1, 1, 2, 2] for name in LISA_ARTIFACTS}
    assert found == unchanged | {"zipper": [2] * 6, "noise": [1, 1, 1, 1, 2, 2]}


@BOTH
def test_behind_a_pipelines_standardisation_the_simulator_sees_magnitudes(
    heads, lisa_labels, encoder
):
    # It would refuse negative voxels.
    always = {"noise": (0, 0, 1)}
    simulator = ArtifactSimulator(["noise"], probabilities=always, target=["noise"])
    inner = make_pipeline(StandardizeIntensity(), quick(simulator, batch_size=6))
    clf = MultiArtifactClassifier(inner, encoder=encoder)
    clf.fit(heads, lisa_labels[["Motion", "Noise"]])
    of_noise = [ranks.reshape(6, -1)[:, -1] for _, ranks in Batches.seen][-3:]
    assert np.unique(of_noise).tolist() == [2]


def test_within_a_search_each_artifact_has_its_grade(scans):
    X, Y = scans
    search = GridSearchCV(quick(Marker("noise"), max_epochs=1), {"lr": [0.01]}, cv=2)
    MultiArtifactClassifier(search).fit(X, Y[["Noise", "Zipper"]])
    raised = 0
    for voxels, ranks in Batches.seen:
        old = Y.iloc[of_voxels(voxels, INDEX)]
        worse = np.maximum(old["Noise"], of_voxels(voxels, NOISE))
        assert ranks.tolist() in (worse.tolist(), old["Zipper"].tolist())
        raised += ranks.tolist() == worse.tolist()
    assert raised == len(Batches.seen) / 2


def test_one_simulated_grade_of_a_table_with_one_column_is_its_grade(scans):
    X, Y = scans

    def worst(volume, random_state):
        return volume, 2

    MultiArtifactClassifier(quick(worst), encoder="shared").fit(X, Y[["Noise"]])
    assert set(columns_seen()[1].ravel()) == {2}


@BOTH
def test_a_grade_that_names_no_artifact_is_refused(scans, encoder):
    X, Y = scans
    clf = MultiArtifactClassifier(
        quick(lambda volume, random_state: (volume, 2)), encoder=encoder
    )
    with pytest.raises(TypeError, match="a dict from artifact to grade, got 2 in"):
        clf.fit(X, Y)


@BOTH
def test_a_misspelt_artifact_is_refused(scans, encoder):
    X, Y = scans
    clf = MultiArtifactClassifier(
        quick(lambda volume, random_state: (volume, {"nose": 2})), encoder=encoder
    )
    with pytest.raises(ValueError, match=r"\['Noise', .*, got \['nose'\]"):
        clf.fit(X, Y)


def test_columns_that_differ_in_case_only_can_not_be_augmented(scans):
    X, Y = scans
    Y = Y[["Noise", "Motion"]].set_axis(["Noise", "noise"], axis=1)
    clf = MultiArtifactClassifier(quick(Marker("noise")), encoder="shared")
    with pytest.raises(ValueError, match="which differ in more than case"):
        clf.fit(X, Y)


@pytest.mark.parametrize(
    ("params", "error", "said"),
    [
        ({}, ValueError, "target must name .* or be a list of several"),
        ({"target": "noise"}, TypeError, "Give ArtifactSimulator a list as target"),
        ({"target": ["noise", "banding"]}, ValueError, r"got \['noise', 'banding'\]"),
        ({"target": ["noise", "zipper"]}, ValueError, r"'Zipper'.* \[0, 1\], got 2"),
        ({"target": ["noise"], "grades": [0, 1, 5]}, ValueError, "'Noise'.*got 5"),
        ({"target": ["noise"], "grades": [0, 1]}, ValueError, "grades must be 3"),
    ],
)
@pytest.mark.parametrize(
    ("encoder", "candidates"),
    [("separate", None), ("separate", ["compact", "focal"]), ("shared", None)],
)
def test_what_can_not_be_graded_is_refused_before_training(
    heads, encoder, params, error, said, candidates
):
    Y = pd.DataFrame({"Noise": [0, 1, 2] * 2, "Zipper": [0, 1] * 3})
    inner = quick(ArtifactSimulator(**params))
    clf = MultiArtifactClassifier(inner, encoder=encoder, candidates=candidates)
    with pytest.raises(error, match=said):
        clf.fit(heads, Y, groups=range(6))
    assert not Batches.seen


@BOTH
def test_only_simulated_columns_need_an_order(scans, encoder):
    X, Y = scans
    Y["Zipper"] = np.where(Y["Zipper"] == 0, "none", "some")
    inner = quick(Marker("noise"), max_epochs=1)
    MultiArtifactClassifier(inner, encoder=encoder).fit(X, Y)
    inner = quick(lambda volume, random_state: (volume, {"Zipper": "some"}))
    with pytest.raises(ValueError, match="grades must give the order of text labels"):
        MultiArtifactClassifier(inner, encoder=encoder).fit(X, Y)


@BOTH
@pytest.mark.filterwarnings("ignore:.*only one class is known")
def test_a_simulated_artifact_of_one_known_grade_is_clutter(heads, encoder):
    simulator = ArtifactSimulator(["noise", "spike"], target=["noise", "spike"])
    simulator.set_params(probabilities={"noise": (1, 0, 0), "spike": (0, 0, 1)})
    Y = pd.DataFrame({"Noise": [0, 1, 2] * 2, "Spike": 0})
    inner = quick(simulator, max_epochs=1, batch_size=6)
    clf = MultiArtifactClassifier(inner, encoder=encoder).fit(heads, Y)
    assert sorted(columns_seen()[1].ravel()) == [0, 0, 1, 1, 2, 2]
    assert set(clf.predict(heads)[:, 1]) == {0}


def test_a_dict_is_refused_where_one_artifact_is_learned(scans):
    X, Y = scans
    said = "got a dict. Give ArtifactSimulator one name as target"
    with pytest.raises(TypeError, match=said):
        quick(Marker("noise")).fit(X, Y["Noise"])
    with pytest.raises(TypeError, match=said):
        quick(ArtifactSimulator(target=["noise"])).fit(X, Y["Noise"])
    assert not Batches.seen


@BOTH
def test_the_estimator_that_is_given_stays_as_it_is(scans, encoder):
    X, Y = scans
    inner = quick(Marker("noise"), max_epochs=1)
    augment = inner.augment
    MultiArtifactClassifier(inner, encoder=encoder).fit(X, Y)
    assert inner.augment is augment


@BOTH
@pytest.mark.filterwarnings("ignore:.*left out")
def test_an_augmented_model_can_be_saved(heads, lisa_labels, tmp_path, encoder):
    inner = quick(ArtifactSimulator(target=["noise"]), max_epochs=1)
    inner.set_params(callbacks=None)
    clf = MultiArtifactClassifier(inner, encoder=encoder)
    clf.fit(heads, lisa_labels[["Noise", "Motion"]])
    save(clf, tmp_path / "model.zip")
    loaded = load(tmp_path / "model.zip", device="cpu")
    assert loaded.predict(heads).tolist() == clf.predict(heads).tolist()
