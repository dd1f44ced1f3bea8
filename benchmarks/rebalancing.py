"""Which rebalancing rule wins? LISA look-alikes of 37 real heads, five subject folds.

Every fit sees 3,000 samples of the scans of four folds, with the labels of a rater, and
is tested on scans of the fifth: 24 per grade of each artifact, true grades. Networks
see 59 image metrics of a scan (two layers of 64) or its voxels (``CompactNet``).

1. ``python benchmarks/rebalancing.py data --work DIR --data FOLDER``
2. ``python benchmarks/rebalancing.py fit --work DIR`` for all rows; ``--kappa .6`` for
   another rater; ``--on voxels --rows ...`` for the other network
3. ``python benchmarks/rebalancing.py table --work DIR`` writes docs/rebalancing-*.tsv

Each step goes on where it stopped; ``--part 0/2`` and ``--part 1/2`` share the fits
between two processes. Results are appended to ``DIR/fits-*.tsv``, a row per fit.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy loads its BLAS

import argparse
import itertools
import sys
from functools import cache
from pathlib import Path

import numpy as np
import torch
from rebalancing_data import COLUMNS, N_FOLDS, find_heads, fold_of, make_data, rate
from rebalancing_results import append_fit, read_done
from rebalancing_table import write_tables
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer
from torch import nn

from briqa_sk import SeverityClassifier
from briqa_sk.estimators import MultiArtifactClassifier
from briqa_sk.losses import (
    Corn,
    GeneralizedCrossEntropy,
    LogitAdjusted,
    ReweightedCrossEntropy,
    SquaredEMD,
    WeightedCrossEntropy,
)
from briqa_sk.networks import FrequencyFusion
from briqa_sk.sampling import resolve_batches
from briqa_sk.sampling._base import BatchPlan, SeededBatchSampler

SHARED = Path(__file__).parents[2] / "shared" / "data"
BATCH_SIZE, N_EPOCHS, BATCHES_PER_EPOCH = 8, 15, 25
N_SAMPLES = BATCH_SIZE * N_EPOCHS * BATCHES_PER_EPOCH
N_METRICS = 59
LR = 3e-3


def rows():
    """Return name -> parameters of SeverityClassifier."""
    rotating = {"batches": "rotating"}
    sampler = {"batches": WeightedRandomBatches()}
    robust = {"criterion": GeneralizedCrossEntropy()}
    by_rule = {
        rule: {"criterion": ReweightedCrossEntropy(rule=rule)}
        for rule in ("mean", "none", "proportional")
    }
    paper = {"criterion": "reweighted", **rotating}
    default = SeverityClassifier().get_params()
    default = {name: default[name] for name in ("criterion", "batches")}
    fusion = {"module": FrequencyFusion("compact", "compact")}
    return {
        "cross-entropy": {},
        "weighted CE": {"criterion": "weighted"},
        "effective number": {"criterion": WeightedCrossEntropy("effective")},
        "focal": {"criterion": "focal"},
        "CORN": {"criterion": Corn()},
        "EMD": {"criterion": SquaredEMD()},
        "generalized CE": robust,
        "logit adjustment": {"criterion": LogitAdjusted()},
        "weighted random sampler": sampler,
        "rotating": rotating,
        "paper's reweighting": {"criterion": "reweighted"},
        "paper (reweighting + rotating)": paper,
        **{f"reweighting, {rule}": by_rule[rule] for rule in by_rule},
        "reweighting, running": {"criterion": ReweightedCrossEntropy(momentum=0.9)},
        "reweighting, proportional + rotating": by_rule["proportional"] | rotating,
        "reweighting, proportional + sampler": by_rule["proportional"] | sampler,
        "CORN + rotating": {"criterion": Corn(), **rotating},
        "EMD + rotating": {"criterion": SquaredEMD(), **rotating},
        "generalized CE + sampler": robust | sampler,
        "generalized CE + rotating": robust | rotating,
        "cross-entropy, simulated": {},
        "generalized CE + rotating, simulated": robust | rotating,
        "default": default,
        "default, simulated": default,
        "DFT fusion, cross-entropy": fusion,
        "DFT fusion, default": default | fusion,
        "plane head, cross-entropy": {"plane_head": True},
        "paper, with plane head": paper | {"plane_head": True},
        **dict.fromkeys(SHARED_PASSES, default),
        "oracle": {},
        "majority": None,
        "forest": None,
    }


#: How many times the samples of one artifact a shared encoder of all seven sees.
SHARED_PASSES = {"shared encoder, as many samples": 1, "shared encoder, 7 x": 7}
ON_VOXELS = {"DFT fusion, cross-entropy", "DFT fusion, default"}
ON_VOXELS |= {"plane head, cross-entropy", "paper, with plane head"}


class SharedEncoders:
    """Networks for all artifacts of a fold, each fitted when it is first asked for."""

    def __init__(self, scans):
        self.scans = scans
        self.fit = cache(self.fit)

    def fit(self, row, seed):
        """Return probabilities of each artifact, (7, n_test, 3)."""
        scans, n_wanted = self.scans, SHARED_PASSES[row] * N_SAMPLES
        plan = resolve_batches("balanced", caller="rebalancing")
        lengths = [len(plan(y, BATCH_SIZE, np.unique(y), seed)) for y in scans.rated.T]
        grader = SeverityClassifier(
            MetricNet,
            batch_size=BATCH_SIZE,
            max_epochs=max(1, round(n_wanted / (BATCH_SIZE * np.mean(lengths)))),
            lr=LR,
            device="cpu",
            random_state=seed,
        )
        clf = MultiArtifactClassifier(grader, encoder="shared")
        return clf.fit(scans.X, scans.rated).predict_proba(scans.X_test)


class WeightedRandomBatches(BatchPlan):
    """Draw each scan with a probability inverse to the frequency of its grade."""

    def __call__(self, y, batch_size, grades, random_state):
        """Build the sampler."""
        return WeightedRandomSampler(y, batch_size, random_state)


class WeightedRandomSampler(SeededBatchSampler):
    """The sampler of :class:`WeightedRandomBatches`."""

    _dealt_per_batch = property(lambda self: self.batch_size)
    _n_dealt = property(lambda self: len(self.y))

    def _deal(self, epoch):
        _, ranks, counts = np.unique(self.y, return_inverse=True, return_counts=True)
        p = 1 / counts[ranks]
        return self._stream(epoch).choice(len(self.y), len(self.y), p=p / p.sum())


class EqualBatches(BatchPlan):
    """Deal as many batches per epoch of any plan."""

    def __init__(self, plan):
        self.plan = plan

    @property
    def is_ordinal(self):
        """That of the plan."""
        return self.plan.is_ordinal

    def __call__(self, *args):
        """Build the sampler."""
        return EqualSampler(self.plan(*args))


class EqualSampler(torch.utils.data.Sampler):
    """The sampler of :class:`EqualBatches`."""

    def __init__(self, sampler):
        self.stream = itertools.chain.from_iterable(itertools.repeat(sampler))

    def __len__(self):
        return BATCHES_PER_EPOCH

    def __iter__(self):
        return itertools.islice(self.stream, BATCHES_PER_EPOCH)

    def load_state_dict(self, state):
        """Start at the beginning: nothing is resumed here."""


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


class Scans:
    """The scans of one fold, as a network is to see them."""

    def __init__(self, work, on, fold, kappa, fold_of_head):
        training = np.load(work / "training.npz")
        test = np.load(work / "test.npz")
        simulated = np.load(work / "simulated.npz")
        kept = np.array([fold_of_head[head] != fold for head in training["head"]])
        source = simulated["row"][:, 0]
        kept_too = kept[source]
        tested = test["row"][:, 0] == fold
        X = [training[on][kept], simulated[on][kept_too], test[on][tested]]
        self.X, self.X_simulated, self.X_test = prepare(on, *X)
        ratings = rate(training["truth"], kappa, seed=[fold, round(100 * kappa)])
        self.rated, self.truth = ratings[kept], training["truth"][kept]
        self.rated_source = ratings[source[kept_too]]
        self.added = simulated["row"][kept_too, 1:]
        self.plane = training["plane"][kept]
        self.kind, self.grade, self.head = test["row"][tested, 1:].T

    def of(self, artifact, row):
        """Return training scans, their labels, and their planes."""
        if row == "oracle":  # true labels, each grade as often
            y = self.truth[:, artifact]
            members = [np.flatnonzero(y == grade) for grade in range(3)]
            size = max(map(len, members))
            index = np.concatenate([np.resize(m, size) for m in members])
            return self.X[index], y[index], self.plane[index]
        X, y = self.X, self.rated[:, artifact]
        if not row.endswith("simulated"):
            return X, y, self.plane
        own = self.added[:, 0] == artifact
        new = np.maximum(self.rated_source[own, artifact], self.added[own, 1])
        return np.concatenate([X, self.X_simulated[own]]), np.append(y, new), None


def prepare(on, training, simulated, test):
    """Return what a network sees; what is learnt for that is learnt in training."""
    parts = [training, simulated, test]
    if on == "metrics":
        scale = QuantileTransformer(output_distribution="normal", n_quantiles=200)
        steps = make_pipeline(SimpleImputer(keep_empty_features=True), scale)
        steps.fit(training)
        parts = [steps.transform(part)[..., None, None] for part in parts]
        return [part.astype(np.float32) for part in parts]
    logs = [np.log(part.astype(np.float32) + 0.05) for part in parts]
    for part in logs:  # artifacts in air are faint: on a logarithmic scale they count
        part -= part.mean(axis=(1, 2, 3), keepdims=True)
        part /= part.std(axis=(1, 2, 3), keepdims=True)
    return logs


def predict(row, on, X, y, plane, X_test, seed):
    """Return probabilities of grades 0, 1, 2, (n_test, 3)."""
    proba = np.zeros((len(X_test), 3))
    if row == "majority":
        proba[:, np.bincount(y).argmax()] = 1
        return proba
    if row == "forest":
        clf = RandomForestClassifier(
            500, class_weight="balanced_subsample", min_samples_leaf=5
        ).set_params(random_state=seed)
        flat = X_test.reshape(len(X_test), -1)
        proba[:, np.unique(y)] = clf.fit(X.reshape(len(X), -1), y).predict_proba(flat)
        return proba
    plain = {"criterion": "cross_entropy", "batches": "shuffled"}
    params = {"module": MetricNet if on == "metrics" else "compact"} | plain
    params |= rows()[row]
    plan = resolve_batches(params.pop("batches"), caller="rebalancing")
    clf = SeverityClassifier(
        batches=EqualBatches(plan),
        batch_size=BATCH_SIZE,
        max_epochs=N_EPOCHS,
        lr=LR,
        device="cpu",
        random_state=seed,
        **params,
    )
    clf.fit(X, y, plane=plane if clf.plane_head else None)
    proba[:, clf.classes_] = clf.predict_proba(X_test)
    return proba


def run(args, names):
    """Fit what is missing of the rows; append one line per fit."""
    torch.set_num_threads(1)
    index, n_parts = (int(number) for number in args.part.split("/"))
    done = read_done(args.work)
    heads = fold_of(find_heads(args.data))
    fits = itertools.product(range(N_FOLDS), range(args.seeds), args.artifacts, names)
    fits = [fit for fit in fits if (args.on, args.kappa, *fit) not in done]
    last, scans, shared = None, None, None
    for fold, seed, artifact, row in fits[index::n_parts]:
        if fold != last:
            last = fold
            scans = Scans(args.work, args.on, fold, args.kappa, heads)
            shared = SharedEncoders(scans)
        kind = COLUMNS.index(artifact)
        is_own = scans.kind == kind
        if row in SHARED_PASSES:
            proba = shared.fit(row, seed)[kind][is_own]
        else:
            training = scans.of(kind, row)
            proba = predict(row, args.on, *training, scans.X_test[is_own], seed)
        task = (args.on, args.kappa, fold, seed, artifact, row)
        path = args.work / f"fits-{args.on}-{args.kappa}-{index}.tsv"
        append_fit(path, task, scans.grade[is_own], scans.head[is_own], proba)


def main():
    """Run one step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=("data", "fit", "table"))
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--on", choices=("metrics", "voxels"), default="metrics")
    parser.add_argument("--kappa", type=float, default=0.8, help="of the rater")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--artifacts", nargs="+", default=COLUMNS, choices=COLUMNS)
    parser.add_argument("--rows", nargs="+", choices=tuple(rows()))
    parser.add_argument("--part", default="0/1", help="which part of how many")
    args = parser.parse_args()
    if args.step == "data":
        make_data(args.data, args.work)
    elif args.step == "fit":
        left_out = ON_VOXELS if args.on == "metrics" else {"forest", *SHARED_PASSES}
        names = args.rows or [row for row in rows() if row not in left_out]
        run(args, names)
    else:
        sys.stdout.write(write_tables(args.work))


if __name__ == "__main__":
    main()
