"""What all artifacts of a scan share."""

import numpy as np
import pytest
import torch

from briqa_sk.datasets import make_head_phantom
from briqa_sk.simulation import Acquisition
from briqa_sk.simulation._scan import Scan


def scan_of(data, spacing_mm=(1.0, 1.0, 1.0), affine=None, **given):
    drawn = Acquisition(**given).draw(random_state=0)
    return Scan(torch.as_tensor(data, dtype=torch.float32), spacing_mm, drawn, affine)


def test_noise_and_levels_are_those_of_the_clean_scan():
    clean = torch.from_numpy(make_head_phantom(48, snr=20, random_state=0).data.copy())
    scan = scan_of(clean)
    tissue, sigma = scan.levels.tissue, scan_of(clean.clone()).sigma
    clean.zero_()  # as an artifact may do
    assert scan.levels.tissue == tissue
    assert scan.sigma == sigma > 0


def test_an_axis_that_is_too_short_is_refused():
    scan = scan_of(np.ones((4, 20, 20)))
    assert scan.axis("slice", caller="me", n_least=1) == 0
    with pytest.raises(ValueError, match="me: a volume must have at least 8 voxels"):
        scan.axis("slice", caller="me")


def test_random_bits_follow_from_the_voxels_and_are_fresh_at_each_call():
    data = torch.rand(8, 8, 8)
    scans = [scan_of(data), scan_of(data + 1e-6)]
    words = [scan.fresh_bits().random_raw() for scan in scans for _ in range(2)]
    assert len(set(words)) == 4
    assert scan_of(data).fresh_bits().random_raw() == words[0]
