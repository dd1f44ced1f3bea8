"""Drawing, replaying, laziness and augmentation."""

import itertools
import json
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import (
    estimator_checks_generator,
    parametrize_with_checks,
)
from sklearn.utils.validation import validate_data

from briqa_sk import SeverityClassifier, StandardizeIntensity
from briqa_sk.datasets import make_head_phantom
from briqa_sk.io import VolumeSequence
from briqa_sk.simulation import (
    ARTIFACTS,
    LISA_ARTIFACTS,
    Acquisition,
    Artifact,
    ArtifactSimulator,
    Corruption,
    Ghosting,
    Motion,
    Noise,
    Positioning,
    Zipper,
)

ALWAYS = dict.fromkeys(LISA_ARTIFACTS, (0.0, 0.0, 1.0))


@pytest.fixture(scope="module")
def heads():
    return [make_head_phantom(20, random_state=seed) for seed in range(4)]


def test_a_record_has_a_row_per_scan_with_severities_strengths_and_parameters():
    record = ArtifactSimulator(random_state=0).draw(50)
    assert len(record) == 50
    for name in LISA_ARTIFACTS:
        low, high = np.array(ARTIFACTS[name].RANGES)[record[name]].T
        assert (record[f"{name}_strength"].between(low, high)).all()
    for _, row in record.iterrows():
        acting = {name for name in LISA_ARTIFACTS if row[name] > 0}
        order = [name for name in ARTIFACTS if name in acting]
        shared = ["acquisition"] if acting else []
        assert list(row["parameters"]) == [*shared, *order]


def test_severities_are_as_frequent_as_in_the_challenge():
    record = ArtifactSimulator(random_state=0).draw(1000)
    # METHODS, section 1: 78 and 70 of 532 scans.
    for severity, count in [(1, 78), (2, 70)]:
        share = (record["motion"] == severity).mean()
        assert share == pytest.approx(count / 532, abs=4 * np.sqrt(0.14 * 0.86 / 1000))


def test_a_row_does_not_depend_on_the_number_of_scans_or_of_artifacts():
    few = ArtifactSimulator(random_state=3).draw(2)
    many = ArtifactSimulator(random_state=3).draw(9)
    pd.testing.assert_frame_equal(few, many[:2])
    one = ArtifactSimulator(["motion"], probabilities=ALWAYS, random_state=3).draw(2)
    two = ArtifactSimulator(
        ["noise", "motion"], probabilities=ALWAYS, random_state=3
    ).draw(2)
    for alone, accompanied in zip(one["parameters"], two["parameters"], strict=True):
        assert alone["motion"] == accompanied["motion"]


def test_a_record_kept_as_json_replays_exactly(heads):
    simulator = ArtifactSimulator(probabilities=ALWAYS, random_state=1)
    corrupted, row = simulator.corrupt(heads[0], random_state=5)
    kept = json.loads(json.dumps(row))
    again = Corruption(kept["parameters"])(heads[0])
    np.testing.assert_array_equal(again.data, corrupted.data)
    assert len(corrupted.history) == 1 + len(LISA_ARTIFACTS)


def test_transform_is_draw_and_replay(heads):
    simulator = ArtifactSimulator(random_state=1)
    record = simulator.draw(len(heads))
    for one, other in zip(
        simulator.transform(heads), simulator.replay(heads, record), strict=True
    ):
        np.testing.assert_array_equal(one.data, other.data)


def test_a_sequence_stays_lazy_and_gets_the_severities_as_columns(tmp_path):
    paths = [str(tmp_path / f"not_there_{index}.nii.gz") for index in range(5)]
    simulator = ArtifactSimulator(random_state=0)
    X = simulator.fit_transform(paths)
    assert isinstance(X, VolumeSequence)
    assert X.columns["motion"].tolist() == simulator.draw(5)["motion"].tolist()


