"""Tables of the challenge as they come, and submissions as they must go."""

import codecs

import numpy as np
import pandas as pd
import pytest

from briqa_sk.datasets import read_lisa_labels, write_submission
from briqa_sk.exceptions import BriqaWarning
from briqa_sk.metrics import LISA_ARTIFACTS

HEADER = "filename,Noise,Zipper,Positioning,Banding,Motion,Contrast,Distortion\n"
ROWS = "LISA_0001_LF_axi.nii.gz,0,1,2,0,0,0,0\nLISA_0001_LF_cor.nii.gz,2,0,0,0,0,0,1\n"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(HEADER + ROWS)
    return path


def test_labels_are_whole_numbers_indexed_by_file_name(table):
    labels = read_lisa_labels(table)
    assert labels.index.tolist() == [
        "LISA_0001_LF_axi.nii.gz",
        "LISA_0001_LF_cor.nii.gz",
    ]
    assert labels.index.name == "filename"
    assert labels.to_numpy().tolist() == [[0, 1, 2, 0, 0, 0, 0], [2, 0, 0, 0, 0, 0, 1]]
    assert set(labels.dtypes) == {np.dtype(int)}


@pytest.mark.parametrize(
    "header",
    [
        HEADER.replace("filename", ""),
        HEADER.upper(),
        HEADER.replace("filename", "Subject ID"),
        HEADER.replace(",", " , "),
    ],
    ids=["unnamed", "upper", "other", "spaces"],
)
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8], ids=["plain", "marked"])
def test_headers_may_be_spelled_in_other_ways(table, header, mark):
    expected = read_lisa_labels(table)
    table.write_bytes(mark + (header + ROWS).encode())
    pd.testing.assert_frame_equal(read_lisa_labels(table), expected)


def test_columns_may_be_in_any_order_and_rows_numbered(table):
    expected = read_lisa_labels(table)
    frame = pd.read_csv(table)
    frame[frame.columns[::-1]].to_csv(table)
    pd.testing.assert_frame_equal(read_lisa_labels(table), expected)


def test_an_empty_cell_is_not_rated(table):
    table.write_text(HEADER + "a.nii,0,,2,0,0,0,0\n")
    labels = read_lisa_labels(table)
    assert labels.isna().to_numpy().sum() == 1
    assert np.isnan(labels.loc["a.nii", "Zipper"])


def test_a_row_repeated_word_for_word_is_kept_once_and_named(table):
    first = ROWS.splitlines()[0]
    table.write_text(HEADER + ROWS + first.lower() + "\n")
    with pytest.warns(BriqaWarning, match="repeats the rows of lisa_0001_lf_axi"):
        assert len(read_lisa_labels(table)) == 2


def test_rows_that_contradict_each_other_are_refused(table):
    table.write_text(HEADER + ROWS + "LISA_0001_LF_axi,2,2,2,2,2,2,2\n")
    with pytest.raises(ValueError, match="another one for LISA_0001_LF_axi"):
        read_lisa_labels(table)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a comma-separated table"),
        (HEADER, "at least 1 row"),
        (HEADER.replace("Noise,", "") + "a.nii,0,0,0,0,0,0\n", "each of the columns"),
        (HEADER + "a.nii,0,0,0,0,0,0,bad\n", "got 'bad' for Distortion in a.nii"),
        (HEADER + ",0,0,0,0,0,0,0\n", "a file name in each row, got none in 1 of 1"),
    ],
    ids=["empty", "no row", "no column", "no grade", "no name"],
)
def test_other_tables_are_refused_with_the_name_of_the_file(table, text, said):
    table.write_text(text)
    with pytest.raises(ValueError, match=said) as error:
        read_lisa_labels(table)
    assert str(table) in str(error.value)


@pytest.mark.parametrize("again", ["Noise", " noise", "FileName"])
def test_a_column_that_occurs_twice_is_refused(table, again):
    lines = (HEADER + ROWS).splitlines()
    added = [again, "2", "2"]
    text = "\n".join(f"{line},{cell}" for line, cell in zip(lines, added, strict=True))
    table.write_text(text)
    with pytest.raises(ValueError, match=rf"once, got the columns .*, {again}\."):
        read_lisa_labels(table)


def test_columns_are_named_as_they_stand_in_the_file(table):
    table.write_text((HEADER + ROWS).replace(",", ";"))
    with pytest.raises(ValueError, match=r"columns filename;Noise;Zipper;.*ortion\."):
        read_lisa_labels(table)


def test_a_submission_is_the_table_of_the_challenge_byte_for_byte(table, tmp_path):
    labels = read_lisa_labels(table).astype(float)
    path = tmp_path / "submission.csv"
    write_submission(labels[list(LISA_ARTIFACTS[::-1])].assign(age=3), path)
    assert path.read_text() == HEADER + ROWS


@pytest.mark.parametrize(
    ("grade", "said"),
    [(np.nan, "got NaN for LISA_0001_LF_cor"), (3, "got 3"), (0.5, "got 0.5")],
)
def test_a_submission_must_be_complete_and_in_range(table, tmp_path, grade, said):
    labels = read_lisa_labels(table).astype(object)
    labels.loc["LISA_0001_LF_cor.nii.gz", "Noise"] = grade
    with pytest.raises(ValueError, match=f"write_submission: .*{said}"):
        write_submission(labels, tmp_path / "submission.csv")
    assert not (tmp_path / "submission.csv").exists()


def test_a_submission_needs_every_column_and_one_row_per_scan(table, tmp_path):
    labels = read_lisa_labels(table)
    with pytest.raises(ValueError, match="each of the columns"):
        write_submission(labels.drop(columns="Motion"), tmp_path / "s.csv")
    with pytest.raises(ValueError, match="one row per scan"):
        write_submission(pd.concat([labels, labels]), tmp_path / "s.csv")
