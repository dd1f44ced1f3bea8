"""The field of magnetised bodies, beside textbooks."""

import numpy as np
import pytest
import torch

from briqa_sk.kernels.susceptibility import dipole_field


def field_of(body, spacing_mm, direction):
    body = torch.from_numpy(body.astype(np.float32))
    return dipole_field(body, spacing_mm, direction).numpy()


def coordinates(shape, spacing_mm):
    axes = [
        (np.arange(n) - (n - 1) / 2) * mm
        for n, mm in zip(shape, spacing_mm, strict=True)
    ]
    return np.meshgrid(*axes, indexing="ij")


def share_inside(r, radius_mm):
    """Return bodies with a border of 3 mm, which a grid can hold."""
    return np.clip((radius_mm - r) / 3 + 0.5, 0, 1)


@pytest.mark.parametrize(
    "direction", [(0, 0, 1), (1, 0, 0), (0, 0.6, 0.8), (0.48, 0.6, 0.64)]
)
def test_a_sphere_is_a_dipole_outside_and_changes_nothing_inside(direction):
    shape, spacing_mm, radius_mm, chi = (72, 72, 48), (1.0, 1.0, 1.5), 10.0, 9.4
    x, y, z = coordinates(shape, spacing_mm)
    r = np.sqrt(x**2 + y**2 + z**2)
    field = field_of(chi * share_inside(r, radius_mm), spacing_mm, direction)
    cosine = (direction[0] * x + direction[1] * y + direction[2] * z) / r
    expected = chi / 3 * (radius_mm / r) ** 3 * (3 * cosine**2 - 1)
    outside, inside = (r > 13) & (r < 25), r < 7
    field -= field[inside].mean()
    assert np.abs(field[inside]).max() < 0.02 * chi
    assert np.abs(field - expected)[outside].max() < 0.04 * chi
    assert np.corrcoef(field[outside], expected[outside])[0, 1] > 0.995


def test_a_cylinder_across_the_field_goes_on_beyond_the_volume():
    shape, radius_mm = (72, 72, 6), 8.0
    x, y, _ = coordinates(shape, (1, 1, 1))
    r2 = x**2 + y**2
    field = field_of(share_inside(np.sqrt(r2), radius_mm), (1, 1, 1), (1, 0, 0))
    # Across: chi / 2 (a / r)^2 cos(2 phi) outside, and -chi / 6 inside.
    expected = np.where(
        r2 < radius_mm**2, -1 / 6, radius_mm**2 / 2 * (x**2 - y**2) / r2**2
    )
    away = (np.abs(np.sqrt(r2) - radius_mm) > 2) & (r2 < 25**2)
    field -= (field - expected)[away].mean()
    assert np.abs(field - expected)[away].max() < 0.03
    assert np.ptp(field, axis=2).max() < 1e-5


def test_a_cylinder_along_the_field_changes_nothing_outside():
    x, y, _ = coordinates((72, 72, 6), (1, 1, 1))
    r = np.hypot(x, y)
    field = field_of(share_inside(r, 8), (1, 1, 1), (0, 0, 1))
    assert np.ptp(field[r > 10]) < 0.02
    assert field[r < 6].mean() - field[r > 10].mean() == pytest.approx(1 / 3, abs=0.01)


def test_matter_that_is_the_same_everywhere_has_no_field():
    field = field_of(np.full((9, 10, 1), 5.0), (1, 2, 3), (0, 0, 1))
    assert field == pytest.approx(0, abs=1e-5)
