"""Splits across sites, and what must never be in two parts of one."""

import gzip

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    LeaveOneGroupOut,
    cross_val_predict,
    cross_val_score,
)

from briqa_sk.exceptions import BriqaWarning
from briqa_sk.model_selection import LeaveOneSiteOut, check_no_leakage

SITES = np.repeat(["a", "b", "c"], 4)
FINE = np.array([0, 1, 0, 1] * 3)
A_IS_CLEAN = np.array([0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1])


def folds(splitter, y):
    return [
        (train.tolist(), test.tolist())
        for train, test in splitter.split(SITES, y, SITES)
    ]


def test_folds_are_those_of_leave_one_group_out():
    assert folds(LeaveOneSiteOut(), FINE) == folds(LeaveOneGroupOut(), FINE)


def test_a_site_with_one_class_is_named_and_kept():
    with pytest.warns(BriqaWarning, match=r"kept: a \(one class to test on\)") as said:
        kept = folds(LeaveOneSiteOut(), A_IS_CLEAN)
    assert kept == folds(LeaveOneGroupOut(), A_IS_CLEAN)
    assert len(said) == 1


def test_a_skipped_site_still_trains_the_others():
    splitter = LeaveOneSiteOut(one_class="skip")
    with pytest.warns(BriqaWarning, match=r"left out: a \(one class to test on\)"):
        kept = folds(splitter, A_IS_CLEAN)
    assert kept == folds(LeaveOneGroupOut(), A_IS_CLEAN)[1:]
    assert splitter.get_n_splits(SITES, A_IS_CLEAN, SITES) == 2
    assert all(train[:4] == [0, 1, 2, 3] for train, _ in kept)


def test_a_site_that_has_a_class_alone_is_named():
    y = np.array([0, 1, 0, 1] + [0] * 8)
    with pytest.warns(BriqaWarning, match=r"a \(one class to train on\), b \(one cl"):
        folds(LeaveOneSiteOut(), y)
    with pytest.raises(ValueError, match="at least 1 site must have two classes"):
        folds(LeaveOneSiteOut(one_class="skip"), y)


def test_scores_of_skipped_folds_do_not_hide_the_mean():
    X = np.random.default_rng(0).normal(size=(12, 2))
    keywords = {"groups": SITES, "scoring": "roc_auc"}
    splitter = LeaveOneSiteOut(one_class="skip")
    with pytest.warns(BriqaWarning):
        scores = cross_val_score(
            LogisticRegression(), X, A_IS_CLEAN, cv=splitter, **keywords
        )
    assert np.isfinite(scores).all()
    assert len(scores) == 2


def test_kept_folds_predict_each_scan_once():
    X = np.random.default_rng(0).normal(size=(12, 2))
    with pytest.warns(BriqaWarning):
        pred = cross_val_predict(
            LogisticRegression(), X, A_IS_CLEAN, cv=LeaveOneSiteOut(), groups=SITES
        )
    assert pred.shape == (12,)


def test_a_search_takes_the_splitter():
    X = np.random.default_rng(0).normal(size=(12, 2))
    cv = LeaveOneSiteOut(one_class="skip")
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=cv)
    with pytest.warns(BriqaWarning):
        search.fit(X, A_IS_CLEAN, groups=SITES)
    assert search.n_splits_ == 2


def test_a_missing_label_is_no_class():
    y = np.where(A_IS_CLEAN == 1, np.nan, 0.0)
    y[:8] = [0, 1] * 4
    with pytest.warns(BriqaWarning, match=r": c \(one class to test on\)\."):
        folds(LeaveOneSiteOut(), y)


def test_of_several_artifacts_one_with_two_classes_is_enough():
    Y = pd.DataFrame({"Noise": A_IS_CLEAN, "Motion": FINE})
    assert len(folds(LeaveOneSiteOut(), Y)) == 3


def test_without_labels_there_is_nothing_to_judge():
    assert folds(LeaveOneSiteOut(), None) == folds(LeaveOneGroupOut(), None)
    assert LeaveOneSiteOut().get_n_splits(groups=SITES) == 3
    with pytest.raises(ValueError, match="y must be given"):
        folds(LeaveOneSiteOut(one_class="skip"), None)


def test_other_words_and_missing_sites_are_refused():
    with pytest.raises(ValueError, match="'warn' or 'skip', got 'drop'"):
        folds(LeaveOneSiteOut(one_class="drop"), FINE)
    with pytest.raises(ValueError, match="groups"):
        list(LeaveOneSiteOut().split(SITES, FINE))


