"""Tables and the picture of ``rebalancing.py``, from its results.

Intervals hold 95 % of 1,000 resamples of the 37 people, for differences of the training
runs as well. Columns marked LISA weigh the grades as they occur in LISA 2025.
"""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from rebalancing_data import COLUMNS
from sklearn.metrics import fbeta_score, precision_score, recall_score

from briqa_sk.metrics import (
    bootstrap_interval,
    calibration_error,
    macro_averaged_mae,
    paired_difference,
    quadratic_kappa,
)
from briqa_sk.simulation import LISA_2025, LISA_ARTIFACTS

DOCS = Path(__file__).parents[1] / "docs"
GRADES = (0, 1, 2)
SCORE = "macro F1 (95 %)"
PAPER = ("paper (reweighting + rotating)", "paper, with plane head")
SCAN = ["artifact", "truth", "head"]


class Results:
    """Everything that was predicted by one kind of network under one rater."""

    def __init__(self, fits):
        fits = fits.sort_values(["seed", "fold", "artifact"])
        self.artifacts = sorted(fits["artifact"].unique(), key=COLUMNS.index)
        self.rows, first = {}, None
        n_most = fits.groupby("row").size().max()
        for row, own in fits.groupby("row", sort=False):
            if len(own) < n_most:
                continue  # not complete yet
            scans = own.explode(["truth", "head", "proba"])
            runs = [run for _, run in scans.groupby("seed")]
            first = runs[0] if first is None else first
            self.rows[row] = np.stack([np.stack(run["proba"]) for run in runs])
        self.kind = first["artifact"].map(self.artifacts.index).to_numpy(int)
        self.truth = first["truth"].to_numpy(int)
        self.head = first["head"].to_numpy(int)
        self.cell = 9 * self.kind + 3 * self.truth

    def predictions(self, row):
        """Return the most probable grades, (n_runs, n_scans)."""
        return self.rows[row].argmax(axis=-1)

    def per_artifact(self, score, *arrays):
        """Average a score over artifacts; it is given the scans of one at a time."""
        n_artifacts = len(self.artifacts)
        members = [self.kind == kind for kind in range(n_artifacts)]
        return np.mean([score(*(a[own] for a in arrays)) for own in members])


def confusion(cell, predicted):
    """Return counts, (n_artifacts, 3 true grades, 3 predicted grades)."""
    n_artifacts = cell.max() // 9 + 1
    counts = np.bincount(cell + predicted, minlength=9 * n_artifacts)
    return counts.reshape(n_artifacts, 3, 3)


def f1_of_artifacts(cell, predicted):
    """Return the macro F1 of each artifact."""
    counts = confusion(cell, predicted)
    right = counts.diagonal(axis1=1, axis2=2)
    return (2 * right / (counts.sum(axis=1) + counts.sum(axis=2))).mean(axis=1)


def macro_f1(cell, predicted):
    """Return the macro F1, averaged over artifacts."""
    return f1_of_artifacts(cell, predicted).mean()


def mean_of_runs(cell, predicted):
    """Return the macro F1 averaged over artifacts and runs, (n_scans, n_runs)."""
    return np.mean([macro_f1(cell, run) for run in predicted.T])


def lisa_scores(results, predicted):
    """Return weighted F1 and the composite of the challenge, at its proportions."""
    scores = []
    for kind, name in enumerate(results.artifacts):
        own = results.kind == kind
        truth, guess = results.truth[own], predicted[own]
        counts = np.asarray(LISA_2025.counts[LISA_ARTIFACTS[COLUMNS.index(name)]])
        weight = (counts / np.bincount(truth, minlength=3))[truth]
        common = {"average": "weighted", "sample_weight": weight, "zero_division": 0}
        f1, f2 = (fbeta_score(truth, guess, beta=beta, **common) for beta in (1, 2))
        recall = recall_score(truth, guess, **common)  # equals the accuracy
        precision = precision_score(truth, guess, **common)
        scores.append((f1, np.mean([f1, f2, precision, recall, recall])))
    return np.mean(scores, axis=0)


