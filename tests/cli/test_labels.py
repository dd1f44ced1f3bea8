"""One grade, typed in different ways."""

import numpy as np
import pandas as pd
import pytest

from briqa_sk.cli.labels import match_labels, parse_grades, parse_prior


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


@pytest.mark.parametrize(
    ("text", "classes", "prior"),
    [
        ("balanced", [0, 1], "balanced"),
        ("training", ["bad", "good"], "training"),
        ("0=.9, 1=.07,2=.03", [0, 1, 2], {0: 0.9, 1: 0.07, 2: 0.03}),
        ("good=.97,bad=.03", ["bad", "good"], {"good": 0.97, "bad": 0.03}),
    ],
)
def test_a_prevalence_is_a_name_or_shares(text, classes, prior):
    assert parse_prior(text, np.array(classes)) == prior


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rare", "balanced, training, or shares such as good=.97,bad=.03, got 'rare'"),
        ("0=.9,1=often", "or shares such as"),
        ("0=.9,1=.3", r"--prior: prior must hold .* add up to 1"),
        ("0=.9,2=.1", "--prior: prior must have a share for each of the classes"),
        ("good=.9,bad=.1", "--prior must be labels like"),
    ],
)
def test_what_is_no_prevalence_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        parse_prior(text, np.array([0, 1]))
