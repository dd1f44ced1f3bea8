"""Low field: LISA's grid, the stated noise, and the head where it was."""

import json

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from briqa_sk.datasets import make_head_phantom
from briqa_sk.io import Volume
from briqa_sk.kernels import reorient
from briqa_sk.simulation import add_spike
from briqa_sk.simulation.low_field import (
    GRIDS,
    add_low_field_noise,
    regrid,
    to_low_field,
)


@pytest.fixture(scope="module")
def head():
    return make_head_phantom((64, 75, 64), contrast="T2w", random_state=0)


def centroid_mm(volume):
    weights = volume.data / volume.data.sum()
    voxels = [(weights * index).sum() for index in np.indices(volume.shape)]
    return volume.affine[:3, :3] @ voxels + volume.affine[:3, 3]


@pytest.mark.parametrize(
    ("plane", "codes"), [("axi", "RAS"), ("cor", "RSA"), ("sag", "ASR")]
)
def test_slices_lie_along_the_last_axis_and_the_affine_says_so(head, plane, codes):
    low = to_low_field(head, plane=plane, random_state=0)
    np.testing.assert_allclose(low.spacing_mm, (1.5, 1.5, 5.0))
    same, _ = reorient(low.data, low.affine, codes)
    assert same.strides == low.data.strides  # nothing to flip or permute


@pytest.mark.parametrize("plane", GRIDS)
def test_grids_are_the_most_frequent_of_lisa(real_data, plane):
    path = real_data / "tables" / "lisa2025_label_aggregates.json"
    grids = json.loads(path.read_text())["geometry"][plane]
    n_slices, *pixels = max(grids, key=lambda grid: grid["n"])["shape"]
    assert GRIDS[plane][1] == (*pixels, n_slices)


def test_a_voxel_is_the_mean_over_its_extent():
    """Slices of 5 mm from voxels of 1 mm, all of one brightness per slice."""
    levels = np.random.default_rng(0).uniform(50, 100, 150)
    inner = np.broadcast_to(levels, (40, 40, 150))
    data = np.pad(inner, ((70, 70), (70, 70), (25, 25))).astype(np.float32)
    low, affine = regrid(torch.from_numpy(data), np.eye(4), "axi")
    start_mm = affine[2, 3] + 5 * np.arange(36)
    fine_mm = np.linspace(-2.5, 2.5, 2001)
    line = np.interp(start_mm[:, None] + fine_mm, np.arange(200), data[90, 90])
    centre = np.round((90 - affine[:2, 3]) / 1.5).astype(int)
    np.testing.assert_allclose(low[tuple(centre)], line.mean(axis=1), atol=0.02)


@pytest.mark.parametrize("plane", GRIDS)
def test_what_is_seen_stays_where_it_was(plane):
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, :3] = Rotation.from_euler("z", 12, degrees=True).as_matrix() * 2
    affine[:3, 3] = -60, -40, -50
    offset = np.indices((64, 64, 64)).T - (25, 34, 30)
    blob = 100 * np.exp(-(offset**2).sum(axis=-1).T / (2 * 5**2))
    volume = Volume(blob.astype(np.float32), affine)
    low = to_low_field(volume, field_tesla=3, plane=plane, noise=False, random_state=0)
    np.testing.assert_allclose(centroid_mm(low), centroid_mm(volume), atol=0.2)


def test_stored_order_and_direction_of_the_input_do_not_matter(head):
    flipped = Volume(*reorient(head.data, head.affine, "SPL"))
    one, other = (to_low_field(v, plane="cor", random_state=0) for v in (head, flipped))
    np.testing.assert_allclose(one.affine, other.affine, atol=1e-9)
    np.testing.assert_allclose(one.data, other.data, atol=0.02)


