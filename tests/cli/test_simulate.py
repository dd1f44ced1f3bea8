"""``briqa-sk simulate`` as a person types it."""

import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from briqa_sk import read_volume
from briqa_sk.cli import copies, main
from briqa_sk.datasets import make_head_phantom
from briqa_sk.io.writing import write_volume
from briqa_sk.simulation import ARTIFACTS, LISA_ARTIFACTS, Corruption


@pytest.fixture
def scans(tmp_path):
    """Two clean phantoms in BIDS layout."""
    for number in (1, 2):
        folder = tmp_path / "clean" / f"sub-0{number}" / "anat"
        folder.mkdir(parents=True)
        head = make_head_phantom(16, snr=30, random_state=number)
        write_volume(head, folder / f"sub-0{number}_T1w.nii.gz")
    return tmp_path / "clean"


def simulate(*arguments):
    return main(["simulate", *map(str, arguments)])


def labels(out):
    return pd.read_csv(out / "labels.tsv", sep="\t")


def test_one_copy_of_each_scan_artifact_and_severity(scans, tmp_path, capsys):
    out = tmp_path / "out"
    what = ["--artifacts", "noise,motion", "--severities", "0,1,2"]
    assert simulate(scans, out, *what) == 0
    table = labels(out)
    assert table["path"].tolist()[:5] == [
        f"sub-01/anat/sub-01_desc-{label}_T1w.nii.gz"
        for label in ("clean", "noise1", "noise2", "motion1", "motion2")
    ]
    assert table["subject"].tolist() == ["sub-01"] * 5 + ["sub-02"] * 5
    assert table["noise"].tolist() == [0, 1, 2, 0, 0] * 2
    assert table["motion"].tolist() == [0, 0, 0, 1, 2] * 2
    for name in ("noise", "motion"):
        low, high = np.array(ARTIFACTS[name].RANGES)[table[name]].T
        assert table[f"{name}_strength"].between(low, high).all()
    assert f"Made 10 scans: {out / 'labels.tsv'}" in capsys.readouterr().out


def test_the_provenance_of_a_copy_makes_it_again(scans, tmp_path):
    out = tmp_path / "out"
    assert simulate(scans, out, "--artifacts", "motion", "--severities", "2") == 0
    made = out / "sub-01" / "anat" / "sub-01_desc-motion2_T1w.nii.gz"
    facts = json.loads(made.with_name("sub-01_desc-motion2_T1w.json").read_text())
    assert facts["severities"] == {"motion": 2}
    assert "briqa_sk" in facts["software"]
    again = Corruption(facts["record"]["parameters"])(read_volume(facts["source"]))
    step = np.ptp(again.data) / 65535
    np.testing.assert_allclose(read_volume(made).data, again.data, atol=step)


def test_a_clean_copy_is_the_scan(scans, tmp_path):
    out = tmp_path / "out"
    simulate(scans, out, "--artifacts", "noise", "--severities", "0")
    source = read_volume(scans / "sub-01" / "anat" / "sub-01_T1w.nii.gz")
    copy = read_volume(out / "sub-01" / "anat" / "sub-01_desc-clean_T1w.nii.gz")
    np.testing.assert_allclose(copy.data, source.data, atol=np.ptp(source.data) / 65535)
    np.testing.assert_array_equal(copy.affine, source.affine)


def test_without_severities_they_are_drawn(scans, tmp_path):
    out = tmp_path / "out"
    assert simulate(scans, out, "--copies", "3") == 0
    table = labels(out)
    assert len(table) == 6
    assert table["path"][0] == "sub-01/anat/sub-01_desc-simulatedn1_T1w.nii.gz"
    assert table[list(LISA_ARTIFACTS)].isin([0, 1, 2]).all(axis=None)


def test_a_copy_depends_on_its_name_and_the_seed_only(scans, tmp_path):
    what = ["--artifacts", "noise", "--severities", "1"]
    simulate(scans, tmp_path / "all", *what)
    simulate(scans, tmp_path / "other", *what, "--seed", "1")
    (scans / "sub-01" / "anat" / "sub-01_T1w.nii.gz").unlink()
    simulate(scans, tmp_path / "one", *what, "--jobs", "2")
    name = "sub-02/anat/sub-02_desc-noise1_T1w.nii.gz"
    first = (tmp_path / "all" / name).read_bytes()
    assert (tmp_path / "one" / name).read_bytes() == first
    assert (tmp_path / "other" / name).read_bytes() != first