def describe(results, row):
    """Return one line of the table."""
    runs = results.predictions(row)
    low, high = bootstrap_interval(
        mean_of_runs, results.cell, runs.T, groups=results.head, random_state=0
    )
    counts = sum(confusion(results.cell, run).sum(axis=0) for run in runs)
    recalls = counts.diagonal() / counts.sum(axis=1)

    def average(score, predictions):
        return np.mean(
            [results.per_artifact(score, results.truth, p) for p in predictions]
        )

    def calibration(truth, proba):
        return calibration_error(truth, proba, classes=GRADES)

    def kappa(truth, predicted):
        return quadratic_kappa(truth, predicted, grades=GRADES)

    weighted_f1, composite = np.mean([lisa_scores(results, r) for r in runs], axis=0)
    line = {
        "rule": row,
        SCORE: f"{mean_of_runs(results.cell, runs.T):.3f} ({low:.3f} to {high:.3f})",
        "balanced accuracy": f"{recalls.mean():.3f}",
        "recall 0, 1, 2": ", ".join(f"{recall:.2f}" for recall in recalls),
        "quadratic kappa": f"{average(kappa, runs):.3f}",
        "macro MAE": f"{average(macro_averaged_mae, runs):.3f}",
        "calibration error": f"{average(calibration, results.rows[row]):.3f}",
        "LISA: weighted F1, composite": f"{weighted_f1:.3f}, {composite:.3f}",
    }
    for name, reference in references(results.rows).items():
        line[f"minus {name} (95 %)"] = compare(results, row, reference)
    base = results.predictions("cross-entropy")
    change = np.mean([f1_of_artifacts(results.cell, run) for run in runs], axis=0)
    change -= np.mean([f1_of_artifacts(results.cell, run) for run in base], axis=0)
    worst = int(change.argmin())
    line["worst artifact against CE"] = (
        f"{change[worst]:+.3f} {results.artifacts[worst]}"
    )
    return line


def references(rows):
    """Return what the others are compared with."""
    return {"CE": "cross-entropy", "paper": next(row for row in PAPER if row in rows)}


def compare(results, row, reference):
    """Return the difference of two rows and its interval."""
    if row == reference:
        return ""
    d = paired_difference(
        results.cell,
        results.predictions(row),
        results.predictions(reference),
        macro_f1,
        groups=results.head,
        random_state=0,
    )
    return f"{d.difference:+.3f} ({d.low:+.3f} to {d.high:+.3f})"


def read_fits(work):
    """Return everything that has been fitted, with lists for what was JSON."""
    tables = [pd.read_csv(path, sep="\t") for path in sorted(work.glob("fits-*.tsv"))]
    fits = pd.concat(tables, ignore_index=True)
    for column in ("truth", "head", "proba"):
        fits[column] = fits[column].map(json.loads)
    return fits


def draw(tables, path):
    """Draw macro F1 and its interval, a panel per rater."""
    panels = [key for key in sorted(tables, reverse=True) if key[0] == "metrics"]
    order = tables[panels[len(panels) // 2]].sort_values(SCORE)["rule"]
    figure, axes = plt.subplots(
        1, len(panels), sharey=True, figsize=(9, 0.26 * len(order) + 1), squeeze=False
    )
    for axis, (on, kappa) in zip(axes[0], panels, strict=True):
        table = tables[on, kappa].set_index("rule").reindex(order)
        numbers = table[SCORE].str.extract(r"(\S+) \((\S+) to (\S+)\)").astype(float)
        score, ends = numbers[0], numbers[[1, 2]]
        errors = np.abs(ends.sub(score, axis=0)).to_numpy().T
        axis.errorbar(score, order, xerr=errors, fmt="o", ms=3, lw=1, color="0.3")
        for reference, colour in zip(
            references(score).values(), ("C0", "C3"), strict=True
        ):
            axis.axvline(score[reference], color=colour, lw=1, label=reference)
        axis.set(title=f"rater's kappa {kappa:g}", xlabel="macro F1")
        axis.grid(axis="x", alpha=0.3)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="lower left", fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def write_tables(work):
    """Write a table per kind of network and rater, and the picture; return a digest."""
    tables, summary = {}, []
    for (on, kappa), fits in read_fits(work).groupby(["on", "kappa"]):
        results = Results(fits)
        lines = pd.DataFrame([describe(results, row) for row in results.rows])
        lines = lines.sort_values(SCORE, ascending=False)
        tables[on, kappa] = lines
        name = f"rebalancing-{on}-{kappa:g}"
        lines.to_csv(Path(__file__).with_name(f"{name}.tsv"), sep="\t", index=False)
        text = lines.to_string(index=False, justify="left")
        (DOCS / f"{name}.txt").write_text(f"{text}\n")
        summary.append(f"{on}, rater's kappa {kappa:g}, {len(results.artifacts)}\n")
        summary.append(lines.iloc[:, [0, 1, -3, -2, -1]].to_string(index=False))
        summary.append("\n")
    draw(tables, DOCS / "_static" / "rebalancing.png")
    return "".join(summary)
