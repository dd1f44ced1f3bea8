"""Subjects and planes in the names of files."""

import pytest

from briqa_sk.datasets.names import parse_name


@pytest.mark.parametrize(
    ("name", "subject", "plane"),
    [
        ("sub-01/ses-2/anat/sub-01_ses-2_T1w", "sub-01", None),
        ("sub-A7_acq-lowfield_axi", "sub-A7", "axi"),
        ("pt-1_acq-3T_T1w", "pt-1", None),
        ("site_sub-03_T2w", "sub-03", None),
        ("LISA_0001_LF_axi", "LISA_0001", "axi"),
        ("train/lisa_0001_lf_COR", "LISA_0001", "cor"),
        ("LISA_TESTING_0002_SAG", "LISA_TESTING_0002", "sag"),
        ("LISA_0001_LF_desc-noise1_axi", "LISA_0001", "axi"),
        ("axial", None, None),
        ("acq-3T_T1w", None, None),
        ("subject01/T1", None, None),
    ],
)
def test_names_say_whose_scan_and_in_which_plane(name, subject, plane):
    assert parse_name(name) == (subject, plane)
