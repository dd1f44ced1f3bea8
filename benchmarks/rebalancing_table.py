"""Tables and the picture of ``rebalancing.py``, from its results.

Scores are averages over artifacts and seeds. Intervals hold 95 % of 1,000 resamples of
the 37 people, for differences of the training runs as well. "CE" is cross-entropy,
"default" has the default's loss and batches at as many steps as the others, and "best
other" is the highest macro F1 of the view among the rules that are not the row itself,
know no truth and see no simulated scans. "by chance" is what the calibration error
would be had the true grades been drawn from the very probabilities: of so many scans,
it is never 0. Columns are separated by tabs and padded with blanks, so that a table can
be read as text, too.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from rebalancing_results import VIEWS, Results, complete, read_fits, with_controls
from rebalancing_rows import REFERENCE, find_default, is_candidate

DOCS = Path(__file__).parents[1] / "docs"
SCORES = ("macro F1", "weighted F1", "composite", "kappa")
MACRO_F1 = "macro F1 (95 %)"
N_RESAMPLES, N_DRAWS, N_BINS = 1000, 200, 15
_TINY = np.finfo(float).tiny
_SQUARED = np.subtract.outer(range(3), range(3)) ** 2


class Bootstrap:
    """Scores of all rules over the same resamples of people and of training runs.

    What :func:`briqa_sk.metrics.paired_difference` does for two rules.

    Attributes
    ----------
    scores : dict of str to ndarray of shape (n_runs, 1 + N_RESAMPLES, 4)
        Scores of each rule, those of the people as they are first.
    runs : ndarray of shape (N_RESAMPLES, n_runs)
        How much each run counts in a resample; rows sum to 1.
    """

    def __init__(self, results):
        people, person = np.unique(results.head, return_inverse=True)
        n_people, n_runs = len(people), len(next(iter(results.rows.values())))
        rng = np.random.default_rng(0)
        drawn = rng.multinomial(n_people, np.full(n_people, 1 / n_people), N_RESAMPLES)
        times = np.vstack([np.ones(n_people, int), drawn])
        self.runs = rng.multinomial(n_runs, np.full(n_runs, 1 / n_runs), N_RESAMPLES)
        self.runs = self.runs / n_runs
        shape = (n_people, *results.weight.shape, 3)
        cell = person * results.weight.size * 3 + results.cell
        self.scores = {}
        for row in results.rows:
            counts = [
                np.bincount(cell + run, minlength=np.prod(shape)).reshape(n_people, -1)
                for run in results.predictions(row)
            ]
            self.scores[row] = np.stack(
                [
                    score((times @ c).reshape(-1, *shape[1:]), results.weight)
                    for c in counts
                ]
            )

    def of(self, row):
        """Return the scores of a rule and the ends of their intervals, (3, 4)."""
        middle, *resampled = self.scores[row].mean(axis=0)
        return np.vstack([middle, np.percentile(resampled, [2.5, 97.5], axis=0)])

    def difference(self, row, reference):
        """Return the same of the difference of two rules."""
        runs = self.scores[row] - self.scores[reference]
        resampled = np.einsum("br,rbs->bs", self.runs, runs[:, 1:])
        ends = np.percentile(resampled, [2.5, 97.5], axis=0)
        return np.vstack([runs[:, 0].mean(axis=0), ends])


def confusion(results, predicted):
    """Return weights, (n_artifacts, 3 true grades, 3 predicted grades)."""
    counts = np.bincount(results.cell + predicted, minlength=3 * results.weight.size)
    return counts.reshape(-1, 3, 3) * results.weight[:, :, None]


def f_of_grades(counts, beta):
    """Return the F score of each grade, (..., 3); beta=0 is the precision."""
    hits = counts.diagonal(axis1=-2, axis2=-1)
    true, named = counts.sum(axis=-1), counts.sum(axis=-2)
    return (1 + beta**2) * hits / np.maximum(beta**2 * true + named, _TINY)


def score(counts, weight):
    """Return the four scores of (..., n_artifacts, 3, 3) counts, (..., 4).

    The composite is what ranks the teams of LISA: the mean of F1, F2, precision, recall
    and accuracy, each weighted by the frequency of the grades, which makes the last
    two the same.
    """
    counts = counts * weight[:, :, None]
    true, named = counts.sum(axis=-1), counts.sum(axis=-2)
    n = counts.sum(axis=(-2, -1))
    f = {beta: f_of_grades(counts, beta) for beta in (0, 1, 2)}
    precision, f1, f2 = ((true * f[beta]).sum(axis=-1) / n for beta in f)
    recall = counts.trace(axis1=-2, axis2=-1) / n
    by_chance = true[..., :, None] * named[..., None, :] / n[..., None, None]
    missed, expected = ((_SQUARED * c).sum(axis=(-2, -1)) for c in (counts, by_chance))
    composite = (f1 + f2 + precision + 2 * recall) / 5
    by_artifact = [f[1].mean(axis=-1), f1, composite, 1 - missed / expected]
    return np.stack(by_artifact, axis=-1).mean(axis=-2)


def calibration_errors(truth, proba, weight):
    """Return that of ``briqa_sk.metrics``, of weighted scans, for each row of truth.

    ``truth`` is (n_draws, n_scans), ``proba`` (n_scans, 3), ``weight`` (3,).
    """
    confidence = proba.max(axis=1)
    place = np.clip(np.ceil(confidence * N_BINS).astype(int) - 1, 0, N_BINS - 1)
    share = weight[truth] / weight[truth].sum(axis=1, keepdims=True)
    gaps = share * ((truth == proba.argmax(axis=1)) - confidence)
    return np.abs(gaps @ np.eye(N_BINS)[place]).sum(axis=1)


def draw_truth(proba, weight, rng):
    """Draw grades for which probabilities are right, (n_draws, n_scans).

    Weights belong to true grades, so the scans themselves are a population in which a
    grade is rarer than in the view by its weight.
    """
    here = (proba / weight).cumsum(axis=1)
    drawn = rng.random((N_DRAWS, len(proba), 1)) * here[:, -1:]
    return (drawn > here[:, :2]).sum(axis=2)


def calibrate(results, row):
    """Return the calibration error, and what it would be by chance."""
    rng = np.random.default_rng(0)
    errors = []
    for run in results.rows[row]:
        for kind, weight in enumerate(results.weight):
            own = results.kind == kind
            proba, truth = run[own], results.truth[own]
            ideal = draw_truth(proba, weight, rng)
            parts = [calibration_errors(t, proba, weight) for t in (truth[None], ideal)]
            errors.append([part.mean() for part in parts])
    return np.mean(errors, axis=0)


def describe(results, bootstrap, row, best):
    """Return one line of the table; ``best`` are the two highest candidates."""
    (macro_f1, *rest), low, high = bootstrap.of(row)
    counts = sum(confusion(results, r).sum(axis=0) for r in results.predictions(row))
    recalls = counts.diagonal() / counts.sum(axis=1)
    calibration, by_chance = calibrate(results, row)
    line = {
        "rule": row,
        MACRO_F1: f"{macro_f1:.3f} ({low[0]:.3f} to {high[0]:.3f})",
        **{name: f"{x:.3f}" for name, x in zip(SCORES[1:], rest, strict=True)},
        "recall 0, 1, 2": ", ".join(f"{recall:.2f}" for recall in recalls),
        "calibration error": f"{calibration:.3f}",
        "by chance": f"{by_chance:.3f}",
        "more than by chance": f"{calibration - by_chance:+.3f}",
    }
    for name in SCORES[:3]:
        line[f"{name} minus CE (95 %)"] = compare(bootstrap, row, REFERENCE, name)
    other = next(name for name in best if name != row)
    for name, reference in (("default", find_default()), ("best other", other)):
        line[f"minus {name} (95 %)"] = compare(bootstrap, row, reference)
    line["worst artifact against CE"] = find_worst(results, row)
    return line


def compare(bootstrap, row, reference, name=SCORES[0]):
    """Return the difference of two rows in one score, and its interval."""
    if row == reference or reference not in bootstrap.scores:
        return ""
    differences = bootstrap.difference(row, reference)[:, SCORES.index(name)]
    return "{:+.3f} ({:+.3f} to {:+.3f})".format(*differences)


def find_worst(results, row):
    """Return where the rule gains least on cross-entropy, in macro F1."""
    own, base = (
        np.mean(
            [
                f_of_grades(confusion(results, run), beta=1).mean(axis=1)
                for run in results.predictions(name)
            ],
            axis=0,
        )
        for name in (row, REFERENCE)
    )
    worst = int((own - base).argmin())
    return f"{(own - base)[worst]:+.3f} {results.artifacts[worst]}"


def tabulate(results, view):
    """Return the lines of one view, the best first."""
    bootstrap = Bootstrap(results)
    order = sorted(results.rows, key=lambda row: bootstrap.of(row)[0, 0], reverse=True)
    best = [row for row in order if is_candidate(row)][:2]
    lines = pd.DataFrame([describe(results, bootstrap, row, best) for row in order])
    lines.insert(0, "view", view)
    return lines


def draw(tables, path):
    """Draw macro F1 and its interval of networks over metrics, a panel per rater."""
    panels = [key for key in sorted(tables, reverse=True) if key[0] == "metrics"]
    if not panels:
        return
    first = tables[panels[len(panels) // 2]]
    order = first.loc[first["view"] == VIEWS[0], "rule"][::-1]
    figure, axes = plt.subplots(
        1, len(panels), sharey=True, figsize=(9, 0.26 * len(order) + 1), squeeze=False
    )
    for axis, (on, kappa) in zip(axes[0], panels, strict=True):
        for view, colour in zip(VIEWS, ("C0", "C3"), strict=True):
            table = tables[on, kappa].query("view == @view").set_index("rule")
            numbers = table[MACRO_F1].str.extract(r"(\S+) \((\S+) to (\S+)\)")
            numbers = numbers.astype(float).reindex(order)
            middle, ends = numbers[0], numbers[[1, 2]]
            errors = np.abs(ends.sub(middle, axis=0)).to_numpy().T
            axis.errorbar(
                middle,
                order,
                xerr=errors,
                fmt="o",
                ms=3,
                lw=1,
                color=colour,
                label=view,
            )
            axis.axvline(middle[REFERENCE], color=colour, lw=1, alpha=0.5)
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


def as_markdown(table):
    """Return a table as other benchmarks print theirs."""
    rule = ["---"] * table.shape[1]
    lines = [table.columns, rule, *table.itertuples(index=False)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


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
        digest.append(f"{describe_fits(fits)}; default: {find_default()}\n")
        fits = with_controls(fits)
        lines = pd.concat([tabulate(Results(fits, view), view) for view in VIEWS])
        tables[on, kappa] = lines
        (DOCS / f"rebalancing-{on}-{kappa:g}.tsv").write_text(pad(lines))
        digest += [f"\n{as_markdown(part)}" for part in both_views(lines)] + ["\n"]
    draw(tables, DOCS / "_static" / "rebalancing.png")
    return "".join(digest)


def both_views(lines):
    """Return what a page has room for: scores in both views, and the calibration."""
    sides = [lines[lines["view"] == view].set_index("rule") for view in VIEWS]
    columns = [
        [MACRO_F1, "kappa", "minus default (95 %)"],
        [MACRO_F1, "weighted F1", "composite", "kappa"],
    ]
    calibration = ["calibration error", "by chance", "more than by chance"]
    for chosen in (columns, [calibration, calibration]):
        parts = [
            side[names].add_prefix(f"{view}: ")
            for side, names, view in zip(sides, chosen, VIEWS, strict=True)
        ]
        yield parts[0].join(parts[1]).reset_index()


def describe_fits(fits):
    """Say what the fits of a table are."""
    names = ("row", "artifact", "fold", "seed")
    return ", ".join(f"{name}s: {fits[name].nunique()}" for name in names)