@pytest.mark.parametrize("one_class", ["warn", "skip"])
def test_a_missing_site_is_no_site(one_class):
    sites = [None, float("nan"), *SITES[2:]]
    splitter = LeaveOneSiteOut(one_class=one_class)
    said = "LeaveOneSiteOut: every scan must have a site, got 2 missing"
    with pytest.raises(ValueError, match=said):
        list(splitter.split(SITES, FINE, sites))
    with pytest.raises(ValueError, match=said):
        splitter.get_n_splits(SITES, FINE, sites)


@pytest.fixture
def scans(tmp_path):
    """Four files: the first again under another name, and compressed anew."""
    content = [b"one" * 1000, b"two" * 1000]
    paths = [tmp_path / name for name in ("a.nii", "b.nii", "copy.nii", "a.nii.gz")]
    for path, voxels in zip(paths[:3], [*content, content[0]], strict=True):
        path.write_bytes(voxels)
    with gzip.open(paths[3], "wb", compresslevel=1) as file:
        file.write(content[0])
    return [str(path) for path in paths]


def test_parts_without_anything_in_common_pass(scans):
    parts = [[0, 2, 3], [1]]
    assert check_no_leakage(parts, groups=[7, 8, 7, 7], paths=scans) is None
    mask = np.array([True, False, True, True])
    assert check_no_leakage([mask, ~mask], groups=[7, 8, 7, 7]) is None


def test_a_subject_in_two_parts_is_named():
    with pytest.raises(ValueError, match=r"a subject must .* in several: sub-02\."):
        check_no_leakage([[0, 1], [2]], groups=["sub-01", "sub-02", "sub-02"])


@pytest.mark.parametrize("copy", [2, 3], ids=["renamed", "compressed"])
def test_a_copy_of_a_file_in_two_parts_is_named(scans, copy):
    with pytest.raises(ValueError, match="a file must be in one part") as error:
        check_no_leakage([[0], [1, copy]], paths=scans)
    assert f"{scans[0]} = {scans[copy]}." in str(error.value)


def test_a_scan_in_two_parts_is_named():
    with pytest.raises(ValueError, match=r"a scan must be in one part.*several: 1"):
        check_no_leakage([[0, 1], [1, 2]], groups=["a", "b", "c"])


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA])
def test_a_missing_subject_is_refused(nothing):
    said = "check_no_leakage: every scan must have a subject, got 2 missing"
    with pytest.raises(ValueError, match=said):
        check_no_leakage([[0, 1], [2]], groups=["a", nothing, nothing])


@pytest.mark.parametrize("n_train", [2, 1], ids=["of one length", "of two lengths"])
def test_folds_in_the_place_of_parts_are_refused_with_the_remedy(n_train):
    fold = (np.arange(n_train), np.array([2, 3]))
    said = "check_no_leakage: a part must be one list .* got several lists"
    with pytest.raises(ValueError, match=said):
        check_no_leakage([fold, fold[::-1]], groups=["a", "b", "c", "d"])


@pytest.mark.parametrize("empty", [[], (), np.array([]), np.array([], int)])
def test_an_empty_part_has_nothing_in_common(scans, empty):
    assert check_no_leakage([[0, 1], empty], groups=list("abcd"), paths=scans) is None


def test_scans_of_no_part_are_not_read(scans):
    check_no_leakage([[0], [1]], paths=[*scans[:2], "nowhere.nii"])
    with pytest.raises(FileNotFoundError, match="nowhere"):
        check_no_leakage([[0], [2]], paths=[*scans[:2], "nowhere.nii"])


def test_a_damaged_archive_is_compared_as_it_is(scans, tmp_path):
    damaged = []
    for name in ("c.nii.gz", "d.nii.gz"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(b"three", mtime=0)[:-6])
        damaged.append(str(path))
    with pytest.raises(ValueError, match=r"c\.nii\.gz = .*d\.nii\.gz"):
        check_no_leakage([[0], [1]], paths=damaged)


def test_something_to_compare_must_be_given(scans):
    with pytest.raises(ValueError, match="groups, paths or both"):
        check_no_leakage([[0], [1]])
    with pytest.raises(ValueError, match=r"got 2 of them with lengths \[2, 4\]"):
        check_no_leakage([[0], [1]], groups=["a", "b"], paths=scans)
