"""``briqa-sk simulate`` as a person types it."""

import json
import subprocess
import sys
import time

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from briqa_sk import read_volume
from briqa_sk.cli import main
from briqa_sk.cli import simulate as command
from briqa_sk.datasets import make_head_phantom
from briqa_sk.io import provenance
from briqa_sk.io.writing import write_volume
from briqa_sk.simulation import (
    ARTIFACTS,
    LISA_ARTIFACTS,
    ArtifactSimulator,
    Corruption,
)


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
    source = read_volume(out / facts["source"])
    again = Corruption(facts["record"]["parameters"])(source)
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

    monkeypatch.setattr(provenance, "write_volume", write_two)
    with pytest.raises(MemoryError):
        simulate(scans, out, *what)
    assert len(labels(out)) == 2
    assert sorted(out.rglob("*.nii.gz")) == sorted(written)
    before = {path: path.stat().st_mtime_ns for path in written}
    monkeypatch.setattr(provenance, "write_volume", write_volume)
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
    assert "(2 of the sources not used: " in capsys.readouterr().out


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
        (["--artifacts", "ghosting"], "ghosting must come with --severities"),
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


def everything_below(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_lisa_layout_never_writes_into_the_folder_of_its_heads(scans, capsys):
    head = scans / "LISA_0001_LF_axi.nii.gz"
    (scans / "sub-01" / "anat" / "sub-01_T1w.nii.gz").rename(head)
    before = everything_below(scans)
    assert simulate(scans, scans, "--layout", "lisa") == 1
    assert "OUT must not be a folder of the scans" in capsys.readouterr().err
    assert everything_below(scans) == before


def test_lisa_layout_leaves_out_heads_that_it_can_not_use(scans, tmp_path, capsys):
    (scans / "empty.nii.gz").write_bytes(b"")
    out = tmp_path / "lisa"
    assert simulate(scans, out, "--layout", "lisa", "--jobs", "2") == 0
    assert "Made 6 scans (1 of the sources not used" in capsys.readouterr().out
    skipped = pd.read_csv(out / "skipped.tsv", sep="\t")
    assert skipped["finding"].tolist() == ["empty"]
    record = pd.read_csv(out / "simulation.tsv", sep="\t")
    assert set(record["head"]) == {"sub-01_T1w.nii.gz", "sub-02_T1w.nii.gz"}
    before = {path: path.stat().st_mtime_ns for path in out.glob("LISA_*")}
    assert simulate(scans, out, "--layout", "lisa") == 0
    assert {path: path.stat().st_mtime_ns for path in out.glob("LISA_*")} == before


def test_another_scan_of_the_same_name_is_not_taken_for_the_first(
    scans, tmp_path, capsys
):
    out, what = tmp_path / "out", ["--artifacts", "noise", "--severities", "1"]
    simulate(scans, out, *what)
    one, two = (scans / f"sub-0{n}" / "anat" / f"sub-0{n}_T1w.nii.gz" for n in (1, 2))
    one.write_bytes(two.read_bytes())
    assert simulate(scans, out, *what) == 1
    assert "of something else" in capsys.readouterr().err


def test_a_scan_that_is_gone_is_not_the_one_copied(scans, tmp_path, capsys):
    scan = scans / "sub-01" / "anat" / "sub-01_T1w.nii.gz"
    out, what = tmp_path / "out", ["--artifacts", "noise", "--severities", "1"]
    assert simulate(scan, out, *what) == 0
    scan.unlink()
    assert simulate(scan, out, *what) == 1
    assert "of something else" in capsys.readouterr().err


@pytest.mark.parametrize("out", [".", "sub-01/.."])
def test_the_folder_of_the_scans_is_no_folder_for_copies(scans, capsys, out):
    assert simulate(scans, scans / out) == 1
    assert "OUT must not be a folder of the scans" in capsys.readouterr().err
    assert simulate(scans / "sub-01", scans) == 1
    assert "OUT must not be a folder of the scans" in capsys.readouterr().err


def test_a_negative_scan_gets_no_clean_copy_and_one_row(scans, tmp_path):
    voxels = np.linspace(-1, 1, 729, dtype=np.float32).reshape(9, 9, 9)
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), scans / "negative.nii")
    out = tmp_path / "out"
    assert simulate(scans, out, "--artifacts", "noise", "--severities", "0,1,2") == 0
    assert not list(out.glob("negative*"))
    assert len(pd.read_csv(out / "skipped.tsv", sep="\t")) == 1


