"""The map of the main field: air in a head, and what shims leave of it."""

import numpy as np
import pytest
import torch

from briqa_sk.datasets import make_head_phantom
from briqa_sk.simulation import Acquisition
from briqa_sk.simulation._scan import Scan


def field_map(data, spacing_mm=(2.0, 2.0, 2.0), affine=None, **field):
    drawn = Acquisition().draw(random_state=0)
    field = {"residual_ppm": 0.0, "direction": [0.0, 0.0, 1.0], **field}
    acquisition = {**drawn, "field": {**drawn["field"], **field}}
    data = torch.from_numpy(np.array(data, dtype=np.float32))
    return Scan(data, spacing_mm, acquisition, affine).field_map


def points(shape):
    return np.meshgrid(*[np.arange(n) - (n - 1) / 2 for n in shape], indexing="ij")


def ball_with_a_sinus(height=-20.0):
    """Return a ball of 60 voxels with a hole of 12, and the distance from the hole."""
    x, y, z = points((64, 64, 64))
    from_hole = np.sqrt(x**2 + y**2 + (z - height) ** 2)
    return (x**2 + y**2 + z**2 < 30**2) * (from_hole > 6.0), from_hole


def test_a_sinus_is_a_dipole_of_air_in_tissue():
    data, from_hole = ball_with_a_sinus()
    x, y, z = points(data.shape)
    scans = (data, x**2 + y**2 + z**2 < 30**2)
    with_hole, whole = (
        field_map(scan, [2.4] * 3, shim_order=1).ppm.numpy() for scan in scans
    )
    # Of 9.41 ppm more than tissue, and 6 voxels in radius.
    expected = 9.41 / 3 * 6**3 / from_hole**3 * (3 * ((z + 20) / from_hole) ** 2 - 1)
    beside = (from_hole > 9) & (from_hole < 16) & (x**2 + y**2 + z**2 < 26**2)
    found = (with_hole - whole)[beside]
    assert np.corrcoef(found, expected[beside])[0, 1] > 0.97
    # Edges of air are taken for tissue, so that it has a little less.
    assert 0.5 < found.std() / expected[beside].std() < 1.1


def test_what_is_dark_near_the_top_of_the_head_is_no_air():
    data, _ = ball_with_a_sinus(height=5.0)  # 50 mm below the top
    x, y, z = points(data.shape)
    whole = x**2 + y**2 + z**2 < 30**2
    inside = x**2 + y**2 + z**2 < 26**2
    maps = [field_map(scan).ppm.numpy()[inside] for scan in (data, whole)]
    assert np.abs(maps[0] - maps[1]).max() < 0.05


def test_shims_leave_nothing_that_is_linear():
    field = field_map(make_head_phantom(48, random_state=0).data, (4.0, 4.0, 4.0))
    head = field.head.numpy()
    axes = [np.ones(head.shape), *points(head.shape)]
    terms = np.stack([axis.ravel() for axis in axes], axis=1)
    weight = head.ravel()[:, None]
    slopes = np.linalg.solve(
        terms.T @ (weight * terms), terms.T @ (weight[:, 0] * field.ppm.numpy().ravel())
    )
    assert np.abs(slopes[1:] * 24).max() < 0.2 * field.spread_ppm()


def test_the_field_follows_the_head_and_not_the_axes_of_the_volume():
    head = make_head_phantom((48, 56, 48), random_state=0)
    direct = field_map(head.data, head.spacing_mm, head.affine).ppm.numpy()
    turned = np.ascontiguousarray(head.data.transpose(2, 0, 1)[::-1])
    affine = head.affine[:, [2, 0, 1, 3]] * [-1, 1, 1, 1]
    spacing_mm = np.take(head.spacing_mm, [2, 0, 1])
    again = field_map(turned, spacing_mm, affine).ppm.numpy()[::-1].transpose(1, 2, 0)
    np.testing.assert_allclose(again, direct, atol=0.05)


@pytest.mark.parametrize("value", [0.0, 1.0, 500.0])
def test_a_volume_without_air_has_cosines_and_a_bump(value):
    field = field_map(
        np.full((24, 30, 36), value),
        cosines=np.zeros((4, 4, 4)).tolist(),
        bump=2.0,
        centre=[0.5] * 3,
        width=[0.1] * 3,
    )
    ppm = field.ppm.numpy()
    assert ppm.max() == pytest.approx(2.0, rel=0.15)
    assert (field.head == 1).all()
    np.testing.assert_allclose(ppm, ppm[::-1, ::-1, ::-1], atol=1e-5)


@pytest.mark.parametrize("shape", [(64, 64, 1), (64, 64, 4), (3, 3, 3), (1, 1, 1)])
def test_volumes_of_few_slices_have_a_finite_field(shape):
    x, y, _ = points(shape)
    field = field_map(x**2 + y**2 < 20**2, (1.0, 1.0, 10.0), residual_ppm=0.1)
    assert np.isfinite(field.ppm.numpy()).all()
    assert field.spread_ppm() > 0


def test_the_map_is_of_the_clean_scan_and_is_made_once():
    data = torch.from_numpy(ball_with_a_sinus()[0].astype(np.float32))
    scan = Scan(data, (2.0, 2.0, 2.0), Acquisition().draw(random_state=0))
    data.zero_()
    assert scan.field_map.ppm.std() > 0.1
    assert scan.field_map is scan.field_map
    assert scan.field_map.ppm is scan.field_map.ppm