def test_arrays_give_arrays(heads):
    X = np.stack([head.data for head in heads])
    simulator = ArtifactSimulator(["noise"], probabilities=ALWAYS, random_state=0)
    Xt = simulator.fit_transform(X)
    assert Xt.shape == X.shape
    assert Xt.dtype == np.float32
    clean = X == 0
    assert (Xt[clean] > 0).mean() > 0.99


def test_the_order_of_the_workers_does_not_matter(heads):
    X = ArtifactSimulator(["noise", "motion"], probabilities=ALWAYS, random_state=0)
    X = X.fit_transform(heads)
    backward = Parallel(n_jobs=2)(delayed(X.__getitem__)(i) for i in (3, 2, 1, 0))
    for index, volume in enumerate(reversed(backward)):
        np.testing.assert_array_equal(volume.data, X[index].data)


def test_corrupt_takes_wishes(heads):
    _, row = ArtifactSimulator().corrupt(heads[0], {"motion": 2, "noise": 1})
    assert {name: row[name] for name in LISA_ARTIFACTS if row[name]} == {
        "motion": 2,
        "noise": 1,
    }


def test_an_artifact_keeps_its_own_parameters():
    simulator = ArtifactSimulator(
        [Motion(kind="periodic", axis=1)], probabilities=ALWAYS, random_state=0
    )
    parameters = simulator.draw(3)["parameters"]
    assert {p["motion"]["kind"] for p in parameters} == {"periodic"}
    assert [p["acquisition"]["given"] for p in parameters] == [{"phase": 1}] * 3


def test_the_user_says_how_scans_are_acquired():
    acquisition = Acquisition("2d", sequence="balanced", slice_axis=0)
    simulator = ArtifactSimulator(
        ["motion"], probabilities=ALWAYS, acquisition=acquisition, random_state=0
    )
    for parameters in simulator.draw(5)["parameters"]:
        drawn = parameters["acquisition"]
        assert (drawn["mode"], drawn["sequence"]) == ("2d", "balanced")
        assert drawn["given"] == {"slice": 0}


def test_artifacts_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match="ghosting with phase_axis=2 beside"):
        ArtifactSimulator([Motion(axis=1), Ghosting(axis=2)]).draw(1)
    with pytest.raises(ValueError, match="must have different axes"):
        ArtifactSimulator([Motion(axis=1), Zipper(axis=1)]).draw(1)
    with pytest.raises(TypeError, match="acquisition must be an Acquisition"):
        ArtifactSimulator(acquisition="2d").draw(1)


@pytest.mark.parametrize("pair", [*itertools.combinations(ARTIFACTS, 2)], ids="-".join)
def test_two_artifacts_of_one_scan_share_its_acquisition(heads, pair):
    probabilities = dict.fromkeys(pair, (0, 0, 1))
    simulator = ArtifactSimulator(pair, probabilities=probabilities, random_state=4)
    corrupted, row = simulator.corrupt(heads[0])
    drawn = row["parameters"]
    assert list(drawn) == ["acquisition", *(name for name in ARTIFACTS if name in pair)]
    assert not any("acquisition" in drawn[name] for name in pair)
    # Nothing that happens once per scan is drawn by an artifact.
    once = {"axes", "axis", "coil", "sequence", "line_order", "slice_order"}
    assert not any(once & set(drawn[name]) for name in pair)
    assert np.isfinite(corrupted.data).all()
    again = Corruption(json.loads(json.dumps(drawn)))(heads[0])
    np.testing.assert_array_equal(again.data, corrupted.data)


def test_parameters_of_two_acquisitions_are_refused():
    drawn = {"noise": Noise().draw(0.5, random_state=0)}
    drawn["motion"] = Motion().draw(0.5, random_state=1)
    with pytest.raises(ValueError, match="must share its acquisition, got several"):
        Corruption(drawn)
    shared = drawn["noise"]["acquisition"]
    drawn["motion"] = Motion().draw(0.5, acquisition=shared, random_state=1)
    Corruption(drawn)


