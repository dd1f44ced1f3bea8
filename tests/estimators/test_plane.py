import os

import nibabel
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.model_selection import cross_validate
from torch import nn

from briqa_sk import SeverityClassifier, Volume, VolumeSequence, load, save
from briqa_sk.estimators import MultiArtifactClassifier
from briqa_sk.estimators.planes import find_planes
from briqa_sk.exceptions import BriqaWarning
from briqa_sk.networks import CompactNet


def quick(**params):
    params = {"max_epochs": 2, "random_state": 0, "plane_head": True, **params}
    return SeverityClassifier(**params)


@pytest.fixture
def striped():
    """24 volumes, dark to bright by grade, with stripes along the axis of the plane."""
    rng = np.random.default_rng(0)
    y, plane = np.tile([0, 1], 12), np.repeat(["axi", "cor", "sag"], 8)
    X = rng.normal(size=(24, 12, 12, 12)).astype(np.float32) / 10
    for volume, name in zip(X, plane, strict=True):
        np.moveaxis(volume, ["sag", "cor", "axi"].index(name), 0)[::2] += 2
    X[y == 1, :6] += 3
    return X, y, plane


# Learning


def test_the_plane_is_learned_beside_the_severity(striped):
    X, y, plane = striped
    clf = quick(max_epochs=40, lr=0.01).fit(X, y, plane=plane)
    assert clf.planes_.tolist() == ["axi", "cor", "sag"]
    assert clf.predict_plane(X).tolist() == plane.tolist()
    assert clf.score(X, y) == 1


def test_the_loss_is_that_of_the_severity_and_a_multiple_of_that_of_the_plane(striped):
    X, y, plane = striped
    params = {"batch_size": 24, "max_epochs": 1, "optimizer": "sgd", "lr": 1e-30}
    params |= {"criterion": "cross_entropy", "batches": "shuffled"}
    clf = quick(plane_weight=3.0, **params).fit(X, y, plane=plane)
    with torch.no_grad():
        logits = clf.net_.module_(torch.from_numpy(X)[:, None])
    cross_entropy = nn.functional.cross_entropy
    expected = cross_entropy(logits[:, :2], torch.from_numpy(y))
    numbers = torch.tensor([["axi", "cor", "sag"].index(name) for name in plane])
    expected += 3 * cross_entropy(logits[:, 2:], numbers)
    assert clf.history_[0, "train_loss"] == pytest.approx(float(expected), rel=1e-5)


def test_without_a_plane_head_nothing_is_added(striped):
    X, y, plane = striped
    with pytest.warns(BriqaWarning, match="no plane head learns it") as caught:
        with_plane = quick(plane_head=False).fit(X, y, plane=plane)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    without = quick(plane_head=False).fit(X, y)
    assert with_plane.net_.criterion_.n_outputs == 2
    np.testing.assert_array_equal(with_plane.predict_proba(X), without.predict_proba(X))
    assert not hasattr(without, "predict_plane")
    assert not hasattr(without, "planes_")


@pytest.mark.parametrize("criterion", ["corn", "reweighted", "weighted"])
def test_every_kind_of_loss_works_beside_it(striped, criterion):
    X, y, plane = striped
    clf = quick(criterion=criterion, early_stopping=True, batches="rotating")
    clf.fit(X, y, plane=plane, groups=np.arange(24) // 2)
    np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1, atol=1e-5)
    assert 0 <= clf.history_[-1, "valid_f1_macro"] <= 1


def test_scans_without_weight_teach_no_plane_either(striped):
    X, y, plane = striped
    weight = np.where(plane == "sag", 0, 1)
    clf = quick(max_epochs=30, lr=0.01).fit(X, y, plane=plane, sample_weight=weight)
    assert "sag" not in clf.predict_plane(X)


def test_partial_fit_learns_the_plane(striped):
    X, y, plane = striped
    clf = quick(lr=0.01)
    for _ in range(40):
        clf.partial_fit(X, y, classes=[0, 1], plane=plane)
    assert np.mean(clf.predict_plane(X) == plane) > 0.9


def test_a_loaded_classifier_predicts_the_same_plane(striped, tmp_path):
    X, y, plane = striped
    clf = quick(module=CompactNet(n_filters=4), criterion="reweighted")
    save(clf.fit(X, y, plane=plane), tmp_path / "model.zip")
    loaded = load(tmp_path / "model.zip", device="cpu")
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    assert loaded.predict_plane(X).tolist() == clf.predict_plane(X).tolist()


def test_an_interrupted_fit_resumes_with_its_plane_head(striped, tmp_path, power_cut):
    X, y, plane = striped
    clf = quick(max_epochs=5, checkpoint_dir=tmp_path, callbacks=[power_cut])
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y, plane=plane)
    assert len(list(tmp_path.iterdir())) == 1
    clf.fit(X, y, plane=plane)
    whole = quick(max_epochs=5).fit(X, y, plane=plane)
    np.testing.assert_array_equal(clf.predict_proba(X), whole.predict_proba(X))


