"""Calibration error by hand."""

import numpy as np
import pytest

from briqa_sk.metrics import calibration_error


def test_calibration_error_by_hand():
    # Bin (.5, .6]: two scans at .6, one right: |.5 - .6|. Bin (.8, .9]: two at .9, both
    # right: |1 - .9|. Each bin holds half of the scans.
    proba = [[0.6, 0.4], [0.6, 0.4], [0.9, 0.1], [0.1, 0.9]]
    error = calibration_error([0, 1, 0, 1], proba, n_bins=10)
    assert error == pytest.approx(0.5 * 0.1 + 0.5 * 0.1)


def test_calibration_error_reads_columns_by_their_classes():
    proba = [[1.0, 0.0], [0.0, 1.0]]
    assert calibration_error(["b", "a"], proba, classes=["b", "a"]) == 0
    assert calibration_error(["b", "a"], proba) == 1


def test_calibration_error_refuses_columns_without_a_class():
    with pytest.raises(ValueError, match=r"\(2, 2\), got \(2, 3\)"):
        calibration_error([0, 1], np.full((2, 3), 1 / 3))


@pytest.mark.parametrize(
    ("true", "proba", "keywords", "said"),
    [
        ([], np.empty((0, 0)), {}, "at least 1 scan, got none"),
        ([0, 1], np.eye(2), {"n_bins": 0}, "n_bins must be a whole number above 0"),
        ([0, 1], 2 * np.eye(2), {}, r"in \[0, 1\], got values from 0.0 to 2.0"),
        ([0, 1], np.full((2, 2), np.nan), {}, "got values from nan to nan"),
    ],
    ids=["empty", "no bin", "beyond 1", "nan"],
)
def test_calibration_needs_probabilities_and_bins(true, proba, keywords, said):
    with pytest.raises(ValueError, match=f"calibration_error: .*{said}"):
        calibration_error(true, proba, **keywords)
