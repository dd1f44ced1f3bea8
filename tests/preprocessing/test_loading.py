import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from briqa_sk import LoadVolumes, Reorient, Volume, VolumeSequence
from briqa_sk.exceptions import UnreadableVolumeError


@pytest.fixture
def paths(tmp_path):
    """Three scans with different axes."""
    rng = np.random.default_rng(0)
    paths = []
    for index, diagonal in enumerate([(1, 1, 2), (-1, 1, 2), (-1, -1, 2)]):
        image = nib.Nifti1Image(
            rng.normal(size=(4, 5, 6)).astype(np.float32), np.diag([*diagonal, 1.0])
        )
        paths.append(str(tmp_path / f"{index}.nii.gz"))
        nib.save(image, paths[-1])
    return paths


@pytest.mark.parametrize(
    "container",
    [
        list,
        tuple,
        np.array,
        pd.Series,
        lambda paths: pd.Series(paths, index=["c", "a", "b"]),
        lambda paths: [Path(path) for path in paths],
        lambda paths: pd.Series([Path(path) for path in paths]),
        VolumeSequence,
    ],
    ids=["list", "tuple", "array", "Series", "index", "Path", "Paths", "sequence"],
)
def test_paths_may_come_in_any_container(paths, container):
    X = LoadVolumes().fit_transform(container(paths))
    assert isinstance(X, VolumeSequence)
    for volume, path in zip(X, paths, strict=True):
        truth = nib.as_closest_canonical(nib.load(path))
        np.testing.assert_array_equal(volume.data, truth.get_fdata())
        np.testing.assert_allclose(volume.affine, truth.affine)
        assert volume.path == path


def test_orientation_none_keeps_the_axes_of_the_file(paths):
    for volume, path in zip(LoadVolumes(None).transform(paths), paths, strict=True):
        np.testing.assert_allclose(volume.affine, nib.load(path).affine)
        assert volume.history == ("LoadVolumes(None)",)


def test_where_the_scan_came_from_is_kept(paths):
    volume = LoadVolumes("PIR").transform(paths)[2]
    assert nib.aff2axcodes(volume.affine) == ("P", "I", "R")
    assert volume.source_shape == (4, 5, 6)
    np.testing.assert_allclose(volume.source_affine, np.diag([-1.0, -1, 2, 1]))


def test_nothing_is_read_before_a_volume_is_looked_at(paths):
    X = LoadVolumes().fit_transform([*paths, "missing.nii.gz"])
    assert X[0].shape == (4, 5, 6)
    with pytest.raises(UnreadableVolumeError, match=r"missing\.nii\.gz"):
        X[3]


def test_max_voxels_reaches_the_reader(paths):
    assert LoadVolumes(max_voxels=120).transform(paths)[0].shape == (4, 5, 6)
    with pytest.raises(UnreadableVolumeError) as caught:
        LoadVolumes(max_voxels=119).transform(paths)[0]
    assert caught.value.finding == "too_large"


def test_a_volume_in_memory_is_only_turned():
    volume = Volume(np.zeros((2, 3, 4)), np.diag([-1.0, 1, 1, 1]))
    assert LoadVolumes("SAR").transform([volume])[0].shape == (4, 3, 2)


def test_images_are_turned_like_their_files(paths):
    images = [nib.load(path) for path in paths]
    for image, path in zip(
        LoadVolumes().fit_transform(images), LoadVolumes().transform(paths), strict=True
    ):
        np.testing.assert_array_equal(image.data, path.data)
        np.testing.assert_array_equal(image.affine, path.affine)
        assert (image.path, image.history) == (path.path, path.history)


def test_a_sequence_with_steps_keeps_them(paths):
    X = LoadVolumes("RAS").transform(Reorient("LPI").transform(paths))
    assert X[0].history == ("Reorient(LPI)", "LoadVolumes(RAS)")


@pytest.mark.parametrize(
    ("X", "error", "said"),
    [
        (np.zeros((2, 4, 4, 4)), TypeError, r"array|ndarray of shape \(2, 4, 4, 4\)"),
        (np.zeros((2, 4, 4, 4)).tolist(), TypeError, "hold paths, nibabel images"),
        (
            pd.DataFrame({"path": ["a.nii"], "grade": [2]}),
            TypeError,
            r"columns \['path', 'grade'\]. Pass the column, such as df\['path'\]",
        ),
        ("scan.nii.gz", TypeError, "Put it in a list"),
        (["scan.nii.gz", 3], TypeError, "int at index 1"),
        ([b"scan.nii.gz"], TypeError, "paths"),
        ([], ValueError, "at least 1"),
        (np.array([], dtype=str), ValueError, "at least 1"),
        (
            (path for path in ["scan.nii.gz"]),
            TypeError,
            "generator. Put its items in a",
        ),
        (Volume(np.zeros((2, 3, 4))), TypeError, "one Volume. Put it in a list"),
    ],
    ids=[
        "array",
        "lists",
        "table",
        "one path",
        "number",
        "bytes",
        "nothing",
        "empty array",
        "generator",
        "one volume",
    ],
)
def test_what_is_no_list_of_paths_is_refused(X, error, said):
    with pytest.raises(error, match=said):
        LoadVolumes().fit(X)


@pytest.mark.parametrize("orientation", ["RA", "RRS", "RASI", "ras", "XYZ", 3, ["R"]])
def test_an_orientation_that_is_none_is_refused(orientation):
    with pytest.raises(ValueError, match="three letters"):
        LoadVolumes(orientation).fit(["scan.nii"])


@pytest.mark.parametrize("max_voxels", [0, -1, 1.5, None])
def test_a_limit_that_is_none_is_refused(max_voxels):
    with pytest.raises(ValueError, match="max_voxels must be"):
        LoadVolumes(max_voxels=max_voxels).fit(["scan.nii"])


def test_a_path_that_lost_its_file_is_an_error_of_its_own(paths):
    X = LoadVolumes().transform(paths)
    os.unlink(paths[1])
    with pytest.raises(UnreadableVolumeError) as caught:
        X[1]
    assert caught.value.finding == "missing"
