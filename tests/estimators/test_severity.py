import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    cross_validate,
    train_test_split,
)
from skorch.callbacks import Callback, EpochScoring
from torch import nn

from briqa_sk import SeverityClassifier, Volume, VolumeSequence
from briqa_sk.losses import CRITERIA, ReweightedCrossEntropy
from briqa_sk.networks import CompactNet
from briqa_sk.sampling import BATCHES, RotatingBatches

ORDER = ["good", "moderate", "bad"]


#: Every scan counts the same and is shown once per epoch.
PLAIN = {"criterion": "cross_entropy", "batches": "shuffled"}


def quick(**params):
    return SeverityClassifier(**{"max_epochs": 2, "random_state": 0, **params})


@pytest.fixture
def separable():
    """24 volumes with a corner as bright as the grade is bad; 8 subjects."""
    rng = np.random.default_rng(0)
    y = np.tile(ORDER, 8)
    X = rng.normal(size=(24, 8, 8, 8)).astype(np.float32)
    X[:, :4, :4, :4] += 3 * np.tile([0, 1, 2], 8)[:, None, None, None]
    return X, y, np.repeat(np.arange(8), 3)


# Labels


@pytest.mark.parametrize(
    "labels",
    [
        ["a", "b", "c"],
        [3, 5, 9],
        [1.0, 2.0, 4.0],
        np.array(["x", "yy", "zzz"], dtype=object),
    ],
    ids=["text", "ints", "floats", "objects"],
)
def test_predictions_are_the_callers_own_labels(separable, labels):
    X, y, _ = separable
    mapped = np.asarray(labels)[[ORDER.index(grade) for grade in y]]
    clf = quick(max_epochs=30, lr=0.01).fit(X, mapped)
    assert clf.score(X, mapped) == 1


def test_columns_follow_sorted_classes_and_grades_follow_the_order(separable):
    X, y, _ = separable
    clf = quick(max_epochs=30, lr=0.01, grades=ORDER, criterion="corn").fit(X, y)
    assert clf.classes_.tolist() == ["bad", "good", "moderate"]
    assert clf.grades_.tolist() == ORDER
    proba = clf.predict_proba(X)
    np.testing.assert_array_equal(clf.classes_[proba.argmax(axis=1)], clf.predict(X))
    assert clf.score(X, y) == 1


def test_an_ordered_categorical_ranks_itself(separable):
    X, y, _ = separable
    y = pd.Series(pd.Categorical(y, categories=ORDER, ordered=True))
    assert quick(criterion="corn").fit(X, y).grades_.tolist() == ORDER


@pytest.mark.parametrize("params", [{"criterion": "emd"}, {"batches": "rotating"}])
def test_text_labels_without_an_order_are_refused_where_order_counts(separable, params):
    X, y, _ = separable
    with pytest.raises(ValueError, match="grades must give the order"):
        quick(**params).fit(X, y)


@pytest.mark.parametrize(
    ("y", "params", "said"),
    [
        (["good"] * 6, {}, "at least 2 classes, got 1 class: 'good'"),
        (["good", "bad"] * 3, {"grades": ["good"]}, r"got also \['bad'\]"),
        (["good", "bad"] * 3, {"grades": ["bad", "good", "bad"]}, "must not repeat"),
        ([0, 1, np.nan] * 2, {}, "a grade for every scan, got 2 missing"),
        ([0, 1], {}, "inconsistent numbers of samples"),
        ([0, 1] * 3, {"criterion": "hinge"}, "criterion must be one of corn, cross_"),
        ([0, 1] * 3, {"batches": "sorted"}, "batches must be one of .*rotating"),
        ([0, 1] * 3, {"module": "alexnet"}, "module must be one of .*compact"),
        ([0, 1] * 3, {"optimizer": "lbfgs"}, "optimizer must be one of adam"),
        ([0, 1] * 3, {"schedule": "step"}, "schedule must be 'cosine' or None"),
        ([0, 1] * 3, {"max_epochs": 0}, "max_epochs must be a whole number above 0"),
        ([0, 1] * 3, {"batch_size": 2.5}, "batch_size must be a whole number above 0"),
        ([0, 1] * 3, {"lr": "fast"}, "lr must be a number above 0, got 'fast'"),
        ([0, 1] * 3, {"batches": "rotating", "batch_size": 7}, "batch_size"),
        ([0, 1] * 3, {"module": "densenet121"}, r"at least .*got \(8, 8, 8\)"),
    ],
)
def test_what_cannot_be_fitted_is_refused_with_a_reason(volumes, y, params, said):
    with pytest.raises(ValueError, match=said):
        quick(**params).fit(volumes, y)


