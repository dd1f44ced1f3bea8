"""Time RotatingBatchSampler on ten million labels, beside torch's BatchSampler.

Run ``python benchmarks/sampling.py``. Promise: built in 3 s, 1e6 indices per second.
"""

from time import perf_counter

import numpy as np
from machine import describe_machine
from torch.utils.data import BatchSampler, WeightedRandomSampler

from briqa_sk.sampling import RotatingBatchSampler

N_LABELS = 10_000_000
N_DRAWN = 4_000_000
BATCH_SIZE = 4


def timed(action):
    """Return what an action returns, and how many seconds it took."""
    start = perf_counter()
    result = action()
    return result, perf_counter() - start


def count_indices(sampler):
    """Run through one epoch and return the number of indices."""
    return sum(map(len, sampler))


def peer(y):
    """Balance by weights as torch does: random draws, each class equally likely."""
    weights = (1 / np.bincount(y))[y]
    return BatchSampler(WeightedRandomSampler(weights, N_DRAWN), BATCH_SIZE, False)


def main():
    """Measure both sides and print the ratios."""
    print(describe_machine())
    rng = np.random.default_rng(0)
    y = rng.choice(3, size=N_LABELS, p=[0.8, 0.15, 0.05])
    n_batches = N_DRAWN // BATCH_SIZE
    rows = {}
    for name, build in {
        "briqa_sk": lambda: RotatingBatchSampler(
            y, BATCH_SIZE, n_batches=n_batches, random_state=0
        ),
        "torch": lambda: peer(y),
    }.items():
        sampler, seconds = timed(build)
        n_indices, epoch_seconds = timed(lambda s=sampler: count_indices(s))
        rows[name] = seconds, n_indices / epoch_seconds
        print(f"{name:9} built in {seconds:.2f} s, {rows[name][1]:.2e} indices/s")
    ratio = rows["briqa_sk"][1] / rows["torch"][1]
    print(f"briqa_sk deals {ratio:.2f} times as many indices per second")


if __name__ == "__main__":
    main()
