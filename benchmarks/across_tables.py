"""Tables of ``across_simulators.py``: scores with intervals over people."""

from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import rankdata

N_RESAMPLES = 300


def auc_of(positive, grade, expected, effect):
    """Return the AUC of some grades against grade 0."""
    is_high, is_none = np.isin(grade, positive), grade == 0
    n_high, n_none = is_high.sum(), is_none.sum()
    if not (n_high and n_none):
        return np.nan
    ranks = rankdata(np.concatenate([expected[is_high], expected[is_none]]))[:n_high]
    return (ranks.sum() - n_high * (n_high + 1) / 2) / (n_high * n_none)


def spearman(grade, expected, effect):
    """Return the rank correlation of the expected grade with the realised effect."""
    return np.corrcoef(rankdata(expected), rankdata(effect))[0, 1]


SCORES = {
    "AUC of grade 2 against 0": partial(auc_of, [2]),
    "AUC of grades 1 and 2 against 0": partial(auc_of, [1, 2]),
    "Spearman of the expected grade with the effect": spearman,
}


class Side:
    """Predictions of one (tested, trained) pair of simulators, by person."""

    def __init__(self, rows):
        self.columns = [rows[c].to_numpy() for c in ("grade", "expected", "effect")]
        self.rows_of = rows.reset_index(drop=True).groupby("person").indices

    def score(self, score, people):
        """Return the score over people, as often as they are given."""
        index = np.concatenate([self.rows_of[person] for person in people])
        return score(*(column[index] for column in self.columns))


def with_interval(value, values):
    """Return a number with the interval of 95 % of its resamples."""
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def compare(rows, score):
    """Return the cells of one line: both test sides, each by both training sides."""
    sides = {key: Side(part) for key, part in rows.groupby(["tested", "trained"])}
    people = rows["person"].unique()
    rng = np.random.default_rng(0)
    samples = [people, *(rng.choice(people, len(people)) for _ in range(N_RESAMPLES))]
    scores = pd.DataFrame(
        {key: [side.score(score, s) for s in samples] for key, side in sides.items()}
    )
    whole, samples = scores.iloc[0], scores.iloc[1:]
    cells = []
    for tested, other in (("torchio", "ours"), ("ours", "torchio")):
        across, within = (tested, other), (tested, tested)
        cells += [with_interval(whole[s], samples[s]) for s in (across, within)]
        gaps = samples[across] - samples[within]
        cells.append(with_interval(whole[across] - whole[within], gaps))
    return cells


def print_tables(predictions):
    """Print a table for each model and score."""
    titles = ["ours -> TorchIO", "TorchIO -> TorchIO", "difference"]
    titles += ["TorchIO -> ours", "ours -> ours", "difference"]
    for model, rows in predictions.groupby("model", sort=False):
        for name, score in SCORES.items():
            print(f"\n{model}: {name}\n")
            print(f"| artifact | {' | '.join(titles)} |")
            print("|---" * (1 + len(titles)) + "|")
            for artifact, own in rows.groupby("artifact", sort=False):
                print(f"| {artifact} | {' | '.join(compare(own, score))} |", flush=True)
    print("\nTest scans of each grade (not graded: too weak for 1, too strong for 0)\n")
    print("| artifact | TorchIO 0 | 1 | 2 | not graded | ours 0 | 1 | 2 |")
    print("|---|---|---|---|---|---|---|---|")
    first = predictions[predictions["model"] == predictions["model"].iloc[0]]
    first = first[first["trained"] == "ours"]
    for artifact, rows in first.groupby("artifact", sort=False):
        theirs, ours = (rows[rows["tested"] == s]["grade"] for s in ("torchio", "ours"))
        counts = [(theirs == g).sum() for g in range(3)] + [theirs.isna().sum()]
        counts += [(ours == g).sum() for g in range(3)]
        print(f"| {artifact} | {' | '.join(map(str, counts))} |")
