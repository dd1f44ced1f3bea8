"""Scans for ``rebalancing.py``: LISA look-alikes of real heads, and their tests.

Training scans are one set of :func:`briqa_sk.datasets.make_lisa_like`, 27 subjects of
each head, three planes each, with the proportions and the co-occurrence of LISA 2025.
Test scans are 24 per grade, artifact and fold, of the heads of the fold, with the other
artifacts drawn as in LISA. Both are kept as 59 image metrics, and as the central eight
slices of 120 x 120 voxels. Some training scans are corrupted once more, for the rows
with simulated oversampling. For networks of whole volumes, the test scans are written
as files, like the training scans.
"""

from functools import lru_cache
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from briqa_sk import CropOrPad, ImageQualityMetrics, LoadVolumes, read_volume
from briqa_sk.datasets import make_lisa_like
from briqa_sk.datasets.lisa.raters import draw_grades
from briqa_sk.datasets.lisa.subject import ACQUISITION, PLANES
from briqa_sk.io.writing import write_volume
from briqa_sk.simulation import (
    LISA_2025,
    LISA_ARTIFACTS,
    ArtifactSimulator,
    add_low_field_noise,
    to_low_field,
)

N_FOLDS = 5
N_PER_HEAD = 27
N_PER_GRADE = 24
N_SIMULATED = 120
SHAPE = (120, 120, 8)
COLUMNS = [name.capitalize() for name in LISA_ARTIFACTS]
N_TEST = N_FOLDS * len(LISA_ARTIFACTS) * 3 * N_PER_GRADE


def find_heads(data):
    """Return the files of 37 people, one T1w scan each."""
    manifest = pd.read_csv(data / "manifest.tsv", sep="\t")
    folders = manifest["path"].str.split("/").str[0]
    whole = folders.isin(["nichart_pairs", "ixi", "ds000011"])
    heads = manifest[whole & (manifest["modality"] == "T1w")]
    heads = heads.drop_duplicates("subject").sort_values("path")
    return [str(data / path) for path in heads["path"]]


def fold_of(heads):
    """Return the fold in which each head is tested."""
    return {Path(head).name: number % N_FOLDS for number, head in enumerate(heads)}


def describe(scans):
    """Return the image metrics and the central voxels of scans."""
    crop = CropOrPad(SHAPE)
    measure = make_pipeline(LoadVolumes(), ImageQualityMetrics())
    voxels = np.empty((len(scans), *SHAPE), np.float16)
    for number, scan in enumerate(scans):
        cropped = crop(scan).data
        voxels[number] = cropped / cropped.mean()
    return {"metrics": np.asarray(measure.fit_transform(scans)), "voxels": voxels}


def in_parts(function, n_items, n_parts):
    """Return ``function(indices)`` of all parts, concatenated, by two processes."""
    parts = np.array_split(np.arange(n_items), n_parts)
    made = joblib.Parallel(n_jobs=2)(joblib.delayed(function)(part) for part in parts)
    return {key: np.concatenate([m[key] for m in made]) for key in made[0]}


def make_training(heads, work):
    """Write ``training.npz``: every scan, its severities, its head and its plane."""
    labels = make_lisa_like(
        N_PER_HEAD * len(heads),
        work / "lisa",
        heads=heads,
        rater_kappa=0.6,
        n_jobs=2,
        verbose=1,
        random_state=0,
    )
    truth = pd.read_csv(labels.parent / "truth.csv")
    made = pd.read_csv(labels.parent / "simulation.tsv", sep="\t")
    paths = [labels.parent / name for name in truth["filename"]]

    def describe_part(part):
        return describe([read_volume(paths[index]) for index in part])

    np.savez(
        work / "training.npz",
        **in_parts(describe_part, len(paths), 60),
        truth=truth[COLUMNS],
        head=made["head"].to_numpy(str),
        plane=truth["filename"].str[-10:-7].to_numpy(str),
    )