# Where the plane comes from


def test_the_plane_is_routed_by_cross_validate(striped, enable_routing):
    X, y, plane = striped
    clf = quick().set_fit_request(plane=True)
    result = cross_validate(
        clf, X, y, cv=2, params={"plane": plane}, return_estimator=True
    )
    assert len(result["estimator"][0].predict_plane(X)) == 24


@pytest.mark.parametrize(
    ("name", "plane"),
    [
        ("LISA_0001_LF_axi.nii.gz", "axi"),
        ("lisa_0001_lf_COR.nii", "cor"),
        ("LISA_0001_LF_sag", "sag"),
        ("sub-1_axis.nii.gz", None),
        ("axi_sub-1.nii.gz", None),
    ],
)
def test_the_plane_is_read_from_names_of_files(name, plane):
    scan = Volume(np.zeros((2, 2, 2)), path=os.path.join("folder_axi", name))
    assert find_planes(VolumeSequence([scan])) == [plane]


@pytest.mark.parametrize(
    ("axcodes", "plane"),
    [("RAS", "axi"), ("LPI", "axi"), ("RSA", "cor"), ("RIP", "cor"), ("ASL", "sag")],
)
@pytest.mark.parametrize("on_disk", [True, False])
def test_slices_are_stacked_along_the_largest_voxel_size(
    tmp_path, axcodes, plane, on_disk
):
    ornt = nibabel.orientations.axcodes2ornt(axcodes)
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for axis, (world, sign) in enumerate(ornt):
        affine[int(world), axis] = sign * (1.5, 1.5, 5.0)[axis]
    scan = Volume(np.zeros((4, 4, 4)), affine)
    if on_disk:
        scan = str(tmp_path / "scan.nii.gz")
        nibabel.save(
            nibabel.Nifti1Image(np.eye(4)[:, :, None] + np.zeros(4), affine), scan
        )
    assert find_planes(VolumeSequence([scan])) == [plane]


def test_preprocessing_does_not_hide_the_plane():
    scan = Volume(np.zeros((4, 4, 4)), np.diag([1, 4, 1, 1]))
    X = VolumeSequence([scan]).map(
        lambda v: v.derive(v.data, np.eye(4), step="resampled")
    )
    assert find_planes(X) == ["cor"]


def test_what_is_given_counts_before_the_column_and_the_column_before_the_name():
    scans = [Volume(np.zeros((2, 2, 2)), path="x_axi.nii")] * 3
    X = VolumeSequence(scans, columns={"plane": ["COR", "coronal", None]})
    assert find_planes(X) == ["cor", "cor", "axi"]
    assert find_planes(X, ["Sag", np.nan, pd.NA]) == ["sag", "axi", "axi"]


@pytest.mark.parametrize("missing", [np.nan, None, pd.NA, "", " "])
@pytest.mark.parametrize("inside", [False, True], ids=["alone", "multi"])
def test_a_plane_that_is_missing_in_a_list_is_found_out(striped, missing, inside):
    X, y, plane = striped
    scans = [Volume(v, path=f"x_{name}.nii") for v, name in zip(X, plane, strict=True)]
    clf = MultiArtifactClassifier(quick(), encoder="shared") if inside else quick()
    told = clf.fit(VolumeSequence(scans), y, plane=[missing, *plane[1:]])
    told = told.predict_proba(X)
    np.testing.assert_array_equal(told, clf.fit(X, y, plane=plane).predict_proba(X))


def test_a_plane_of_another_name_is_refused(striped):
    X, y, plane = striped
    with pytest.raises(ValueError, match=r"axi, cor or sag in any case.*got 'oblique'"):
        quick().fit(X, y, plane=["oblique", *plane[1:]])


def test_arrays_need_to_be_told_the_plane(striped):
    X, y, _ = striped
    with pytest.raises(ValueError, match=r"neither plane.*any of the 24 scans"):
        quick().fit(X, y)


def test_a_plane_too_few_is_refused(striped):
    X, y, plane = striped
    for plane_head in (True, False):
        with pytest.raises(ValueError, match="plane must have one value for each"):
            quick(plane_head=plane_head).fit(X, y, plane=plane[1:])


def test_scans_of_unknown_plane_teach_the_severity_only_with_one_warning(striped):
    X, y, plane = striped
    plane = np.where(plane == "sag", None, plane)
    with pytest.warns(BriqaWarning, match="8 of 24 scans is not known") as caught:
        clf = quick(max_epochs=30, lr=0.01).fit(X, y, plane=plane)
    assert len(caught) == 1
    assert "sag" not in clf.predict_plane(X)
    assert clf.score(X, y) == 1
