"""Zipper lines: only on their planes, of the stated size, alternating or noise."""

import numpy as np
import pytest

from briqa_sk.simulation import Acquisition, Zipper, add_zipper

READOUT_0 = Acquisition("3d", readout_axis=0).draw(random_state=0)


@pytest.fixture(scope="module")
def box():
    """A box of signal 100 in air that is exactly 0."""
    data = np.zeros((56, 48, 40), np.float32)
    data[14:42, 12:36, 10:30] = 100
    return data


def changed_planes(before, after, axis):
    others = tuple(other for other in range(3) if other != axis)
    return np.flatnonzero((before != after).any(axis=others)).tolist()


def stated_planes(parameters, n_voxels):
    return sorted(
        {
            min(int(line["position"] * n_voxels), n_voxels - line["n_planes"]) + offset
            for line in parameters["lines"]
            for offset in range(line["n_planes"])
        }
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("strength", [0.1, 0.5, 1])
def test_energy_lies_on_the_stated_lines_only(box, axis, strength):
    zipper = Zipper(axis=axis)
    parameters = zipper.draw(strength, random_state=3)
    zipped = zipper.apply(box, parameters)
    expected = stated_planes(parameters, box.shape[axis])
    assert changed_planes(box, zipped, axis) == expected


def test_a_line_runs_all_along_the_other_axes(box):
    zipped = add_zipper(box, 0.1, axis=0, random_state=0)
    (plane, *_) = changed_planes(box, zipped, axis=0)
    assert (zipped[plane] != box[plane]).mean() > 0.99


@pytest.mark.parametrize(("strength", "amplitude"), [(0.25, 22.5), (0.5, 45), (1, 90)])
@pytest.mark.parametrize("seed", range(4))
def test_the_strongest_line_has_the_stated_size_in_air(box, strength, amplitude, seed):
    planes = np.moveaxis(add_zipper(box, strength, axis=2, random_state=seed), 2, 0)
    parameters = Zipper(axis=2).draw(strength, random_state=seed)
    plane = int(parameters["lines"][0]["position"] * 40)
    air = planes[plane][np.moveaxis(box, 2, 0)[plane] == 0].astype(float)
    assert np.sqrt(np.mean(air**2)) == pytest.approx(amplitude, rel=0.12)


@pytest.mark.parametrize("pattern", ["noise", "alternating"])
def test_a_line_across_air_has_exactly_the_stated_size(pattern):
    data = np.zeros((40, 32, 32), np.float32)
    data[20:] = 100
    line = {"position": 0.1, "relative_amplitude": 1.0, "n_planes": 1}
    line |= {"pattern": pattern, "seed": 5}
    parameters = {"strength": 0.5, "amplitude": 0.45, "lines": [line]}
    parameters["acquisition"] = READOUT_0
    zipped = Zipper().apply(data, parameters)
    assert np.sqrt(np.mean(zipped[4] ** 2)) == pytest.approx(45, rel=1e-5)


def line_through_tissue(pattern):
    """Signal added by one weak line to tissue of 1000."""
    data = np.full((16, 64, 32), 1000, np.float32)
    line = {"position": 0.5, "relative_amplitude": 1.0, "n_planes": 1}
    line |= {"pattern": pattern, "seed": 2}
    parameters = {"strength": 0.01, "amplitude": 0.01, "lines": [line]}
    parameters["acquisition"] = READOUT_0
    return Zipper().apply(data, parameters)[8] - 1000


def test_an_alternating_line_changes_sign_from_voxel_to_voxel():
    spectrum = abs(np.fft.rfft(line_through_tissue("alternating"), axis=0)) ** 2
    assert spectrum[24:].sum() > 0.95 * spectrum.sum()  # 32 of 64 is Nyquist's


def test_a_noise_line_is_white():
    added = line_through_tissue("noise")
    neighbours = np.corrcoef(added[1:].ravel(), added[:-1].ravel())[0, 1]
    assert abs(neighbours) < 0.05


def test_lines_of_a_lower_strength_stay():
    drawn = [Zipper().draw(s, random_state=8)["lines"] for s in (0.1, 0.4, 0.7, 1)]
    assert [len(lines) for lines in drawn] == [1, 3, 5, 7]
    assert all(drawn[-1][: len(lines)] == lines for lines in drawn)


def test_an_amplitude_draws_the_lines_of_its_strength():
    by_strength = Zipper().draw(0.5, random_state=0)
    by_amplitude = Zipper(amplitude=0.45).draw(random_state=0)
    assert by_amplitude["lines"] == by_strength["lines"]


@pytest.mark.parametrize("seed", range(6))
def test_a_line_of_a_2d_acquisition_is_in_one_slice(seed):
    thick = np.ones((32, 40, 12), np.float32)
    parameters = Zipper().draw(0.1, random_state=seed)
    zipped = Zipper().apply(thick, parameters, spacing_mm=(1, 1, 5))
    assert len(changed_planes(thick, zipped, 2)) == 1
    (axis,) = [a for a in (0, 1) if len(changed_planes(thick, zipped, a)) < 3]
    expected = stated_planes(parameters, thick.shape[axis])
    assert changed_planes(thick, zipped, axis) == expected


def test_distances_between_lines_are_those_of_random_places():
    gaps = []
    for seed in range(200):
        lines = Zipper().draw(1, random_state=seed)["lines"]
        gaps.extend(np.diff(sorted(line["position"] for line in lines)))
    # A comb with one line per part has hardly any spread; an exponential has 1.
    assert 0.6 < np.std(gaps) / np.mean(gaps) < 1.1


def test_an_axis_that_no_volume_has_is_refused():
    with pytest.raises(ValueError, match="Zipper: axis must be 0, 1 or 2"):
        Zipper(axis=3).draw(0.5)
