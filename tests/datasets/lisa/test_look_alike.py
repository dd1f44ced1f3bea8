"""LISA-like sets: names, grids, counts and raters of the challenge."""

import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from briqa_sk.datasets import make_head_phantom, make_lisa_like
from briqa_sk.datasets.lisa import subject
from briqa_sk.exceptions import UnreadableVolumeError
from briqa_sk.io import provenance
from briqa_sk.io.writing import write_volume
from briqa_sk.simulation import LISA_2025

NAMES = list(LISA_2025.counts)
COLUMNS = [name.capitalize() for name in NAMES]


@pytest.fixture
def without_artifacts(monkeypatch):
    """Leave scans as they are: for tests of everything around the artifacts."""

    class Simulator:
        def __init__(self, acquisition):
            pass

        def corrupt(self, volume, severities, *, random_state):
            return volume, {**severities, "parameters": {}}

    monkeypatch.setattr(subject, "ArtifactSimulator", Simulator)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Two subjects, corrupted for real."""
    folder = tmp_path_factory.mktemp("lisa")
    return make_lisa_like(2, folder, shape=24, rater_kappa=0.7, random_state=0)


def test_names_columns_and_planes_are_those_of_the_challenge(table):
    labels = pd.read_csv(table)
    assert ",".join(labels.columns) == (
        "filename,Noise,Zipper,Positioning,Banding,Motion,Contrast,Distortion"
    )
    assert labels["filename"].tolist() == [
        f"LISA_000{number}_LF_{plane}.nii.gz"
        for number in (1, 2)
        for plane in ("axi", "cor", "sag")
    ]
    assert set(np.unique(labels[COLUMNS])) <= {0, 1, 2}
    assert {path.name for path in table.parent.iterdir()} == {
        *labels["filename"],
        *labels["filename"].str.replace(".nii.gz", ".json"),
        "labels.csv",
        "truth.csv",
        "simulation.tsv",
        "simulation.json",
    }


@pytest.mark.parametrize(
    ("plane", "shape", "codes"),
    [
        ("axi", (120, 146, 36), "RAS"),
        ("cor", (120, 120, 40), "RSA"),
        ("sag", (146, 120, 36), "ASR"),
    ],
)
def test_scans_lie_on_the_grid_of_their_plane(table, plane, shape, codes):
    image = nib.load(table.with_name(f"LISA_0002_LF_{plane}.nii.gz"))
    assert image.shape == shape
    assert image.get_data_dtype() == np.int16
    assert "".join(nib.aff2axcodes(image.affine)) == codes
    np.testing.assert_allclose(image.header.get_zooms(), (1.5, 1.5, 5))


def test_the_record_tells_what_was_applied(table):
    truth = pd.read_csv(table.with_name("truth.csv"))
    record = pd.read_csv(table.with_name("simulation.tsv"), sep="\t")
    assert record["filename"].tolist() == truth["filename"].tolist()
    np.testing.assert_array_equal(record[NAMES], truth[COLUMNS])
    for (_, row), parameters in zip(
        record.iterrows(), record["parameters"].map(json.loads), strict=True
    ):
        acting = [name for name in NAMES if row[name] > 0]
        shared = ["acquisition"] if acting else []
        assert sorted(parameters) == sorted(acting + shared)
        for name in shared:
            assert parameters[name]["mode"] == "3d"
            assert parameters[name]["given"] == {"slice": 2}


def test_equal_seeds_give_equal_bytes(table, tmp_path):
    again = make_lisa_like(2, tmp_path, shape=24, rater_kappa=0.7, random_state=0)
    for path in again.parent.iterdir():
        assert path.read_bytes() == table.with_name(path.name).read_bytes()


@pytest.mark.usefixtures("without_artifacts")
def test_no_head_is_used_again_before_all_are_used(tmp_path):
    heads = []
    for seed in range(3):
        heads.append(tmp_path / f"head{seed}.nii.gz")
        write_volume(make_head_phantom(16, random_state=seed), heads[-1])
    table = make_lisa_like(5, tmp_path / "set", heads=heads, random_state=0)
    record = pd.read_csv(table.with_name("simulation.tsv"), sep="\t")
    used = record["head"].iloc[::3].tolist()
    assert sorted(used[:3]) == ["head0.nii.gz", "head1.nii.gz", "head2.nii.gz"]
    assert len(set(used[3:])) == 2
    assert (record["head"].iloc[1::3].to_numpy() == used).all()


@pytest.mark.usefixtures("without_artifacts")
def test_without_a_rater_labels_are_the_truth(tmp_path):
    table = make_lisa_like(1, tmp_path, shape=16, random_state=3)
    record = pd.read_csv(table.with_name("simulation.tsv"), sep="\t")
    np.testing.assert_array_equal(pd.read_csv(table)[COLUMNS], record[NAMES])
    assert not table.with_name("truth.csv").exists()


@pytest.mark.usefixtures("without_artifacts")
def test_an_interrupt_leaves_whole_scans_and_no_table(tmp_path, monkeypatch):
    written = []

    def write_two(volume, path):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path)
        write_volume(volume, path)

    monkeypatch.setattr(provenance, "write_volume", write_two)
    with pytest.raises(KeyboardInterrupt):
        make_lisa_like(1, tmp_path, shape=16, random_state=0)
    assert sorted(tmp_path.rglob("*.nii.gz")) == sorted(written)
    assert all(nib.load(path).get_fdata().any() for path in written)
    assert not [*tmp_path.glob("*.csv"), *tmp_path.glob("*.tsv")]
    before = {path: path.stat().st_mtime_ns for path in written}
    monkeypatch.setattr(provenance, "write_volume", write_volume)
    table = make_lisa_like(1, tmp_path, shape=16, random_state=0)
    assert len(pd.read_csv(table)) == 3
    assert {path: path.stat().st_mtime_ns for path in written} == before


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"n_subjects": 0}, "n_subjects must be a whole number above 0, got 0"),
        ({"rater_kappa": 1.2}, r"rater_kappa must be in \(0, 1\], got 1.2"),
        ({"shape": (8, 8)}, "shape must be a whole number"),
        ({"heads": []}, "must hold at least 1 path"),
    ],
)
def test_impossible_sets_are_refused(tmp_path, keywords, said):
    with pytest.raises(ValueError, match=said):
        make_lisa_like(**{"n_subjects": 1, "folder": tmp_path / "set", **keywords})
    assert not (tmp_path / "set").exists()


def everything_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.usefixtures("without_artifacts")
def test_an_equal_call_makes_nothing_again(tmp_path, monkeypatch):
    def refuse(volume, path):
        raise AssertionError(path)

    table = make_lisa_like(1, tmp_path, shape=16, random_state=0, verbose=1)
    made = everything_in(tmp_path)
    table.unlink()
    monkeypatch.setattr(provenance, "write_volume", refuse)
    make_lisa_like(1, tmp_path, shape=16, random_state=0)
    assert everything_in(tmp_path) == made


@pytest.mark.usefixtures("without_artifacts")
def test_a_folder_of_another_set_is_refused_and_left_alone(tmp_path):
    make_lisa_like(2, tmp_path, shape=16, rater_kappa=0.5, random_state=0)
    made = everything_in(tmp_path)
    for n_subjects, seed in [(1, 0), (2, 1)]:
        with pytest.raises(ValueError, match="must hold no set but one of this very"):
            make_lisa_like(n_subjects, tmp_path, shape=16, random_state=seed)
    assert everything_in(tmp_path) == made


@pytest.mark.usefixtures("without_artifacts")
def test_a_set_of_another_version_is_named(tmp_path):
    make_lisa_like(1, tmp_path, shape=16, random_state=0)
    marker = tmp_path / "simulation.json"
    facts = json.loads(marker.read_text())
    marker.write_text(json.dumps({**facts, "briqa_sk": "0.0.7"}))
    with pytest.raises(ValueError, match=r"got one of version 0\.0\.7\. Choose"):
        make_lisa_like(1, tmp_path, shape=16, random_state=0)


@pytest.mark.usefixtures("without_artifacts")
def test_a_scan_that_was_changed_is_made_again(tmp_path):
    make_lisa_like(1, tmp_path, shape=16, random_state=0)
    made = everything_in(tmp_path)
    scan = tmp_path / "LISA_0001_LF_cor.nii.gz"
    scan.write_bytes(scan.read_bytes()[:-1] + b"!")
    make_lisa_like(1, tmp_path, shape=16, random_state=0)
    assert everything_in(tmp_path) == made


def test_heads_in_the_folder_of_the_set_are_not_overwritten(tmp_path):
    head = tmp_path / "LISA_0001_LF_axi.nii.gz"
    write_volume(make_head_phantom(16, random_state=0), head)
    content = head.read_bytes()
    with pytest.raises(ValueError, match=r"got LISA_0001_LF_axi.* of another one"):
        make_lisa_like(1, tmp_path, heads=[head], random_state=0)
    assert everything_in(tmp_path) == {head.name: content}


def test_an_unreadable_head_is_an_error_before_anything_is_written(tmp_path):
    good, bad = tmp_path / "good.nii.gz", tmp_path / "bad.nii.gz"
    write_volume(make_head_phantom(16, random_state=0), good)
    bad.write_bytes(b"")
    with pytest.raises(UnreadableVolumeError, match=r"bad\.nii\.gz"):
        make_lisa_like(1, tmp_path / "set", heads=[good, bad], random_state=0)
    assert not (tmp_path / "set").exists()


def test_scans_do_not_depend_on_the_number_of_processes(table, tmp_path):
    make_lisa_like(*(2, tmp_path), shape=24, rater_kappa=0.7, n_jobs=2, random_state=0)
    assert everything_in(tmp_path) == everything_in(table.parent)
