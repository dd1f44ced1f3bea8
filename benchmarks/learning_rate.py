"""Which learning rate suits few scans? Noise in head phantoms, three grades.

``CompactNet`` learns from 12, 24 and 48 scans for 20 epochs, other networks from 72
scans for 8; all are tested on 60 scans of other heads. Everything else is the default
of SeverityClassifier.
"""

import argparse

import numpy as np
import torch
from machine import describe_machine
from sklearn.metrics import f1_score

from briqa_sk import SeverityClassifier
from briqa_sk.datasets import make_graded_heads

LEARNING_RATES = (1e-3, 2e-3, 3e-3)
SIZES = (12, 24, 48)
OTHERS = ("densenet121", "resnet18", "efficientnet-b0", "vit")


def make_scans(n_subjects, seed):
    """Return standardized volumes of three scans per head, and their grades."""
    volumes, y, _ = make_graded_heads(
        n_subjects, scans_per_subject=3, random_state=seed
    )
    X = np.stack([volume.data for volume in volumes])
    axes = (1, 2, 3)
    return (X - X.mean(axes, keepdims=True)) / X.std(axes, keepdims=True), y


def macro_f1(training, test, **params):
    """Return the macro F1 of a classifier."""
    clf = SeverityClassifier(device="cpu", **params).fit(*training)
    return f1_score(test[1], clf.predict(test[0]), average="macro")


def draw(X, y, size, seed):
    """Return as many scans of each grade as there are, up to a third of size."""
    order = np.random.default_rng(seed).permutation(len(y))
    index = [order[y[order] == grade][: size // 3] for grade in np.unique(y)]
    index = np.concatenate(index)
    return X[index], y[index]


def print_row(first, scores):
    """Print a row of a table: the mean score of each rate, and the range of several."""
    cells = [
        f"{np.mean(s):.2f}" + (f" ({min(s):.2f} to {max(s):.2f})" if s[1:] else "")
        for s in scores
    ]
    print(f"| {first} | {' | '.join(cells)} |", flush=True)


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=4, help="of CompactNet")
    parser.add_argument("--others", nargs="*", default=OTHERS, help="networks, a seed")
    args = parser.parse_args()
    torch.set_num_threads(1)
    training, test = make_scans(24, 0), make_scans(20, 100)
    print(describe_machine())
    print(f"| macro F1 (range) | {' | '.join(map(str, LEARNING_RATES))} |")
    print("|---" * (1 + len(LEARNING_RATES)) + "|")
    for size in SIZES:
        parts = [draw(*training, size, seed) for seed in range(args.seeds)]
        n_scans = len(parts[0][1])
        scores = [
            [
                macro_f1(part, test, lr=lr, random_state=seed)
                for seed, part in enumerate(parts)
            ]
            for lr in LEARNING_RATES
        ]
        print_row(f"compact, {n_scans} scans", scores)
    for name in args.others:
        params = {"module": name, "max_epochs": 8, "random_state": 0}
        scores = [[macro_f1(training, test, lr=lr, **params)] for lr in LEARNING_RATES]
        print_row(f"{name}, {len(training[1])} scans", scores)


if __name__ == "__main__":
    main()
