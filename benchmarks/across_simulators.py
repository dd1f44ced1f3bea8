"""Ask whether what is learnt from our artifacts holds for those of another simulator.

A classifier learns the grades of an artifact from copies that one simulator made of the
scans of some people, and is tested on copies that the other made of other people's:
ours to TorchIO's, TorchIO's to ours, and within each. Features are the image metrics,
under a balanced logistic regression and an MLP; with ``--network``, the default network
sees a slab of voxels.

Our grades are those drawn. TorchIO's are what was realised: 1 - SSIM against the same
scan without the artifact, so that a large movement late in k-space, which changes
nothing, counts for nothing. As strong as a typical copy of our grade 2 is grade 2; what
is weaker than nearly all of our grade 1 is grade 0 if it can't be seen, and otherwise
left out. Cut-offs come from the training people.

Run ``python benchmarks/across_simulators.py --data FOLDER --work DIR``. Rows are
appended to tables in the folder; a second run goes on where the first stopped, and our
rows are made again whenever the code of the simulator changes.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy loads its BLAS
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import hashlib
import warnings
import zlib
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from across_models import METRICS_MODELS, grade_by_network
from across_tables import print_tables
from distances import structural_dissimilarity
from machine import describe_machine
from peer_artifacts import ARTIFACTS_OF_BOTH, corrupt_by_torchio
from rows import Rows, digest_simulator
from simulation_scans import SHARED, list_scans

from briqa_sk.kernels import foreground_box, foreground_mask, reorient
from briqa_sk.kernels.quality import METRICS, quality_metrics
from briqa_sk.simulation import ARTIFACTS

PACKAGES = ["briqa_sk", "torchio", "torch", "scikit-learn", "numpy"]
SIMULATORS = ("ours", "torchio")
N_FOLDS = 5
N_PER_GRADE = 3  # our copies of a scan: two grades
N_PEER = 6  # its copies of a scan, of any strength
SLAB = (96, 112, 8)
SLAB_SPACING_MM = 2.0
#: Quantiles of our effects: the least of grade 1, the least of grade 2.
LEAST_OF_1, LEAST_OF_2 = 0.1, 0.25
UNSEEN = 0.25  # of the least of grade 1: a change that nobody sees


def digest_metrics():
    """Return a short digest of what the image metrics measure in a known volume."""
    rng = np.random.default_rng(0)
    box = np.pad(np.full((12, 14, 10), 10.0), 10) + rng.gamma(2.0, size=(32, 34, 30))
    rounded = [f"{value:.4g}" for value in quality_metrics(box).values()]
    return hashlib.sha256(" ".join(rounded).encode()).hexdigest()[:10]


def realised_effect(clean, other):
    """Return 1 - SSIM; a gain of the whole scan is no artifact and is taken out."""
    gain = np.vdot(clean, other) / np.vdot(other, other)
    return structural_dissimilarity(clean, gain * other)


def seed_of(scan, artifact):
    """Return a seed that is the same in every run."""
    return zlib.crc32(f"{scan.name} {artifact}".encode())


def copies_of_torchio(artifact, scan, volume, *, signed):
    """Yield (NaN for a grade that is not known yet, voxels) of every copy of a scan."""
    key = seed_of(scan, artifact)
    for number in range(N_PEER):
        seed = [key, number]
        yield np.nan, corrupt_by_torchio(volume, artifact, seed, signed=signed)


def copies_of_ours(artifact, scan, volume):
    """Yield (grade, voxels) of every copy of a scan."""
    key = seed_of(scan, artifact)
    for grade, (low, high) in enumerate(ARTIFACTS[artifact].RANGES):
        for number in range(N_PER_GRADE if grade else 0):
            rng = np.random.default_rng([key, grade, number])
            strength = float(rng.uniform(low, high))
            corrupted = ARTIFACTS[artifact](volume, strength, random_state=rng)
            yield grade, corrupted.data


def measure(scan, clean, grade, data):
    """Return a row: whose, how strong, and the image metrics."""
    return {
        "person": scan.person,
        "stratum": f"{scan.collection} {scan.sequence}",
        "grade": grade,
        "effect": 0.0 if data is clean else realised_effect(clean, data),
        **quality_metrics(data),
    }


class Collection:
    """Rows and slabs of one simulator, in a folder, as far as they are made.

    Parameters
    ----------
    work : Path
        The folder.
    stem : str
        Of the files: the simulator, and what its rows rest on.
    make_copies : callable
        Takes an artifact, a scan and its volume and yields grades and voxels.
    with_slabs : bool
        Keep slabs of voxels for the network, too.
    """

    def __init__(self, work, stem, make_copies, with_slabs):
        self.make_copies, self.with_slabs = make_copies, with_slabs
        self.rows = Rows(work / f"{stem}.tsv", ["scan", "artifact"])
        self.slabs = work / f"{stem}_slabs"

    def fill(self, scans, data):
        """Make what is missing."""
        done = self.rows.done()
        if self.with_slabs:
            self.slabs.mkdir(exist_ok=True)
        for scan in scans:
            tasks = [
                (artifact, (scan.name, artifact) in done, path)
                for artifact in ("clean", *ARTIFACTS_OF_BOTH)
                for path in [self.slab_path(scan.name, artifact)]
                if (scan.name, artifact) not in done or self._lacks_slab(scan, path)
            ]
            if tasks:
                self._make(scan, scan.read(data), tasks)

    def slab_path(self, name, artifact):
        """Return where the slabs of a scan and an artifact are."""
        return self.slabs / f"{name.replace('/', '_')}_{artifact}.npy"

    def _lacks_slab(self, scan, path):
        return self.with_slabs and has_slab(scan) and not path.is_file()

    def _make(self, scan, volume, tasks):
        place = find_slab(volume) if self.with_slabs and has_slab(scan) else None
        for artifact, is_measured, path in tasks:
            copies = [(0, volume.data)]
            if artifact != "clean":
                copies = list(self.make_copies(artifact, scan, volume))
            if not is_measured:
                rows = [
                    {"copy": number} | measure(scan, volume.data, *copy)
                    for number, copy in enumerate(copies)
                ]
                self.rows.append(rows, scan=scan.name, artifact=artifact)
            if place is not None:
                slabs = [cut_slab(volume, data, place) for _, data in copies]
                np.save(path, np.stack(slabs))


def has_slab(scan):
    """Return whether a scan is on the grid of the slabs, so that nothing is lost."""
    return scan.collection != "openms"


def find_slab(volume):
    """Return the centre of the head in voxels of a volume in RAS orientation."""
    data = _as_ras(volume, volume.data)
    low, high = foreground_box(foreground_mask(data))
    centre = (low + high) // 2
    # The brain, whatever there is of the neck: 70 mm below the crown.
    centre[2] = high[2] - round(70 / SLAB_SPACING_MM)
    return centre


def cut_slab(volume, data, centre):
    """Return an axial slab of a copy about a voxel, in float16."""
    data = _as_ras(volume, data) / np.percentile(data, 99)
    pads = [(n, n) for n in SLAB]
    start = np.asarray(centre) + SLAB - np.asarray(SLAB) // 2
    part = tuple(slice(s, s + n) for s, n in zip(start, SLAB, strict=True))
    return np.pad(data, pads)[part].astype(np.float16)


def _as_ras(volume, data):
    return reorient(data, volume.affine, "RAS")[0]


def give_grades(tables, training):
    """Return all rows with grades, TorchIO's by what our own copies show.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Rows of each simulator, of one artifact and of clean scans.
    training : set of str
        People whose copies make the cut-offs.
    """
    ours = tables["ours"]
    ours = ours[ours["person"].isin(training)]
    cuts = {}
    for stratum, rows in ours.groupby("stratum"):
        one, two = (rows.loc[rows["grade"] == g, "effect"] for g in (1, 2))
        first, second = one.quantile(LEAST_OF_1), two.quantile(LEAST_OF_2)
        cuts[stratum] = [UNSEEN * first, first, max(first, second)]
    limits = np.array([cuts[stratum] for stratum in tables["torchio"]["stratum"]])
    effect = tables["torchio"]["effect"].to_numpy()[:, None]
    place = (effect >= limits).sum(axis=1)
    grade = np.array([0, np.nan, 1, 2])[place]
    return tables | {"torchio": tables["torchio"].assign(grade=grade)}


def folds_of(people):
    """Return the fold of each person, the same in every run."""
    people = sorted(set(people), key=lambda person: zlib.crc32(person.encode()))
    return {person: number % N_FOLDS for number, person in enumerate(people)}


def predict_all(tables, model, slabs=None):
    """Return rows of unseen people with the grade that each training side expects."""
    fold_of = folds_of(tables["ours"]["person"])
    parts = []
    for fold in range(N_FOLDS):
        training = {person for person, f in fold_of.items() if f != fold}
        graded = give_grades(tables, training)
        for trained in SIMULATORS:
            rows = graded[trained]
            seen = rows[rows["person"].isin(training) & rows["grade"].notna()]
            predict = model(seen, trained)
            for tested in SIMULATORS:
                rows = graded[tested]
                rows = rows[~rows["person"].isin(training)]
                kept = rows[["person", "scan", "grade", "effect"]]
                expected = predict(rows, tested)
                kept = kept.assign(trained=trained, tested=tested, expected=expected)
                parts.append(kept)
    return pd.concat(parts, ignore_index=True)


def of_artifact(tables, artifact):
    """Return the rows of an artifact and of clean scans, by simulator."""
    wanted = ("clean", artifact)
    return {
        name: rows[rows["artifact"].isin(wanted)].reset_index(drop=True)
        for name, rows in tables.items()
    }


def evaluate(collections, with_network, out):
    """Predict every artifact by every model, and keep the predictions."""
    tables = {name: c.rows.read() for name, c in collections.items()}
    parts = []
    for artifact in ARTIFACTS_OF_BOTH:
        own = of_artifact(tables, artifact)
        for name, make in METRICS_MODELS.items():
            rows = predict_all(own, lambda seen, _, make=make: make(seen, METRICS))
            parts.append(rows.assign(artifact=artifact, model=name))
        if with_network:
            model = grade_by_network(collections)
            on_grid = {
                name: rows[~rows["stratum"].str.startswith("openms")]
                for name, rows in own.items()
            }
            rows = predict_all(on_grid, model)
            parts.append(rows.assign(artifact=artifact, model="network"))
        pd.concat(parts).to_csv(out, sep="\t", index=False)
    return pd.concat(parts, ignore_index=True)


def make_collections(work, signed, with_slabs):
    """Return the collection of each simulator."""
    peer = "torchio_signed" if signed else "torchio"
    stems = {
        "ours": f"ours_{digest_simulator()}",
        "torchio": f"{peer}_{digest_metrics()}",
    }
    copies = {
        "ours": copies_of_ours,
        "torchio": partial(copies_of_torchio, signed=signed),
    }
    return {
        name: Collection(work, stems[name], copies[name], with_slabs)
        for name in SIMULATORS
    }


def main():
    """Make what is missing, learn, test and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--work", type=Path, default=Path("across_simulators"))
    parser.add_argument("--scans", type=int, default=None, help="the first so many")
    parser.add_argument("--network", action="store_true", help="a network, too")
    parser.add_argument(
        "--signed", action="store_true", help="take what TorchIO returns, below 0, too"
    )
    parser.add_argument(
        "--only", choices=SIMULATORS, help="make copies by one simulator, and stop"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", module="torchio")
    args.work.mkdir(parents=True, exist_ok=True)
    scans = list_scans(args.data)[: args.scans]
    collections = make_collections(args.work, args.signed, args.network)
    for name, collection in collections.items():
        if args.only in (None, name):
            collection.fill(scans, args.data)
    if args.only is None:
        print(describe_machine(PACKAGES))
        people = len({scan.person for scan in scans})
        print(f"scans: {len(scans)} of {people} people, {N_FOLDS} folds of people")
        out = args.work / "predictions.tsv"
        print_tables(evaluate(collections, args.network, out))


if __name__ == "__main__":
    main()
