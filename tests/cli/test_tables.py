"""What a table of scans may look like, and which files a folder stands for."""

import os

import pandas as pd
import pytest

from briqa_sk.cli.tables import (
    find_scans,
    find_sources,
    prepare_output,
    read_scan_table,
    write_table,
)

COLUMNS = {"path": "path", "target": "grade", "group": "subject"}


def read(tmp_path, text, name="t.csv", encoding="utf-8"):
    (tmp_path / name).write_text(text, encoding=encoding)
    return read_scan_table(tmp_path / name, COLUMNS)


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_none_and_na_may_be_grades(tmp_path):
    table = read(tmp_path, "path,grade,subject\na,None,1\nb,NA,2\nc,null,3\nd,nan,4\n")
    assert table["target"].tolist() == ["None", "NA", "null", "nan"]


@pytest.mark.parametrize("missing", ["", "nan", "n/a", "None"])
def test_a_grade_is_missing_among_numbers(tmp_path, missing):
    with pytest.raises(ValueError, match=r"got 1 without one, first in lines \[3\]"):
        read(tmp_path, f"path,grade,subject\na,0,1\nb,{missing},2\n")


@pytest.mark.parametrize("missing", ["", "n/a"])
def test_a_grade_is_missing_among_texts(tmp_path, missing):
    with pytest.raises(ValueError, match=r"got 1 without one, first in lines \[3\]"):
        read(tmp_path, f"path,grade,subject\na,good,1\nb,{missing},2\n")


@pytest.mark.parametrize(
    ("typed", "kind"),
    [("0,2", "i"), ("0.0,2.0", "i"), ("0.5,1.0", "f"), ("True,False", "b")],
)
def test_grades_keep_the_type_they_look_like(tmp_path, typed, kind):
    first, second = typed.split(",")
    table = read(tmp_path, f"path,grade,subject\na,{first},1\nb,{second},2\n")
    assert table["target"].dtype.kind == kind


def test_files_and_subjects_are_text(tmp_path):
    table = read(tmp_path, "path,grade,subject\n01,0,001\n1,1,1\n")
    assert table["group"].tolist() == ["001", "1"]
    assert table["path"].tolist() == [str(tmp_path / "01"), str(tmp_path / "1")]


def test_a_separator_too_many_in_each_row_shifts_nothing(tmp_path):
    table = read(tmp_path, "path,grade,subject\na,0,x,\nb,1,y,\n")
    assert table["path"].tolist() == [str(tmp_path / "a"), str(tmp_path / "b")]
    assert table["group"].tolist() == ["x", "y"]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("", "utf-8"),
        ("path,grade,subject\né,0,1\n", "latin-1"),
        ("path,grade,subject\n1,a,0,x\n2,b,1,y\n", "utf-8"),
        ("path,grade,subject\na,0,x\nb,c,1,y\n", "utf-8"),
    ],
)
def test_what_is_not_a_table_is_named(tmp_path, text, encoding):
    with pytest.raises(ValueError, match=r"(?s)t\.csv must be a table in UTF-8 .*\.$"):
        read(tmp_path, text, encoding=encoding)


def test_file_names_that_are_not_utf_8_are_written_as_they_are(tmp_path):
    name = os.fsdecode(b"sub-\xff.nii")
    write_table(pd.DataFrame({"path": [name]}, dtype=object), tmp_path / "t.tsv")
    assert (tmp_path / "t.tsv").read_bytes() == b"path\nsub-\xff.nii\n"


def test_the_folder_of_an_output_is_made(tmp_path):
    prepare_output(tmp_path / "a" / "b" / "m.zip")
    assert os.listdir(tmp_path / "a" / "b") == []


def test_a_folder_is_no_output(tmp_path):
    with pytest.raises(ValueError, match="must be a file, got the folder"):
        prepare_output(tmp_path)


def test_links_to_folders_are_followed_even_in_circles(tmp_path):
    touch(tmp_path / "far" / "b.nii.gz")
    touch(tmp_path / "here" / "a.nii")
    (tmp_path / "here" / "linked").symlink_to(tmp_path / "far")
    (tmp_path / "far" / "back").symlink_to(tmp_path / "here")
    found = find_scans([tmp_path / "here"])
    assert found == [
        str(tmp_path / "here" / "a.nii"),
        str(tmp_path / "here" / "linked" / "b.nii.gz"),
    ]


def test_hidden_files_and_folders_with_the_name_of_a_scan_are_no_scans(tmp_path):
    for name in ("a.nii", "._a.nii", ".git/b.nii", "c.nii.gz/d.mgz", "e.txt"):
        touch(tmp_path / name)
    found = find_scans([tmp_path])
    assert found == [str(tmp_path / "a.nii"), str(tmp_path / "c.nii.gz" / "d.mgz")]


def test_a_scan_named_twice_is_found_once(tmp_path):
    touch(tmp_path / "a.nii")
    assert len(find_scans([tmp_path, tmp_path / "a.nii", tmp_path])) == 1


def test_segmentations_and_masks_in_folders_are_no_scans(tmp_path):
    names = ["sub-01_T1w.nii.gz", "sub-01_dseg.nii.gz", "sub-01_desc-brain_mask.nii"]
    for name in [*names, ".hidden.nii", "notes.txt"]:
        (tmp_path / name).touch()
    assert find_scans([tmp_path]) == [str(tmp_path / "sub-01_T1w.nii.gz")]
    mask = str(tmp_path / names[2])
    assert find_scans([mask]) == [mask]  # asked for by name


def test_sources_lie_outside_the_results_and_count_once(tmp_path):
    for name in ("a/one.nii", "a/b/two.nii", "a/out/made.nii"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    folders = [str(tmp_path / name) for name in ("a", "a/b")]
    assert find_sources(folders, tmp_path / "a" / "out") == {
        str(tmp_path / "a" / "b" / "two.nii"): folders[0],
        str(tmp_path / "a" / "one.nii"): folders[0],
    }


def test_results_only_are_no_sources(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "made.nii").touch()
    with pytest.raises(ValueError, match="at least 1 scan outside the folder of res"):
        find_sources([str(tmp_path)], tmp_path / "out")
