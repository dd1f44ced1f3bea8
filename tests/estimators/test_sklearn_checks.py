"""scikit-learn's own checks, over the bridge."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import (
    estimator_checks_generator,
    parametrize_with_checks,
)
from sklearn.utils.validation import validate_data

from briqa_sk import SeverityClassifier
from briqa_sk.networks import CompactNet


def compact_in_float64(in_channels, n_outputs):
    return CompactNet()(in_channels, n_outputs).double()


class SeverityOnTables(SeverityClassifier):
    """SeverityClassifier on tables: a row of p numbers is a volume of 1 x 1 x p.

    scikit-learn skips its checks for estimators that only take volumes, which would
    leave label handling, seeding, weights and cloning untested.
    """

    def _check_X(self, X, *, reset):
        X = validate_data(self, X, dtype=np.float64, reset=reset)
        return super()._check_X(X[:, None, None, :], reset=reset)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = False
        return tags


@pytest.fixture(autouse=True)
def keep_float64(monkeypatch):
    monkeypatch.setattr("briqa_sk.estimators.severity.as_volumes", lambda X, caller: X)


# One full batch and plain cross-entropy in float64: there, a weight of two equals
# showing a sample twice.
ON_TABLES = SeverityOnTables(
    module=compact_in_float64,
    max_epochs=20,
    lr=0.01,
    batch_size=10_000,
    criterion="cross_entropy",
    batches="shuffled",
    random_state=0,
)


#: What the estimator does without further words, in a quarter of the time.
DEFAULT = SeverityOnTables(module=compact_in_float64, max_steps=100, random_state=0)


def known_to_fail(estimator):
    """The checks that balanced batches can't pass, and why."""
    if estimator.batches == "shuffled":
        return {}
    return {
        "check_sample_weight_equivalence_on_dense_data": "batches that rotate show a "
        "scan of weight 2 once, and one that is there twice twice"
    }


@pytest.mark.filterwarnings("ignore:.*voxels should be about 1")  # checks use 100
@parametrize_with_checks([ON_TABLES, DEFAULT], expected_failed_checks=known_to_fail)
def test_scikit_learn_accepts_the_classifier(estimator, check):
    check(estimator)


def test_the_bridge_runs_all_the_checks():
    assert len(list(estimator_checks_generator(ON_TABLES))) >= 60