# Volumes


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda X: X[0], "Add a sample axis"),
        (lambda X: X[:0], "at least 1 voxel"),
        (lambda X: np.where(X > 3, np.nan, X), "NaN or inf"),
    ],
    ids=["one volume", "none", "nan"],
)
def test_bad_volumes_are_refused_with_a_fix(volumes, grades, break_it, said):
    with pytest.raises(ValueError, match=said):
        quick().fit(break_it(volumes), grades)


def test_predict_names_the_shape_seen_in_fit(volumes, grades):
    clf = quick().fit(volumes, grades)
    with pytest.raises(ValueError, match=r"\(8, 8, 8\), got \(4, 8, 8\)"):
        clf.predict(volumes[:, :4])


def test_a_sequence_with_an_odd_volume_names_it(volumes, grades):
    scans = [Volume(v, path=f"scan-{i}.nii") for i, v in enumerate(volumes)]
    scans[3] = Volume(volumes[3][:4], path="scan-3.nii")
    with pytest.raises(ValueError, match=r"got \(4, 8, 8\) for scan-3.nii"):
        quick().fit(VolumeSequence(scans), grades)


def test_a_step_that_makes_nan_names_the_volume(volumes, grades):
    X = VolumeSequence([Volume(v, path="scan.nii") for v in volumes])
    X = X.map(lambda v: v.derive(v.data * np.nan, step="nan"))
    with pytest.raises(ValueError, match=r"got NaN or inf for scan.nii"):
        quick().fit(X, grades)


def test_a_sequence_and_an_array_give_the_same_model(volumes, grades):
    X = VolumeSequence([Volume(v) for v in volumes])
    np.testing.assert_array_equal(
        quick().fit(X, grades).predict_proba(X),
        quick().fit(volumes, grades).predict_proba(volumes),
    )


def test_worker_processes_change_nothing(volumes, grades):
    X = VolumeSequence([Volume(v) for v in volumes])
    np.testing.assert_array_equal(
        quick(num_workers=2).fit(X, grades).predict_proba(X),
        quick().fit(X, grades).predict_proba(X),
    )


def test_the_classifier_refits_on_another_shape(volumes, grades):
    clf = quick().fit(volumes, grades).fit(volumes[:, :4], grades)
    assert clf.volume_shape_ == (4, 8, 8)


# Probabilities


@pytest.mark.parametrize("criterion", sorted(CRITERIA))
@pytest.mark.parametrize("batches", sorted(BATCHES))
def test_every_loss_with_every_batch_plan_gives_probabilities(
    separable, criterion, batches
):
    X, y, _ = separable
    clf = quick(criterion=criterion, batches=batches, grades=ORDER).fit(X, y)
    proba = clf.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.exp(clf.decision_function(X)), proba, atol=1e-6)


def test_two_grades_have_one_decision_value(volumes):
    clf = quick().fit(volumes, [0, 0, 0, 0, 1, 1])
    proba = clf.predict_proba(volumes)
    expected = np.log(proba[:, 1] / proba[:, 0])
    np.testing.assert_allclose(clf.decision_function(volumes), expected, rtol=1e-4)


# Weights


def test_weights_equal_repetition(separable):
    X, y, _ = separable
    weight = np.tile([1, 2, 3], 8)
    params = {
        "batch_size": 1000,
        "max_epochs": 5,
        "module": lambda in_channels, n: CompactNet()(in_channels, n),
        **PLAIN,
    }
    weighted = quick(**params).fit(X, y, sample_weight=10 * weight)
    repeated = quick(**params).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    np.testing.assert_allclose(
        weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-4
    )


