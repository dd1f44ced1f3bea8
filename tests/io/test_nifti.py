import gzip
import os
import struct
import sys
import zlib

import nibabel as nib
import numpy as np
import pytest

from briqa_sk.exceptions import FINDINGS, UnreadableVolumeError
from briqa_sk.io import Volume, nifti, read_volume

AFFINE = np.array(
    [[-2.0, 0, 0, 10], [0, 0, 3.0, -20], [0, 1.5, 0, 5], [0, 0, 0, 1]]
)  # LSA, 2 x 1.5 x 3 mm


@pytest.fixture
def voxels():
    rng = np.random.default_rng(0)
    return rng.integers(-500, 500, size=(6, 5, 4)).astype(np.int16)


@pytest.fixture
def save(tmp_path, voxels):
    """Write a NIfTI file; keyword arguments change its header afterwards."""

    def write(name="scan.nii.gz", data=voxels, affine=AFFINE, **fields):
        image = nib.Nifti1Image(data, affine)
        path = tmp_path / name
        nib.save(image, path)
        if fields:
            raw = bytearray(content(path))
            header = np.frombuffer(raw, nib.nifti1.header_dtype, count=1)
            for field, value in fields.items():
                header[field] = value
            path.write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
        return path

    return write


def content(path):
    raw = path.read_bytes()
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


def finding_of(path, **options):
    with pytest.raises(UnreadableVolumeError) as caught:
        read_volume(path, **options)
    assert caught.value.path == os.fspath(path)
    assert caught.value.detail
    return caught.value.finding


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "A.NII.GZ", "a.mgz", "a.mgh"])
def test_voxels_and_affine_are_those_of_nibabel(tmp_path, voxels, name):
    kind = nib.MGHImage if name[2] == "m" else nib.Nifti1Image
    image = kind(voxels, AFFINE)
    path = tmp_path / name
    nib.save(image, tmp_path / name.lower())
    (tmp_path / name.lower()).rename(path)
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.data, voxels)
    np.testing.assert_allclose(volume.affine, AFFINE, atol=1e-6)
    assert volume.data.dtype == np.float32
    assert volume.path == str(path)


@pytest.mark.parametrize("dtype", ["u1", "i2", ">i2", "u2", "i4", ">f4", "f4", "f8"])
def test_every_type_of_voxel_is_scaled_as_nibabel_does(tmp_path, dtype):
    data = np.random.default_rng(1).integers(0, 200, size=(4, 3, 5)).astype(dtype)
    image = nib.Nifti1Image(
        data, AFFINE, nib.Nifti1Header(endianness=">" if dtype[0] == ">" else "<")
    )
    image.header.set_data_dtype(np.dtype(dtype).newbyteorder("="))
    image.header.set_slope_inter(0.25, -7)
    path = tmp_path / "scan.nii.gz"
    nib.save(image, path)
    truth = nib.load(path)
    np.testing.assert_allclose(
        read_volume(path).data, truth.get_fdata(dtype=np.float32), rtol=1e-6
    )


def test_nifti_2_is_read(tmp_path, voxels):
    path = tmp_path / "scan.nii.gz"
    nib.save(nib.Nifti2Image(voxels, AFFINE), path)
    np.testing.assert_array_equal(read_volume(path).data, voxels)


def test_header_extensions_are_skipped(tmp_path, voxels):
    image = nib.Nifti1Image(voxels, AFFINE)
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"x" * 4000))
    path = tmp_path / "scan.nii.gz"
    nib.save(image, path)
    np.testing.assert_array_equal(read_volume(path).data, voxels)


def test_content_decides_and_not_the_name(save, tmp_path, voxels):
    plain = tmp_path / "plain.nii.gz"
    plain.write_bytes(content(save("scan.nii")))
    squeezed = tmp_path / "squeezed.nii"
    squeezed.write_bytes(save("scan.nii.gz").read_bytes())
    for path in (plain, squeezed):
        np.testing.assert_array_equal(read_volume(path).data, voxels)