def test_records_of_version_0_1_are_refused():
    old = {"noise": {"strength": 0.5, "snr": 4.0, "seed": 1}}
    with pytest.raises(ValueError, match=r"as version 0\.1 of briqa_sk drew them"):
        Corruption(old)
    with pytest.raises(ValueError, match=r"as version 0\.1 of briqa_sk drew them"):
        Noise().apply(np.ones((8, 8, 8)), old["noise"])


def test_ranges_make_any_grading(heads):
    simulator = ArtifactSimulator(
        ["noise"],
        ranges={"noise": [(0, 0), (0.1, 0.2), (0.3, 0.4), (0.5, 0.6), (0.9, 1)]},
        probabilities={"noise": (0, 0, 0, 0, 1)},
        random_state=0,
    )
    record = simulator.draw(20)
    assert (record["noise"] == 4).all()
    assert record["noise_strength"].between(0.9, 1).all()


@pytest.mark.parametrize(
    ("params", "error", "said"),
    [
        ({"artifacts": ["snow"]}, ValueError, "artifact must be one of"),
        ({"artifacts": []}, ValueError, "artifacts must name at least one"),
        ({"artifacts": ["noise", "noise"]}, ValueError, "each once"),
        ({"artifacts": ["ghosting"]}, ValueError, "ghosting"),
        ({"ranges": {"snow": [(0, 0), (0, 1)]}}, ValueError, "ranges must be of"),
        ({"ranges": {"noise": [(0, 0), (0.5, 0.4)]}}, ValueError, "must rise"),
        ({"ranges": {"noise": [(0, 2)]}}, ValueError, "at least two pairs"),
        ({"ranges": {"noise": 0.4}}, ValueError, "at least two pairs"),
        ({"ranges": {"noise": [(0, 0), (0.1,)]}}, ValueError, "at least two pairs"),
        ({"ranges": [(0, 0), (0, 1)]}, TypeError, "ranges must be a dict"),
        ({"probabilities": {"noise": (1, 1)}}, ValueError, "must be given for every"),
        (
            {"artifacts": ["noise"], "probabilities": {"noise": (1, 1, 1, 1)}},
            ValueError,
            "probabilities of noise must be 3, one for each severity, got 4",
        ),
        (
            {"probabilities": [0.3, 0.3, 0.4]},
            TypeError,
            "probabilities, must be a dict",
        ),
        ({"artifacts": ["spike"]}, ValueError, "got none for spike"),
        ({"artifacts": "noise"}, TypeError, "artifacts must be a sequence of names"),
        ({"artifacts": Noise()}, TypeError, "artifacts must be a sequence of names"),
        ({"artifacts": [abs]}, TypeError, "an Artifact that has a NAME"),
        ({"artifacts": [Noise(snr=4.0)]}, ValueError, "must come without snr, because"),
        ({"artifacts": [Motion(axis=3)]}, ValueError, "axis must be 0, 1 or 2"),
        ({"target": "spike"}, ValueError, "target must name the artifact"),
        (
            {"artifacts": ["noise"], "grades": ["good", "bad"]},
            ValueError,
            "grades must be 3, one for each severity of noise, got 2",
        ),
        (
            {"target": "noise", "grades": list("abcd")},
            ValueError,
            "grades must be 3, one for each severity of noise, got 4",
        ),
    ],
)
def test_impossible_wishes_are_refused_in_fit(heads, params, error, said):
    with pytest.raises(error, match=said):
        ArtifactSimulator(**params, random_state=0).fit(heads)


def test_wished_severities_need_no_probabilities(heads):
    corrupted, _ = ArtifactSimulator(["spike"]).corrupt(heads[0], {"spike": 2})
    assert corrupted.history[-1].startswith("spike")


def test_unknown_severities_are_refused(heads):
    simulator = ArtifactSimulator(["noise"])
    with pytest.raises(ValueError, match="severity of noise must be a whole number"):
        simulator.corrupt(heads[0], {"noise": 3})
    with pytest.raises(ValueError, match="severities must be of the artifacts noise"):
        simulator.corrupt(heads[0], {"motion": 1})
    with pytest.raises(ValueError, match="one row for each of the 4 scans"):
        simulator.replay(heads, simulator.draw(3))


