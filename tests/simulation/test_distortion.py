"""Distortion: conserved signal, and displacement where it was stated."""

from functools import partial

import numpy as np
import pytest
from scipy.ndimage import center_of_mass, gaussian_filter

from briqa_sk.datasets import make_head_phantom
from briqa_sk.simulation import Acquisition, Distortion, add_distortion

KINDS = ("b0", "gradient")


def acquisition(axis=None, sequence="spin_echo", **field):
    drawn = Acquisition(sequence=sequence, readout_axis=axis).draw(random_state=0)
    return {**drawn, "field": {**drawn["field"], **field}}


def dot(shape, place):
    data = np.zeros(shape, np.float32)
    data[place] = 1000
    return gaussian_filter(data, 1)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize(("displacement_mm", "polarity"), [(4.0, -1), (3.0, 1)])
def test_a_point_at_the_top_of_a_bump_moves_by_the_largest_displacement(
    axis, displacement_mm, polarity
):
    shape, spacing_mm = (65, 65, 65), (1.0, 1.5, 2.0)
    bump = {"bump": 1.0, "centre": [0.5] * 3, "width": [0.2] * 3}
    parameters = {
        "strength": 1.0,
        "displacement_mm": displacement_mm,
        "kind": "b0",
        "polarity": polarity,
        "turns_per_mm": 0.0,
        "acquisition": acquisition(axis, cosines=np.zeros((4, 4, 4)).tolist(), **bump),
    }
    flat = np.full(shape, 1000, np.float32)  # no air, so that the bump is the field
    distort = partial(Distortion().apply, parameters=parameters, spacing_mm=spacing_mm)
    out = distort(flat + dot(shape, (32, 32, 32))) - distort(flat)
    moved = np.subtract(center_of_mass(out), 32) * spacing_mm
    # The stated one is that of all but one voxel in 200; the top is a little beyond.
    distance = sum(
        ((np.arange(65) - 32) / 13)[place] ** 2 for place in np.indices(shape)
    )
    stated = np.quantile(np.exp(-distance / 2), 0.995)
    assert moved[axis] == pytest.approx(polarity * displacement_mm / stated, rel=0.08)
    assert np.delete(moved, axis) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("axis", range(3))
def test_signal_along_the_axis_is_conserved(kind, axis):
    data = np.zeros((48, 48, 48), np.float32)
    data[16:32, 16:32, 16:32] = 100
    data = gaussian_filter(data, 2)
    distortion = Distortion(displacement_mm=4, kind=kind, axis=axis)
    drawn = distortion.draw(acquisition=acquisition(axis), random_state=0)
    out = distortion.apply(data, drawn)
    assert np.abs(out - data).max() > 5
    # But for the finest texture, which moves as it is.
    before = data.sum(axis)
    assert out.sum(axis) == pytest.approx(before, abs=0.03 * float(before.max()))


def test_gradients_that_are_not_linear_conserve_the_total_signal():
    data = np.pad(gaussian_filter(np.full((24, 24, 24), 100.0), 1), 12)
    out = Distortion(displacement_mm=4, kind="gradient")(data, random_state=0)
    assert out.sum() == pytest.approx(data.sum(), rel=1e-3)


