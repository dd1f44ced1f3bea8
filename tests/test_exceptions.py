import pickle

import pytest

from briqa_sk._optional import import_extra
from briqa_sk.exceptions import BriqaError, MissingExtraError, UnreadableVolumeError


def test_a_finding_survives_the_way_home_from_a_worker():
    error = UnreadableVolumeError(
        "scan.nii: is empty.", path="scan.nii", finding="empty", detail="0 bytes"
    )
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.path, copy.finding, copy.detail) == (
        "scan.nii: is empty.",
        "scan.nii",
        "empty",
        "0 bytes",
    )
    assert isinstance(copy, BriqaError)


def test_findings_are_a_closed_list():
    with pytest.raises(ValueError, match="finding must be one of"):
        UnreadableVolumeError("scan.nii: is odd.", path="scan.nii", finding="odd")


def test_a_missing_extra_says_how_to_install_it():
    with pytest.raises(MissingExtraError, match=r"pip install 'briqa_sk\[dicom\]'"):
        import_extra("no_such_module", extra="dicom", caller="read_dicom")


def test_an_installed_extra_is_imported():
    assert import_extra("json", extra="dicom", caller="x").loads("1") == 1
