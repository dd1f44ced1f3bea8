import nibabel as nib
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from briqa_sk import CropOrPad, Reorient, Resample, Volume
from briqa_sk.exceptions import UnreadableVolumeError


@pytest.fixture
def volume():
    rng = np.random.default_rng(0)
    affine = nib.affines.from_matvec(np.diag([-1.0, 2.0, 3.0]), [9, -8, 7])
    return Volume(rng.normal(size=(8, 9, 10)), affine)


def test_reorient_is_the_canonical_image_of_nibabel(volume):
    truth = nib.as_closest_canonical(nib.Nifti1Image(volume.data, volume.affine))
    turned = Reorient()(volume)
    np.testing.assert_array_equal(turned.data, truth.get_fdata(dtype=np.float32))
    np.testing.assert_allclose(turned.affine, truth.affine)
    assert turned.history == ("Reorient(RAS)",)


def test_reorient_takes_an_array_for_ras(volumes):
    np.testing.assert_array_equal(
        Reorient("PLS").fit_transform(volumes),
        volumes[:, ::-1, ::-1].transpose(0, 2, 1, 3),
    )


def test_resample_interpolates_at_the_world_position_of_each_voxel(volume):
    out = Resample((1.5, 1.5, 2))(volume)
    index = np.indices(out.shape).reshape(3, -1)
    at = np.linalg.inv(volume.affine) @ out.affine
    at = at[:3, :3] @ index + at[:3, 3:]
    truth = map_coordinates(volume.data, at, order=1, mode="nearest")
    np.testing.assert_allclose(out.data.ravel(), truth, atol=1e-5)
    assert out.spacing_mm == (1.5, 1.5, 2)
    assert out.history == ("Resample(spacing_mm=(1.5, 1.5, 2))",)


def test_resample_of_an_array_counts_its_voxels_as_1_mm(volumes):
    out = Resample(2.0).fit_transform(volumes)
    # Each new voxel lies in the middle of 2 x 2 x 2 old ones.
    blocks = volumes.reshape(6, 4, 2, 4, 2, 4, 2).mean(axis=(2, 4, 6))
    np.testing.assert_allclose(out, blocks, atol=1e-6)


def test_resample_refuses_a_grid_beyond_all_memory():
    volume = Volume(np.zeros((100, 100, 100)), np.diag([900.0, 900, 900, 1]))
    with pytest.raises(UnreadableVolumeError, match="at most 134217728") as caught:
        Resample(1.0)(volume)
    assert caught.value.finding == "too_large"


def test_crop_or_pad_keeps_the_centre(volumes):
    out = CropOrPad((6, 8, 10)).fit_transform(volumes)
    np.testing.assert_array_equal(out[:, :, :, 1:-1], volumes[:, 1:-1])
    np.testing.assert_array_equal(out[:, :, :, [0, -1]], 0)


def test_crop_or_pad_fills_with_the_minimum_of_each_volume(volumes):
    out = CropOrPad(10, fill="minimum").fit_transform(volumes)
    np.testing.assert_array_equal(out[:, 0, 0, 0], volumes.min(axis=(1, 2, 3)))
    assert CropOrPad(10, fill=-2).fit_transform(volumes)[0, 0, 0, 0] == -2


def test_crop_or_pad_takes_one_number_for_a_cube(volume):
    assert CropOrPad(7)(volume).shape == (7, 7, 7)


@pytest.mark.parametrize(
    ("transformer", "said"),
    [
        (Reorient("RAX"), "Reorient: orientation must be three letters"),
        (Reorient(None), "got None"),
        (Resample(0), "Resample: spacing_mm must be a number above 0"),
        (Resample((1, 2)), r"got \(1, 2\)"),
        (Resample(np.nan), "got nan"),
        (Resample("1"), "got '1'"),
        (CropOrPad(1.5), "CropOrPad: shape must be a whole number above 0"),
        (CropOrPad((4, 0, 4)), r"got \(4, 0, 4\)"),
        (CropOrPad(True), "got True"),
        (CropOrPad(4, fill="mean"), "fill must be a number or 'minimum'"),
        (CropOrPad(4, fill=np.inf), "fill must be finite"),
    ],
    ids=repr,
)
def test_a_bad_parameter_is_refused_in_fit_and_in_transform(volumes, transformer, said):
    for method in (transformer.fit, transformer.transform):
        with pytest.raises(ValueError, match=said):
            method(volumes)


def test_fill_must_be_a_number(volumes):
    with pytest.raises(TypeError, match="fill must be a number, got None"):
        CropOrPad(4, fill=None).fit(volumes)
