"""One subject: three scans, and JSON that makes them again."""

import json

import numpy as np

from briqa_sk import read_volume
from briqa_sk.datasets import make_head_phantom
from briqa_sk.datasets.lisa_subject import PLANES, Subject, scan_subject
from briqa_sk.datasets.provenance import inspect_source
from briqa_sk.datasets.raters import RATED
from briqa_sk.io.writing import write_volume
from briqa_sk.simulation import ArtifactSimulator, to_low_field


def test_the_json_beside_a_scan_makes_it_again(tmp_path):
    write_volume(make_head_phantom(24, random_state=0), tmp_path / "head.nii.gz")
    head = inspect_source(str(tmp_path / "head.nii.gz"))
    noisy = [2 if name == "noise" else 0 for name in RATED]
    rows = scan_subject(Subject(0, head, None, [noisy] * 3, 5), tmp_path)
    for row, plane in zip(rows, PLANES, strict=True):
        path = tmp_path / row["filename"]
        facts = json.loads(path.with_name(f"LISA_0001_LF_{plane}.json").read_text())
        assert facts["head_sha256"] == head.sha256
        scan = to_low_field(
            read_volume(head.path),
            plane=facts["plane"],
            random_state=facts["low_field_seed"],
        )
        grades = {name: row[name] for name in RATED}
        again, _ = ArtifactSimulator().corrupt(scan, grades, random_state=row["seed"])
        atol = np.ptp(again.data) / 65535
        np.testing.assert_allclose(read_volume(path).data, again.data, atol=atol)
