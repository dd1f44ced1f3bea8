import numpy as np
import pandas as pd
import pytest
import torch

from briqa_sk._validation import (
    check_grades,
    check_groups,
    check_paths,
    check_volumes,
    resolve,
    warn_if_unscaled,
)
from briqa_sk.datasets import make_head_phantom
from briqa_sk.exceptions import BriqaWarning
from briqa_sk.io import read_volume
from briqa_sk.networks import NETWORKS, CompactNet
from briqa_sk.preprocessing import RescaleIntensity, StandardizeIntensity


def test_finite_voxels_may_add_up_to_more_than_float32_holds():
    X = np.full((1, 4, 4, 4), 1e38, np.float32)
    assert check_volumes(X, caller="demo") is X


@pytest.mark.parametrize(
    ("X", "error", "said"),
    [
        (
            [np.zeros((3, 2, 2)), np.zeros((2, 2, 2))],
            ValueError,
            r"got \(2, 2, 2\) and \(3, 2, 2\). Pass the paths, or \[Volume\(x\) for",
        ),
        (
            pd.Series([np.zeros((2, 2, 2)), np.zeros((3, 2, 2))]),
            ValueError,
            r"got \(2, 2, 2\) and \(3, 2, 2\)",
        ),
        ([[[[1.0]]], [[[1.0, 2.0]]]], ValueError, "ragged sequence. Pass the paths"),
        (np.zeros((1, 2, 2, 2), complex), TypeError, "got dtype complex128"),
        (np.full((2, 2, 2, 2), np.inf), ValueError, "in 2 of 2 volumes"),
        (np.zeros((2, 5)), ValueError, r"must be 4-D .* got shape \(2, 5\)"),
    ],
)
def test_what_is_no_volume_is_refused(X, error, said):
    with pytest.raises(error, match=said):
        check_volumes(X, caller="demo")


@pytest.mark.parametrize(
    ("paths", "error", "said"),
    [
        ("scan.nii", TypeError, "got one path, 'scan.nii'. Put it in a list"),
        ([], ValueError, "at least 1 path"),
        (["scan.nii", 3], TypeError, "got int at index 1"),
        (["scan.nii", b"scan.nii"], TypeError, "got bytes at index 1"),
    ],
)
def test_what_is_no_path_is_refused(paths, error, said):
    with pytest.raises(error, match=said):
        check_paths(paths, caller="demo")


def test_a_registered_object_is_cloned_before_use():
    config = resolve("compact", NETWORKS, caller="demo", parameter="module")
    assert isinstance(config, CompactNet)
    assert config is not NETWORKS["compact"]


def test_an_own_object_is_used_as_it_is():
    config = CompactNet(n_filters=4)
    assert resolve(config, NETWORKS, caller="demo", parameter="module") is config


def test_what_is_neither_name_nor_object_is_refused():
    with pytest.raises(TypeError, match=r"a name \(compact, .*\) or a config.* got 3"):
        resolve(3, NETWORKS, caller="demo", parameter="module")


@pytest.mark.parametrize(
    "groups",
    [
        ["a", None, "b"],
        ["a", float("nan"), "b"],
        [1, pd.NA, 2],
        np.array([1.0, np.nan, 2.0]),
        pd.Series(["a", pd.NA, "b"], dtype="string"),
        pd.Series(pd.Categorical(["a", None, "b"])),
    ],
    ids=["none", "nan among text", "na", "nan", "string", "categorical"],
)
def test_a_missing_subject_is_found_whatever_marks_it(groups):
    said = r"demo: every scan must have a subject, got 1 missing \(first: index 1\)"
    with pytest.raises(ValueError, match=said):
        check_groups(groups, caller="demo")


def test_complete_subjects_stay_as_they_are():
    assert check_groups(None, caller="demo") is None
    for groups in (["a", "b", "a"], [1, 2, 1], pd.Series([1, 2, 1], dtype="Int64")):
        assert check_groups(groups, caller="demo").tolist() == list(groups)


