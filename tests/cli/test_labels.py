"""One grade, typed in different ways."""

import numpy as np
import pandas as pd
import pytest

from briqa_sk.cli.labels import match_labels, parse_grades


@pytest.mark.parametrize(
    ("labels", "known", "matched"),
    [
        ([0.0, 2.0], [0, 1, 2], [0, 2]),
        (["1", "0"], [0, 1], [1, 0]),
        ([1, 0.0], ["0", "1"], ["1", "0"]),
        (["False", "True"], [True, False], [False, True]),
        (["1", "01"], ["01", "1"], ["1", "01"]),
        (["bad"], ["good", "fair"], ["bad"]),
        (["1.5"], [0, 1], [1.5]),
    ],
)
def test_labels_take_the_type_of_the_known(labels, known, matched):
    result = match_labels(labels, np.array(known), caller="grades")
    assert result == matched
    assert [type(label) for label in result] == [type(label) for label in matched]


@pytest.mark.parametrize(("label", "known"), [("bad", [0, 1]), ("2", [True, False])])
def test_a_label_of_another_kind_is_refused(label, known):
    with pytest.raises(ValueError, match="grades must be labels like"):
        match_labels([label], np.array(known), caller="grades")


def test_numbers_of_one_artifact_and_text_of_another_keep_their_types():
    grades = pd.DataFrame({"noise": [0, 1, pd.NA], "usable": ["yes", pd.NA, "no"]})
    matched = parse_grades("0, 1,yes,no", grades.convert_dtypes())
    assert matched == [0, 1, "yes", "no"]
    assert parse_grades(None, grades) is None
