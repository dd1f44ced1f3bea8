"""How ``rebalancing.py`` trains a row: every network of one kind sees as many samples.

Networks see 59 image metrics (two layers of 64), eight slices (``CompactNet``), or
volumes of 128 voxels along each axis (DenseNet and others). For the last, batches of
four as in the paper. The learning rate is the default of SeverityClassifier for all:
the paper's 1e-5 is meant for many more steps.
"""

import itertools
from functools import lru_cache

import numpy as np
from rebalancing_rows import FULL_NETWORKS, SHARED_PASSES, rows
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn
from torch.utils.data import Sampler

from briqa_sk import MultiArtifactClassifier, SeverityClassifier
from briqa_sk.sampling import resolve_batches
from briqa_sk.sampling._base import BatchPlan

N_SAMPLES, N_EPOCHS = 3000, 15
N_METRICS = 59
SMALL = {"batch_size": 8, "device": "cpu"}
FULL = {"batch_size": 4, "device": "auto"}


def predict(row, training, X_test, *, on, seed, n_samples=N_SAMPLES, n_workers=0):
    """Return probabilities of grades 0, 1, 2, (n_test, 3).

    ``training`` are scans, labels, and scan planes if they are known.
    """
    X, y, plane = training
    if row == "majority":
        clf = DummyClassifier(strategy="most_frequent").fit(X, y)
    elif row == "forest":
        clf = forest(seed).fit(X, y)
    else:
        clf = network(row, on, seed, n_samples).set_params(num_workers=n_workers)
        clf.fit(X, y, plane=plane if clf.plane_head else None)
    proba = np.zeros((len(X_test), 3))
    proba[:, clf.classes_] = clf.predict_proba(X_test)
    return proba


def forest(seed):
    """Return a random forest over whatever a network would see."""
    flat = FunctionTransformer(lambda X: X.reshape(len(X), -1))
    return make_pipeline(
        flat,
        RandomForestClassifier(
            500,
            class_weight="balanced_subsample",
            min_samples_leaf=5,
            random_state=seed,
        ),
    )


def network(row, on, seed, n_samples):
    """Return the classifier of a row, which will see so many samples."""
    params = {
        "module": {"metrics": MetricNet, "voxels": "compact"}.get(on, on),
        "criterion": "cross_entropy",
        "batches": "shuffled",
        **(FULL if on in FULL_NETWORKS else SMALL),
        **rows()[row],
    }
    n_batches = n_samples // params["batch_size"]
    n_epochs = min(N_EPOCHS, n_batches)
    plan = resolve_batches(params["batches"], caller="rebalancing")
    params["batches"] = EqualBatches(plan, n_batches // n_epochs)
    return SeverityClassifier(max_epochs=n_epochs, random_state=seed, **params)


@lru_cache(maxsize=len(SHARED_PASSES))  # seven artifacts ask for the same fit in turn
def predict_shared(row, scans, seed, n_samples=N_SAMPLES):
    """Return probabilities of each artifact by one network, (7, n_test, 3)."""
    size, plan = SMALL["batch_size"], resolve_batches("balanced", caller="rebalancing")
    lengths = [len(plan(y, size, np.unique(y), seed)) for y in scans.rated.T]
    n_epochs = round(SHARED_PASSES[row] * n_samples / (size * np.mean(lengths)))
    grader = SeverityClassifier(
        MetricNet, max_epochs=max(1, n_epochs), random_state=seed, **SMALL
    )
    clf = MultiArtifactClassifier(grader, encoder="shared")
    return clf.fit(scans.X, scans.rated).predict_proba(scans.X_test)


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


class EqualBatches(BatchPlan):
    """Deal so many batches per epoch of any plan."""

    def __init__(self, plan, n_batches):
        self.plan = plan
        self.n_batches = n_batches

    @property
    def is_ordinal(self):
        """That of the plan."""
        return self.plan.is_ordinal

    def __call__(self, *args):
        """Build the sampler."""
        return EqualSampler(self.plan(*args), self.n_batches)


class EqualSampler(Sampler):
    """The sampler of :class:`EqualBatches`."""

    def __init__(self, sampler, n_batches):
        self.stream = itertools.chain.from_iterable(itertools.repeat(sampler))
        self.n_batches = n_batches

    def __len__(self):
        return self.n_batches

    def __iter__(self):
        return itertools.islice(self.stream, self.n_batches)

    def load_state_dict(self, state):
        """Start at the beginning: nothing is resumed here."""
