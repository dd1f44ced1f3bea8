from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest

from briqa_sk.kernels import crop_or_pad, reorient, shift_affine

ALL_CODES = [
    "".join(letters)
    for axes in permutations(["RL", "AP", "SI"])
    for letters in product(*axes)
]
OBLIQUE = nib.affines.from_matvec(
    nib.eulerangles.euler2mat(0.2, -0.1, 0.3) @ np.diag([2.0, 1.5, 3.0]), [5, -7, 11]
)


def test_there_are_48_orientations():
    assert len(set(ALL_CODES)) == 48


@pytest.mark.parametrize("codes", ALL_CODES)
def test_reorient_reaches_the_codes_and_moves_no_voxel(codes):
    data = np.arange(24.0).reshape(2, 3, 4)
    turned, affine = reorient(data, OBLIQUE, codes)
    assert nib.aff2axcodes(affine) == tuple(codes)
    for value in (0.0, 7.0, 23.0):
        before = np.append(np.argwhere(data == value)[0], 1)
        after = np.append(np.argwhere(turned == value)[0], 1)
        np.testing.assert_allclose(affine @ after, OBLIQUE @ before, atol=1e-12)


@pytest.mark.parametrize("codes", ["LAS", "PSR", "ILA"])
def test_reorient_to_ras_is_the_canonical_image_of_nibabel(codes):
    data, affine = reorient(np.arange(24.0).reshape(2, 3, 4), OBLIQUE, codes)
    truth = nib.as_closest_canonical(nib.Nifti1Image(data, affine))
    back, back_affine = reorient(data, affine, "RAS")
    np.testing.assert_array_equal(back, truth.get_fdata())
    np.testing.assert_allclose(back_affine, truth.affine)


@pytest.mark.parametrize(
    ("n_in", "n_out", "start"),
    [(4, 4, 0), (6, 4, 1), (5, 4, 1), (7, 4, 2), (4, 6, -1), (4, 5, -1), (4, 7, -2)],
)
def test_an_odd_voxel_is_cut_or_added_at_the_low_end(n_in, n_out, start):
    data = np.arange(1.0, n_in + 1).reshape(n_in, 1, 1)
    out, starts = crop_or_pad(data, (n_out, 1, 1))
    assert starts.tolist() == [start, 0, 0]
    expected = [i + 1 if 0 <= i < n_in else 0 for i in range(start, start + n_out)]
    assert out.ravel().tolist() == expected


def test_cutting_undoes_padding():
    data = np.random.default_rng(0).normal(size=(4, 5, 6))
    padded, start = crop_or_pad(data, (9, 8, 7))
    back, back_start = crop_or_pad(padded, data.shape)
    np.testing.assert_array_equal(back, data)
    np.testing.assert_array_equal(start + back_start, 0)


def test_crop_and_pad_mix_between_axes():
    out, _ = crop_or_pad(np.ones((4, 4, 4)), (2, 4, 6), fill=-1)
    assert out.shape == (2, 4, 6)
    assert (out == 1).sum() == 2 * 4 * 4
    assert (out[:, :, [0, -1]] == -1).all()


def test_shift_affine_moves_the_origin_by_whole_voxels():
    shifted = shift_affine(OBLIQUE, [1, -2, 3])
    np.testing.assert_allclose(shifted[:, 3], OBLIQUE @ [1, -2, 3, 1])
    np.testing.assert_array_equal(shifted[:, :3], OBLIQUE[:, :3])
