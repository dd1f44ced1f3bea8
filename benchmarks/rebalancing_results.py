"""The fits of ``rebalancing.py``: one row per fit in ``DIR/fits-*.tsv``.

A fit leaves its probabilities at the prevalence that it was trained for. Two views are
taken of them: "balanced", the test scans as they are, as many of each grade, and
"LISA", the same scans weighted by how often LISA 2025 has their true grade, which is
what the severities of the training scans were drawn from. In each, probabilities are
moved to the prevalence that the user would state: ``prior="balanced"``, and
``prior="training"``, the share of each grade among the rated scans. Where nobody knows
for which prevalence a model speaks, they are taken as they are.
"""

import json

import numpy as np
import pandas as pd
from rebalancing_data import COLUMNS, N_FOLDS
from rebalancing_rows import AS_THEY_COME, REFERENCE

from briqa_sk.calibration import shift_prior
from briqa_sk.simulation import LISA_2025, LISA_ARTIFACTS

TASK = ["on", "kappa", "fold", "seed", "artifact", "row"]
VIEWS = ("balanced", "LISA")
_AS_JSON = ["truth", "head", "proba", "trained_prior", "training_share"]


def read_done(work):
    """Return the fits that are there."""
    done = set()
    for path in work.glob("fits-*.tsv"):
        table = pd.read_csv(path, sep="\t", usecols=TASK)[TASK]
        done |= set(table.itertuples(index=False, name=None))
    return done


def append_fit(path, task, scans, answer, seconds):
    """Write down one fit.

    ``scans`` are true grades and heads of its test scans, and the share of each grade
    among its training scans; ``answer`` is probabilities and their prevalence.
    """
    truth, head, share = scans
    proba, prior = answer
    digits = [[float(f"{p:.4g}") for p in scan] for scan in proba]
    prior = None if prior is None else prior.tolist()
    values = (truth.tolist(), head.tolist(), digits, prior, share.tolist())
    line = dict(zip(TASK, task, strict=True)) | {"seconds": f"{seconds:.2f}"}
    line |= dict(zip(_AS_JSON, map(json.dumps, values), strict=True))
    pd.DataFrame([line]).to_csv(
        path, sep="\t", index=False, mode="a", header=not path.exists()
    )


def read_fits(work):
    """Return everything that has been fitted, with lists for what was JSON."""
    tables = [
        pd.read_csv(path, sep="\t", keep_default_na=False)  # "null" is no missing value
        for path in sorted(work.glob("fits-*.tsv"))
    ]
    fits = pd.concat(tables, ignore_index=True).drop_duplicates(TASK)
    for column in _AS_JSON:
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


def with_controls(fits):
    """Return fits, and some once more as they come: no prior is stated for them."""
    own = fits[fits["row"].isin(AS_THEY_COME)]
    control = own.assign(row=own["row"] + ", as it comes", trained_prior=None)
    return pd.concat([fits, control], ignore_index=True)


def probabilities(fit, view):
    """Return what a fit says at the prevalence of a view, (n_scans, 3)."""
    proba = np.array(fit.proba, dtype=float)
    if fit.trained_prior is None:
        return proba
    wanted = np.full(3, 1 / 3) if view == "balanced" else np.array(fit.training_share)
    with np.errstate(divide="ignore"):  # what is impossible stays so
        log_proba = np.log(proba)
    return np.exp(shift_prior(log_proba, np.array(fit.trained_prior), wanted))


class Results:
    """Everything that one kind of network says in one view, under one rater.

    Attributes
    ----------
    artifacts : list of str
        Names.
    rows : dict of str to ndarray of shape (n_runs, n_scans, 3)
        Probabilities, by rule; a run has all folds and artifacts of one seed.
    kind, truth, head, cell : ndarray of shape (n_scans,)
        Number of the artifact, true grade, person, and artifact and grade in one.
    weight : ndarray of shape (n_artifacts, 3)
        What a scan of each true grade counts; 1 on average.
    """

    def __init__(self, fits, view):
        fits = fits.sort_values(["seed", "fold", "artifact"])
        self.artifacts = sorted(fits["artifact"].unique(), key=COLUMNS.index)
        self.rows = {}
        for row, own in fits.groupby("row", sort=False):
            runs = [list(run.itertuples()) for _, run in own.groupby("seed")]
            self.rows[row] = np.stack(
                [np.concatenate([probabilities(fit, view) for fit in r]) for r in runs]
            )
        first = runs[0]
        self.kind = np.repeat(
            [self.artifacts.index(fit.artifact) for fit in first],
            [len(fit.truth) for fit in first],
        )
        self.truth = np.concatenate([fit.truth for fit in first])
        self.head = np.concatenate([fit.head for fit in first])
        self.cell = 9 * self.kind + 3 * self.truth
        self.weight = np.ones((len(self.artifacts), 3))
        if view == "LISA":
            names = [LISA_ARTIFACTS[COLUMNS.index(name)] for name in self.artifacts]
            counts = np.array([LISA_2025.counts[name] for name in names], dtype=float)
            self.weight = 3 * counts / counts.sum(axis=1, keepdims=True)

    def predictions(self, row):
        """Return the most probable grades, (n_runs, n_scans)."""
        return self.rows[row].argmax(axis=-1)
