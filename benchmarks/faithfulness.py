"""Do simulated artifacts behave like real ones? On real scans of 20 people and more.

- ``grading``. Monotone: Spearman correlation of strength (11 steps) with two
  full-reference distances from the clean scan: 1 - SSIM (Wang 2004) and one that looks
  for the artifact itself. One seed per scan; the smallest over scans is printed.
  Separable: area under the ROC curve between neighbouring grades, 1 - SSIM, one draw
  per scan and grade and seed.
- ``directions``. Under motion, image metrics of MRIQC go where they went under the real
  motion of MR-ART: share of copies, by the kind of motion, in T1w and in FLAIR.
- ``scale``. The same displacement looks equally bad, whatever the kind of motion.
- ``residual``. A metric of noise is blind to artifacts that leave noise alone.
- ``pairs``. Two scans of a phantom differ by their noise alone, whatever the artifact.

Intervals of 95 % are over people. Run ``python benchmarks/faithfulness.py --data FOLDER
--work DIR``; rows are appended to tables, one set for each state of the simulator's
code, and a second run goes on where the first stopped.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy loads its BLAS
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK
import torch
from distances import OWN_DISTANCE, structural_dissimilarity
from machine import describe_machine
from motion_faithfulness import (
    collect_directions,
    collect_scale,
    print_directions,
    print_scale,
)
from noise_faithfulness import (
    collect_pairs,
    collect_residual,
    kinds_of,
    print_pairs,
    print_residual,
)
from rows import Rows, digest_simulator, interval_over_people
from scipy import stats
from simulation_scans import SHARED, list_scans, one_scan_each
from sklearn.metrics import roc_auc_score

from briqa_sk.simulation import ARTIFACTS

STRENGTHS = np.linspace(0, 1, 11)
SEEDS = range(3)
N_PEOPLE, N_ALIGNED = 24, 10


def measure_scan(volume, name, artifact):
    """Yield rows of one scan and one kind of artifact."""
    clean = volume.data
    for strength in STRENGTHS:
        other = artifact(volume, float(strength), random_state=0).data
        yield {
            "what": "monotone",
            "strength": strength,
            "seed": 0,
            "dissimilarity": structural_dissimilarity(clean, other),
            "own": OWN_DISTANCE[name](clean, other),
        }
    for seed in SEEDS:
        rng = np.random.default_rng([seed, len(clean)])
        for grade, (low, high) in enumerate(artifact.RANGES):
            other = artifact(volume, float(rng.uniform(low, high)), random_state=rng)
            row = {"what": "graded", "strength": grade, "seed": seed}
            row["dissimilarity"] = structural_dissimilarity(clean, other.data)
            yield row | {"own": np.nan}


def collect_grading(rows, scans, data):
    """Measure distances of copies of rising strength and of each grade."""
    done = rows.done()
    for scan in scans:
        volume = None
        for name in ARTIFACTS:
            for kind, artifact in kinds_of(name):
                if (scan.name, name, kind) in done:
                    continue
                volume = volume or scan.read(data)
                found = pd.DataFrame(measure_scan(volume, name, artifact))
                found.insert(0, "person", scan.person)
                rows.append(found, scan=scan.name, artifact=name, kind=kind)


def print_grading(table):
    """Print how well distances follow strength and tell grades apart."""
    print(f"\nDistances of {table['scan'].nunique()} scans of as many people\n")
    print("| artifact | Spearman 1 - SSIM | Spearman own | own distance | AUC 1 vs 2 |")
    print("|---|---|---|---|---|")
    for (name, kind), rows in table.groupby(["artifact", "kind"], sort=False):
        rising = rows[rows["what"] == "monotone"].groupby("scan")
        lowest = [
            min(stats.spearmanr(scan["strength"], scan[d])[0] for _, scan in rising)
            for d in ("dissimilarity", "own")
        ]
        graded = rows[(rows["what"] == "graded") & (rows["strength"] > 0)]
        is_two = (graded["strength"] == 2).to_numpy()
        auc = partial(_auc, is_two, graded["dissimilarity"].to_numpy())
        low, high = interval_over_people(graded["person"], auc)
        print(
            f"| {name} {kind} | {lowest[0]:.3f} | {lowest[1]:.3f} | "
            f"{OWN_DISTANCE[name].__name__} | "
            f"{auc(slice(None)):.3f} [{low:.3f}, {high:.3f}] |",
            flush=True,
        )


def _auc(is_high, values, index):
    return roc_auc_score(is_high[index], values[index])


def parts_of(scans, data):
    """Return the keys of the rows, what collects them, and what prints, by part."""
    each = one_scan_each(scans, N_PEOPLE)
    few = one_scan_each(scans, N_ALIGNED)
    by_artifact = ["scan", "artifact", "kind"]
    on = partial(partial, data=data)
    return {
        "pairs": (
            ["phantom", "artifact", "kind", "head"],
            collect_pairs,
            print_pairs,
        ),
        "residual": (by_artifact, on(collect_residual, scans=scans), print_residual),
        "directions": (
            ["scan", "kind"],
            on(collect_directions, scans=scans),
            on(print_directions),
        ),
        "scale": (["scan", "kind"], on(collect_scale, scans=few), print_scale),
        "grading": (by_artifact, on(collect_grading, scans=each), print_grading),
    }


def main():
    """Measure what is missing and print all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--work", type=Path, default=Path("faithfulness"))
    parser.add_argument("--parts", nargs="+", default=None, help="all by default")
    args = parser.parse_args()
    torch.set_num_threads(1)
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    args.work.mkdir(parents=True, exist_ok=True)
    print(describe_machine(), flush=True)
    parts = parts_of(list_scans(args.data), args.data)
    for part in args.parts or parts:
        keys, collect, show = parts[part]
        rows = Rows(args.work / f"{part}_{digest_simulator()}.tsv", keys)
        collect(rows)
        show(rows.read())


if __name__ == "__main__":
    main()