def test_a_sample_without_weight_teaches_nothing(separable):
    X, y, _ = separable
    weight = np.where(y == "bad", 0, 1)
    clf = quick(max_epochs=30, lr=0.01).fit(X, y, sample_weight=weight)
    assert "bad" not in clf.predict(X)


def test_all_weights_zero_are_refused(volumes, grades):
    with pytest.raises(ValueError, match="non-zero number"):
        quick().fit(volumes, grades, sample_weight=np.zeros(6))


# Labels that are not there, or look like something else


@pytest.mark.parametrize(
    "y",
    [
        np.array(["a", "b", None] * 2, dtype=object),
        pd.Series(["a", "b", None] * 2, dtype="string"),
        pd.Categorical(["a", "b", None] * 2),
        np.array([0, 1, np.nan] * 2),
    ],
    ids=["object", "string", "categorical", "float"],
)
def test_a_missing_label_is_refused(volumes, y):
    with pytest.raises(ValueError, match="a grade for every scan, got 2 missing"):
        quick().fit(volumes, y)


def test_whole_numbers_may_be_objects(volumes):
    clf = quick(batches="rotating", batch_size=4)
    clf.fit(volumes, np.array([0, 1, 2] * 2, dtype=object))
    assert clf.classes_.tolist() == [0, 1, 2]


# What a failed fit leaves behind


def test_a_refused_refit_leaves_the_fitted_model(volumes, grades):
    clf = quick().fit(volumes, grades)
    expected = clf.predict_proba(volumes)
    for X, y, weight in [
        (volumes[:, :4], ["one"] * 6, None),
        (volumes[:, :4], [0, 1] * 3, np.ones(5)),
    ]:
        with pytest.raises(ValueError, match=r"at least 2 classes|each of the 6 scans"):
            clf.fit(X, y, sample_weight=weight)
        np.testing.assert_array_equal(clf.predict_proba(volumes), expected)
    assert clf.classes_.tolist() == ["bad", "good", "moderate"]


def test_a_loss_that_explodes_is_reported(volumes, grades):
    with pytest.raises(ValueError, match="the training loss must stay finite"):
        quick(optimizer="sgd", lr=1e30, max_epochs=5).fit(volumes, grades)


# Seeds


def test_a_seed_repeats_the_fit_and_spares_the_global_streams(volumes, grades):
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002 - the stream that must not be touched
    expected = torch.rand(1), np.random.rand()  # noqa: NPY002
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    first = quick(batches="resampled").fit(volumes, grades)
    assert (torch.rand(1), np.random.rand()) == expected  # noqa: NPY002
    second = quick(batches="resampled").fit(volumes, grades)
    np.testing.assert_array_equal(
        first.predict_proba(volumes), second.predict_proba(volumes)
    )


def test_prediction_spares_the_global_stream(volumes, grades):
    clf = quick().fit(volumes, grades)
    state = torch.get_rng_state()
    clf.predict(volumes)
    assert torch.equal(torch.get_rng_state(), state)


def test_fitting_twice_equals_fitting_once(volumes, grades):
    clf = quick()
    first = clf.fit(volumes, grades).predict_proba(volumes)
    np.testing.assert_array_equal(
        clf.fit(volumes, grades).predict_proba(volumes), first
    )


# scikit-learn's tools


def test_a_clone_nests_the_parameters_of_its_parts():
    clf = clone(
        SeverityClassifier(
            module=CompactNet(n_filters=4),
            criterion=ReweightedCrossEntropy(),
            batches=RotatingBatches(ratio="balanced"),
        )
    )
    clf.set_params(
        module__n_filters=2, criterion__rule="proportional", batches__n_batches=3
    )
    assert clf.module.n_filters == 2
    assert clf.criterion.rule == "proportional"
    assert clf.batches.n_batches == 3


def test_grid_search_chooses_among_nested_parameters(separable):
    X, y, _ = separable
    search = GridSearchCV(
        quick(module=CompactNet(), max_epochs=30),
        {"module__n_filters": [2, 4], "lr": [1e-7, 1e-2]},
        cv=2,
        n_jobs=2,
    ).fit(X, y)
    assert search.best_params_["lr"] == 1e-2