def test_labels_list_the_copies_of_all_runs_into_a_folder(scans, tmp_path):
    out = tmp_path / "out"
    for name in ("noise", "zipper"):
        assert simulate(scans, out, "--artifacts", name, "--severities", "1,2") == 0
    table = labels(out)
    assert sorted(table["path"]) == sorted(
        str(path.relative_to(out)) for path in out.rglob("*.nii.gz")
    )
    assert table["zipper"].tolist() == [1, 2, 1, 2, 0, 0, 0, 0]
    assert table["noise"].tolist() == [0, 0, 0, 0, 1, 2, 1, 2]


def test_labels_list_copies_whose_process_was_interrupted(scans, tmp_path, monkeypatch):
    def work(function, tasks, n_jobs, verb):
        for task in tasks:
            function(*task)
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(command, "_work", work)
    out = tmp_path / "out"
    assert simulate(scans, out, "--artifacts", "noise", "--severities", "1") == 130
    assert len(labels(out)) == 2


def test_a_table_of_somebody_else_is_left_alone(scans, tmp_path, capsys):
    (tmp_path / "labels.tsv").write_text("path\tgrade\n")
    assert simulate(scans, tmp_path) == 1
    capsys.readouterr()
    out = tmp_path / "out"
    out.mkdir()
    (out / "labels.tsv").write_text("path\tgrade\n")
    assert simulate(scans, out) == 1
    assert "got labels.tsv of something else" in capsys.readouterr().err
    assert (out / "labels.tsv").read_text() == "path\tgrade\n"


def test_the_seed_in_labels_makes_the_copy_again(scans, tmp_path):
    out = tmp_path / "out"
    simulate(scans, out, "--copies", "2")
    simulator = ArtifactSimulator()
    for _, row in labels(out).iterrows():
        again, _ = simulator.corrupt(
            read_volume(out / row["source"]),
            {name: row[name] for name in LISA_ARTIFACTS},
            random_state=row["seed"],
        )
        made = out / row["path"]
        facts = json.loads(
            made.with_name(made.name.replace(".nii.gz", ".json")).read_text()
        )
        assert facts["seed"] == facts["record"]["seed"] == row["seed"]
        atol = np.ptp(again.data) / 65535
        np.testing.assert_allclose(read_volume(made).data, again.data, atol=atol)


@pytest.mark.parametrize("content", ["", "\n", "{", "[]"])
def test_a_copy_whose_json_is_lost_is_made_again(scans, tmp_path, content):
    out, what = tmp_path / "out", ["--artifacts", "noise", "--severities", "1"]
    simulate(scans, out, *what)
    before = everything_below(out)
    for sidecar in out.rglob("*.json"):
        sidecar.write_text(content)
    assert simulate(scans, out, *what) == 0
    assert everything_below(out) == before


@pytest.mark.parametrize("damage", [lambda b: b[:-20], lambda b: b[:-1] + b"!"])
def test_a_copy_that_was_cut_or_changed_is_made_again(scans, tmp_path, damage):
    out, what = tmp_path / "out", ["--artifacts", "noise", "--severities", "1"]
    simulate(scans, out, *what)
    before = everything_below(out)
    for copy in out.rglob("*.nii.gz"):
        copy.write_bytes(damage(copy.read_bytes()))
    assert simulate(scans, out, *what) == 0
    assert everything_below(out) == before


def test_copies_of_another_version_are_refused(scans, tmp_path, capsys, monkeypatch):
    out = tmp_path / "out"
    monkeypatch.setattr("briqa_sk.cli.copies.__version__", "0.1.0")
    simulate(scans, out, "--artifacts", "noise", "--severities", "1")
    before = everything_below(out)
    monkeypatch.setattr("briqa_sk.cli.copies.__version__", "9.9.9")
    assert simulate(scans, out, "--artifacts", "zipper", "--severities", "1") == 1
    said = capsys.readouterr().err
    assert "hold copies of this version, 9.9.9, got" in said
    assert "noise1_T1w.json of version 0.1.0, whose artifacts are others" in said
    assert everything_below(out) == before


