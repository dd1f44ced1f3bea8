import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import LabelEncoder

from briqa_sk.estimators.grades import GradeEncoder, side_by_side


@pytest.mark.parametrize("labels", [[3, 1, 2, 1], ["b", "a", "c"], [1.0, 2.0]])
def test_without_words_about_the_order_it_encodes_as_scikit_learn_does(labels):
    ours, peer = GradeEncoder().fit(labels), LabelEncoder().fit(labels)
    assert ours.classes_.tolist() == peer.classes_.tolist()
    assert ours.transform(labels).tolist() == peer.transform(labels).tolist()
    assert ours.inverse_transform([0, 1]).tolist() == peer.classes_[:2].tolist()


@pytest.mark.parametrize(
    ("labels", "grades", "expected"),
    [
        ([2, 0, 1], None, [0, 1, 2]),
        ([2, 0, 1], [2, 1, 0], [2, 1, 0]),
        (["bad", "good"], ["good", "fair", "bad"], ["good", "bad"]),
        (["bad", "good"], None, None),
        (np.array([1, 0], dtype=object), None, [0, 1]),
        (pd.Categorical(["b", "a"], ["b", "a"], ordered=True), None, ["b", "a"]),
        (pd.Categorical(["b", "a"], ["b", "a"]), None, None),
    ],
)
def test_the_order_is_known_only_if_somebody_said_it(labels, grades, expected):
    encoder = GradeEncoder(grades).fit(labels)
    found = None if encoder.grades_ is None else encoder.grades_.tolist()
    assert found == expected
    ranked = encoder.inverse_transform(encoder.transform(np.asarray(labels)))
    assert ranked.tolist() == np.asarray(labels).tolist()


def test_an_order_that_is_needed_and_not_known_is_asked_for():
    with pytest.raises(ValueError, match=r"grades must give the order .*Corn"):
        GradeEncoder().fit(["good", "bad"], ordinal_for="Corn")


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ([[0, 1], [1, 2]], "i"),
        ([[0, 1], [0.5, 1.0]], "f"),
        ([["a", "b"], ["c", "dd"]], "U"),
        ([[0, 1], ["a", "b"]], "O"),
        ([[0, 1], [True, False]], "O"),
    ],
)
def test_a_table_of_numbers_is_numeric_and_labels_stay_what_they_are(columns, kind):
    table = side_by_side([np.array(column) for column in columns])
    assert table.dtype.kind == kind
    assert [table[:, k].tolist() for k in (0, 1)] == columns