def test_a_gzip_file_of_several_members_is_read(save, tmp_path, voxels):
    raw = content(save())
    path = tmp_path / "members.nii.gz"
    path.write_bytes(gzip.compress(raw[:400]) + gzip.compress(raw[400:]))
    np.testing.assert_array_equal(read_volume(path).data, voxels)


def test_zeros_after_the_gzip_stream_are_padding(save, voxels):
    path = save()
    path.write_bytes(path.read_bytes() + bytes(512))
    np.testing.assert_array_equal(read_volume(path).data, voxels)


def test_trailing_axes_of_length_one_are_dropped(save, voxels):
    assert read_volume(save(data=voxels[..., None, None])).shape == voxels.shape


def test_a_single_slice_with_three_axes_is_a_volume(save, voxels):
    assert read_volume(save(data=voxels[:, :, :1])).shape == (6, 5, 1)


def test_without_sform_and_qform_the_grid_is_centred_as_in_nibabel(save):
    path = save(sform_code=0, qform_code=0)
    np.testing.assert_allclose(read_volume(path).affine, nib.load(path).affine)


@pytest.mark.parametrize(
    "fields",
    [
        {"sform_code": 0, "qform_code": 1, "pixdim": [0, 2, 3, 1.5, 0, 0, 0, 0]},
        {"sform_code": 0, "qform_code": 1, "pixdim": [1, 2, -3, 1.5, 0, 0, 0, 0]},
        {"sform_code": 0, "qform_code": 0, "pixdim": [1, 2, -3, 1.5, 0, 0, 0, 0]},
        {"sform_code": 0, "qform_code": 0, "pixdim": 0},
        {"sform_code": -1, "qform_code": 1},
    ],
    ids=["qfac", "negative, qform", "negative, no form", "zero", "code"],
)
def test_headers_are_repaired_as_nibabel_does(save, fields, caplog):
    path = save(**fields)
    affine = read_volume(path).affine
    assert not caplog.records
    np.testing.assert_allclose(affine, nib.load(path).affine)


def test_an_unset_offset_means_behind_the_header(save, voxels):
    np.testing.assert_array_equal(read_volume(save(vox_offset=0)).data, voxels)


def test_the_standard_library_reads_the_same(save, voxels, monkeypatch):
    monkeypatch.setattr(nifti, "gzip", gzip)
    monkeypatch.setattr(nifti, "DeflateError", zlib.error)
    path = save()
    np.testing.assert_array_equal(read_volume(path).data, voxels)
    path.write_bytes(path.read_bytes()[:-12])
    assert finding_of(path) == "truncated"


def test_isal_is_optional(save, monkeypatch):
    import importlib

    monkeypatch.setitem(sys.modules, "isal", None)
    try:
        assert importlib.reload(nifti).gzip is gzip
    finally:
        monkeypatch.undo()
        importlib.reload(nifti)


def test_a_missing_file_is_missing(tmp_path):
    assert finding_of(tmp_path / "no.nii.gz") == "missing"
    assert finding_of(tmp_path / ("n" * 300)) == "unreadable"


def test_a_broken_link_is_missing_or_an_annex_pointer(tmp_path):
    link = tmp_path / "scan.nii.gz"
    link.symlink_to(tmp_path / "nowhere.nii.gz")
    assert finding_of(link) == "missing"
    link.unlink()
    link.symlink_to("../.git/annex/objects/z0/fG/MD5E-s31/MD5E-s31")
    assert finding_of(link) == "annex_pointer"


def test_what_can_not_be_opened_is_unreadable(tmp_path):
    os.mkfifo(tmp_path / "pipe.nii.gz")
    assert finding_of(tmp_path) == "unreadable"
    assert finding_of(tmp_path / "pipe.nii.gz") == "unreadable"
    assert finding_of("nul\0.nii.gz") == "unreadable"