def test_a_crash_leaves_complete_copies_and_the_next_run_goes_on(
    scans, tmp_path, monkeypatch
):
    out, what = tmp_path / "out", ["--artifacts", "noise", "--severities", "1,2"]
    written = []

    def write_two(volume, path):
        if len(written) == 2:
            raise MemoryError
        written.append(path)
        write_volume(volume, path)

    monkeypatch.setattr(copies, "write_volume", write_two)
    with pytest.raises(MemoryError):
        simulate(scans, out, *what)
    assert len(labels(out)) == 2
    assert sorted(out.rglob("*.nii.gz")) == sorted(written)
    before = {path: path.stat().st_mtime_ns for path in written}
    monkeypatch.setattr(copies, "write_volume", write_volume)
    assert simulate(scans, out, *what) == 0
    assert len(labels(out)) == 4
    assert {path: path.stat().st_mtime_ns for path in written} == before


def test_a_scan_without_its_provenance_is_made_again(scans, tmp_path):
    out, what = tmp_path / "out", ["--artifacts", "noise", "--severities", "1"]
    simulate(scans, out, *what)
    made = out / "sub-01" / "anat" / "sub-01_desc-noise1_T1w.nii.gz"
    content = made.read_bytes()
    made.with_name("sub-01_desc-noise1_T1w.json").unlink()
    made.write_bytes(b"half a scan")
    assert simulate(scans, out, *what) == 0
    assert made.read_bytes() == content


def test_a_folder_of_another_run_is_refused(scans, tmp_path, capsys):
    out, what = tmp_path / "out", ["--artifacts", "noise", "--severities", "1"]
    simulate(scans, out, *what)
    assert simulate(scans, out, *what, "--seed", "1") == 1
    assert "must be empty or hold copies of this very run" in capsys.readouterr().err


def test_copies_inside_the_folder_of_the_scans_are_no_sources(scans):
    what = ["--artifacts", "noise", "--severities", "1"]
    for _ in range(2):
        assert simulate(scans, scans / "graded", *what) == 0
        assert len(labels(scans / "graded")) == 2


def test_a_bad_scan_is_one_row_of_skipped(scans, tmp_path, capsys):
    (scans / "empty.nii.gz").write_bytes(b"")
    negative = nib.Nifti1Image(np.full((9, 9, 9), -1.0, np.float32), np.eye(4))
    negative.dataobj[0] = 1
    nib.save(negative, scans / "standardised.nii")
    out = tmp_path / "out"
    assert simulate(scans, out, "--artifacts", "noise", "--severities", "1") == 0
    assert len(labels(out)) == 2
    skipped = pd.read_csv(out / "skipped.tsv", sep="\t")
    assert skipped["finding"].tolist() == ["empty", "unfit"]
    assert skipped["message"].str.contains("before StandardizeIntensity").tolist()[1]
    assert "(2 not: " in capsys.readouterr().out


def test_a_folder_of_nothing_usable_is_an_error(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "empty.nii.gz").write_bytes(b"")
    assert simulate(tmp_path / "in", tmp_path / "out") == 1
    assert "at least one scan must be usable" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--artifacts", "snow"], "artifact must be one of"),
        (["--severities", "3"], "must be from 0 to 2"),
        (["--copies", "0"], "--copies must be a number above 0"),
        (["--artifacts", "ghosting"], "ghosting"),
        (["--rater-kappa", "0.5"], "must come with --layout lisa"),
        (["--layout", "lisa", "--copies", "2"], "must come without"),
    ],
)
def test_impossible_wishes_are_refused_before_anything_is_written(
    scans, tmp_path, capsys, arguments, said
):
    assert simulate(scans, tmp_path / "out", *arguments) == 1
    assert said in capsys.readouterr().err
    assert not list((tmp_path / "out").rglob("*.nii.gz"))


def test_scans_of_one_name_are_refused(scans, tmp_path, capsys):
    one, two = (scans / f"sub-0{n}" / "anat" for n in (1, 2))
    (two / "sub-02_T1w.nii.gz").rename(two / "sub-01_T1w.nii.gz")
    assert simulate(one, two, tmp_path / "out") == 1
    assert "scans must have different names" in capsys.readouterr().err


def test_lisa_layout_has_the_names_and_the_table_of_the_challenge(scans, tmp_path):
    out = tmp_path / "lisa"
    arguments = ["--layout", "lisa", "--subjects", "3", "--rater-kappa", "0.7"]
    assert simulate(scans, out, *arguments) == 0
    table = pd.read_csv(out / "labels.csv")
    assert table.columns.tolist() == [
        *("filename", "Noise", "Zipper", "Positioning"),
        *("Banding", "Motion", "Contrast", "Distortion"),
    ]
    assert len(table) == 9
    assert all((out / name).is_file() for name in table["filename"])
    assert (out / "truth.csv").is_file()