def test_split_keeps_a_sequence_lazy_and_its_columns(volumes, grades):
    X = VolumeSequence([Volume(v) for v in volumes], columns={"group": range(6)})
    train, test, _, _ = train_test_split(X, grades, test_size=2, random_state=0)
    assert isinstance(train, VolumeSequence)
    together = np.concatenate([train.columns["group"], test.columns["group"]])
    assert sorted(together) == list(range(6))


def test_a_pickle_predicts_the_same_in_another_process(volumes, grades, tmp_path):
    clf = quick().fit(volumes, grades)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(clf))
    np.save(tmp_path / "X.npy", volumes)
    code = (
        "import numpy as np, pickle; clf = pickle.load(open('model.pkl', 'rb'));"
        "np.save('proba.npy', clf.predict_proba(np.load('X.npy')))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    np.testing.assert_allclose(
        np.load(tmp_path / "proba.npy"), clf.predict_proba(volumes), atol=1e-6
    )


# Groups


class SeenIndices(Callback):
    """Remember how many samples a fit trained on."""

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        type(self).seen = (
            set(dataset_train.samples.groups),
            set(dataset_valid.samples.groups),
        )


def groups_seen(fit):
    SeenIndices.seen = None
    fit()
    return SeenIndices.seen


def stopping():
    return quick(
        early_stopping=True, validation_fraction=0.25, callbacks=[SeenIndices()]
    )


def as_sequence(X, groups):
    return VolumeSequence([Volume(v) for v in X], columns={"group": groups})


def test_early_stopping_shares_no_subject(separable):
    X, y, groups = separable
    for fit in (
        lambda: stopping().fit(X, y, groups=groups),
        lambda: stopping().fit(as_sequence(X, groups), y),
    ):
        train, valid = groups_seen(fit)
        assert not train & valid
        assert len(valid) == 2
        assert train | valid == set(range(8))


def test_early_stopping_takes_groups_routed_by_cross_validate(
    separable, enable_routing
):
    X, y, groups = separable
    clf = stopping().set_fit_request(groups=True)
    train, valid = groups_seen(
        lambda: cross_validate(
            clf,
            X,
            y,
            cv=StratifiedGroupKFold(2),
            params={"groups": groups},
            error_score="raise",
        )
    )
    assert train
    assert not train & valid


def test_sample_weight_is_routed(separable, enable_routing):
    X, y, _ = separable
    clf = quick(max_epochs=30, lr=0.01).set_fit_request(sample_weight=True)
    clf.set_score_request(sample_weight=False)
    weight = np.where(y == "bad", 0, 1)
    result = cross_validate(
        clf,
        X,
        y,
        cv=2,
        params={"sample_weight": weight},
        return_estimator=True,
        error_score="raise",
    )
    for fitted in result["estimator"]:
        assert "bad" not in fitted.predict(X)


def test_a_missing_subject_is_refused(separable):
    X, y, groups = separable
    gaps = [None, float("nan"), *map(str, groups[2:])]
    said = "SeverityClassifier: every scan must have a subject, got 2 missing"
    with pytest.raises(ValueError, match=said):
        quick(early_stopping=True).fit(X, y, groups=gaps)
    X = VolumeSequence([Volume(volume) for volume in X], columns={"group": gaps})
    with pytest.raises(ValueError, match=said):
        quick(early_stopping=True).fit(X, y)


def test_early_stopping_without_groups_warns_once(separable):
    X, y, _ = separable
    with pytest.warns(UserWarning, match="scans of one subject may be in") as caught:
        quick(early_stopping=True).fit(X, y)
    assert len(caught) == 1


def test_early_stopping_stops_and_keeps_the_best_weights(separable):
    X, y, groups = separable
    params = {"early_stopping": True, "lr": 0.3, "schedule": None}
    clf = quick(max_epochs=200, patience=3, **params).fit(X, y, groups=groups)
    losses = clf.history_[:, "valid_loss"]
    best = int(np.argmin(losses))
    assert len(losses) == best + 1 + 3
    until_best = quick(max_epochs=best + 1, **params).fit(X, y, groups=groups)
    np.testing.assert_array_equal(clf.predict_proba(X), until_best.predict_proba(X))