def test_displacement_by_gradients_grows_with_the_cube_of_the_distance():
    parameters = {
        "strength": 1.0,
        "displacement_mm": 8.0,
        "kind": "gradient",
        "cubes": [1.0, 1.0, 1.0],
        "isocentre": [0.5] * 3,
        "acquisition": acquisition(0),
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
    ramp = distort(np.broadcast_to(1000.0 + place, shape))  # no voxel of it is air
    came_from = (
        np.divide(ramp, uniform, out=np.zeros(shape), where=uniform > 0.2) - 1000
    )
    return np.where(uniform > 0.2, spacing_mm[axis] * (place - came_from), 0)


@pytest.mark.parametrize("strength", [0.25, 0.5, 1])
@pytest.mark.parametrize("seed", range(3))
def test_strength_scales_the_largest_displacement_by_gradients(strength, seed):
    shape, spacing_mm = (30, 90, 30), (7.0, 2.2, 6.0)
    parameters = Distortion(kind="gradient", axis=1).draw(strength, random_state=seed)
    displacement = measured_displacement(parameters, shape, spacing_mm, 1)
    places = [(np.arange(n) + 0.5) / n * 2 - 1 for n in shape]
    inside = sum(np.square(p) for p in np.meshgrid(*places, indexing="ij")) < 0.95
    assert parameters["displacement_mm"] == 16 * strength
    assert np.abs(displacement[inside]).max() == pytest.approx(16 * strength, rel=0.12)


@pytest.mark.parametrize("strength", [0.25, 0.5, 1])
@pytest.mark.parametrize("seed", range(3))
def test_strength_scales_the_largest_displacement_by_the_field(strength, seed):
    shape, spacing_mm = (30, 90, 30), (7.0, 2.2, 6.0)
    distortion = Distortion(kind="b0", axis=1)
    parameters = distortion.draw(
        strength, acquisition=acquisition(1), random_state=seed
    )
    displacement = measured_displacement(parameters, shape, spacing_mm, 1)
    largest = np.quantile(np.abs(displacement), 0.995)
    assert largest == pytest.approx(16 * strength, rel=0.15)


@pytest.mark.parametrize("kind", KINDS)
def test_along_other_axes_nothing_moves(kind):
    shape, spacing_mm = (26, 28, 30), (6.0, 6.0, 6.0)
    parameters = Distortion(kind=kind, axis=2).draw(0.8, random_state=0)
    for axis in (0, 1):
        displacement = measured_displacement(parameters, shape, spacing_mm, axis)
        assert displacement == pytest.approx(0, abs=0.05)


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
    distortion = Distortion(kind=kind)
    drawn = distortion.draw(0.5, acquisition=acquisition(0), random_state=0)
    out = distortion.apply(data, drawn, spacing_mm=(5, 5, 20))
    assert np.abs(out - data).max() > 10
    assert (out[..., [0, 2, 3]] == 0).all()


def head_with_a_sinus():
    """Return a ball of tissue with a ball of air in it, and where the air is."""
    x, y, z = np.meshgrid(*[np.arange(64) - 31.5] * 3, indexing="ij")
    # The vertex is 64 mm above the centre; sinuses lie 95 mm below it, and more.
    sinus = np.sqrt(x**2 + y**2 + (z + 20) ** 2)
    data = 100.0 * (x**2 + y**2 + z**2 < 30**2) * (sinus > 6)
    return gaussian_filter(data, 0.7), sinus


def test_the_field_of_a_sinus_displaces_what_is_beside_it():
    data, sinus = head_with_a_sinus()
    distortion = Distortion(displacement_mm=4.0, kind="b0", axis=1)
    quiet = acquisition(1, residual_ppm=0.0, direction=[0.0, 0.0, 1.0])
    drawn = distortion.draw(acquisition=quiet, random_state=0)
    out = distortion.apply(data, drawn, spacing_mm=2.0)
    z = np.arange(64) - 31.5
    above = (sinus < 14) & (sinus > 8) & (z > -14)
    far = (sinus > 30) & gaussian_filter((data > 90) * 1.0, 2).astype(bool) & (z > 8)
    changed = np.abs(out - data)
    assert changed[above].mean() > 3 * changed[far & (data > 99.5)].mean()


def test_gradient_echoes_lose_signal_beside_a_sinus_and_spin_echoes_do_not():
    data, sinus = head_with_a_sinus()
    total = {}
    for sequence in ("gradient_echo", "spin_echo"):
        distortion = Distortion(displacement_mm=4.0, kind="b0", axis=1)
        drawn = distortion.draw(
            acquisition=acquisition(1, sequence, residual_ppm=0.0), random_state=3
        )
        assert (drawn["turns_per_mm"] > 0) == (sequence == "gradient_echo")
        out = distortion.apply(data, drawn, spacing_mm=2.0)
        total[sequence] = [out[mask].sum() for mask in (sinus < 16, sinus > 24)]
    near, far = np.divide(total["gradient_echo"], total["spin_echo"])
    assert near < 0.85 < 0.9 < far


def test_kind_and_axis_change_nothing_else_that_is_drawn():
    drawn = [
        Distortion(kind="b0", axis=axis).draw(0.5, random_state=2) for axis in (None, 1)
    ]
    assert drawn[0]["polarity"] == drawn[1]["polarity"]
    ends = []
    for kind in KINDS:
        rng = np.random.default_rng(0)
        Distortion(kind=kind).draw(0.5, random_state=rng)
        ends.append(rng.random())
    assert ends[0] == ends[1]


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
