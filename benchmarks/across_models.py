"""What learns the grades of an artifact in ``across_simulators.py``."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, RobustScaler

from briqa_sk import SeverityClassifier, StandardizeIntensity

N_MLPS = 3
MOST = 10.0  # interquartile ranges from the median: a ratio to nothing is 1e5
EPOCHS, SCANS_PER_EPOCH = 8, 300


def prepared(classifier):
    """Return a classifier behind robust scaling, clipped."""
    clip = FunctionTransformer(np.clip, kw_args={"a_min": -MOST, "a_max": MOST})
    return make_pipeline(RobustScaler(), clip, classifier)


def balanced_rows(grades):
    """Return indices that show each grade as often as the most frequent one."""
    members = [np.flatnonzero(grades == grade) for grade in np.unique(grades)]
    return np.concatenate([np.resize(m, max(map(len, members))) for m in members])


def expected_grade(classifiers, X):
    """Return the mean grade by the probabilities of some classifiers."""
    each = [c.predict_proba(X) @ np.asarray(c.classes_, float) for c in classifiers]
    return np.mean(each, axis=0)


def fit_logistic(seen, features):
    """Learn by balanced logistic regression; return what predicts rows."""
    model = prepared(LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000))
    model.fit(seen[list(features)], seen["grade"].astype(int))
    return lambda rows, tested: expected_grade([model], rows[list(features)])


def fit_mlps(seen, features):
    """Learn by a few small networks over metrics; return what predicts rows."""
    index = balanced_rows(seen["grade"].to_numpy())
    X, y = seen[list(features)].iloc[index], seen["grade"].astype(int).iloc[index]
    models = [
        prepared(MLPClassifier((32,), alpha=1.0, max_iter=150, random_state=seed))
        for seed in range(N_MLPS)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for model in models:
            model.fit(X, y)
    return lambda rows, tested: expected_grade(models, rows[list(features)])


METRICS_MODELS = {"logistic regression": fit_logistic, "MLP": fit_mlps}


def load_slabs(collection, rows):
    """Return slabs of rows of one simulator."""
    slabs = [
        np.load(collection.slab_path(scan, artifact), mmap_mode="r")[copy]
        for scan, artifact, copy in zip(
            rows["scan"], rows["artifact"], rows["copy"], strict=True
        )
    ]
    return np.stack(slabs).astype(np.float32)


def grade_by_network(collections):
    """Return what learns from rows by the default network over their slabs.

    Parameters
    ----------
    collections : dict of str to Collection
        Where the slabs of each simulator are.
    """

    def fit(seen, trained):
        index = balanced_rows(seen["grade"].to_numpy())
        rng = np.random.default_rng(0)
        size = min(len(index), SCANS_PER_EPOCH)
        seen = seen.iloc[rng.choice(index, size, replace=False)]
        network = make_pipeline(
            StandardizeIntensity(),
            SeverityClassifier(max_epochs=EPOCHS, device="cpu", random_state=0),
        )
        slabs = load_slabs(collections[trained], seen)
        network.fit(slabs, seen["grade"].astype(int).to_numpy())

        def predict(rows, tested):
            return expected_grade([network], load_slabs(collections[tested], rows))

        return predict

    return fit
