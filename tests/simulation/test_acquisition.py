"""One acquisition per scan: what is drawn, and which axis does what."""

import json

import numpy as np
import pytest

from briqa_sk.simulation import Acquisition
from briqa_sk.simulation._axes import assign_axes

CUBE = (20, 20, 20), (1.0, 1.0, 1.0)
THICK = (64, 64, 20), (1.0, 1.0, 5.0)


def axes_of(acquisition, grid, seed=0):
    return assign_axes(acquisition.draw(random_state=seed), *grid)


def test_what_is_drawn_is_plain_and_the_same_again():
    drawn = Acquisition().draw(random_state=0)
    assert json.loads(json.dumps(drawn)) == drawn
    assert Acquisition().draw(random_state=0) == drawn
    assert Acquisition().draw(random_state=1) != drawn


def test_what_is_given_changes_nothing_else():
    free = Acquisition().draw(random_state=3)
    given = Acquisition("2d", sequence="balanced", phase_axis=-1)
    given = given.draw(random_state=3)
    changed = {name for name in free if free[name] != given[name]}
    assert changed <= {"mode", "sequence", "given"}
    assert given["given"] == {"phase": 2}


@pytest.mark.parametrize("seed", range(6))
def test_each_axis_has_one_role(seed):
    axes, is_2d = axes_of(Acquisition(), CUBE, seed)
    assert sorted(axes.values()) == [0, 1, 2]
    assert not is_2d


def test_every_axis_gets_every_role():
    seen = [
        tuple(sorted(axes_of(Acquisition(), CUBE, s)[0].items())) for s in range(60)
    ]
    assert len(set(seen)) == 6


@pytest.mark.parametrize("seed", range(6))
def test_thick_voxels_are_slices_of_a_2d_acquisition(seed):
    axes, is_2d = axes_of(Acquisition(), THICK, seed)
    assert is_2d
    assert axes["slice"] == 2


def test_the_user_may_say_that_thick_voxels_were_acquired_in_3d():
    axes, is_2d = axes_of(Acquisition("3d"), THICK)
    assert not is_2d
    assert axes["slice"] == 2


@pytest.mark.parametrize("seed", range(6))
def test_an_axis_of_few_voxels_has_slices(seed):
    axes, is_2d = axes_of(Acquisition(), ((4, 32, 32), (1.0, 1.0, 1.0)), seed)
    assert is_2d
    assert axes["slice"] == 0


def test_a_given_axis_has_its_role_though_its_voxels_are_thick():
    axes, is_2d = axes_of(Acquisition(phase_axis=2), THICK)
    assert axes["phase"] == 2
    assert not is_2d


def test_readout_and_phase_share_the_only_long_axis():
    axes, _ = axes_of(Acquisition(), ((1, 1, 64), (1.0, 1.0, 1.0)))
    assert axes["phase"] == axes["readout"] == 2


def test_one_sequence_in_ten_is_balanced():
    drawn = [Acquisition().draw(random_state=seed)["sequence"] for seed in range(1000)]
    assert drawn.count("balanced") == pytest.approx(100, abs=29)  # 3 sigma


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"mode": "4d"}, "mode must be '2d', '3d', or None"),
        ({"sequence": "spiral"}, "sequence must be 'gradient_echo'"),
        ({"phase_axis": 3}, "axis must be 0, 1 or 2"),
        ({"phase_axis": 1, "readout_axis": -2}, "must have different axes"),
    ],
)
def test_an_impossible_acquisition_is_refused(parameters, said):
    with pytest.raises(ValueError, match=said):
        Acquisition(**parameters).draw()


def test_needs_are_added_and_contradictions_refused():
    acquisition = Acquisition(phase_axis=1)
    both = acquisition.with_needs({"readout_axis": 0}, name="zipper", caller="me")
    assert both.get_params()["readout_axis"] == 0
    assert acquisition.readout_axis is None
    with pytest.raises(ValueError, match="me: artifacts of one scan must share"):
        both.with_needs({"phase_axis": 2}, name="motion", caller="me")


def test_the_coil_reaches_1_in_the_field_of_view():
    coil = Acquisition().draw(random_state=0)["coil"]
    ends = np.linspace(-1, 1, 17)
    field = np.polynomial.legendre.leggrid3d(
        *[ends] * 3, np.array(coil["coefficients"])
    )
    assert abs(field).max() == pytest.approx(1)