def test_a_file_without_permission_is_unreadable(save, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)  # root may read everything
    assert finding_of("/") == "unreadable"
    assert finding_of(os.devnull) == "unreadable"


@pytest.mark.parametrize(
    "fields",
    [{"datatype": 12345}, {"vox_offset": 100}, {"vox_offset": np.nan}],
    ids=["type", "offset in the header", "no offset"],
)
def test_a_broken_header_is_unreadable(save, fields):
    assert finding_of(save(**fields)) == "unreadable"


def test_an_empty_file_is_empty(tmp_path):
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(b"")
    assert finding_of(path) == "empty"
    path.write_bytes(gzip.compress(b""))
    assert finding_of(path) == "empty"


@pytest.mark.parametrize(
    "text",
    [
        "../../.git/annex/objects/z0/fG/MD5E-s3--bc.nii.gz/MD5E-s3--bc.nii.gz",
        "/annex/objects/MD5E-s3--bc.nii.gz\n",
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
    ],
)
def test_a_pointer_in_place_of_the_scan_is_found(tmp_path, text):
    path = tmp_path / "scan.nii.gz"
    path.write_text(text)
    assert finding_of(path) == "annex_pointer"


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.95])
def test_a_truncated_file_is_never_read_as_zeros(save, name, kept):
    path = save(name)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(kept * len(raw))])
    assert finding_of(path) == "truncated"


def test_whole_voxels_whose_checksum_is_cut_off_are_no_proof(save):
    path = save()
    path.write_bytes(path.read_bytes()[:-3])
    assert finding_of(path) == "checksum"


def test_truncated_voxels_in_a_whole_gzip_stream_are_found(save):
    path = save()
    path.write_bytes(gzip.compress(content(path)[:-1]))
    assert finding_of(path) == "truncated"


@pytest.mark.parametrize("name", ["scan.mgz", "scan.mgh"])
@pytest.mark.parametrize("n_bytes", [100, 290])
def test_a_truncated_mgh_file_is_found(tmp_path, voxels, name, n_bytes):
    path = tmp_path / name
    nib.save(nib.MGHImage(voxels, AFFINE), path)
    raw = content(path)[:n_bytes]
    path.write_bytes(gzip.compress(raw) if name == "scan.mgz" else raw)
    assert finding_of(path) == "truncated"


def test_a_wrong_checksum_is_found(save):
    path = save()
    raw = bytearray(path.read_bytes())
    raw[-8] ^= 1  # the CRC-32
    path.write_bytes(raw)
    assert finding_of(path) == "checksum"


def test_a_wrong_length_is_found(save):
    path = save()
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1  # the length
    path.write_bytes(raw)
    assert finding_of(path) == "checksum"


@pytest.mark.parametrize("rubbish", [b"rubbish" * 10, b"\x1f\x8b\x08\x00", b"\x1f"])
@pytest.mark.parametrize("reader", ["isal", "gzip"])
def test_rubbish_after_the_gzip_stream_is_found(save, rubbish, reader, monkeypatch):
    if reader == "gzip":
        monkeypatch.setattr(nifti, "gzip", gzip)
        monkeypatch.setattr(nifti, "DeflateError", zlib.error)
    path = save()
    path.write_bytes(path.read_bytes() + rubbish)
    assert finding_of(path) == "checksum"


@pytest.fixture
def no_large_array(monkeypatch):
    """Make every array of 1 MB or more an error."""
    empty = np.empty

    def small(shape, *args, **kwargs):
        assert np.prod(shape, dtype=float) < 1e6
        return empty(shape, *args, **kwargs)

    monkeypatch.setattr(nifti.np, "empty", small)


@pytest.mark.usefixtures("no_large_array")
def test_a_header_that_lies_about_its_size_allocates_nothing(save):
    huge = [3, 30000, 30000, 30000, 1, 1, 1, 1]
    large = [3, 500, 500, 500, 1, 1, 1, 1]
    assert finding_of(save("a.nii.gz", dim=huge)) == "too_large"
    assert finding_of(save("a.nii", dim=huge)) == "too_large"
    assert finding_of(save("a.nii.gz", dim=large)) == "truncated"
    assert finding_of(save("a.nii", dim=large)) == "truncated"