def test_a_grade_of_one_subject_is_not_held_out(separable):
    X, y, groups = separable
    groups = np.where(y == "bad", 0, groups)
    _, valid = groups_seen(lambda: stopping().fit(X, y, groups=groups))
    assert 0 not in valid


def test_grades_that_need_every_subject_cannot_be_held_out(separable):
    X, y, _ = separable
    with pytest.raises(ValueError, match="must leave every grade in the training"):
        quick(early_stopping=True).fit(X, y, groups=y)


def test_few_scans_can_be_held_out(separable):
    X, y, _ = separable
    with pytest.warns(UserWarning, match="without groups"):
        clf = quick(early_stopping=True, validation_fraction=0.2).fit(X[:9], y[:9])
    assert "valid_loss" in clf.history_[0]


def test_one_subject_cannot_be_held_out(volumes, grades):
    with pytest.raises(ValueError, match="at least 2 groups, one to hold out, got 1"):
        quick(early_stopping=True).fit(volumes, grades, groups=["sub-01"] * 6)


@pytest.mark.parametrize("fraction", [0, 0.7])
def test_the_held_out_part_is_at_most_half(volumes, grades, fraction):
    clf = quick(early_stopping=True, validation_fraction=fraction)
    with pytest.raises(ValueError, match=r"must be in \(0, 0.5\]"):
        clf.fit(volumes, grades)


# Warm start and partial fit


def test_warm_start_goes_on_from_the_previous_weights(separable):
    X, y, _ = separable
    clf = quick(warm_start=True, max_epochs=40, lr=0.003, **PLAIN).fit(X, y)
    before = clf.history_[-1, "train_loss"]
    assert clf.fit(X, y).history_[0, "train_loss"] < 2 * before < 0.1


def test_warm_start_needs_the_same_grades(separable):
    X, y, _ = separable
    clf = quick(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="needs the classes of the previous fit"):
        clf.fit(X[y != "bad"], y[y != "bad"])


def test_partial_fit_learns_a_grade_that_comes_late(separable):
    X, y, _ = separable
    late = y == "bad"
    clf = quick(lr=0.003).partial_fit(X[~late], y[~late], classes=ORDER)
    for _ in range(30):
        clf.partial_fit(X, y)
    assert clf.score(X, y) == 1
    assert len(clf.history_) == 31


def test_rotating_batches_rotate_from_one_partial_fit_to_the_next(volumes):
    X = np.concatenate([volumes, volumes])
    seen = []

    def watch(volume, random_state):
        seen.append(volume.data.tobytes())
        return volume

    X += np.arange(12)[:, None, None, None]
    y = np.repeat([0, 1, 2], [8, 2, 2])
    clf = quick(batches="rotating", batch_size=4, augment=watch)
    for _ in range(2):
        clf.partial_fit(X, y, classes=[0, 1, 2])
    assert {volume.tobytes() for volume in X} == set(seen)


def test_warm_start_needs_the_same_network(separable):
    X, y, _ = separable
    clf = quick(warm_start=True).fit(X, y).set_params(module=CompactNet(n_filters=2))
    with pytest.raises(ValueError, match="needs the network of the previous fit"):
        clf.fit(X, y)


def test_partial_fit_goes_on_after_a_fit(separable, tmp_path):
    X, y, groups = separable
    clf = quick(early_stopping=True, checkpoint_dir=tmp_path, lr=0.01, verbose=1)
    before = clf.fit(X, y, groups=groups).predict_proba(X)
    n_epochs = len(clf.history_)
    after = clf.partial_fit(X, y).predict_proba(X)
    assert (
        np.abs(after - before).max() > 1e-3
    )  # the learning rate is not that of the end
    assert len(clf.history_) == n_epochs + 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ([{}], "must name all classes, got classes=None"),
        ([{"classes": ["good", "bad"]}], r"got also \['moderate'\]"),
        ([{"classes": ORDER}, {"classes": ["good", "bad"]}], "must stay those of"),
        ([{"classes": ["good"]}], "at least 2 grades, each once"),
        ([{"classes": [*ORDER, "good"]}], "at least 2 grades, each once"),
    ],
)
def test_partial_fit_says_which_classes_are_wrong(separable, calls, said):
    X, y, _ = separable
    clf = quick()
    *before, last = calls
    for params in before:
        clf.partial_fit(X, y, **params)
    with pytest.raises(ValueError, match=said):
        clf.partial_fit(X, y, **last)


