"""Time to load and preprocess a scan: briqa_sk against TorchIO and MONAI.

``.nii.gz`` as scanned -> RAS -> 1.5 mm trilinear -> 128^3 -> z-score, one thread, all
three in turn on the same files, so that a busy machine slows all of them. Prints one
table; the ratio is the median over rounds of peer / ours within one round.

Run ``python benchmarks/loading.py --data FOLDER`` with the extra ``bench`` installed;
FOLDER has a folder ``fullres`` of scans.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy loads its BLAS
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import sys
import time
from pathlib import Path

import monai.transforms as mt
import numpy as np
import SimpleITK
import torch
import torchio as tio
from machine import describe_machine
from sklearn.pipeline import make_pipeline

from briqa_sk import CropOrPad, LoadVolumes, Resample, StandardizeIntensity

SHARED = Path(__file__).parents[2] / "shared" / "data"
SPACING_MM, SIZE = 1.5, 128
PACKAGES = ["briqa_sk", "torchio", "monai", "SimpleITK", "nibabel", "isal", "numpy"]


def make_ours():
    """Return path -> array of our pipeline."""
    pipe = make_pipeline(
        LoadVolumes("RAS"),
        Resample(SPACING_MM),
        CropOrPad(SIZE),
        StandardizeIntensity(),
    )
    return lambda path: pipe.fit_transform([path])[0].data


def make_torchio():
    """Return path -> array of TorchIO's transforms."""
    transform = tio.Compose(
        [
            tio.ToCanonical(),
            tio.Resample(SPACING_MM),
            tio.CropOrPad(SIZE),
            tio.ZNormalization(),
        ]
    )
    return lambda path: transform(tio.ScalarImage(path)).data[0].numpy()


def make_monai():
    """Return path -> array of MONAI's transforms."""
    transform = mt.Compose(
        [
            mt.LoadImage(image_only=True),
            mt.EnsureChannelFirst(),
            mt.Orientation("RAS"),
            mt.Spacing(SPACING_MM, mode="bilinear"),
            mt.ResizeWithPadOrCrop(SIZE),
            mt.NormalizeIntensity(),
        ]
    )
    return lambda path: transform(path)[0].numpy()


def measure(loaders, paths, n_rounds):
    """Return seconds of shape (n_rounds, n_paths, n_loaders), taken in turn."""
    seconds = np.empty((n_rounds, len(paths), len(loaders)))
    for index in np.ndindex(*seconds.shape[:2]):
        for column, load in enumerate(loaders):
            start = time.perf_counter()
            load(paths[index[1]])
            seconds[(*index, column)] = time.perf_counter() - start
    return seconds


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    paths = sorted(str(path) for path in (args.data / "fullres").glob("*.nii.gz"))
    if not paths:
        parser.error(f"no .nii.gz files in {args.data / 'fullres'}")

    torch.set_num_threads(1)
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    names = ["briqa_sk", "torchio", "monai"]
    loaders = [make_ours(), make_torchio(), make_monai()]
    results = [[load(path) for load in loaders] for path in paths]  # and warm up
    seconds = measure(loaders, paths, args.rounds).reshape(-1, len(loaders))
    ratios = np.median(seconds / seconds[:, :1], axis=0)

    lines = [
        describe_machine(PACKAGES),
        f"files: {len(paths)}, rounds: {args.rounds}, one thread\n",
        "| loader | median ms | time / ours | correlation with torchio |",
        "|---|---|---|---|",
    ]
    for column, name in enumerate(names):
        correlation = min(
            np.corrcoef(row[column].ravel(), row[1].ravel())[0, 1] for row in results
        )
        median = 1e3 * np.median(seconds[:, column])
        lines.append(
            f"| {name} | {median:.1f} | {ratios[column]:.2f} | {correlation:.5f} |"
        )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
