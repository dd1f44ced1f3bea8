import gzip

import nibabel as nib
import numpy as np
import pytest

from briqa_sk import Volume, read_volume
from briqa_sk.io.writing import write_volume

AFFINE = np.array([[0, -2.0, 0, 10], [1.5, 0, 0, -3], [0, 0, 5.0, 7], [0, 0, 0, 1]])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "scan.nii.gz"


def test_whole_numbers_are_kept_as_they_are(path):
    data = np.random.default_rng(0).integers(0, 32768, (5, 6, 7))
    write_volume(Volume(data, AFFINE), path)
    np.testing.assert_array_equal(read_volume(path).data, data)
    np.testing.assert_allclose(read_volume(path).affine, AFFINE)
    assert nib.load(path).get_data_dtype() == np.int16


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_other_numbers_are_off_by_half_a_step_at_most(path, scale):
    data = scale * np.random.default_rng(0).random((5, 6, 7), np.float32)
    write_volume(Volume(data), path)
    step = np.ptp(data) / 65535
    np.testing.assert_allclose(
        read_volume(path).data, data, rtol=1e-6, atol=0.51 * step
    )


def test_large_whole_numbers_are_scaled(path):
    data = np.arange(8.0).reshape(2, 2, 2) * 10_000
    write_volume(Volume(data), path)
    np.testing.assert_allclose(read_volume(path).data, data, atol=1)


def test_equal_volumes_give_equal_bytes(tmp_path):
    data = np.random.default_rng(0).random((5, 6, 7))
    for name in ("a.nii.gz", "b.nii.gz"):
        write_volume(Volume(data), tmp_path / name)
    first, second = (tmp_path / n for n in ("a.nii.gz", "b.nii.gz"))
    assert first.read_bytes() == second.read_bytes()
    assert gzip.decompress(first.read_bytes())[:4] == b"\x5c\x01\x00\x00"


@pytest.mark.parametrize("scale", [1e-32, 1e-20, 1e20, 3e38])
def test_a_finite_scan_of_any_scale_is_read_as_it_was_written(path, scale):
    data = np.random.default_rng(0).random((5, 6, 7)) * scale
    write_volume(Volume(data.astype(np.float32)), path)
    np.testing.assert_allclose(read_volume(path).data, data, atol=scale / 65535)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.inf, r"got NaN or inf in 1 of 8 voxels\. Scale the scan"),
        (np.nan, "got NaN or inf in 1 of 8 voxels"),
        (1e-38, "in a range of at least 8e-34, got a range of 1e-38"),
        (0, "got the value 0 in all voxels"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(path, value, said):
    data = np.zeros((2, 2, 2), np.float32)
    data[0, 0, 0] = value
    with pytest.raises(ValueError, match=said):
        write_volume(Volume(data), path)
    assert not path.exists()
