"""The fits of ``rebalancing.py``: one row per fit in ``DIR/fits-*.tsv``."""

import json

import numpy as np
import pandas as pd
from rebalancing_data import COLUMNS, N_FOLDS

TASK = ["on", "kappa", "fold", "seed", "artifact", "row"]
REFERENCE = "cross-entropy"


def read_done(work):
    """Return the fits that are there."""
    done = set()
    for path in work.glob("fits-*.tsv"):
        table = pd.read_csv(path, sep="\t", usecols=TASK)[TASK]
        done |= set(table.itertuples(index=False, name=None))
    return done


def append_fit(path, task, truth, head, proba):
    """Write down one fit: true grades, heads and probabilities of its test scans."""
    line = dict(zip(TASK, task, strict=True))
    line["truth"] = json.dumps(truth.tolist())
    line["head"] = json.dumps(head.tolist())
    line["proba"] = json.dumps(proba.round(3).tolist())
    pd.DataFrame([line]).to_csv(
        path, sep="\t", index=False, mode="a", header=not path.exists()
    )


def read_fits(work):
    """Return everything that has been fitted, with lists for what was JSON."""
    tables = [pd.read_csv(path, sep="\t") for path in sorted(work.glob("fits-*.tsv"))]
    fits = pd.concat(tables, ignore_index=True).drop_duplicates(TASK)
    for column in ("truth", "head", "proba"):
        fits[column] = fits[column].map(json.loads)
    return fits


def complete(fits):
    """Return the fits of complete rows, and how many each other row misses.

    Every row is compared with cross-entropy. What that has in all folds, of artifacts
    and then of seeds, a row must have, too; what a row has beyond it is not used.
    """
    own = fits[fits["row"] == REFERENCE]
    whole = pd.crosstab(own["seed"], own["artifact"]) == N_FOLDS
    whole = whole.loc[:, whole.any()]
    artifacts, seeds = whole.columns, whole.index[whole.all(axis=1)]
    wanted = fits["artifact"].isin(artifacts) & fits["seed"].isin(seeds)
    n_wanted = N_FOLDS * len(artifacts) * len(seeds)
    missing = n_wanted - wanted.groupby(fits["row"]).sum()
    missing = missing[missing > 0]
    return fits[wanted & ~fits["row"].isin(missing.index)], missing


class Results:
    """Everything that was predicted by one kind of network under one rater."""

    def __init__(self, fits):
        fits = fits.sort_values(["seed", "fold", "artifact"])
        self.artifacts = sorted(fits["artifact"].unique(), key=COLUMNS.index)
        self.rows = {}
        for row, own in fits.groupby("row", sort=False):
            scans = own.explode(["truth", "head", "proba"])
            runs = [run for _, run in scans.groupby("seed")]
            self.rows[row] = np.stack([np.stack(run["proba"]) for run in runs])
        self.kind = runs[0]["artifact"].map(self.artifacts.index).to_numpy(int)
        self.truth = runs[0]["truth"].to_numpy(int)
        self.head = runs[0]["head"].to_numpy(int)
        self.cell = 9 * self.kind + 3 * self.truth

    def predictions(self, row):
        """Return the most probable grades, (n_runs, n_scans)."""
        return self.rows[row].argmax(axis=-1)

    def per_artifact(self, score, *arrays):
        """Average a score over artifacts; it is given the scans of one at a time."""
        n_artifacts = len(self.artifacts)
        members = [self.kind == kind for kind in range(n_artifacts)]
        return np.mean([score(*(a[own] for a in arrays)) for own in members])
