import numpy as np
import pytest

from briqa_sk.io.limits import (
    RefusalError,
    check_affine,
    check_dtype,
    check_shape,
    check_voxels,
)


def finding_of(check, *args):
    with pytest.raises(RefusalError) as caught:
        check(*args)
    return caught.value.finding


def test_trailing_axes_of_length_one_are_dropped_down_to_three():
    assert check_shape((4, 5, 6, 1, 1), 120) == (4, 5, 6)
    assert check_shape((4, 1, 1), 120) == (4, 1, 1)


def test_the_number_of_voxels_does_not_overflow():
    shape = np.array([2**21, 2**21, 2**22], np.int64)  # 2**64 wraps around to 0
    assert finding_of(check_shape, tuple(shape), 100) == "too_large"


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float64])
def test_real_numbers_are_one_component(dtype):
    assert check_dtype(np.dtype(dtype)) is None


def test_complex_numbers_are_two_components():
    assert finding_of(check_dtype, np.dtype(complex)) == "colour_image"


def test_a_sheared_affine_is_good():
    affine = np.eye(4)
    affine[0, 1] = 0.9
    assert check_affine(affine) is None


def test_a_spacing_of_zero_is_refused_without_a_warning():
    assert finding_of(check_affine, np.diag([1.0, 0, 1, 1])) == "bad_affine"


def test_large_finite_voxels_are_good():
    assert check_voxels(np.array([[[3e38, 2e38]]], np.float32)) is None


def test_the_detail_counts_the_bad_voxels():
    with pytest.raises(RefusalError, match="in 2 of 3 voxels") as caught:
        check_voxels(np.array([[[np.nan, 1, -np.inf]]], np.float32))
    assert caught.value.detail == "NaN or inf in 2 of 3 voxels"