@pytest.mark.parametrize(
    ("name", "copy", "subject"),
    [
        ("LISA_0007_LF_axi", "LISA_0007_LF_desc-clean_axi", "LISA_0007"),
        ("pt-1_acq-3T_T1w", "pt-1_acq-3T_desc-clean_T1w", "pt-1"),
        ("brain", "brain_desc-clean", "brain"),
    ],
)
def test_a_copy_knows_its_subject(tmp_path, name, copy, subject):
    head = make_head_phantom(16, snr=30, random_state=0)
    (tmp_path / "in").mkdir()
    write_volume(head, tmp_path / "in" / f"{name}.nii.gz")
    out = tmp_path / "out"
    simulate(tmp_path / "in", out, "--artifacts", "noise", "--severities", "0")
    table = labels(out)
    assert table["path"].tolist() == [f"{copy}.nii.gz"]
    assert table["subject"].tolist() == [subject]


def test_paths_and_sources_start_at_the_folder_of_the_table(
    scans, tmp_path, monkeypatch
):
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "out").symlink_to(tmp_path / "elsewhere" / "deep")
    (scans / "empty.nii.gz").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    simulate("clean", "out", "--artifacts", "noise", "--severities", "1")
    out = tmp_path / "out"
    for _, row in labels(out).iterrows():
        assert (out / row["path"]).is_file()
        assert (out / row["source"]).is_file()
    skipped = pd.read_csv(out / "skipped.tsv", sep="\t")
    assert (out / skipped["source"][0]).resolve() == scans / "empty.nii.gz"


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_sigterm_leaves_a_table_of_what_was_made(scans, tmp_path, n_jobs):
    out = tmp_path / "out"
    what = ["--severities", "1,2", "--copies", "500", "--jobs", str(n_jobs)]
    code = "import sys; from briqa_sk.cli import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "simulate", scans, out, *what],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    while not list(out.rglob("*.json")):
        assert process.poll() is None
        time.sleep(0.01)
    process.terminate()
    _, said = process.communicate()
    assert process.returncode == 130
    assert said.decode().endswith("briqa-sk simulate: interrupted.\n")
    paths = labels(out)["path"].tolist()
    assert 0 < len(paths) < 14000
    assert len(paths) == len(list(out.rglob("*.json")))
    assert all(read_volume(out / path).data.any() for path in paths)


@pytest.mark.parametrize("content", ['{"RepetitionTime": 2}', "[]", "{"])
def test_a_json_of_somebody_else_is_named_and_left_alone(
    scans, tmp_path, capsys, content
):
    out, what = tmp_path / "out", ["--artifacts", "noise", "--severities", "1"]
    foreign = out / "sub-01" / "anat" / "sub-01_desc-noise1_T1w.json"
    foreign.parent.mkdir(parents=True)
    foreign.write_text(content)
    assert simulate(scans, out, *what) == 1
    assert f"got {foreign} of something else" in capsys.readouterr().err
    assert foreign.read_text() == content


def test_a_file_is_no_folder_for_copies(scans, tmp_path, capsys):
    (tmp_path / "out").write_text("mine")
    assert simulate(scans, tmp_path / "out") == 1
    assert "OUT must be a folder, got the file" in capsys.readouterr().err


@pytest.mark.parametrize("severities", ["1,1", "1,01"])
def test_a_severity_given_twice_is_made_once(scans, tmp_path, severities):
    out, what = tmp_path / "out", ["--artifacts", "noise,noise", "--severities"]
    assert simulate(scans, out, *what, severities) == 0
    assert len(labels(out)) == 2


def test_a_folder_given_twice_counts_once(scans, tmp_path):
    arguments = [scans, f"{scans}/./", scans / "sub-01", tmp_path / "out"]
    assert simulate(*arguments, "--artifacts", "noise", "--severities", "1") == 0
    assert len(labels(tmp_path / "out")) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--severities", ""], "must be names or numbers with commas"),
        (["--severities", "a"], "must be whole numbers with commas"),
        (["--artifacts", ""], "must be names or numbers with commas"),
        (["--copies", "0"], "--copies: must be a whole number above 0, got '0'"),
        (["--jobs", "0"], "--jobs: must be a whole number above 0, got '0'"),
        (["--subjects", "0"], "--subjects: must be a whole number above 0, got '0'"),
        (["--rater-kappa", "1.5"], "--rater-kappa: must be above 0 and at most 1"),
    ],
)
def test_arguments_that_mean_nothing_are_refused_at_once(
    scans, tmp_path, capsys, arguments, said
):
    with pytest.raises(SystemExit) as stop:
        simulate(scans, tmp_path / "out", *arguments)
    assert stop.value.code == 2
    assert said in capsys.readouterr().err
