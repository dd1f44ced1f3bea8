"""scikit-learn's own checks of MultiArtifactClassifier, over the bridge."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import (
    estimator_checks_generator,
    parametrize_with_checks,
)
from sklearn.utils.validation import validate_data

from briqa_sk.estimators import MultiArtifactClassifier, SeverityClassifier
from briqa_sk.networks import CompactNet


def compact_in_float64(in_channels, n_outputs):
    return CompactNet(n_filters=8)(in_channels, n_outputs).double()


class MultiOnTables(MultiArtifactClassifier):
    """The classifier on tables: a row of p numbers is a volume of 1 x 1 x p."""

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
    for module in ("severity", "multi_artifact"):
        monkeypatch.setattr(
            f"briqa_sk.estimators.{module}.as_volumes", lambda X, caller: X
        )


def known_to_fail(estimator):
    """The check that assumes another convention than ours, and why."""
    return {
        "check_classifier_multioutput": "it takes whoever has a decision_function for "
        "a multilabel classifier with one array as classes_; as in forests, classes_ "
        "and predict_proba are lists here"
    }


# One full batch and plain cross-entropy in float64: there, a weight of two equals
# showing a sample twice.
ONE = SeverityClassifier(
    module=compact_in_float64,
    max_epochs=20,
    lr=0.01,
    batch_size=10_000,
    criterion="cross_entropy",
    batches="shuffled",
    random_state=0,
)
SEPARATE, SHARED = (MultiOnTables(ONE, encoder=e) for e in ("separate", "shared"))


@pytest.mark.filterwarnings("default:.*only one class is known")
@pytest.mark.filterwarnings("ignore:.*voxels should be about 1")  # checks use 100
@parametrize_with_checks([SEPARATE, SHARED], expected_failed_checks=known_to_fail)
def test_scikit_learn_accepts_the_classifier(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", [SEPARATE, SHARED], ids=["separate", "shared"])
def test_the_bridge_runs_all_the_checks(estimator):
    names = [str(check) for _, check in estimator_checks_generator(estimator)]
    assert len(names) >= 60
    assert any("check_classifier_multioutput" in name for name in names)
