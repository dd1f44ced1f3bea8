"""For which prevalence a classifier speaks."""

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline
from torch import nn

from briqa_sk import SeverityClassifier, load, save
from briqa_sk.estimators import MultiArtifactClassifier
from briqa_sk.exceptions import BriqaWarning
from briqa_sk.losses import LogitAdjusted, WeightedCrossEntropy
from briqa_sk.sampling import ResampledBatches

#: How often a scan of each grade shows each of four signs.
SIGNS = np.array([[0.5, 0.3, 0.1, 0.1], [0.2, 0.25, 0.35, 0.2], [0.1, 0.1, 0.3, 0.5]])
COUNTS = np.array([1200, 240, 160])


class Table(nn.Module):
    """One free logit for each sign: it can learn any probabilities."""

    def __init__(self, in_channels, n_outputs):
        super().__init__()
        self.head = nn.Linear(4, n_outputs)

    def forward(self, x):
        return self.head(x.flatten(1))


def make_scans(counts=COUNTS):
    """Return volumes of 4 voxels that show a sign, in exact proportions, and grades."""
    shown = np.concatenate(
        [
            np.repeat(np.arange(4), np.round(n * row).astype(int))
            for n, row in zip(counts, SIGNS, strict=True)
        ]
    )
    return np.eye(4, dtype=np.float32)[shown][:, :, None, None], np.repeat(
        np.arange(3), counts
    )


def bayes(prior):
    """Return the true probabilities of the grades, (n_signs, n_grades)."""
    joint = SIGNS * np.asarray(prior)[:, None]
    return (joint / joint.sum(axis=0)).T


def table(**params):
    settings = {"lr": 0.03, "batch_size": 80, "max_steps": 800, "random_state": 0}
    return SeverityClassifier(Table, **{**settings, **params})


EACH_SIGN = np.eye(4, dtype=np.float32)[:, :, None, None]
TRAINING = COUNTS / COUNTS.sum()


@pytest.mark.parametrize("batches", ["shuffled", "balanced", "rotating", "resampled"])
@pytest.mark.parametrize(
    "criterion", ["cross_entropy", "weighted", "logit_adjusted", "corn", "emd"]
)
def test_probabilities_are_those_of_bayes_at_any_prevalence(criterion, batches):
    X, y = make_scans()
    clf = table(criterion=criterion, batches=batches).fit(X, y)
    for prior, shares in [
        (None, clf.trained_prior_),
        ("balanced", [1 / 3] * 3),
        ("training", TRAINING),
        ([0.97, 0.02, 0.01], [0.97, 0.02, 0.01]),
    ]:
        proba = clf.set_params(prior=prior).predict_proba(EACH_SIGN)
        np.testing.assert_allclose(proba, bayes(shares), atol=0.03)


@pytest.mark.parametrize(
    ("criterion", "batches", "expected"),
    [
        ("cross_entropy", "shuffled", TRAINING),
        ("cross_entropy", "rotating", [0.5, 0.25, 0.25]),
        ("cross_entropy", ResampledBatches(), [1 / 3] * 3),
        ("weighted", "rotating", [1 / 3] * 3),
        ("logit_adjusted", "balanced", [1 / 3] * 3),
        (LogitAdjusted(tau=0), "shuffled", TRAINING),
        (WeightedCrossEntropy([1, 5, 2]), "resampled", [1 / 8, 5 / 8, 2 / 8]),
        (WeightedCrossEntropy({2: 2, 0: 1, 1: 5}), "resampled", [1 / 8, 5 / 8, 2 / 8]),
        ("reweighted", "rotating", None),
        ("proportional", "balanced", None),
        ("focal", "shuffled", None),
        ("cross_entropy", lambda y, *rest: ResampledBatches()(y, *rest), None),
    ],
)
def test_the_learned_prior_is_that_of_batches_and_loss_together(
    criterion, batches, expected
):
    X, y = make_scans([30, 10, 10])
    clf = table(criterion=criterion, batches=batches, max_steps=1).fit(X, y)
    if criterion == "cross_entropy" and batches == "shuffled":
        expected = [0.6, 0.2, 0.2]
    if isinstance(criterion, LogitAdjusted):
        expected = [0.6, 0.2, 0.2]
    if expected is None:
        assert clf.trained_prior_ is None
    else:
        np.testing.assert_allclose(clf.trained_prior_, expected, atol=1e-6)


