import copy
import pickle

import numpy as np
import pytest

from briqa_sk import Volume

AFFINE = np.array([[0, 0, 3.0, 1], [-2, 0, 0, 2], [0, 1.5, 0, 3], [0, 0, 0, 1]])


def test_spacing_is_the_length_of_the_affines_columns():
    assert Volume(np.zeros((2, 2, 2)), AFFINE).spacing_mm == (2.0, 1.5, 3.0)


def test_a_bare_array_counts_as_1_mm_ras():
    volume = Volume(np.zeros((2, 3, 4), np.int16))
    np.testing.assert_array_equal(volume.affine, np.eye(4))
    assert volume.data.dtype == np.float32
    assert volume.source_shape == (2, 3, 4)


def test_derive_remembers_the_source_and_the_steps():
    volume = Volume(np.zeros((2, 3, 4)), AFFINE, path="scan.nii")
    other = volume.derive(np.ones((1, 1, 1)), np.eye(4), step="a")
    again = other.derive(other.data, step="b")
    assert again.history == ("a", "b")
    assert (again.path, again.source_shape) == ("scan.nii", (2, 3, 4))
    np.testing.assert_array_equal(again.affine, np.eye(4))
    np.testing.assert_array_equal(again.source_affine, AFFINE)
    assert volume.history == ()


def test_the_voxels_of_a_volume_can_not_be_overwritten():
    data = np.zeros((2, 2, 2), np.float32)
    with pytest.raises(ValueError, match="read-only"):
        Volume(data).data[0] = 1
    data[0] = 1  # the caller's own array stays writeable


def test_a_volume_becomes_an_array():
    volume = Volume(np.arange(8).reshape(2, 2, 2))
    assert np.asarray(volume).sum() == 28
    assert np.asarray(volume, dtype=int).dtype == int


def test_a_volume_can_be_pickled():
    volume = pickle.loads(pickle.dumps(Volume(np.ones((2, 2, 2)), AFFINE)))
    np.testing.assert_array_equal(volume.data, 1)
    np.testing.assert_array_equal(volume.affine, AFFINE)


@pytest.mark.parametrize(
    ("data", "affine", "said"),
    [
        (np.zeros((2, 2)), None, r"data must be 3-D, got shape \(2, 2\)"),
        (np.zeros((2, 2, 2)), np.eye(3), r"affine must be 4 x 4, got shape \(3, 3\)"),
    ],
)
def test_a_volume_has_three_axes_and_a_4_x_4_affine(data, affine, said):
    with pytest.raises(ValueError, match=said):
        Volume(data, affine)


def test_the_affine_is_a_copy_that_can_not_be_overwritten():
    affine = AFFINE.copy()
    volume = Volume(np.zeros((2, 2, 2)), affine, source_affine=affine)
    affine[0] = 7
    np.testing.assert_array_equal(volume.affine, AFFINE)
    np.testing.assert_array_equal(volume.source_affine, AFFINE)
    for array in (volume.affine, volume.source_affine):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


@pytest.mark.parametrize(
    "again", [copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))]
)
def test_copies_and_pickles_stay_read_only(again):
    volume = again(Volume(np.zeros((2, 2, 2)), AFFINE))
    for array in (volume.data, volume.affine, volume.source_affine):
        assert not array.flags.writeable