def test_the_seed_of_a_record_makes_the_scan_again(heads):
    simulator = ArtifactSimulator(random_state=1)
    record = simulator.draw(4)
    for head, corrupted, row in zip(
        heads, simulator.replay(heads, record), record.to_dict("records"), strict=True
    ):
        severities = {name: row[name] for name in LISA_ARTIFACTS}
        again, kept = simulator.corrupt(head, severities, random_state=row["seed"])
        np.testing.assert_array_equal(again.data, corrupted.data)
        assert kept == row
        assert simulator.corrupt(head, random_state=row["seed"])[1] == row
    assert simulator.corrupt(heads[0], {"motion": 1}, random_state=7)[1]["seed"] == 7


def test_a_record_that_was_a_table_replays_exactly(heads, tmp_path):
    simulator = ArtifactSimulator(probabilities=ALWAYS, random_state=1)
    record = simulator.draw(len(heads))
    text = record.assign(parameters=record["parameters"].map(json.dumps))
    text.to_csv(tmp_path / "record.csv", index=False)
    again = simulator.replay(heads, pd.read_csv(tmp_path / "record.csv"))
    expected = simulator.replay(heads, record)
    np.testing.assert_array_equal(again[3].data, expected[3].data)
    assert again.columns["motion"].tolist() == expected.columns["motion"].tolist()


def test_a_record_that_can_not_be_replayed_says_why(heads):
    simulator = ArtifactSimulator(["motion", "noise"], probabilities=ALWAYS)
    record = simulator.draw(len(heads))
    with pytest.raises(ValueError, match="got one without parameters, noise"):
        simulator.replay(heads, record[["motion", "seed"]])
    for saved, error, said in [
        (record.astype({"parameters": str}), ValueError, "or JSON, got the text"),
        (record.assign(parameters=np.nan), TypeError, "or JSON, got nan"),
    ]:
        with pytest.raises(error, match=said):
            simulator.replay(heads, saved)
    with pytest.raises(ValueError, match="Give artifacts of your own as objects"):
        Corruption({"snow": {"strength": 0.5}})


NEVER = {"noise": (1, 0, 0)}


@pytest.mark.parametrize("step", [Corruption({}), ArtifactSimulator(["noise"])])
def test_what_is_no_magnitude_is_refused_where_nothing_is_drawn(heads, step):
    if isinstance(step, ArtifactSimulator):
        step = clone(step).set_params(probabilities=NEVER)
    hollow = heads[0].data.copy()
    hollow[5, 5, 5] = np.nan
    for wrong, said in [(heads[0].data - 100, "0 or more"), (hollow, "NaN or inf")]:
        with pytest.raises(ValueError, match=said):
            step(wrong)
        with pytest.raises(ValueError, match=said):
            step(heads[0].derive(wrong, step="wrong"))


def test_where_nothing_is_drawn_a_private_float32_comes_back(heads):
    simulator = ArtifactSimulator(["noise"], probabilities=NEVER)
    whole = np.rint(heads[0].data).astype(np.int64)
    for volume in (whole, whole.astype(np.float32), torch.from_numpy(whole)):
        same, _ = simulator.corrupt(volume)
        assert same.dtype in (np.float32, torch.float32)
        same[:] = -1
        assert volume.min() == 0
    assert simulator.corrupt(heads[0])[0].history == heads[0].history


class Halving(Artifact):
    """An artifact of one's own."""

    NAME, PHYSICAL, LARGEST = "halving", "loss", 0.5

    def __init__(self, loss=None):
        self.loss = loss

    def _draw(self, loss, acquisition, rng):
        return {}

    def _apply(self, data, parameters, scan):
        return data * (1 - parameters["loss"])


class Blanking(Noise):
    """One's own instead of that of the package."""

    def _apply(self, data, parameters, scan):
        return data * 0