def test_max_voxels_is_a_limit_that_may_be_reached(save, voxels):
    path = save()
    assert read_volume(path, max_voxels=voxels.size).shape == voxels.shape
    assert finding_of(path, max_voxels=voxels.size - 1) == "too_large"


@pytest.mark.parametrize(
    "dim",
    [
        [4, 6, 5, 2, 2, 1, 1, 1],
        [2, 6, 20, 1, 1, 1, 1, 1],
        [3, 6, 0, 4, 1, 1, 1, 1],
        [3, 6, -5, 4, 1, 1, 1, 1],
        [5, 6, 5, 2, 1, 2, 1, 1],
    ],
    ids=["4-D", "2-D", "no voxel", "negative", "vectors"],
)
def test_other_than_three_axes_are_refused(save, dim):
    assert finding_of(save(dim=dim)) == "wrong_dimensions"


@pytest.mark.parametrize(
    "dtype",
    [[(c, "u1") for c in "RGB"], [(c, "u1") for c in "RGBA"], np.complex64],
    ids=["RGB", "RGBA", "complex"],
)
def test_several_components_per_voxel_are_refused(save, dtype):
    assert finding_of(save(data=np.zeros((3, 3, 3), dtype))) == "colour_image"


@pytest.mark.parametrize(
    "fields",
    [
        {"srow_x": [np.nan, 0, 0, 0]},
        {"srow_x": 0},
        {"srow_x": [0, 1.5, 0, 0], "srow_y": [0, 0, 3, 0], "srow_z": [0, 0, 3, 0]},
        {"srow_x": [2, 2, 0, 0], "srow_y": [1, 1, 0, 0], "srow_z": [0, 0, 3, 0]},
        {"srow_x": [1e9, 0, 0, 0]},
        {"sform_code": 0, "qform_code": 1, "quatern_b": 3.0, "quatern_c": 3.0},
        {"sform_code": 0, "qform_code": 0, "pixdim": np.nan},
    ],
    ids=["nan", "zero row", "zero column", "parallel", "huge", "qform", "pixdim"],
)
def test_an_affine_that_places_no_voxel_is_refused(save, fields):
    assert finding_of(save(**fields)) == "bad_affine"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_not_finite_are_refused(save, value):
    data = np.ones((4, 4, 4), np.float32)
    data[1, 2, 3] = value
    assert finding_of(save(data=data)) == "non_finite"


def test_voxels_too_large_for_float32_are_refused(save):
    data = np.arange(64.0).reshape(4, 4, 4) * 1e300
    assert finding_of(save(data=data)) == "non_finite"


