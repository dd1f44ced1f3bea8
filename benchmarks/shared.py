"""What seven artifacts with one encoder cost, and the score of the challenge.

Processor time per batch of one fit, the smallest of ``--runs``: one artifact against
seven with ``MultiArtifactClassifier(encoder="shared")``, `CompactNet`, 48 voxels along
each axis, eight scans per batch. And ``lisa_score`` of 100,000 rows.
"""

import argparse
import time

import numpy as np
import pandas as pd
import torch
from machine import describe_machine

from briqa_sk import SeverityClassifier
from briqa_sk.estimators import MultiArtifactClassifier
from briqa_sk.metrics import LISA_ARTIFACTS, lisa_score

N_SCANS, SIZE = 96, 48
PAIRS = [
    ("logit_adjusted", "balanced"),
    ("cross_entropy", "shuffled"),
    ("reweighted", "rotating"),
]


def time_per_batch(classifier, X, y):
    """Return processor time per batch of a fit, in milliseconds."""
    start = time.process_time()
    classifier.fit(X, y)
    spent = time.process_time() - start
    history = classifier.history_
    return 1e3 * spent / sum(len(epoch["batches"]) for epoch in history)


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    n_runs = parser.parse_args().runs
    torch.set_num_threads(1)
    print(describe_machine())
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_SCANS, SIZE, SIZE, SIZE)).astype(np.float32)
    shape = (N_SCANS, len(LISA_ARTIFACTS))
    Y = rng.choice(3, size=shape, p=[0.6, 0.25, 0.15])
    print("| criterion | batches | one, ms | seven, ms | ratio (aim <= 1.3) |")
    print("|---|---|---|---|---|")
    for criterion, batches in PAIRS:
        grader = SeverityClassifier(
            criterion=criterion,
            batches=batches,
            max_epochs=3,
            device="cpu",
            random_state=0,
        )
        shared = MultiArtifactClassifier(grader, encoder="shared")
        times = [
            (time_per_batch(grader, X, Y[:, 0]), time_per_batch(shared, X, Y))
            for _ in range(n_runs)
        ]
        one, seven = np.min(times, axis=0)
        print(
            f"| {criterion} | {batches} | {one:.1f} | {seven:.1f} | {seven / one:.2f} |"
        )
    names = [f"LISA_{number:06d}_LF_axi.nii.gz" for number in range(100_000)]
    grades = rng.integers(3, size=(len(names), len(LISA_ARTIFACTS)))
    truth = pd.DataFrame(grades, index=names, columns=LISA_ARTIFACTS)
    start = time.perf_counter()
    lisa_score(truth, truth[::-1])
    print(f"lisa_score of {len(names)} rows: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main()