def test_an_artifact_of_ones_own_is_applied_last(heads):
    simulator = ArtifactSimulator(
        [Halving(), "noise"],
        ranges={"halving": [(0, 0), (1, 1)]},
        probabilities={"halving": (0, 1), "noise": (0, 0, 1)},
        random_state=0,
    )
    X = simulator.fit_transform(heads)
    record = simulator.draw(len(heads))
    assert list(record["parameters"][0]) == ["acquisition", "noise", "halving"]
    assert X[0].history[-1] == "halving: loss=0.5"
    drawn = record["parameters"][0]
    noisy = {name: drawn[name] for name in ("acquisition", "noise")}
    noisy = Corruption(noisy)(heads[0])
    np.testing.assert_array_equal(X[0].data, noisy.data / 2)
    again = pickle.loads(pickle.dumps(X))
    np.testing.assert_array_equal(again[0].data, X[0].data)
    _, row = simulator.corrupt(heads[0], {"halving": 1})
    by_hand = Corruption(json.loads(json.dumps(row["parameters"])), [Halving()])
    np.testing.assert_array_equal(by_hand(heads[0]).data, heads[0].data / 2)


class Turning(Halving):
    """Returns a view."""

    NAME = "turning"

    def _apply(self, data, parameters, scan):
        return data.transpose(0, 2)


def test_what_acts_behind_a_view_acts_as_on_a_copy():
    rng = np.random.default_rng(0)
    cube = rng.rayleigh(2, (24, 24, 24))
    cube[6:18, 6:18, 6:18] += 100
    drawn = Positioning().draw(0.5, random_state=0)
    acquisition = drawn["acquisition"]
    turned = Turning(loss=0.5).draw(acquisition=acquisition)
    both = Corruption({"turning": turned, "positioning": drawn}, (Turning(),))(cube)
    by_hand = Positioning().apply(cube.transpose(2, 1, 0), drawn)
    # Not the same noise: its random bits follow from the clean scan.
    for part in (by_hand > 50, by_hand < 8):
        assert both[part].mean() == pytest.approx(by_hand[part].mean(), rel=0.05)


def test_a_subclass_acts_in_place_of_the_artifact_of_its_name(heads):
    blanked, _ = ArtifactSimulator([Blanking()]).corrupt(heads[0], {"noise": 2})
    assert not blanked.data.any()


def test_as_augmentation_it_tells_the_grade(heads):
    simulator = ArtifactSimulator(
        ["noise"], probabilities=ALWAYS, grades=["good", "fair", "bad"]
    )
    corrupted, grade = simulator(heads[0], random_state=np.random.default_rng(0))
    assert grade == "bad"
    assert corrupted.history[-1].startswith("noise")
    with pytest.raises(ValueError, match="target must name the artifact"):
        ArtifactSimulator()(heads[0])
    _, grade = ArtifactSimulator(target="zipper", probabilities=ALWAYS)(heads[0])
    assert grade == 2


def test_as_augmentation_it_tells_which_grades_are_possible():
    simulator = ArtifactSimulator(["noise"], probabilities={"noise": (0.5, 0, 0.5)})
    assert simulator.possible_grades() == [0, 2]
    assert clone(simulator).set_params(grades=list("abc")).possible_grades() == [
        "a",
        "c",
    ]
    with pytest.raises(ValueError, match="target must name the artifact"):
        ArtifactSimulator().possible_grades()


def test_with_a_list_as_target_it_tells_a_grade_for_each(heads):
    simulator = ArtifactSimulator(
        probabilities=ALWAYS | {"motion": (0.5, 0.5, 0)},
        target=["zipper", "motion"],
        grades=["good", "fair", "bad"],
    )
    assert simulator.possible_grades() == {
        "zipper": ["bad"],
        "motion": ["good", "fair"],
    }
    rng, again = np.random.default_rng(0), np.random.default_rng(0)
    corrupted, grades = simulator(heads[0], random_state=rng)
    _, record = simulator.corrupt(heads[0], random_state=again)
    assert grades == {"zipper": "bad", "motion": ["good", "fair"][record["motion"]]}
    assert any(step.startswith("contrast") for step in corrupted.history)  # clutter


