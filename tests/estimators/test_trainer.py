"""How a network is trained, whatever it learns."""

import traceback
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from joblib import parallel_backend
from sklearn.metrics import cohen_kappa_score, f1_score
from sklearn.model_selection import cross_val_predict
from skorch.callbacks import EarlyStopping
from torch import nn

from briqa_sk import SeverityClassifier, estimators
from briqa_sk.estimators import MultiArtifactClassifier
from briqa_sk.estimators.samples import Samples, split_holdout
from briqa_sk.exceptions import BriqaWarning
from briqa_sk.losses.cross_entropy import CrossEntropyCriterion

HOME = str(Path(estimators.__file__).parents[1])


def quick(**params):
    return SeverityClassifier(**{"max_epochs": 2, "random_state": 0, **params})


@pytest.fixture
def scans():
    """24 volumes of 8 subjects with a corner as bright as the grade is bad."""
    rng = np.random.default_rng(0)
    y = np.tile([0, 1, 2], 8)
    X = rng.normal(size=(24, 8, 8, 8)).astype(np.float32)
    X[:, :4, :4, :4] += y[:, None, None, None]
    return X, y, np.repeat(np.arange(8), 3)


# How long


@pytest.mark.parametrize(
    ("params", "n_steps"),
    [
        ({"max_epochs": 5}, 15),
        ({"max_epochs": None, "max_steps": 7}, 7),
        ({"max_epochs": 5, "max_steps": 7}, 7),
        ({"max_epochs": 2, "max_steps": 70}, 6),
        ({"max_epochs": None}, 400),
    ],
)
def test_a_fit_ends_with_what_is_reached_first(scans, params, n_steps):
    X, y, _ = scans
    clf = quick(batches="shuffled", **params).fit(X[:, :2, :2, :2], y)
    batches = [len(epoch["batches"]) for epoch in clf.history_]
    assert sum(batches) == n_steps
    assert set(batches[:-1]) <= {3}


def test_a_fit_of_steps_resumes_within_its_last_epoch(scans, tmp_path, power_cut):
    X, y, _ = scans
    params = {"max_epochs": None, "max_steps": 8, "batches": "shuffled"}
    clf = quick(checkpoint_dir=tmp_path, callbacks=[power_cut], **params)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    whole = quick(**params).fit(X, y)
    np.testing.assert_array_equal(
        clf.fit(X, y).predict_proba(X), whole.predict_proba(X)
    )


# Validation


