"""Peak memory of a fit on 50 and on 400 files, each in a process of its own.

Run ``python benchmarks/memory.py``. Promise: the second needs at most 1.15 times the
memory of the first.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from machine import describe_machine
from sklearn.pipeline import make_pipeline

from briqa_sk import (
    CropOrPad,
    LoadVolumes,
    Resample,
    SeverityClassifier,
    StandardizeIntensity,
)
from briqa_sk.datasets import write_graded_heads

SHAPE = (96, 112, 96)
N_DISTINCT = 12
FEW, MANY = 50, 400


def fit(folder, n_scans):
    """Fit on the first scans of a folder and return the peak memory in MiB."""
    paths = sorted(map(str, Path(folder).glob("*.nii.gz")))[:n_scans]
    y = np.arange(n_scans) % 3
    make_pipeline(
        LoadVolumes(),
        Resample(spacing_mm=2.0),
        CropOrPad(SHAPE),
        StandardizeIntensity(),
        SeverityClassifier(max_epochs=1, batch_size=4, device="cpu", random_state=0),
    ).fit(paths, y)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write_scans(folder):
    """Write as many files as needed, copies of a few phantoms."""
    table = write_graded_heads(
        folder / "phantoms", N_DISTINCT // 2, shape=SHAPE, random_state=0
    )
    sources = pd.read_csv(table, sep="\t")["path"]
    for index in range(MANY):
        source = table.parent / sources[index % len(sources)]
        shutil.copy(source, folder / f"scan-{index:03d}.nii.gz")


def main():
    """Measure in fresh processes and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fit", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.fit:
        print(fit(args.fit[0], int(args.fit[1])))
        return
    print(describe_machine())
    with tempfile.TemporaryDirectory() as folder:
        write_scans(Path(folder))
        peaks = []
        for n_scans in (FEW, MANY):
            command = [sys.executable, __file__, "--fit", folder, str(n_scans)]
            run = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
            peaks.append(float(run.stdout.split()[-1]))
            held = n_scans * np.prod(SHAPE) * 4 / 2**20
            print(
                f"{n_scans:4d} scans: peak {peaks[-1]:6.0f} MiB "
                f"(their volumes together: {held:6.0f} MiB)"
            )
    print(f"ratio {peaks[1] / peaks[0]:.3f}")


if __name__ == "__main__":
    main()
