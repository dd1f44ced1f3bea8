"""What a network of ``rebalancing.py`` sees of one fold."""

import sys

import numpy as np
import pandas as pd
from rebalancing_data import name_test_scans, rate
from rebalancing_rows import FULL_NETWORKS
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

from briqa_sk import (
    CacheVolumes,
    CropOrPad,
    LoadVolumes,
    Resample,
    StandardizeIntensity,
)

#: The whole field of view of a LISA scan, 219 mm, in 128 voxels: some artifacts are
#: seen in air only.
SPACING_MM, SIZE = 1.75, 128


class Scans:
    """The scans of one fold, for training and for the test.

    Before :meth:`rate`, training scans have no labels.
    """

    def __init__(self, work, on, fold, fold_of_head):
        training = np.load(work / "training.npz")
        test = np.load(work / "test.npz")
        simulated = np.load(work / "simulated.npz")
        self.fold = fold
        self.kept = np.array([fold_of_head[head] != fold for head in training["head"]])
        self.source = simulated["row"][:, 0]
        kept_too = self.kept[self.source]
        tested = test["row"][:, 0] == fold
        if on in FULL_NETWORKS:
            self.X, self.X_test = read_files(work, self.kept, tested)
        else:
            X = [training[on][self.kept], simulated[on][kept_too], test[on][tested]]
            prepare = prepare_metrics if on == "metrics" else prepare_voxels
            self.X, self.X_simulated, self.X_test = prepare(*X)
        self.all_truth = training["truth"]
        self.truth = self.all_truth[self.kept]
        self.added = simulated["row"][kept_too, 1:]
        self.plane = training["plane"][self.kept]
        self.kind, self.grade, self.head = test["row"][tested, 1:].T

    def rate(self, kappa, seed):
        """Let a rater label the training scans, another one for each seed."""
        ratings = rate(
            self.all_truth, kappa, seed=[self.fold, seed, round(100 * kappa)]
        )
        self.rated = ratings[self.kept]
        self.rated_source = ratings[self.source[self.kept[self.source]]]

    def of(self, artifact, row):
        """Return training scans, their labels, and their planes."""
        X, y = self.X, self.labels(artifact, row)
        if not row.endswith("simulated"):
            return X, y, self.plane
        own = self.added[:, 0] == artifact
        new = np.maximum(self.rated_source[own, artifact], self.added[own, 1])
        return np.concatenate([X, self.X_simulated[own]]), np.append(y, new), None

    def labels(self, artifact, row):
        """Return the labels of real scans: the oracle's are true, others a rater's."""
        return (self.truth if row == "oracle" else self.rated)[:, artifact]

    def share(self, artifact, row):
        """Return the share of each grade among these."""
        labels = self.labels(artifact, row)
        return np.bincount(labels, minlength=3) / len(labels)


def prepare_metrics(training, *others):
    """Return metrics on one scale, which is learnt in training."""
    scale = QuantileTransformer(output_distribution="normal", n_quantiles=200)
    steps = make_pipeline(SimpleImputer(keep_empty_features=True), scale).fit(training)
    parts = [steps.transform(part)[..., None, None] for part in (training, *others)]
    return [part.astype(np.float32) for part in parts]


def prepare_voxels(*parts):
    """Return standardized logarithms: artifacts in air are faint, and count there."""
    logs = [np.log(part.astype(np.float32) + 0.05) for part in parts]
    for part in logs:
        part -= part.mean(axis=(1, 2, 3), keepdims=True)
        part /= part.std(axis=(1, 2, 3), keepdims=True)
    return logs


def read_files(work, kept, tested):
    """Return volumes of training and test that are read when they are looked at."""
    names = pd.read_csv(work / "lisa" / "truth.csv")["filename"]
    parts = [
        [work / "lisa" / name for name in names[kept]],
        name_test_scans(work, np.flatnonzero(tested)),
    ]
    n_missing = sum(not path.exists() for part in parts for path in part)
    if n_missing:
        sys.exit(f"{n_missing} scans of a fold are no files yet: run `data --full`.")
    steps = make_pipeline(
        LoadVolumes(),
        Resample(SPACING_MM),
        CropOrPad(SIZE),
        StandardizeIntensity(),
        CacheVolumes(work / "cache"),
    )
    return [steps.fit_transform(part) for part in parts]