@pytest.mark.parametrize(("field_tesla", "snr"), [(0.064, 19.2), (0.3, 90)])
def test_signal_to_noise_is_proportional_to_the_field(field_tesla, snr):
    """The noise of an empty scanner, whose receiver is set for tissue of 100."""
    empty, tissue = (
        Volume(np.full((60, 50, 12), level, np.float32), np.diag([1.5, 1.5, 5, 1]))
        for level in (0, 100)
    )
    noise = add_low_field_noise(
        empty, field_tesla=field_tesla, reference=tissue, random_state=0
    )
    sigma = np.sqrt((noise.data**2).mean() / 2)
    assert 100 / sigma == pytest.approx(snr, rel=1e-4)


@pytest.mark.parametrize("plane", GRIDS)
@pytest.mark.parametrize("snr", [None, 5.0])
def test_scan_and_noise_in_two_steps_are_the_scan_in_one(head, plane, snr):
    once = to_low_field(head, plane=plane, snr=snr, random_state=4)
    quiet = to_low_field(head, plane=plane, noise=False, random_state=4)
    twice = add_low_field_noise(quiet, snr=snr, random_state=4)
    np.testing.assert_array_equal(once.data, twice.data)
    assert once.history == twice.history


def test_noise_of_a_corrupted_scan_is_that_of_the_clean_one(head):
    """Where a spike has added signal, the receiver adds no more noise."""
    quiet = to_low_field(head, noise=False, random_state=0)
    spiked = add_spike(quiet, 1.0, random_state=0)
    air = quiet.data < 0.05 * quiet.data.max()
    clean, corrupted = (
        add_low_field_noise(scan, reference=quiet, random_state=0)
        for scan in (quiet, spiked)
    )
    # In a magnitude, noise of variance v per channel adds 2 v to the squared signal.
    added = [
        (noisy.data[air] ** 2 - scan.data[air] ** 2).mean()
        for noisy, scan in ((clean, quiet), (corrupted, spiked))
    ]
    assert added[1] == pytest.approx(added[0], rel=0.05)


def test_edges_are_blurred(head):
    """Neighbours differ less than averaging over larger voxels alone makes them."""
    low = to_low_field(head, field_tesla=3, noise=False, random_state=0)
    data, affine = reorient(head.data, head.affine, "RAS")
    sharp, _ = regrid(torch.from_numpy(data.astype(np.float32)), affine, "axi")
    steepness = [np.abs(np.diff(x, axis=0)).max() for x in (low.data, sharp.numpy())]
    assert steepness[0] < 0.9 * steepness[1]


def test_contrast_falls_by_thirty_percent_at_64_millitesla():
    """Grey and white matter, by the same scanner at 3 T and at 0.064 T."""
    volume = make_head_phantom(96, random_state=0)
    strong, weak = (
        to_low_field(volume, field_tesla=tesla, noise=False, random_state=0).data
        for tesla in (3, 0.064)
    )
    brain = strong[40:80, 45:100, 16:30]
    grey, white = np.percentile(brain, [30, 80])
    classes = [abs(brain - level) < 0.05 * white for level in (grey, white)]
    differences = [
        np.subtract(*(scan[40:80, 45:100, 16:30][c].mean() for c in classes))
        for scan in (strong, weak)
    ]
    assert differences[1] / differences[0] == pytest.approx(0.7, rel=0.1)


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"plane": "oblique"}, "plane must be one of axi, cor, sag, got 'oblique'"),
        ({"field_tesla": 0}, "field_tesla must be a number above 0, got 0"),
        ({"snr": -3}, "snr must be a number above 0, got -3"),
    ],
)
def test_impossible_scans_are_refused(head, keywords, said):
    with pytest.raises(ValueError, match=said):
        to_low_field(head, **keywords)


def test_an_array_is_refused():
    with pytest.raises(TypeError, match=r"a Volume.*got ndarray. Write Volume\(data"):
        to_low_field(np.ones((9, 9, 9)))
    with pytest.raises(TypeError, match=r"add_low_field_noise.*got ndarray"):
        add_low_field_noise(np.ones((9, 9, 9)))


def test_noise_of_an_impossible_receiver_is_refused(head):
    with pytest.raises(ValueError, match="snr must be a number above 0, got 0"):
        add_low_field_noise(head, snr=0)
