"""How ``rebalancing.py`` trains a row: every network of one kind sees as many samples.

Networks see 59 image metrics (two layers of 64), eight slices (``CompactNet``), or
volumes of 128 voxels along each axis (DenseNet and others). For the last, batches of
four as in the paper. The learning rate is the default of SeverityClassifier for all:
the paper's 1e-5 is meant for many more steps. Only the two rows "as it trains" have a
length of their own.
"""

from functools import lru_cache

import numpy as np
from rebalancing_rows import FULL_NETWORKS, SHARED_PASSES, rows
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn

from briqa_sk import MultiArtifactClassifier, SeverityClassifier

N_SAMPLES = 3000
N_METRICS = 59
SMALL = {"batch_size": 8, "device": "cpu"}
FULL = {"batch_size": 4, "device": "auto"}
UNIFORM = np.full(3, 1 / 3)


def predict(row, training, X_test, *, on, seed, n_samples=N_SAMPLES, n_workers=0):
    """Return probabilities of grades 0, 1, 2, and the prevalence they speak for.

    ``training`` are scans, labels, and scan planes if they are known. Probabilities are
    (n_test, 3); the prevalence is (3,), or None where it is not known.
    """
    X, y, plane = training
    if row in MODELS:
        make, prior = MODELS[row]
        clf = make(seed).fit(X, y)
    else:
        clf = network(row, on, seed, n_samples).set_params(num_workers=n_workers)
        clf.fit(X, y, plane=plane if clf.plane_head else None)
        prior = clf.trained_prior_
    return clf.predict_proba(X_test), prior


def flatten(X):
    """Return one row per scan."""
    return X.reshape(len(X), -1)


def majority(seed):
    """Return what says the most frequent grade."""
    return DummyClassifier(strategy="most_frequent")


def logistic_regression(seed):
    """Return a linear model in which every grade weighs as much."""
    return make_pipeline(
        FunctionTransformer(flatten),
        LogisticRegression(class_weight="balanced", max_iter=2000),
    )


def forest(seed):
    """Return a random forest, each tree on scans in which every grade weighs as much.

    Leaves average over few scans, so nobody knows for which prevalence it speaks.
    """
    return make_pipeline(
        FunctionTransformer(flatten),
        RandomForestClassifier(
            500,
            class_weight="balanced_subsample",
            min_samples_leaf=5,
            random_state=seed,
        ),
    )


#: What is no network: how it is made, and the prevalence that it speaks for.
MODELS = {
    "majority": (majority, None),
    "logistic regression": (logistic_regression, UNIFORM),
    "forest": (forest, None),
}


def network(row, on, seed, n_samples):
    """Return the classifier of a row, which will see so many samples."""
    sizes = FULL if on in FULL_NETWORKS else SMALL
    params = {
        "module": {"metrics": MetricNet, "voxels": "compact"}.get(on, on),
        "criterion": "cross_entropy",
        "batches": "shuffled",
        "max_steps": n_samples // sizes["batch_size"],
        **sizes,
        **rows()[row],
    }
    return SeverityClassifier(random_state=seed, **params)


@lru_cache(maxsize=1)  # seven artifacts ask for the same fit in turn
def predict_shared(row, scans, seed, n_samples=N_SAMPLES):
    """Return probabilities of each artifact, (7, n_test, 3), and their prevalence."""
    grader = SeverityClassifier(
        MetricNet,
        **rows()[row],
        prior="balanced",
        max_steps=SHARED_PASSES[row] * n_samples // SMALL["batch_size"],
        random_state=seed,
        **SMALL,
    )
    clf = MultiArtifactClassifier(grader, encoder="shared")
    return clf.fit(scans.X, scans.rated).predict_proba(scans.X_test), UNIFORM


class MetricNet(nn.Module):
    """Two hidden layers over the metrics of a scan."""

    def __init__(self, in_channels, n_outputs, width=64):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Flatten(),
            nn.Linear(N_METRICS, width),
            nn.ReLU(),
            nn.Linear(width, width),
        )
        self.head = nn.Sequential(nn.ReLU(), nn.Linear(width, n_outputs))

    def forward(self, x):
        """Return (batch, n_outputs) logits of (batch, 1, n_metrics, 1, 1)."""
        return self.head(self.encoder(x))
