import pickle

import pytest

from briqa_sk.exceptions import BriqaError, UnreadableVolumeError


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
