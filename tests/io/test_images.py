"""nibabel's images in X: judged like files, read when looked at."""

import io
import pickle

import joblib
import nibabel as nib
import numpy as np
import pytest

from briqa_sk import CacheVolumes, LoadVolumes, Volume, VolumeSequence, read_volume
from briqa_sk.exceptions import UnreadableVolumeError
from briqa_sk.io import as_volumes

AFFINE = np.diag([-1.0, 2.0, 3.0, 1.0])


@pytest.fixture
def voxels():
    return np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32)


@pytest.fixture
def path(voxels, tmp_path):
    path = str(tmp_path / "scan.nii.gz")
    nib.save(nib.Nifti1Image(voxels, AFFINE), path)
    return path


def test_an_image_of_a_file_is_the_volume_of_the_file(path):
    volume, truth = as_volumes([nib.load(path)], caller="me")[0], read_volume(path)
    np.testing.assert_array_equal(volume.data, truth.data)
    np.testing.assert_array_equal(volume.affine, truth.affine)
    assert (volume.path, volume.shape) == (path, truth.shape)


@pytest.mark.parametrize("image", [nib.Nifti1Image, nib.Nifti2Image, nib.MGHImage])
def test_an_image_in_memory_keeps_its_voxels_and_its_place(voxels, image):
    volume = as_volumes([image(voxels, AFFINE)], caller="me")[0]
    np.testing.assert_array_equal(volume.data, voxels)
    np.testing.assert_array_equal(volume.affine, AFFINE)
    assert volume.path is None


def test_voxels_are_scaled_as_nibabel_does(voxels, tmp_path):
    image = nib.Nifti1Image(voxels, AFFINE, dtype=np.uint8)
    nib.save(image, tmp_path / "scan.nii")
    image = nib.load(tmp_path / "scan.nii")
    volume = as_volumes([image], caller="me")[0]
    np.testing.assert_array_equal(volume.data, image.get_fdata(dtype=np.float32))


def test_nothing_is_read_before_an_image_is_looked_at(path):
    image = nib.load(path)
    X = LoadVolumes().fit_transform([image, image])
    assert image.in_memory is False
    X[0]
    assert image.in_memory is False  # and memory does not grow with what was read
    with open(path, "wb"):
        pass
    with pytest.raises(UnreadableVolumeError):
        X[1]


def test_the_place_is_that_of_the_image_and_not_of_its_file(path):
    image = nib.load(path)
    X = as_volumes([image], caller="me")
    image.affine[:] = 0
    np.testing.assert_array_equal(X[0].affine, AFFINE)
    turned = nib.load(path)
    turned.set_sform(np.diag([1.0, 2, 3, 1]), code=1)
    np.testing.assert_array_equal(
        as_volumes([turned], caller="me")[0].affine, np.diag([1.0, 2, 3, 1])
    )


def test_later_changes_of_an_uncompressed_file_stay_outside(voxels, tmp_path):
    path = tmp_path / "scan.nii"
    nib.save(nib.Nifti1Image(voxels, AFFINE), path)
    volume = as_volumes([nib.load(path)], caller="me")[0]
    with open(path, "r+b") as file:
        file.seek(352)
        file.write(bytes(400))
    np.testing.assert_array_equal(volume.data, voxels)


def test_a_pickle_of_files_is_small_and_one_of_voxels_is_exact(voxels, path):
    assert len(pickle.dumps(as_volumes([nib.load(path)] * 100, caller="me"))) < 50_000
    image = nib.Nifti1Image(voxels, AFFINE)
    image.header.set_data_dtype(np.uint8)  # a pickle of the image has 256 values
    copied = pickle.loads(pickle.dumps(as_volumes([image], caller="me")))
    np.testing.assert_array_equal(copied[0].data, voxels)


def test_images_without_a_file_name_are_read_at_once(voxels):
    content = nib.Nifti1Image(voxels, AFFINE).to_bytes()
    image = nib.Nifti1Image.from_stream(io.BytesIO(content))
    X = pickle.loads(pickle.dumps(as_volumes([image], caller="me")))
    np.testing.assert_array_equal(X[0].data, voxels)


