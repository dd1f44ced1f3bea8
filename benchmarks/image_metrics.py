"""Time ImageQualityMetrics: scans per minute at 2 mm, and seconds per scan at 1 mm.

Run ``python benchmarks/image_metrics.py --data FOLDER``; FOLDER has folders ``ixi`` of
scans of 2 mm and ``fullres`` of scans as they were acquired, which are interpolated to
1 mm first. Reading the files counts at 2 mm, in one process and one thread. Promise: 60
scans per minute, and 5 s.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy loads its BLAS
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from machine import describe_machine

from briqa_sk import ImageQualityMetrics, LoadVolumes, Resample

SHARED = Path(__file__).parents[2] / "shared" / "data"
PACKAGES = ["briqa_sk", "scipy", "nibabel", "numpy"]


def seconds_of(X, n_rounds):
    """Return the seconds that each scan took, shape (n_rounds, n_scans)."""
    transformer = ImageQualityMetrics()
    seconds = np.empty((n_rounds, len(X)))
    for index in np.ndindex(seconds.shape):
        one = X[index[1] : index[1] + 1]
        start = perf_counter()
        transformer.transform(one)
        seconds[index] = perf_counter() - start
    return seconds


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    coarse = sorted(map(str, (args.data / "ixi").glob("*.nii.gz")))
    fine = sorted(map(str, (args.data / "fullres").glob("*.nii.gz")))
    if not (coarse and fine):
        parser.error(f"no .nii.gz files in the folders ixi and fullres of {args.data}")

    torch.set_num_threads(1)
    print(describe_machine(PACKAGES))
    seconds = seconds_of(LoadVolumes(orientation=None).transform(coarse), args.rounds)
    print(
        f"2 mm, {len(coarse)} scans: {60 / np.median(seconds):.0f} scans/min "
        f"(slowest scan {seconds.max():.2f} s)"
    )
    in_memory = list(Resample(1.0).transform(LoadVolumes().transform(fine)))
    seconds = seconds_of(in_memory, args.rounds)
    shapes = ", ".join("x".join(map(str, volume.shape)) for volume in in_memory)
    print(
        f"1 mm, {len(fine)} scans ({shapes}): {np.median(seconds):.2f} s per scan "
        f"(slowest {seconds.max():.2f} s)"
    )


if __name__ == "__main__":
    main()