@pytest.mark.parametrize("target", [[], ["noise", "nose"], ("nose",)])
def test_a_list_as_target_names_simulated_artifacts(heads, target):
    simulator = ArtifactSimulator(target=target)
    with pytest.raises(ValueError, match="target must name the artifact"):
        simulator.possible_grades()
    with pytest.raises(ValueError, match="target must name the artifact"):
        simulator.fit(heads)


def test_severities_may_share_a_grade(heads):
    augment = ArtifactSimulator(["noise"], probabilities=ALWAYS, grades=[0, 1, 1])
    clf = SeverityClassifier(augment=augment, max_epochs=1, device="cpu")
    pipe = make_pipeline(StandardizeIntensity(), clf)
    assert pipe.fit(heads, [0, 1, 0, 1]).classes_.tolist() == [0, 1]


class Unused(ArtifactSimulator):
    """Fails if it is asked for a scan."""

    def __call__(self, volume, *, random_state=None):
        pytest.fail("training began")


@pytest.mark.parametrize("n_workers", [0, 2])
@pytest.mark.parametrize(
    ("augment", "said"),
    [
        (Unused(["noise"]), r"a grade seen in fit, one of \[0, 1\], got 2"),
        (Unused(["noise"], grades=[0, 1]), "grades must be 3"),
        (Unused(), "target must name the artifact"),
        (Unused(["spike"]), "got none for spike"),
    ],
)
def test_an_augmentation_that_does_not_fit_is_refused_before_training(
    heads, augment, said, n_workers
):
    clf = SeverityClassifier(
        augment=augment, max_epochs=1, device="cpu", num_workers=n_workers
    )
    with pytest.raises(ValueError, match=f"^[^\n]*{said}"):
        clf.fit(heads, [0, 1, 0, 1])


class Watch(StandardizeIntensity):
    """Remembers what the volumes went through before."""

    seen = set()

    def _transform_volume(self, volume):
        self.seen.add(volume.history[-1].split(":")[0])
        return super()._transform_volume(volume)


def test_training_scans_are_corrupted_before_they_are_standardised(heads):
    augment = ArtifactSimulator(["noise"], probabilities=ALWAYS)
    clf = SeverityClassifier(augment=augment, max_epochs=1, device="cpu")
    pipe = make_pipeline(Watch(), clf)
    pipe.fit(heads, [0, 1, 2, 0])
    assert Watch.seen == {"T1w phantom", "noise"}  # the shape is read from a clean one
    Watch.seen.clear()
    pipe.predict(heads)
    assert Watch.seen == {"T1w phantom"}


def test_standardised_arrays_can_not_be_augmented(heads):
    X = StandardizeIntensity().transform(np.stack([head.data for head in heads]))
    augment = ArtifactSimulator(["noise"], probabilities=ALWAYS)
    clf = SeverityClassifier(augment=augment, max_epochs=1, device="cpu")
    with pytest.raises(ValueError, match="Simulate before StandardizeIntensity"):
        clf.fit(X, [0, 1, 2, 0])


class SimulatorOnTables(ArtifactSimulator):
    """Rows of p features in, as volumes of 1 x 1 x p voxels, and rows out."""

    def _check_X(self, X, *, reset):
        X = validate_data(self, X, dtype=np.float32, reset=reset)
        return X.reshape(len(X), 1, 1, -1)

    def transform(self, X):
        X = self._check_X(X, reset=False)
        return ArtifactSimulator(**self.get_params()).transform(X).reshape(len(X), -1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = False
        return tags


ON_TABLES = SimulatorOnTables(["noise"], probabilities=ALWAYS, random_state=0)


@parametrize_with_checks([ON_TABLES])
def test_scikit_learn_accepts_the_simulator(estimator, check):
    check(estimator)


def test_at_least_40_of_its_checks_run():
    assert len(list(estimator_checks_generator(ON_TABLES))) >= 40


def test_clone_and_nested_parameters_work():
    simulator = ArtifactSimulator([Motion(axis=1)], target="motion")
    assert clone(simulator).get_params()["target"] == "motion"
