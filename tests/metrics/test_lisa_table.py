"""Tables of grades: what is one, and the names in it."""

import numpy as np
import pandas as pd
import pytest

from briqa_sk.metrics import LISA_ARTIFACTS
from briqa_sk.metrics.lisa_table import check_lisa_table, name_some, scan_ids
from briqa_sk.simulation import LISA_2025


@pytest.fixture
def table():
    names = ["LISA_0001_LF_axi.nii.gz", "LISA_0001_LF_cor.nii.gz"]
    return pd.DataFrame(0, index=names, columns=LISA_ARTIFACTS)


def check(table):
    return check_lisa_table(table, "y_true", caller="lisa_score")


def test_the_artifacts_are_those_of_the_simulator():
    assert [name.lower() for name in LISA_ARTIFACTS] == list(LISA_2025.counts)


def test_spellings_of_one_name_have_one_id():
    names = ["A_axi.nii.gz", "a_AXI.NII", " a_axi ", "A_AXI.nii.GZ"]
    assert set(scan_ids(names)) == {"a_axi"}


def test_columns_come_in_the_official_order_and_others_not_at_all(table):
    shuffled = table[list(LISA_ARTIFACTS[::-1])].assign(site="x")
    assert tuple(check(shuffled).columns) == LISA_ARTIFACTS


def test_numbers_as_text_are_numbers(table):
    assert (check(table.astype(str)) == 0).all(axis=None)


@pytest.mark.parametrize("grade", [3, -1, 0.5, "severe", np.inf])
def test_other_grades_are_refused_with_their_place(table, grade):
    table = table.astype(object)
    table.loc["LISA_0001_LF_cor.nii.gz", "Motion"] = grade
    with pytest.raises(ValueError, match=r"got .* for Motion in LISA_0001_LF_cor"):
        check(table)


@pytest.mark.parametrize("nothing", [np.nan, None, pd.NA])
def test_not_rated_is_nan(table, nothing):
    table = table.astype(object)
    table.loc["LISA_0001_LF_cor.nii.gz", "Motion"] = nothing
    assert np.isnan(check(table).loc["lisa_0001_lf_cor", "Motion"])


def test_a_missing_or_double_column_is_refused(table):
    with pytest.raises(ValueError, match="each of the columns Noise"):
        check(table.drop(columns="Banding"))
    with pytest.raises(ValueError, match="each of the columns Noise"):
        check(pd.concat([table, table[["Noise"]]], axis=1))


def test_two_rows_of_one_scan_are_refused(table):
    twice = pd.concat([table, table[:1].rename(index=str.lower)])
    with pytest.raises(ValueError, match="another one for lisa_0001_lf_axi"):
        check(twice)


def test_a_table_without_rows_and_what_is_no_table_are_refused(table):
    with pytest.raises(ValueError, match="at least 1 row"):
        check(table[:0])
    with pytest.raises(TypeError, match=r"must be a DataFrame .* got ndarray"):
        check(table.to_numpy())


@pytest.mark.parametrize("column", ["filename", "Filename", "Unnamed: 0"])
def test_names_in_a_column_are_refused_with_the_remedy(table, column):
    with pytest.raises(ValueError, match=rf"y_true\.set_index\('{column}'\)"):
        check(table.rename_axis(column).reset_index())


def test_numbers_and_text_beside_the_grades_are_no_names_of_scans(table):
    assert (check(table.assign(site="x", age=7)) == 0).all(axis=None)
    assert (check(table.reset_index(drop=True).assign(age=7)) == 0).all(axis=None)


def test_long_lists_of_names_are_cut():
    assert name_some(list("abc")) == "a, b, c"
    assert name_some(list("abcdefg")) == "a, b, c, d, e and 2 more"