@pytest.mark.parametrize("criterion", ["reweighted", "weighted", "corn"])
def test_the_validation_loss_is_that_of_the_whole_set(scans, criterion):
    X, y, groups = scans
    losses = []
    for batch_size in (2, 24):
        clf = quick(
            early_stopping=True,
            criterion=criterion,
            batch_size=batch_size,
            optimizer="sgd",
            lr=1e-30,
        )
        clf.fit(X, y, groups=groups)
        losses.append(clf.history_[-1, "valid_loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_the_history_has_the_scores_of_the_validation_set(scans):
    X, y, groups = scans
    params = {"optimizer": "sgd", "lr": 1e-30, "validation_fraction": 0.5}
    clf = quick(early_stopping=True, **params).fit(X, y, groups=groups)
    _, held = split_holdout(
        Samples(X, y[:, None], groups=groups), 1, 0.5, clf.net_.seed_, caller="test"
    )
    truth, guess = held.rank[:, 0], clf.predict(held.X)
    epoch = clf.history_[-1]
    f1 = f1_score(truth, guess, average="macro")
    assert epoch["valid_f1_macro"] == pytest.approx(f1)
    kappa = cohen_kappa_score(truth, guess, weights="quadratic")
    assert epoch["valid_kappa"] == pytest.approx(kappa)


def test_an_early_stopping_of_ones_own_needs_a_validation_set(scans):
    X, y, groups = scans
    clf = quick(callbacks=[EarlyStopping()])
    with pytest.raises(ValueError, match="must have a validation set, got early_stop"):
        clf.fit(X, y)
    clf.set_params(callbacks=[("stop", EarlyStopping(monitor="train_loss"))]).fit(X, y)
    clf.set_params(callbacks=[EarlyStopping()], early_stopping=True)
    clf.fit(X, y, groups=groups)


# Seeds


def test_threads_that_fit_at_once_draw_what_they_would_alone(scans):
    X, y, _ = scans
    torch.manual_seed(1)
    state = torch.get_rng_state()
    clf = quick(module="vit", max_epochs=1)  # it has dropout
    X = np.pad(X, ((0, 0), (4, 4), (4, 4), (4, 4)))
    with parallel_backend("threading", n_jobs=3):
        threads = cross_val_predict(clf, X, y, cv=3, method="predict_proba", n_jobs=3)
    assert torch.equal(torch.get_rng_state(), state)
    alone = cross_val_predict(clf, X, y, cv=3, method="predict_proba")
    np.testing.assert_allclose(threads, alone, atol=1e-6)


# Networks


class Gated(nn.Module):
    """A head, and behind it a linear layer of the same width."""

    def __init__(self, in_channels, n_outputs):
        super().__init__()
        self.head = nn.Linear(8**3, n_outputs)
        self.gate = nn.Linear(8**3, n_outputs)

    def forward(self, x):
        x = x.flatten(1)
        return self.head(x) * self.gate(x).sigmoid()


def test_a_gate_is_not_taken_for_the_head(scans):
    X, y, _ = scans
    with pytest.raises(ValueError, match="makes the logits, got Linear"):
        quick(module=Gated, criterion="reweighted").fit(X, y)
    quick(module=Gated).fit(X, y)


def test_a_network_that_answers_with_nan_is_an_error_and_not_the_best_grade(scans):
    X, y, _ = scans
    clf = quick().fit(X, y)
    with torch.no_grad():
        next(clf.net_.module_.parameters()).fill_(np.nan)
    for ask in (clf.predict, clf.predict_proba, clf.decision_function):
        with pytest.raises(ValueError, match="got NaN for 24 of 24 scans"):
            ask(X)


# Augmentation and labels


def test_numbers_in_an_array_of_objects_have_an_order(scans):
    X, y, _ = scans

    def raise_it(volume, random_state):
        return volume, 2

    clf = quick(augment=raise_it).fit(X, y.astype(object))
    assert clf.grades_.tolist() == [0, 1, 2]


def test_text_without_an_order_has_no_grades(scans):
    X, y, _ = scans
    clf = quick().fit(X, np.array(["good", "fair", "bad"])[y])
    assert clf.grades_ is None
    assert clf.classes_.tolist() == ["bad", "fair", "good"]


class PeerTransform:
    """Called with the volume only, as TorchIO's transforms are."""

    def __call__(self, data):
        return data


@pytest.mark.parametrize(
    ("augment", "said"),
    [
        (PeerTransform(), r"augment\(volume, random_state=rng\) .* got PeerTransform"),
        ("motion", "callable or None, got 'motion'. An ArtifactSimulator is callable"),
    ],
)
def test_what_cannot_augment_is_told_what_could(scans, augment, said):
    X, y, _ = scans
    with pytest.raises(TypeError, match=said):
        quick(augment=augment).fit(X, y)


def test_a_name_has_no_parameters_to_search():
    with pytest.raises(ValueError, match=r"object, got module='compact', a name"):
        quick().set_params(module__n_filters=2)


# Scores


def test_one_artifact_is_scored_as_several_are(scans):
    X, y, _ = scans
    clf = quick().fit(X, y)
    expected = f1_score(y, clf.predict(X), average="macro")
    assert clf.score(X, y) == pytest.approx(expected)
    several = MultiArtifactClassifier(quick()).fit(X, pd.DataFrame({"Noise": y}))
    assert several.score(X, pd.DataFrame({"Noise": y})) == pytest.approx(expected)


def test_several_artifacts_tell_the_plane_and_their_confidence(scans):
    X, y, _ = scans
    plane = np.tile(["axi", "cor", "sag"], 8)
    Y = pd.DataFrame({"Noise": y, "Motion": y > 0})
    for encoder in ("separate", "shared"):
        clf = MultiArtifactClassifier(quick(plane_head=True), encoder=encoder)
        clf.fit(X, Y, plane=plane)
        assert set(clf.predict_plane(X)) <= {"axi", "cor", "sag"}
        noise, motion = clf.decision_function(X)
        np.testing.assert_allclose(np.exp(noise), clf.predict_proba(X)[0], atol=1e-6)
        assert motion.shape == (24,)
    assert not hasattr(MultiArtifactClassifier(quick()), "predict_plane")


def test_numbers_of_several_artifacts_stay_numbers(scans):
    X, y, _ = scans
    Y = pd.DataFrame({"Noise": y, "Motion": y / 2 + 0.0})
    Y["Motion"] = Y["Motion"].replace({0.5: 3.0})
    predicted = MultiArtifactClassifier(quick()).fit(X, Y).predict(X)
    assert predicted.dtype.kind == "f"
    f1_score(y, predicted[:, 0], average="macro")


def test_a_shared_network_has_a_history(scans):
    X, y, _ = scans
    Y = pd.DataFrame({"Noise": y, "Motion": y > 0})
    clf = MultiArtifactClassifier(quick(), encoder="shared").fit(X, Y)
    assert len(clf.history_) == 2


def test_unscaled_voxels_are_warned_of_once(scans):
    X, y, _ = scans
    with pytest.warns(BriqaWarning, match="SeverityClassifier") as caught:
        quick().fit(1000 * X, y)
    assert len(caught) == 1


def test_six_calls_lead_from_fit_to_the_loss(scans):
    X, y, _ = scans
    seen = []

    class Watched(CrossEntropyCriterion):
        def per_sample(self, logits, target):
            seen.append([frame.filename for frame in traceback.extract_stack()])
            return super().per_sample(logits, target)

    quick(criterion=lambda counts: Watched(len(counts))).fit(X, y)
    _, *calls = [name for name in seen[0] if name.startswith(HOME)]
    # The last three are one loss: of all heads, of those that are rated, of each.
    assert len(calls[:-3]) <= 6


def test_what_is_changed_after_a_fit_does_not_change_what_was_learned(scans):
    X, y, _ = scans
    clf = quick().fit(X, y)
    expected = clf.predict_proba(X)
    clf.set_params(module="resnet18", criterion="corn", batches="shuffled")
    clf.set_params(grades=[2, 1, 0], plane_head=True, batch_size=3)
    np.testing.assert_allclose(clf.predict_proba(X), expected, atol=1e-6)
