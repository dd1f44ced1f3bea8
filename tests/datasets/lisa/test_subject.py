"""One subject: three scans, and JSON that makes them again."""

import json

import numpy as np
import pytest

from briqa_sk import read_volume
from briqa_sk.datasets import make_head_phantom
from briqa_sk.datasets.lisa.raters import RATED
from briqa_sk.datasets.lisa.subject import PLANES, Subject, scan_subject
from briqa_sk.io.provenance import inspect_source
from briqa_sk.io.writing import write_volume
from briqa_sk.simulation import Acquisition, ArtifactSimulator, to_low_field
from briqa_sk.simulation.low_field import add_low_field_noise


def test_the_json_beside_a_scan_makes_it_again(tmp_path):
    write_volume(make_head_phantom(24, random_state=0), tmp_path / "head.nii.gz")
    head = inspect_source(str(tmp_path / "head.nii.gz"))
    noisy = [2 if name == "noise" else 0 for name in RATED]
    rows = scan_subject(Subject(0, head, None, [noisy] * 3, 5), tmp_path)
    for row, plane in zip(rows, PLANES, strict=True):
        path = tmp_path / row["filename"]
        facts = json.loads(path.with_name(f"LISA_0001_LF_{plane}.json").read_text())
        assert facts["head_sha256"] == head.sha256
        seed = facts["low_field_seed"]
        quiet = to_low_field(
            read_volume(head.path), plane=plane, noise=False, random_state=seed
        )
        simulator = ArtifactSimulator(acquisition=Acquisition("3d", slice_axis=2))
        grades = {name: row[name] for name in RATED}
        again, _ = simulator.corrupt(quiet, grades, random_state=row["seed"])
        again = add_low_field_noise(again, reference=quiet, random_state=seed)
        atol = np.ptp(again.data) / 65535
        np.testing.assert_allclose(read_volume(path).data, again.data, atol=atol)


def test_the_receiver_is_as_loud_with_artifacts_as_without(tmp_path):
    write_volume(make_head_phantom(48, random_state=0), tmp_path / "head.nii.gz")
    head = inspect_source(str(tmp_path / "head.nii.gz"))
    loudness = []
    for severity in (0, 2):
        grades = [severity * (name in ("positioning", "contrast")) for name in RATED]
        folder = tmp_path / str(severity)
        scan_subject(Subject(0, head, None, [grades] * 3, 5), folder)
        scan = read_volume(folder / "LISA_0001_LF_axi.nii.gz")
        loudness.append(scan.data[:12, :12].mean())  # a corner of air
    assert loudness[1] == pytest.approx(loudness[0], rel=0.02)
