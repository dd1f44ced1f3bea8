"""What the arguments of ``briqa-sk train`` stand for."""

import numpy as np
import pandas as pd
import pytest

from briqa_sk.cli.parser import make_parser
from briqa_sk.cli.rated import read_rated
from briqa_sk.metrics.lisa_table import LISA_ARTIFACTS

NAMES = [f"LISA_000{s}_LF_{p}.nii.gz" for s in (1, 2) for p in ("axi", "cor", "sag")]


@pytest.fixture
def folder(tmp_path):
    """Two subjects whose scans need not be opened; one has two unrated scans."""
    for name in NAMES:
        (tmp_path / name).write_bytes(b"")
    grades = pd.DataFrame(0, index=NAMES, columns=LISA_ARTIFACTS).astype("Int64")
    grades.loc[NAMES[1]] = pd.NA
    grades.loc[NAMES[3], "Zipper"] = pd.NA
    grades = grades.drop(NAMES[2]).rename(str.upper)
    grades.to_csv(tmp_path / "labels.csv", index_label="filename")
    return tmp_path


def read(*arguments):
    arguments = [str(argument) for argument in arguments]
    return read_rated(make_parser().parse_args(["train", "--out", "m", *arguments]))


@pytest.mark.filterwarnings("ignore:read_lisa")
@pytest.mark.parametrize("table", [".", "labels.csv"])
def test_a_folder_of_the_challenge_tells_everything(folder, table, capsys):
    scans = read("--format", "lisa", "--table", folder / table, "--plane-head")
    kept = [NAMES[0], *NAMES[3:]]
    assert scans.paths.tolist() == [str(folder / name) for name in kept]
    assert scans.subjects.tolist() == ["LISA_0001", *["LISA_0002"] * 3]
    assert scans.planes.tolist() == ["axi", "axi", "cor", "sag"]
    assert scans.grades["Zipper"].isna().tolist() == [False, True, False, False]
    said = capsys.readouterr().err
    assert f"Left out 2 of 6 scans, which have no grade: {NAMES[1]}, {NAMES[2]}" in said


def test_a_scan_without_a_row_is_warned_of(folder):
    with pytest.warns(UserWarning, match=f"no row for {NAMES[2]}"):
        read("--format", "lisa", "--table", folder)


def test_empty_cells_of_several_targets_are_not_rated(folder, capsys):
    arguments = ["--path-column", "filename", "--target", "Noise,Zipper"]
    scans = read("--table", folder / "labels.csv", *arguments)
    assert list(scans.grades) == ["Noise", "Zipper"]
    assert scans.grades["Noise"].tolist() == [0, 0, 0, 0]
    assert scans.grades["Zipper"].isna().tolist() == [False, True, False, False]
    assert scans.metadata == {}
    assert "Left out 1 of 5 scans" in capsys.readouterr().err


def test_a_mask_takes_the_same_scans_everywhere(folder):
    (folder / "t.csv").write_text("path,a,b,who\nx,0,,s1\ny,1,bad,s2\n")
    where = ["--table", folder / "t.csv", "--target", "a,b", "--group", "who"]
    scans = read(*where, "--early-stopping").take(np.array([False, True]))
    assert scans.paths.tolist() == [str(folder / "y")]
    assert scans.grades.to_numpy().tolist() == [[1, "bad"]]
    assert scans.metadata["groups"].tolist() == ["s2"]
    assert scans.planes is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "lisa", "--target", "Noise"], "--target must be left out"),
        (["--format", "lisa", "--group", "who"], "--group must be left out"),
        (["--format", "lisa", "--grades", "0,1,2"], "--grades must be left out"),
        ([], "--target must name the column"),
        (["--target", "Noise"], "--table must be a file, got the folder"),
    ],
)
def test_arguments_that_do_not_suit_the_format_are_refused(folder, arguments, said):
    with pytest.raises(ValueError, match=said):
        read("--table", folder, *arguments)


def test_a_folder_without_a_table_of_grades_is_refused(folder):
    (folder / "labels.csv").unlink()
    with pytest.raises(ValueError, match="got 6 scans without one"):
        read("--format", "lisa", "--table", folder)


def test_a_table_without_any_grade_is_refused(folder):
    (folder / "t.csv").write_text("path,a,b\nx,,\ny,,\n")
    with pytest.raises(ValueError, match="got no grade for any of 2"):
        read("--table", folder / "t.csv", "--target", "a,b")


def test_a_target_that_is_no_column_is_named(folder):
    (folder / "t.csv").write_text("path,a\nx,0\n")
    with pytest.raises(ValueError, match="must have the columns a, b, got path, a"):
        read("--table", folder / "t.csv", "--target", "a,b")