def test_a_constant_volume_is_refused(save):
    assert finding_of(save(data=np.full((4, 4, 4), 7, np.int16))) == "constant"


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (bytes(128) + b"DICM" + bytes(500), "DICOM"),
        (b"CDF\x01" + bytes(500), "MINC 1"),
        (b"# === DATA DESCRIPTION FILE ====\n", "PAR"),
        (b"# just a note\n", "text"),
        (struct.pack("<i", 348) + bytes(600), "Analyze"),
        (struct.pack("<i", 348) + bytes(340) + b"ni1\0" + bytes(100), "without voxels"),
        (bytes(range(256)), "unknown"),
        (struct.pack(">6i", 1, 4, 4, 4, 1, 9) + bytes(600), "unknown"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_detail_says_what_a_file_seems_to_be(tmp_path, start, said, pack):
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(pack(start))
    with pytest.raises(UnreadableVolumeError, match=said) as caught:
        read_volume(path)
    assert caught.value.finding == "not_an_image"


def test_the_message_names_file_problem_and_remedy(save):
    path = save(dim=[4, 6, 5, 2, 2, 1, 1, 1])
    with pytest.raises(UnreadableVolumeError) as caught:
        read_volume(path)
    assert str(caught.value) == (
        f"read_volume: {path} must be one intact 3-D image, got shape (6, 5, 2, 2) "
        "(not one 3-D volume). Split it into 3-D volumes."
    )


def test_something_else_than_a_path_is_a_type_error():
    with pytest.raises(TypeError, match="int"):
        read_volume(3)


def test_every_damage_ends_in_a_volume_or_a_finding(save, tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "damaged.nii.gz"
    seen = set()
    for name in ("scan.nii.gz", "scan.nii"):
        intact = save(name).read_bytes()
        for _ in range(250):
            raw = bytearray(intact)
            for position in rng.integers(len(raw), size=rng.integers(1, 4)):
                raw[position] = rng.integers(256)
            if rng.random() < 0.3:
                del raw[rng.integers(len(raw)) :]
            path.write_bytes(raw)
            try:
                assert isinstance(read_volume(path), Volume)
            except UnreadableVolumeError as error:
                seen.add(error.finding)
    assert {"truncated", "checksum", "not_an_image", "bad_affine"} <= seen


def test_damage_inside_an_intact_gzip_stream_ends_the_same_way(save, tmp_path):
    rng = np.random.default_rng(1)
    intact, path = content(save()), tmp_path / "damaged.nii.gz"
    seen = set()
    for _ in range(250):
        raw = bytearray(intact)
        raw[rng.integers(348)] = rng.integers(256)  # in the header
        path.write_bytes(gzip.compress(raw, 1))
        try:
            read_volume(path)
        except UnreadableVolumeError as error:
            seen.add(error.finding)
    assert seen <= set(FINDINGS)
    assert {"not_an_image", "unreadable", "wrong_dimensions", "bad_affine"} <= seen


ODD = {
    "annex_pointer_T1w.nii.gz": "annex_pointer",
    "canon_sag_PSR_4d.nii.gz": "wrong_dimensions",
    "empty.nii.gz": "empty",
    "nibabel_0.dcm": "not_an_image",
    "nibabel_anatomical.nii": None,
    "nibabel_example4d.nii.gz": "wrong_dimensions",
    "nibabel_example_nifti2.nii.gz": "wrong_dimensions",
    "nibabel_functional.nii": "wrong_dimensions",
    "nibabel_minc2_baddim.mnc": "not_an_image",
    "nibabel_phantom_EPI_asc_CLEAR_2_1.PAR": "not_an_image",
    "nibabel_reoriented_anat_moved.nii": None,
    "nibabel_resampled_anat_moved.nii": "non_finite",
    "nibabel_test.mgz": "wrong_dimensions",
    "nibabel_tiny.mnc": "not_an_image",
    "niivue_CIT168_CIT168.nii.gz": "colour_image",
    "niivue_CT_pitch.nii.gz": None,
    "niivue_fmri_pitch.nii.gz": None,
    "niivue_pcasl.nii.gz": "wrong_dimensions",
    "niivue_register_T1_head_ext2.nii.gz": None,
    "niivue_register_fmri.nii.gz": None,
    "niivue_spmMotor.nii.gz": None,
    "uncompressed_inplaneT2.nii": None,
}


def test_the_table_has_every_odd_file(real_data):
    assert sorted(path.name for path in (real_data / "odd").iterdir()) == sorted(ODD)


@pytest.mark.parametrize(("name", "finding"), list(ODD.items()))
def test_every_odd_file_is_a_volume_or_its_finding(real_data, name, finding):
    path = real_data / "odd" / name
    if finding is not None:
        assert finding_of(path) == finding
        return
    volume, truth = read_volume(path), nib.load(path)
    np.testing.assert_allclose(volume.data, truth.get_fdata(), rtol=1e-6)
    np.testing.assert_allclose(volume.affine, truth.affine)
