"""Tables and the picture of ``rebalancing.py``, from its results.

Intervals hold 95 % of 1,000 resamples of the 37 people, for differences of the training
runs as well. Columns marked LISA weigh the grades as they occur in LISA 2025. Columns
are separated by tabs and padded with blanks, so that a table can be read as text, too.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from rebalancing_data import COLUMNS
from rebalancing_results import REFERENCE, Results, complete, read_fits
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
    base = results.predictions(REFERENCE)
    change = np.mean([f1_of_artifacts(results.cell, run) for run in runs], axis=0)
    change -= np.mean([f1_of_artifacts(results.cell, run) for run in base], axis=0)
    worst = int(change.argmin())
    line["worst artifact against CE"] = (
        f"{change[worst]:+.3f} {results.artifacts[worst]}"
    )
    return line


def references(rows):
    """Return what the others are compared with: the first that is there."""
    names = {"CE": [REFERENCE], "paper": PAPER}
    found = {key: [row for row in names[key] if row in rows] for key in names}
    return {key: there[0] for key, there in found.items() if there}


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


def draw(tables, path):
    """Draw macro F1 and its interval of networks over metrics, a panel per rater."""
    panels = [key for key in sorted(tables, reverse=True) if key[0] == "metrics"]
    if not panels:
        return
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
        for name, reference in references(score).items():
            colour = {"CE": "C0", "paper": "C3"}[name]
            axis.axvline(score[reference], color=colour, lw=1, label=reference)
        axis.set(title=f"rater's kappa {kappa:g}", xlabel="macro F1")
        axis.grid(axis="x", alpha=0.3)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="lower left", fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def pad(table):
    """Return a table as text, separated by tabs, its columns padded to one width."""
    lines = [table.columns, *table.itertuples(index=False)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = [map(str.ljust, line, widths) for line in lines]
    return "".join("\t".join(cells).rstrip(" ") + "\n" for cells in padded)


def write_tables(work):
    """Write a table per kind of network and rater, and the picture; return a digest."""
    tables, digest = {}, []
    for (on, kappa), fits in read_fits(work).groupby(["on", "kappa"]):
        fits, missing = complete(fits)
        digest.append(f"{on}, rater's kappa {kappa:g}\n")
        digest += [f"left out: {row} (misses {n} fits)\n" for row, n in missing.items()]
        if fits.empty:
            digest.append(f"no table: {REFERENCE} has no complete seed\n\n")
            continue
        results = Results(fits)
        lines = pd.DataFrame([describe(results, row) for row in results.rows])
        lines = lines.sort_values(SCORE, ascending=False)
        tables[on, kappa] = lines
        (DOCS / f"rebalancing-{on}-{kappa:g}.tsv").write_text(pad(lines))
        short = lines.iloc[:, [0, 1, -3, -2, -1]].to_string(index=False)
        digest.append(f"{describe_fits(fits)}\n{short}\n\n")
    draw(tables, DOCS / "_static" / "rebalancing.png")
    return "".join(digest)


def describe_fits(fits):
    """Say what the fits of a table are."""
    names = ("row", "artifact", "fold", "seed")
    return ", ".join(f"{name}s: {fits[name].nunique()}" for name in names)