def test_an_image_without_an_affine_counts_as_1_mm(voxels):
    X = as_volumes([nib.Nifti1Image(voxels, None)], caller="me")
    np.testing.assert_array_equal(X[0].affine, np.eye(4))


def test_axes_of_one_frame_are_dropped(voxels):
    X = as_volumes([nib.Nifti1Image(voxels[..., None, None], AFFINE)], caller="me")
    np.testing.assert_array_equal(X[0].data, voxels)


def test_images_and_volumes_share_a_sequence(voxels):
    X = VolumeSequence([Volume(voxels), nib.Nifti1Image(voxels, AFFINE)])
    assert [volume.spacing_mm for volume in X] == [(1, 1, 1), (1, 2, 3)]
    assert X.paths == [None, None]
    assert X[[1]][0].spacing_mm == (1, 2, 3)


def test_images_in_an_array_of_objects_are_taken(voxels):
    images = np.empty(2, dtype=object)
    images[:] = [nib.Nifti1Image(voxels, AFFINE)] * 2
    assert len(as_volumes(images, caller="me")) == 2


def rgb(shape):
    return np.zeros(shape, [("R", "u1"), ("G", "u1"), ("B", "u1")])


@pytest.mark.parametrize(
    ("data", "affine", "finding"),
    [
        (np.ones((4, 4, 4, 2)), AFFINE, "wrong_dimensions"),
        (rgb((4, 4, 4)), AFFINE, "colour_image"),
        (np.ones((4, 4, 4), np.complex64), AFFINE, "colour_image"),
        (np.ones((4, 4, 4)), AFFINE, "constant"),
        (np.full((4, 4, 4), np.nan), AFFINE, "non_finite"),
        (np.arange(8.0).reshape(2, 2, 2) * 1e300, AFFINE, "non_finite"),
    ],
)
def test_an_image_that_is_no_scan_has_a_finding(data, affine, finding):
    X = as_volumes([nib.Nifti1Image(data, affine)], caller="me")
    with pytest.raises(UnreadableVolumeError, match="a nibabel image must") as caught:
        X[0]
    assert caught.value.finding == finding
    assert str(caught.value).endswith(".")


def test_an_affine_that_places_no_voxel_has_a_finding(voxels):
    image = nib.Nifti1Image(voxels, AFFINE)
    image.affine[0, 0] = 0
    with pytest.raises(UnreadableVolumeError) as caught:
        as_volumes([image], caller="me")[0]
    assert caught.value.finding == "bad_affine"


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
def test_a_file_that_was_cut_short_has_a_finding(voxels, tmp_path, name):
    path = tmp_path / name
    nib.save(nib.Nifti1Image(voxels, AFFINE), path)
    image = nib.load(path)
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(UnreadableVolumeError) as caught:
        as_volumes([image], caller="me")[0]
    assert caught.value.finding in ("truncated", "unreadable")
    assert "\n" not in str(caught.value)
    path.unlink()
    with pytest.raises(UnreadableVolumeError) as caught:
        as_volumes([image], caller="me")[0]
    assert caught.value.finding == "missing"


def test_the_cache_knows_images_by_file_and_place_or_by_voxels(voxels, path, tmp_path):
    def identities(*images):
        X = VolumeSequence(images)
        return [joblib.hash(X.identity(index)) for index in range(len(X))]

    moved = nib.load(path)
    moved.set_sform(np.eye(4), code=1)
    same, again, elsewhere = identities(nib.load(path), nib.load(path), moved)
    assert same == again != elsewhere
    other = identities(
        nib.Nifti1Image(voxels, AFFINE), nib.Nifti1Image(-voxels, AFFINE)
    )
    assert other[0] != other[1]
    cache = CacheVolumes(tmp_path / "cache")
    X = cache.fit_transform(LoadVolumes().fit_transform([nib.load(path)]))
    computed, loaded = X[0], X[0]
    np.testing.assert_array_equal(computed.data, loaded.data)
    assert cache.clear() == 1