def make_simulated(work):
    """Write ``simulated.npz``: training scans with one more artifact, grade 1 or 2."""
    paths = pd.read_csv(work / "lisa" / "truth.csv")["filename"]
    n_scans = len(LISA_ARTIFACTS) * 2 * N_SIMULATED
    simulator = ArtifactSimulator(acquisition=ACQUISITION)

    def corrupt_part(part):
        scans, rows = [], []
        for number in part:
            rng = np.random.default_rng([number, 2])
            kind, grade = number % len(LISA_ARTIFACTS), 1 + number % 2
            source = rng.integers(len(paths))
            scan = read_volume(work / "lisa" / paths[source])
            grades = {LISA_ARTIFACTS[kind]: int(grade)}
            scans.append(simulator.corrupt(scan, grades, random_state=rng)[0])
            rows.append((source, kind, grade))
        return describe(scans) | {"row": np.array(rows)}

    np.savez(work / "simulated.npz", **in_parts(corrupt_part, n_scans, 60))


def make_test(heads, work):
    """Write ``test.npz``: as many scans of each grade, for each artifact and fold."""

    def describe_part(part):
        scans, rows = zip(
            *(make_test_scan(number, heads) for number in part), strict=True
        )
        return describe(scans) | {"row": np.array(rows)}

    np.savez(work / "test.npz", **in_parts(describe_part, N_TEST, 60))


def make_test_scan(number, heads):
    """Return a test scan, and its fold, artifact, grade and head."""
    rng = np.random.default_rng([number, 1])
    rest, index = divmod(number, 3 * N_PER_GRADE)
    fold, kind = divmod(rest, len(LISA_ARTIFACTS))
    folds = fold_of(heads)
    tested = [i for i, h in enumerate(heads) if folds[Path(h).name] == fold]
    head, plane = tested[index // 3 % len(tested)], rng.integers(3)
    drawn = LISA_2025.draw(1, list(LISA_ARTIFACTS), rng)[0].tolist()
    grades = dict(zip(LISA_ARTIFACTS, drawn, strict=True))
    grades[LISA_ARTIFACTS[kind]] = grade = int(index % 3)
    seed = int(rng.integers(2**31))
    quiet = to_low_field(
        read_volume(heads[head]), plane=PLANES[plane], noise=False, random_state=seed
    )
    simulator = ArtifactSimulator(acquisition=ACQUISITION)
    scan, _ = simulator.corrupt(quiet, grades, random_state=rng)
    scan = add_low_field_noise(scan, reference=quiet, random_state=seed)
    return scan, (fold, kind, grade, head)


def name_test_scans(work, numbers):
    """Return the files of test scans."""
    return [work / "test" / f"test_{number:04d}.nii.gz" for number in numbers]


def write_test_scans(heads, work, numbers):
    """Write the test scans that are no files yet."""

    def write(number, path):
        if not path.exists():
            write_volume(make_test_scan(number, heads)[0], path)

    (work / "test").mkdir(exist_ok=True)
    tasks = zip(numbers, name_test_scans(work, numbers), strict=True)
    joblib.Parallel(n_jobs=2)(joblib.delayed(write)(*task) for task in tasks)


def make_data(data, work, full=False):
    """Write what is missing of the three files, and of the test scans if ``full``."""
    work.mkdir(parents=True, exist_ok=True)
    heads = find_heads(data)
    if not (work / "training.npz").exists():
        make_training(heads, work)
    if not (work / "test.npz").exists():
        make_test(heads, work)
    if not (work / "simulated.npz").exists():
        make_simulated(work)
    if full:
        write_test_scans(heads, work, range(N_TEST))


@lru_cache
def draw_pool(kappa):
    """Return many severities, and what a rater of a quadratic kappa makes of them."""
    return draw_grades(100_000, kappa, np.random.default_rng(round(100 * kappa)))


def rate(truth, kappa, seed):
    """Return what a rater of a quadratic kappa makes of severities, (n_scans, 7)."""
    if kappa == 1:
        return truth
    severities, ratings = draw_pool(kappa)
    rng = np.random.default_rng(seed)
    rated = truth.copy()
    for column in range(truth.shape[1]):
        for grade in range(3):
            is_grade = truth[:, column] == grade
            pool = ratings[severities[:, column] == grade, column]
            rated[is_grade, column] = rng.choice(pool, is_grade.sum())
    return rated
