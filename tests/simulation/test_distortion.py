"""Distortion: conserved signal, and displacement where it was stated."""

from functools import partial

import numpy as np
import pytest
from scipy.ndimage import center_of_mass, gaussian_filter

from briqa_sk.datasets import make_head_phantom
from briqa_sk.simulation import Distortion, add_distortion

KINDS = ("b0", "gradient")


def bump(displacement_mm, axis, centre=0.5):
    """Return parameters of a field that is one bump, one at its top."""
    return {
        "strength": 1.0,
        "displacement_mm": displacement_mm,
        "kind": "b0",
        "axes": [axis],
        "field": {
            "cosines": np.zeros((4, 4, 4)).tolist(),
            "bump": 1.0,
            "centre": [centre] * 3,
            "width": [0.2] * 3,
        },
    }


def dot(shape, place):
    data = np.zeros(shape, np.float32)
    data[place] = 1000
    return gaussian_filter(data, 1)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("displacement_mm", [-4.0, 3.0])
def test_a_point_at_the_top_of_a_bump_moves_by_the_stated_distance(
    axis, displacement_mm
):
    spacing_mm = (1.0, 1.5, 2.0)
    voxels = displacement_mm / spacing_mm[axis]
    data = dot((65, 65, 65), (32, 32, 32))
    # d holds where signal arrives: the bump is put where the point comes to.
    centre = (32 + voxels + 0.5) / 65
    parameters = bump(displacement_mm, axis)
    parameters["field"]["centre"][axis] = centre
    out = Distortion().apply(data, parameters, spacing_mm=spacing_mm)
    moved = np.subtract(center_of_mass(out), 32) * spacing_mm
    assert moved[axis] == pytest.approx(displacement_mm, abs=0.2)
    assert np.delete(moved, axis) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("axis", range(3))
def test_signal_along_the_axis_is_conserved(kind, axis):
    data = np.zeros((48, 48, 48), np.float32)
    data[16:32, 16:32, 16:32] = 100
    data = gaussian_filter(data, 2)
    out = Distortion(displacement_mm=4, kind=kind, axis=axis)(data, random_state=0)
    assert np.abs(out - data).max() > 5
    assert out.sum(axis) == pytest.approx(data.sum(axis), rel=1e-5, abs=0.01)


def test_gradients_that_are_not_linear_conserve_the_total_signal():
    data = np.pad(gaussian_filter(np.full((24, 24, 24), 100.0), 1), 12)
    out = Distortion(displacement_mm=4, kind="gradient")(data, random_state=0)
    assert out.sum() == pytest.approx(data.sum(), rel=1e-5)


def test_displacement_by_gradients_grows_with_the_cube_of_the_distance():
    parameters = {
        "strength": 1.0,
        "displacement_mm": 8.0,
        "kind": "gradient",
        "axes": [0],
        "field": {"cubes": [1.0, 1.0, 1.0], "isocentre": [0.5] * 3},
    }
    # Half the field of view is 50 mm; (y - 50) (|y - 50| / 50)^2 / 50 * 8 mm.
    for y in (60, 70, 80):
        displacement = 8 * ((y - 50) / 50) ** 3
        data = dot((101, 15, 15), (round(y - displacement), 7, 7))
        out = Distortion().apply(data, parameters)
        came_from = round(y - displacement)
        arrived = center_of_mass(out)[0]
        assert arrived - came_from == pytest.approx(displacement, abs=0.15)


def measured_displacement(parameters, shape, spacing_mm, axis):
    """Read where signal came from: from a ramp, over what a uniform object becomes."""
    place = np.arange(shape[axis]).reshape([-1 if d == axis else 1 for d in range(3)])
    distort = partial(Distortion().apply, parameters=parameters, spacing_mm=spacing_mm)
    uniform = distort(np.ones(shape))
    ramp = distort(np.broadcast_to(place, shape))
    came_from = np.divide(ramp, uniform, out=np.zeros(shape), where=uniform > 0.2)
    return np.where(uniform > 0.2, spacing_mm[axis] * (place - came_from), 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strength", [0.25, 0.5, 1])
@pytest.mark.parametrize("seed", range(3))
def test_strength_scales_the_largest_displacement(kind, strength, seed):
    shape, spacing_mm = (30, 90, 30), (7.0, 2.2, 6.0)
    parameters = Distortion(kind=kind, axis=1).draw(strength, random_state=seed)
    displacement = measured_displacement(parameters, shape, spacing_mm, 1)
    places = [(np.arange(n) + 0.5) / n * 2 - 1 for n in shape]
    inside = sum(np.square(p) for p in np.meshgrid(*places, indexing="ij")) < 0.95
    assert parameters["displacement_mm"] == 16 * strength
    assert np.abs(displacement[inside]).max() == pytest.approx(16 * strength, rel=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_along_other_axes_nothing_moves(kind):
    shape, spacing_mm = (26, 28, 30), (6.0, 6.0, 6.0)
    parameters = Distortion(kind=kind, axis=2).draw(0.8, random_state=0)
    for axis in (0, 1):
        displacement = measured_displacement(parameters, shape, spacing_mm, axis)
        assert displacement == pytest.approx(0, abs=0.01)


def test_gradients_act_along_all_axes_unless_one_is_given():
    shape, spacing_mm = (26, 28, 30), (6.0, 6.0, 6.0)
    parameters = Distortion(kind="gradient").draw(0.5, random_state=0)
    for axis in range(3):
        displacement = measured_displacement(parameters, shape, spacing_mm, axis)
        assert np.abs(displacement).max() > 2


@pytest.mark.parametrize("kind", KINDS)
def test_four_slices_do_not_mix(kind):
    data = np.zeros((32, 32, 4), np.float32)
    data[8:24, 8:24, 1] = 100
    out = Distortion(kind=kind)(data, 0.5, spacing_mm=(5, 5, 20), random_state=0)
    assert np.abs(out - data).max() > 10
    assert (out[..., [0, 2, 3]] == 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_kind_and_axis_change_nothing_else_that_is_drawn(kind):
    drawn = [
        Distortion(kind=kind, axis=axis).draw(0.5, random_state=2) for axis in (None, 1)
    ]
    assert drawn[0]["field"] == drawn[1]["field"]


def test_the_function_is_the_class():
    data = make_head_phantom(24, random_state=0).data
    out = add_distortion(data, 0.1, axis=2, random_state=0)
    assert (out == Distortion(axis=2)(data, 0.1, random_state=0)).all()
    assert out.min() >= 0


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"displacement_mm": np.nan}, "displacement_mm must be a number above 0"),
        ({"kind": "barrel"}, "kind must be 'b0', 'gradient'"),
        ({"axis": 1.5}, "axis must be 0, 1 or 2"),
    ],
)
def test_an_impossible_parameter_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        Distortion(**{"displacement_mm": 1, **parameters})(np.ones((9, 9, 9)))
