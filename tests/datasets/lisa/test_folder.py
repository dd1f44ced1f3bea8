"""Folders of the challenge, and mangled ones."""

import shutil

import numpy as np
import pandas as pd
import pytest

from briqa_sk.datasets import make_lisa_like, read_lisa
from briqa_sk.exceptions import BriqaWarning
from briqa_sk.metrics import LISA_ARTIFACTS, lisa_score


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two subjects, as make_lisa_like leaves them."""
    folder = tmp_path_factory.mktemp("lisa")
    make_lisa_like(2, folder, shape=16, rater_kappa=0.7, random_state=0)
    return folder


@pytest.fixture
def folder(made, tmp_path):
    """A copy to mangle; scans are empty files, because none is opened."""
    for path in made.glob("*.nii.gz"):
        (tmp_path / path.name).touch()
    shutil.copy(made / "labels.csv", tmp_path)
    return tmp_path


def test_a_made_set_is_read_as_it_was_made(made):
    scans = read_lisa(made)
    labels = pd.read_csv(made / "labels.csv", index_col="filename")
    pd.testing.assert_frame_equal(scans.labels, labels)
    assert scans.paths == [str(made / name) for name in labels.index]
    assert scans.planes.tolist() == ["axi", "cor", "sag"] * 2
    assert scans.subjects.tolist() == ["LISA_0001"] * 3 + ["LISA_0002"] * 3
    assert scans.table == str(made / "labels.csv")
    assert (scans.without_scan, scans.without_label) == ([], [])


def test_another_table_can_be_asked_for(made):
    truth = read_lisa(made, table=made / "truth.csv").labels
    pd.testing.assert_frame_equal(
        truth, pd.read_csv(made / "truth.csv", index_col="filename")
    )
    assert lisa_score(truth, read_lisa(made).labels)["Accuracy_micro"] < 1


def test_names_may_differ_in_case_order_and_ending(folder):
    expected = read_lisa(folder)
    table = pd.read_csv(folder / "labels.csv")
    table["filename"] = table["filename"].str.upper().str.removesuffix(".NII.GZ")
    table = table.sample(frac=1, random_state=0)[table.columns[::-1]]
    (folder / "labels.csv").unlink()
    table.to_csv(folder / "LISA_Labels.CSV", index=False, encoding="utf-8-sig")
    (folder / "LISA_0002_LF_sag.nii.gz").rename(folder / "Lisa_0002_lf_SAG.nii.gz")
    scans = read_lisa(folder)
    assert (scans.labels.to_numpy() == expected.labels.to_numpy()).all()
    assert scans.labels.index[-1] == "Lisa_0002_lf_SAG.nii.gz"
    assert scans.planes.tolist() == expected.planes.tolist()
    assert scans.subjects.tolist() == expected.subjects.tolist()


def test_the_gold_table_may_have_no_name_over_its_names(folder):
    expected = read_lisa(folder).labels
    text = (folder / "labels.csv").read_text()
    (folder / "labels.csv").unlink()
    gold = folder / "goldstandard.csv"
    gold.write_text(text.replace("filename", "", 1), encoding="utf-8-sig")
    pd.testing.assert_frame_equal(read_lisa(folder).labels, expected)


def test_what_has_no_partner_is_named_in_one_warning(folder):
    (folder / "LISA_0001_LF_axi.nii.gz").unlink()
    (folder / "LISA_0009_LF_axi.nii.gz").touch()
    with pytest.warns(BriqaWarning) as said:
        scans = read_lisa(folder)
    assert len(said) == 1
    text = str(said[0].message)
    assert "no scan for LISA_0001_LF_axi.nii.gz; no row for LISA_0009_LF_axi" in text
    assert said[0].filename == __file__
    assert scans.without_scan == ["LISA_0001_LF_axi.nii.gz"]
    assert scans.without_label == ["LISA_0009_LF_axi.nii.gz"]
    assert len(scans.paths) == len(scans.labels) == 6
    assert np.isnan(scans.labels.loc["LISA_0009_LF_axi.nii.gz"]).all()
    assert scans.labels.iloc[:-1].notna().all(axis=None)


def test_a_repeated_row_is_named_and_kept_once(folder):
    table = folder / "labels.csv"
    table.write_text(table.read_text() + table.read_text().splitlines()[-1] + "\n")
    with pytest.warns(BriqaWarning, match="repeats the rows of LISA_0002_LF_sag"):
        assert len(read_lisa(folder).labels) == 6


def test_a_folder_without_a_table_is_a_test_set(folder):
    (folder / "labels.csv").unlink()
    scans = read_lisa(folder)
    assert (scans.labels, scans.table) == (None, None)
    assert len(scans.paths) == len(scans.planes) == len(scans.subjects) == 6


MANGLED = {
    "semicolons": ("labels.csv", lambda text: text.replace(",", ";").encode()),
    "no column": ("labels.csv", lambda text: text.replace(",Noise", ",x").encode()),
    "misspelt": ("labels.csv", lambda text: text.replace("Noise", "Noize").encode()),
    "utf-16": ("labels.csv", lambda text: text.encode("utf-16")),
    "tabs": ("labels.tsv", lambda text: text.replace(",", "\t").encode()),
    "empty": ("labels.csv", lambda text: b""),
}


@pytest.mark.parametrize("case", MANGLED)
def test_a_table_that_is_not_recognised_is_named_with_what_it_lacks(folder, case):
    name, mangle = MANGLED[case]
    text = (folder / "labels.csv").read_text()
    (folder / "labels.csv").unlink()
    (folder / name).write_bytes(mangle(text))
    with pytest.warns(BriqaWarning, match=rf"{name} \(no column Noise") as said:
        assert read_lisa(folder).labels is None
    assert len(said) == 1
    assert said[0].filename == __file__


def test_a_table_in_a_subfolder_is_named_and_not_taken(folder):
    (folder / "sub").mkdir()
    (folder / "labels.csv").rename(folder / "sub" / "labels.csv")
    (folder / "sub" / "._labels.csv").touch()
    with pytest.warns(BriqaWarning, match=r"None: sub.labels\.csv \(not a \.csv"):
        assert read_lisa(folder).labels is None


@pytest.mark.parametrize("name", ["submission.csv", "My_Predictions.csv"])
def test_predictions_are_not_taken_for_labels(folder, name):
    (folder / "labels.csv").rename(folder / name)
    with pytest.warns(BriqaWarning, match=rf"{name} \(predictions, by its name"):
        assert read_lisa(folder).labels is None
    assert read_lisa(folder, table=folder / name).labels.notna().all(axis=None)


def test_scans_in_subfolders_are_found_and_other_files_are_not(folder):
    (folder / "sub").mkdir()
    (folder / "LISA_0001_LF_axi.nii.gz").rename(folder / "sub" / "LISA_0001_LF_axi.nii")
    (folder / "._LISA_0001_LF_axi.nii.gz").touch()
    (folder / "LISA_0001_LF_axi.json").touch()
    scans = read_lisa(folder)
    assert scans.paths[0] == str(folder / "sub" / "LISA_0001_LF_axi.nii")
    assert len(scans.paths) == 6


def test_a_name_without_a_plane_has_none_and_is_its_own_subject(folder):
    (folder / "LISA_0001_LF_axi.nii.gz").rename(folder / "brain.nii.gz")
    with pytest.warns(BriqaWarning, match="no row for brain"):
        scans = read_lisa(folder)
    assert scans.planes[0] is None
    assert scans.subjects[0] == "BRAIN"


def test_names_of_the_validation_and_test_sets_are_parsed(tmp_path):
    for name in ("LISA_VALIDATION_0001_LF_cor.nii.gz", "LISA_TESTING_0002_SAG.nii"):
        (tmp_path / name).touch()
    scans = read_lisa(tmp_path)
    assert scans.subjects.tolist() == ["LISA_TESTING_0002", "LISA_VALIDATION_0001"]
    assert scans.planes.tolist() == ["sag", "cor"]


def test_simulated_copies_keep_the_subject_and_the_plane(tmp_path):
    (tmp_path / "LISA_0001_LF_desc-noise1_axi.nii.gz").touch()
    scans = read_lisa(tmp_path)
    assert (scans.subjects[0], scans.planes[0]) == ("LISA_0001", "axi")


def test_two_files_of_one_name_are_refused(folder):
    (folder / "lisa_0001_lf_axi.nii").touch()
    with pytest.raises(ValueError, match="one file, got several") as error:
        read_lisa(folder)
    assert "lisa_0001_lf_axi.nii" in str(error.value)


def test_several_tables_need_a_choice(folder):
    for name in ("labels_2.csv", "truth.csv"):
        shutil.copy(folder / "labels.csv", folder / name)
    with pytest.raises(ValueError, match=r"labels.csv, labels_2.csv, truth.csv\. Pass"):
        read_lisa(folder)


def test_a_table_of_other_scans_is_refused(folder):
    row = pd.DataFrame(0, index=["x.nii"], columns=LISA_ARTIFACTS)
    row.to_csv(folder / "labels.csv", index_label="filename")
    with pytest.raises(ValueError, match=r"it has x\.nii, the scans are LISA_0001"):
        read_lisa(folder)


@pytest.mark.parametrize("name", ["empty", "nowhere"])
def test_a_folder_without_scans_is_refused(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=f"{name} must be a folder with scans"):
        read_lisa(tmp_path / name)
