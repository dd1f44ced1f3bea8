"""The brain of a scan is found between its darkest and its brightest tissue."""

import numpy as np
import pytest
import torch

from briqa_sk import read_volume
from briqa_sk.datasets import make_head_phantom
from briqa_sk.kernels import signal_levels
from briqa_sk.kernels.noise import local_means, noise_level
from briqa_sk.kernels.tissue_classes import brain_signal
from briqa_sk.kernels.tissues import CONTRASTS, TISSUES, signal


def find(data):
    """The brain of a scan, as artifacts find it."""
    floor = signal_levels(data).floor
    data = torch.from_numpy(np.array(data, np.float32))
    means = local_means(data, 2.6 * noise_level(data, floor))
    return brain_signal(means.masked_fill_(means <= floor, 0), floor)


@pytest.mark.parametrize("shape", [(48, 56, 48), (80, 94, 80)])
@pytest.mark.parametrize("contrast", ["T1w", "T2w", "FLAIR"])
def test_grey_and_white_matter_of_a_phantom_lie_between_the_levels(contrast, shape):
    scan = make_head_phantom(shape, contrast=contrast, random_state=0).data
    noisy = make_head_phantom(shape, contrast=contrast, snr=20, random_state=0).data
    # The phantom scales the signals of its tissues; fat has the brightest but in T2w.
    brightest = "csf" if contrast == "T2w" else "fat"
    signals = {name: signal(TISSUES[name], CONTRASTS[contrast]) for name in TISSUES}
    scale = np.percentile(scan, 99.9) / signals[brightest]
    brain = find(noisy)
    assert brain.contrast == contrast
    for name in ("grey", "white"):
        assert brain.low <= 1.03 * scale * signals[name]
        assert brain.high >= 0.97 * scale * signals[name]
    assert brain.high < 0.9 * scale * signals[brightest]


@pytest.mark.parametrize("number", [1, 4, 7, 12, 16])
def test_labelled_grey_and_white_matter_of_real_scans_lie_between(number, real_data):
    stem = real_data / "nichart_pairs" / f"sub-{number:02d}"
    data = read_volume(f"{stem}_T1w.nii.gz").data
    regions = read_volume(f"{stem}_space-T1w_dseg.nii.gz").data
    brain = find(data)
    white = data[(regions >= 81) & (regions <= 88)]  # MUSE's lobes
    grey = data[(regions >= 100) & (regions <= 207)]  # and gyri
    assert brain.contrast == "T1w"
    assert brain.low < np.median(grey) < np.median(white) < brain.high


@pytest.mark.parametrize("subject", ["02", "07"])
def test_fluid_is_bright_in_t2w_scans(subject, real_data):
    volume = read_volume(real_data / "ds000011" / f"sub-{subject}_inplaneT2.nii.gz")
    assert find(volume.data).contrast == "T2w"


@pytest.mark.parametrize("value", [0.0, 5.0])
def test_there_is_no_brain_where_all_voxels_are_alike(value):
    assert brain_signal(torch.full((12, 12, 12), value), 1.0) is None


@pytest.mark.parametrize("shape", [(64, 64, 4), (3, 64, 64), (64, 64, 1)])
def test_few_slices_are_enough(shape):
    """Truth: two tissues, 70 and 100, half of the voxels each."""
    steps = np.where(np.arange(64) // 16 % 2, 70.0, 100.0)
    along = steps[:, None, None] if shape[0] == 64 else steps[None, :, None]
    brain = brain_signal(torch.from_numpy(np.broadcast_to(along, shape).copy()), 1.0)
    assert 60 < brain.low <= 70
    assert 100 <= brain.high < 130
