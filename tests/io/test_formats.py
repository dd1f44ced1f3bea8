import struct

import nibabel as nib
import numpy as np
import pytest

from briqa_sk.io.formats import SNIFF_BYTES, sniff
from briqa_sk.io.limits import RefusalError

IMAGE = np.zeros((2, 2, 2), np.float32), np.eye(4)


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (nib.Nifti1Image(*IMAGE), ("nifti1", "<")),
        (nib.Nifti1Image(*IMAGE, nib.Nifti1Header(endianness=">")), ("nifti1", ">")),
        (nib.Nifti2Image(*IMAGE), ("nifti2", "<")),
        (nib.MGHImage(*IMAGE), ("mgh", ">")),
    ],
    ids=["NIfTI-1", "big-endian", "NIfTI-2", "MGH"],
)
def test_sniff_knows_what_nibabel_writes(image, found):
    assert sniff(image.to_bytes()[:SNIFF_BYTES]) == found


@pytest.mark.parametrize("n_bytes", [1, 3, 20])
def test_a_handful_of_bytes_is_no_image(n_bytes):
    with pytest.raises(RefusalError) as caught:
        sniff(b"\xff" * n_bytes)
    assert caught.value.finding == "not_an_image"


def test_a_nifti_header_that_ends_early_is_truncated():
    with pytest.raises(RefusalError, match="20 of 348 bytes") as caught:
        sniff(struct.pack("<i", 348) + bytes(16))
    assert caught.value.finding == "truncated"


def test_a_nifti_magic_behind_a_wrong_length_is_a_broken_header():
    header = bytearray(nib.Nifti1Image(*IMAGE).to_bytes()[:SNIFF_BYTES])
    header[:4] = struct.pack("<i", 999)
    with pytest.raises(RefusalError) as caught:
        sniff(bytes(header))
    assert caught.value.finding == "unreadable"


def test_a_dicom_file_with_an_analyze_preamble_is_dicom():
    start = struct.pack("<i", 348) + bytes(124) + b"DICM" + bytes(412)
    with pytest.raises(RefusalError, match="DICOM"):
        sniff(start)