# Modules


class FlatNet(nn.Sequential):
    """A module of the user's own."""

    def __init__(self, in_channels, n_outputs):
        super().__init__(nn.Flatten(), nn.Linear(in_channels * 8**3, n_outputs))


def make_flat(in_channels, n_outputs):
    return FlatNet(in_channels, n_outputs)


def test_any_callable_makes_a_module(volumes, grades):
    clf = quick(module=make_flat, criterion="reweighted").fit(volumes, grades)
    assert isinstance(clf.net_.module_, FlatNet)


def test_a_module_class_makes_a_module(volumes, grades):
    clf = quick(module=FlatNet).fit(volumes, grades)
    assert isinstance(clf.net_.module_, FlatNet)


@pytest.mark.parametrize("n_extra", [-1, 4])
def test_a_module_with_other_outputs_is_refused(volumes, grades, n_extra):
    def wrong(in_channels, n_outputs):
        return FlatNet(in_channels, n_outputs + n_extra)

    with pytest.raises(
        ValueError, match=r"module must return logits of shape \(6, 3\)"
    ):
        quick(module=wrong, **PLAIN).fit(volumes, grades)


def test_the_held_net_is_a_skorch_classifier_over_ranks(separable):
    X, y, _ = separable
    clf = quick(criterion="corn", grades=ORDER, max_epochs=30, lr=0.01).fit(X, y)
    ranks = clf.net_.predict(X[:, None])
    assert [ORDER[rank] for rank in ranks] == clf.predict(X).tolist()


def test_scores_of_callbacks_know_the_loss(separable):
    X, y, _ = separable
    scoring = EpochScoring("accuracy", name="train_acc", on_train=True)
    clf = quick(criterion="corn", grades=ORDER, max_epochs=30, lr=0.01)
    clf.set_params(callbacks=[scoring]).fit(X, y)
    assert clf.history_[-1, "train_acc"] == 1


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss, nn.CrossEntropyLoss()])
def test_a_loss_of_torch_is_refused_with_the_name_of_ours(volumes, grades, loss):
    with pytest.raises(TypeError, match="write criterion='cross_entropy'"):
        quick(criterion=loss).fit(volumes, grades)


def test_an_unknown_device_is_refused(volumes, grades):
    with pytest.raises(ValueError, match="device must be 'auto' or a device of this"):
        quick(device="abacus").fit(volumes, grades)


def test_a_configuration_class_wants_to_be_called(volumes, grades):
    with pytest.raises(TypeError, match=r"Write CompactNet\(\)"):
        quick(module=CompactNet).fit(volumes, grades)


def test_a_torch_optimizer_class_is_an_optimizer(volumes, grades):
    clf = quick(optimizer=torch.optim.RMSprop).fit(volumes, grades)
    assert isinstance(clf.net_.optimizer_, torch.optim.RMSprop)


def test_the_learning_rate_follows_the_cosine(volumes, grades):
    seen = []

    class Recorder(Callback):
        def on_batch_end(self, net, training=False, **kwargs):
            seen.append(net.optimizer_.param_groups[0]["lr"])

    quick(max_epochs=4, lr=0.2, batch_size=3, callbacks=[Recorder()], **PLAIN).fit(
        volumes, grades
    )
    expected = 0.1 * (1 + np.cos(np.pi * np.arange(8) / 8))
    np.testing.assert_allclose(seen, expected)


def test_verbose_shows_a_bar_over_all_steps_on_a_terminal(
    volumes, grades, capsys, monkeypatch
):
    quick(verbose=1, batch_size=2).fit(volumes, grades)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    quick(verbose=1, batch_size=2).fit(volumes, grades)
    assert "6/6" in capsys.readouterr().err


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_model_of_the_gpu_predicts_on_the_cpu(volumes, grades):
    clf = quick(device="cuda").fit(volumes, grades)
    expected = clf.predict_proba(volumes)
    clf = pickle.loads(pickle.dumps(clf)).set_params(device="cpu")
    np.testing.assert_allclose(clf.predict_proba(volumes), expected, atol=1e-2)
