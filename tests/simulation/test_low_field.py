"""Low field: LISA's grid, the stated noise, and the head where it was."""

import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from briqa_sk.datasets import make_head_phantom
from briqa_sk.io import Volume
from briqa_sk.kernels import reorient
from briqa_sk.simulation.low_field import GRIDS, to_low_field


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
    low = to_low_field(
        Volume(data), field_tesla=3, plane="axi", snr=1e5, random_state=0
    )
    start_mm = low.affine[2, 3] + 5 * np.arange(36)
    fine_mm = np.linspace(-2.5, 2.5, 2001)
    line = np.interp(start_mm[:, None] + fine_mm, np.arange(200), data[90, 90])
    centre = np.round((90 - low.affine[:2, 3]) / 1.5).astype(int)
    np.testing.assert_allclose(low.data[tuple(centre)], line.mean(axis=1), atol=0.02)


@pytest.mark.parametrize("plane", GRIDS)
def test_what_is_seen_stays_where_it_was(plane):
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, :3] = Rotation.from_euler("z", 12, degrees=True).as_matrix() * 2
    affine[:3, 3] = -60, -40, -50
    offset = np.indices((64, 64, 64)).T - (25, 34, 30)
    blob = 100 * np.exp(-(offset**2).sum(axis=-1).T / (2 * 5**2))
    volume = Volume(blob.astype(np.float32), affine)
    low = to_low_field(volume, field_tesla=3, plane=plane, snr=1e6, random_state=0)
    np.testing.assert_allclose(centroid_mm(low), centroid_mm(volume), atol=0.2)


def test_stored_order_and_direction_of_the_input_do_not_matter(head):
    flipped = Volume(*reorient(head.data, head.affine, "SPL"))
    one, other = (to_low_field(v, plane="cor", random_state=0) for v in (head, flipped))
    np.testing.assert_allclose(one.affine, other.affine, atol=1e-9)
    np.testing.assert_allclose(one.data, other.data, atol=0.02)


@pytest.mark.parametrize(("field_tesla", "snr"), [(0.064, 19.2), (0.3, 90)])
def test_signal_to_noise_is_proportional_to_the_field(head, field_tesla, snr):
    low = to_low_field(head, field_tesla=field_tesla, random_state=0)
    clean = to_low_field(head, field_tesla=field_tesla, snr=1e6, random_state=0)
    air = clean.data < 1e-2
    sigma = low.data[air].mean() / np.sqrt(np.pi / 2)
    tissue = clean.data[clean.data > 1].mean()
    assert tissue / sigma == pytest.approx(snr, rel=0.03)


def test_contrast_falls_by_thirty_percent_at_64_millitesla():
    """Two tissues, as blocks; at 3 T they stay as they are."""
    data = np.zeros((60, 60, 60), np.float32)
    data[10:50, 10:50, 10:30], data[10:50, 10:50, 30:50] = 100, 60
    volume = Volume(data, np.diag([3.0, 3.0, 3.0, 1.0]))
    for field_tesla, left in [(3, 1.0), (0.064, 0.7)]:
        low = to_low_field(volume, field_tesla=field_tesla, snr=1e6, random_state=0)
        assert np.ptp(low.data[60, 73, [10, 25]]) == pytest.approx(40 * left, rel=0.01)


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