def test_grades_keep_the_order_and_drop_what_does_not_occur():
    y = ["bad", "good", "good"]
    ordered = check_grades(y, ["good", "moderate", "bad"], caller="demo")
    assert ordered.tolist() == ["good", "bad"]


def test_an_unordered_categorical_has_no_order():
    y = pd.Series(["bad", "good"], dtype="category")
    with pytest.raises(ValueError, match="grades must give the order"):
        check_grades(y, ordinal_for="CORN", caller="demo")


@pytest.mark.parametrize(
    "y",
    [
        ["good", None, "bad"],
        ["good", np.nan, "bad"],
        [0.0, np.nan, 1.0],
        np.array([0, None, 1], dtype=object),
        pd.Series([0, pd.NA, 1], dtype="Int64"),
        pd.Series(["good", pd.NA, "bad"], dtype="string"),
        pd.Categorical(["good", None, "bad"]),
    ],
    ids=lambda y: f"{type(y).__name__} {list(y)}",
)
def test_missing_labels_are_counted(y):
    with pytest.raises(ValueError, match=r"demo: y .* got 1 missing \(first: index 1"):
        check_grades(y, caller="demo")


@pytest.mark.parametrize(
    "y",
    [
        np.array([2, 0, 1], dtype=object),
        pd.Series([2, 0, 1], dtype=object),
        pd.Series([2, 0, 1], dtype="Int64"),
    ],
    ids=["array", "Series", "Int64"],
)
def test_numbers_of_any_dtype_rank_themselves(y):
    ordered = check_grades(y, ordinal_for="CORN", caller="demo")
    assert ordered.dtype.kind == "i"
    assert ordered.tolist() == [0, 1, 2]


@pytest.mark.parametrize("kind", [list, np.array, pd.Index])
def test_messages_show_plain_numbers(kind):
    with pytest.raises(ValueError, match=r"in grades=\[0, 1\], got also \[2\]"):
        check_grades([0, 2], kind(np.arange(2)), caller="demo")


SCALERS = [
    StandardizeIntensity(),
    StandardizeIntensity(foreground_only=True),
    RescaleIntensity(),
    RescaleIntensity(-1, 1),
    RescaleIntensity(lower=1, upper=99),
]


@pytest.mark.parametrize("scale", SCALERS, ids=repr)
def test_scaled_heads_pass_in_silence(scale, recwarn):
    heads = 300 * np.stack([make_head_phantom((24, 28, 24), random_state=0).data] * 2)
    warn_if_unscaled(scale.fit_transform(heads)[:, None], caller="demo")
    assert not recwarn.list


@pytest.mark.parametrize("level", [100, 1e4, 1e-5])
def test_voxels_of_a_scanner_or_in_physical_units_are_told(level):
    batch = torch.full((2, 1, 4, 4, 4), level)
    with pytest.warns(BriqaWarning, match="demo: .* square .* Put Standardize"):
        warn_if_unscaled(batch, caller="demo")


def test_a_large_mean_is_told_like_a_large_spread():
    rng = np.random.default_rng(0)
    with pytest.warns(BriqaWarning, match=r"root mean square of 100\."):
        warn_if_unscaled(100 + rng.normal(size=(1, 1, 8, 8, 8)), caller="demo")


def test_constant_scans_that_were_standardized_pass_in_silence(recwarn):
    warn_if_unscaled(np.zeros((2, 1, 4, 4, 4), np.float32), caller="demo")
    assert not recwarn.list


def test_real_scans_are_told_apart_by_their_scale(real_data, recwarn):
    for name in ("nichart_pairs/sub-05", "ds000011/sub-08", "ixi/IXI012"):
        volume = read_volume(real_data / f"{name}_T1w.nii.gz")
        for scale in SCALERS:
            warn_if_unscaled(scale(volume).data, caller="demo")
        assert not recwarn.list
        with pytest.warns(BriqaWarning):
            warn_if_unscaled(volume.data, caller="demo")
