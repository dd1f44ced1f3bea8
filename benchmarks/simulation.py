"""Time and memory of the artifacts: briqa_sk against TorchIO, one thread.

Each artifact that both have is applied to the same 181 x 217 x 181 volume with
parameters of the same strength, in turn, so that a busy machine slows both. Drawing is
not timed, applying is. Memory is the peak of a process that applies one artifact, above
what it held before, in volumes; it is measured on Linux only.

Run ``python benchmarks/simulation.py`` with the extra ``bench`` installed.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy loads its BLAS
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import SimpleITK
import torch
import torchio as tio
from machine import describe_machine
from sklearn.base import clone

from briqa_sk.datasets import make_head_phantom
from briqa_sk.simulation import ARTIFACTS

SHAPE = (181, 217, 181)
STRENGTH = 0.7
PACKAGES = ["briqa_sk", "torch", "torchio", "SimpleITK", "numpy"]
AIMS = {
    "motion": 2,
    "bias_field": 20,
    "spike": 5,
    "ghosting": 3,
    "distortion b0": 5,
    "distortion gradient": 5,
}


def our_artifacts():
    """Return label -> (artifact, parameters), every kind of every artifact."""
    rows = {}
    for name, artifact in ARTIFACTS.items():
        for kind in artifact.KINDS or (None,):
            chosen = clone(artifact)
            if kind is not None:
                chosen.set_params(kind=kind)
            label = name if kind is None else f"{name} {kind}"
            rows[label] = chosen, _draw(chosen)
    return rows


def _draw(artifact):
    """Draw parameters; of sudden motion, those with four moves."""
    for seed in range(1000):
        parameters = artifact.draw(STRENGTH, random_state=seed)
        if parameters.get("kind") != "sudden" or len(parameters["poses"]) == 5:
            return parameters
    raise RuntimeError("no seed below 1000 draws four moves.")


def their_transforms(rows):
    """Return label -> TorchIO's transform of the same strength."""
    motion = rows["motion sudden"][1]
    poses = [pose for pose in motion["poses"] if any(pose["translation_mm"])][-4:]
    affine = rows["positioning"][1]
    points = np.random.default_rng(0).normal(0, 3, (7, 7, 7, 3))
    points[:2] = points[-2:] = points[:, :2] = points[:, -2:] = 0
    points[:, :, :2] = points[:, :, -2:] = 0
    elastic = tio.ElasticDeformation(points, (12.0,) * 3, "linear")
    ghosts = rows["ghosting skip"][1]
    thickness = rows["low_resolution"][1]["thickness_mm"]
    coefficients = np.random.default_rng(0).uniform(-0.5, 0.5, 20).tolist()
    return {
        "noise uniform": tio.Noise(mean=0.0, std=100.0, seed=0),
        "motion sudden": tio.Motion(
            degrees=np.array([pose["rotation_deg"] for pose in poses]),
            translation=np.array([pose["translation_mm"] for pose in poses]),
            times=np.array([0.2, 0.4, 0.6, 0.8]),
            image_interpolation="linear",
        ),
        "bias_field": tio.BiasField(coefficients, 3),
        "spike": tio.Spike(np.array([[0.6, 0.7, 0.6]]), 0.5),
        "ghosting skip": tio.Ghosting(4, 1, ghosts["intensity"], restore=0.02),
        "distortion b0": elastic,
        "distortion gradient": elastic,
        "positioning": tio.Affine(
            scales=(1.0, 1.0, 1.0),
            degrees=(5.0, 10.0, 15.0),
            translation=(affine["shift_mm"], 0.0, 0.0),
        ),
        "low_resolution": tio.RandomAnisotropy(axes=2, downsampling=thickness),
    }


def measure(calls, n_rounds):
    """Return seconds of shape (n_rounds, n_calls), taken in turn."""
    seconds = np.empty((n_rounds, len(calls)))
    for row in seconds:
        for column, call in enumerate(calls):
            start = time.perf_counter()
            call()
            row[column] = time.perf_counter() - start
    return seconds


def peak_volumes(label):
    """Return the peak memory of applying an artifact, in volumes above the input."""
    artifact, parameters = our_artifacts()[label]
    artifact.apply(np.ones((16, 16, 16)), parameters)  # load what is loaded once
    data = np.random.default_rng(0).random((256, 256, 256), np.float32)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    before = _peak_kib()
    artifact.apply(data, parameters)
    return (_peak_kib() - before) * 1024 / data.nbytes


def _peak_kib():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def in_fresh_process(label):
    """Return :func:`peak_volumes` of a process of its own."""
    command = [sys.executable, __file__, "--peak-of", label]
    run = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return float(run.stdout.split()[-1])


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peak-of", help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.peak_of:
        print(peak_volumes(args.peak_of))
        return
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    warnings.filterwarnings("ignore", module="torchio")
    head = make_head_phantom(SHAPE, snr=30, random_state=0).data
    image = tio.ScalarImage(tensor=torch.tensor(head)[None])
    rows = our_artifacts()
    theirs = their_transforms(rows)
    print(describe_machine(PACKAGES))
    print(f"volume: {SHAPE}, rounds: {args.rounds}, one thread\n")
    print("| artifact | ms | TorchIO ms | TorchIO / ours | aim | peak volumes |")
    print("|---|---|---|---|---|---|")
    for label, (artifact, parameters) in rows.items():
        calls = [lambda a=artifact, p=parameters: a.apply(head, p)]
        if label in theirs:
            calls.append(lambda transform=theirs[label]: transform(image))
        for call in calls:
            call()
        seconds = measure(calls, args.rounds)
        ours, *their = 1e3 * np.median(seconds, axis=0)
        ratio = np.median(seconds / seconds[:, :1], axis=0)[-1]
        aim = AIMS.get(label, AIMS.get(label.split()[0], 1))
        compared = f"{their[0]:.0f} | {ratio:.1f} | {aim}" if their else "- | - | -"
        peak = in_fresh_process(label)
        print(f"| {label} | {ours:.0f} | {compared} | {peak:.1f} |", flush=True)


if __name__ == "__main__":
    main()