def test_without_further_words_each_grade_counts_the_same():
    X, y = make_scans()
    clf = table().fit(X, y)
    np.testing.assert_allclose(
        clf.predict_proba(EACH_SIGN), bayes([1 / 3] * 3), atol=0.03
    )


def test_predictions_are_the_most_probable_grades_at_the_stated_prevalence():
    X, y = make_scans()
    clf = table().fit(X, y)
    assert clf.predict(EACH_SIGN).tolist() == [0, 0, 1, 2]
    clf.set_params(prior={0: 0.98, 1: 0.01, 2: 0.01})
    assert clf.predict(EACH_SIGN).tolist() == [0, 0, 0, 0]
    np.testing.assert_allclose(
        np.exp(clf.decision_function(EACH_SIGN)), clf.predict_proba(EACH_SIGN)
    )


def test_weights_count_as_scans_do():
    X, y = make_scans()
    weight = np.array([1.0, 5.0, 7.5])[y]
    clf = table(criterion="cross_entropy", batches="shuffled")
    clf.fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(clf.trained_prior_, [1 / 3] * 3)
    np.testing.assert_allclose(clf.class_prior_, [1 / 3] * 3)
    clf.set_params(prior=[0.8, 0.1, 0.1])
    np.testing.assert_allclose(
        clf.predict_proba(EACH_SIGN), bayes([0.8, 0.1, 0.1]), atol=0.03
    )


def test_counts_that_grow_from_call_to_call_count_together():
    clf = table(criterion="cross_entropy", batches="shuffled", lr=0.003)
    few, many = make_scans([800, 80, 80]), make_scans([80, 80, 800])
    for _ in range(40):
        for X, y in (few, many):
            clf.partial_fit(X, y, classes=[0, 1, 2])
    assert clf.class_counts_.tolist() == [35200, 6400, 35200]
    shares = np.array([880, 160, 880]) / 1920
    np.testing.assert_allclose(clf.class_prior_, shares)
    np.testing.assert_allclose(clf.trained_prior_, shares, atol=1e-6)
    clf.set_params(prior="balanced")
    np.testing.assert_allclose(
        clf.predict_proba(EACH_SIGN), bayes([1 / 3] * 3), atol=0.08
    )


@pytest.mark.filterwarnings("error")
def test_a_grade_that_has_not_come_yet_is_impossible_at_the_prevalence_of_training():
    X, y = make_scans([80, 80, 0])
    clf = table(prior="training", max_steps=None)
    proba = clf.partial_fit(X, y, classes=[0, 1, 2]).predict_proba(EACH_SIGN)
    np.testing.assert_array_equal(proba[:, 2], 0)
    np.testing.assert_allclose(proba.sum(axis=1), 1)


def test_grades_that_an_augmentation_raises_count_as_what_they_became():
    def raise_some(volume, random_state):
        return volume, (2 if random_state.random() < 0.5 else 0)

    X, y = make_scans()
    clf = table(criterion="cross_entropy", batches="shuffled", augment=raise_some)
    clf.fit(X, y)
    expected = 0.5 * TRAINING + [0, 0, 0.5]
    np.testing.assert_allclose(clf.trained_prior_, expected, atol=0.01)
    one_call = table(criterion="cross_entropy", batches="shuffled", augment=raise_some)
    one_call.partial_fit(X, y, classes=[0, 1, 2])
    np.testing.assert_allclose(one_call.trained_prior_, expected, atol=0.03)


def test_text_grades_keep_their_columns():
    X, y = make_scans()
    names = np.array(["good", "fair", "bad"])  # sorted: bad, fair, good
    clf = table(grades=["good", "fair", "bad"], criterion="corn").fit(X, names[y])
    assert clf.class_counts_.tolist() == [160, 240, 1200]
    clf.set_params(prior={"good": 0.1, "fair": 0.1, "bad": 0.8})
    expected = bayes([0.1, 0.1, 0.8])[:, ::-1]
    np.testing.assert_allclose(clf.predict_proba(EACH_SIGN), expected, atol=0.03)


