"""Time SeverityClassifier against a hand-written torch loop over the same batches.

Run ``python benchmarks/epoch.py``. Promises: an epoch costs at most 1.05 times the
loop, and gradient reweighting at most 1.03 times plain cross-entropy.
"""

import argparse
from statistics import median
from time import perf_counter

import numpy as np
import torch
from machine import describe_machine
from torch.nn import functional as F

from briqa_sk import SeverityClassifier
from briqa_sk.networks import CompactNet
from briqa_sk.sampling import ShuffledBatchSampler

N_SCANS, SIZE, BATCH_SIZE, N_EPOCHS = 64, 48, 8, 5


def classifier(**params):
    """Return a classifier for the timed fits."""
    return SeverityClassifier(
        batches="shuffled",
        max_epochs=N_EPOCHS,
        batch_size=BATCH_SIZE,
        schedule=None,
        device="cpu",
        random_state=0,
        **{"criterion": "cross_entropy", **params},
    )


def hand_written_loop(X, y):
    """Train the same network on the same batches, as one would without a library."""
    torch.manual_seed(0)
    net = CompactNet()(in_channels=1, n_outputs=3)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    sampler = ShuffledBatchSampler(y, BATCH_SIZE, random_state=0)
    for _ in range(N_EPOCHS):
        losses = []
        for batch in sampler:
            x = torch.from_numpy(X[batch])[:, None]
            loss = F.cross_entropy(net(x), torch.from_numpy(y[batch]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())


def time_pairs(first, second, n_runs):
    """Return the times of two actions, run in turn and each as often the first."""
    times = np.empty((n_runs + 1, 2))
    for run in range(len(times)):
        for column in (0, 1) if run % 2 else (1, 0):
            start = perf_counter()
            (first, second)[column]()
            times[run, column] = (perf_counter() - start) / N_EPOCHS
    return times[1:]  # the first run warms up


def show(title, names, times):
    """Print the medians and the ratio, pair by pair."""
    ratio = median(times[:, 0] / times[:, 1])
    low, high = np.percentile(times[:, 0] / times[:, 1], [25, 75])
    print(f"{title}: median of {len(times)} pairs, one epoch of {N_SCANS} scans")
    for name, column in zip(names, times.T, strict=True):
        print(f"  {name:28} {median(column):.3f} s")
    print(f"  {'ratio':28} {ratio:.3f} (middle half {low:.3f} to {high:.3f})")


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40, help="timed pairs")
    n_runs = parser.parse_args().runs
    torch.set_num_threads(1)
    print(describe_machine())
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_SCANS, SIZE, SIZE, SIZE)).astype(np.float32)
    y = rng.integers(3, size=N_SCANS)
    show(
        "epoch overhead",
        ["SeverityClassifier", "hand-written loop"],
        time_pairs(
            lambda: classifier().fit(X, y), lambda: hand_written_loop(X, y), n_runs
        ),
    )
    show(
        "gradient reweighting",
        ["criterion='reweighted'", "criterion='cross_entropy'"],
        time_pairs(
            lambda: classifier(criterion="reweighted").fit(X, y),
            lambda: classifier().fit(X, y),
            n_runs,
        ),
    )


if __name__ == "__main__":
    main()