@pytest.mark.parametrize("criterion", ["reweighted", "proportional", "focal"])
def test_a_prior_of_what_belongs_to_none_is_refused_before_training(criterion):
    X, y = make_scans()
    clf = table(criterion=criterion, prior="balanced", augment=never)
    with pytest.raises(ValueError, match=r"prior must be None .* no proper score"):
        clf.fit(X, y)
    clf.set_params(prior=None, augment=None, max_steps=1).fit(X, y)
    clf.set_params(prior="training")
    with pytest.raises(ValueError, match="prior must be None"):
        clf.predict(X)


def never(volume, random_state):
    raise AssertionError("a volume was read")


@pytest.mark.parametrize(
    ("prior", "said"),
    [
        ("even", "'balanced', 'training', an array, a dict or None, got 'even'"),
        ([0.5, 0.5], r"each of the classes \[0, 1, 2\], which add up to 1"),
        ([0.5, 0.4, 0.2], "add up to 1"),
        ([1.0, 0.0, 0.0], "a share above 0"),
        ({0: 0.5, 1: 0.5}, "and for no other, got"),
        ({0: 0.5, 1: 0.3, 3: 0.2}, "and for no other, got"),
    ],
)
def test_what_is_no_prior_is_refused_before_training(prior, said):
    X, y = make_scans()
    with pytest.raises(ValueError, match=said):
        table(prior=prior, augment=never).fit(X, y)


def test_a_loaded_model_speaks_for_the_same_prevalence(tmp_path):
    X, y = make_scans()
    clf = SeverityClassifier(criterion="cross_entropy", max_steps=5, prior="balanced")
    clf.fit(np.tile(X, (1, 1, 4, 4)), y)
    save(clf, tmp_path / "model.zip")
    loaded = load(tmp_path / "model.zip", device="cpu")
    np.testing.assert_array_equal(loaded.trained_prior_, clf.trained_prior_)
    scans = np.tile(EACH_SIGN, (1, 1, 4, 4))
    np.testing.assert_allclose(loaded.predict_proba(scans), clf.predict_proba(scans))
    loaded.set_params(prior="training")
    assert np.abs(loaded.predict_proba(scans) - clf.predict_proba(scans)).max() > 0.01


@pytest.mark.parametrize("encoder", ["separate", "shared"])
def test_several_artifacts_are_told_another_prevalence_after_their_fit(encoder):
    X, y = make_scans()
    Y = pd.DataFrame({"Noise": y, "Motion": y > 0, "Zipper": 0 * y})
    with pytest.warns(BriqaWarning, match="only one class"):
        clf = MultiArtifactClassifier(table(), encoder=encoder).fit(X, Y)
    before = clf.predict_proba(EACH_SIGN)
    clf.set_params(estimator__prior="training")
    for old, new in zip(before[:2], clf.predict_proba(EACH_SIGN)[:2], strict=True):
        assert (new[:, 0] > old[:, 0] + 0.05).all()
    pipe = Pipeline([("keep", "passthrough"), ("grade", table(max_steps=2))])
    clf = MultiArtifactClassifier(pipe, encoder=encoder).fit(X, Y[["Noise", "Motion"]])
    before = clf.predict_proba(EACH_SIGN)[0]
    after = clf.set_params(estimator__grade__prior="training").predict_proba(EACH_SIGN)
    assert np.abs(after[0] - before).max() > 0.05


def test_heads_of_a_shared_network_know_what_the_batches_of_the_others_show():
    # Batches balanced for one artifact show another as it comes along with the first.
    X, y = make_scans()
    rng = np.random.default_rng(0)
    together = np.where(y == 2, 1, rng.random(len(y)) < 0.1).astype(int)
    Y = pd.DataFrame({"Noise": y, "Motion": together})
    inner = table(criterion="cross_entropy", batches="resampled", prior="balanced")
    clf = MultiArtifactClassifier(inner, encoder="shared").fit(X, Y)
    noise, motion = clf._shared.trained_prior_
    of_motion = [np.bincount(y[together == k], minlength=3) for k in (0, 1)]
    of_motion = np.mean([counts / counts.sum() for counts in of_motion], axis=0)
    np.testing.assert_allclose(noise, (np.full(3, 1 / 3) + of_motion) / 2)
    assert motion.sum() == pytest.approx(1)
    assert [proba.shape for proba in clf.predict_proba(EACH_SIGN)] == [(4, 3), (4, 2)]
