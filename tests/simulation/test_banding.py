"""Bands: where the sequence and the field have them, as deep as stated."""

import numpy as np
import pytest
import torch
from scipy.signal import argrelmin

from briqa_sk.simulation import Acquisition, Banding
from briqa_sk.simulation._scan import Scan


class LinearField:
    """A field that rises along one axis, of which bands are planes."""

    def __init__(self, scan, axis, step):
        self.grid = scan.field_map.grid
        place = torch.arange(self.grid.n_blocks[axis]).float()
        place = (place + 0.5) * self.grid.factors[axis]  # voxels
        view = [-1 if dim == axis else 1 for dim in range(3)]
        self.ppm = (step * place).view(view).expand(self.grid.n_blocks)

    def spread_ppm(self):
        return 0.25  # so that turns are those over 1 ppm


def in_linear_field(banding, data, drawn, axis, step, spacing_mm=(1.0, 1.0, 1.0)):
    """Return a uniform object with bands, as a line along an axis."""
    data = torch.from_numpy(data / 100)
    scan = Scan(data, spacing_mm, drawn["acquisition"])
    scan.field_map = LinearField(scan, axis, step)
    banded = 100 * banding._apply(data, drawn, scan).numpy()
    return profile(banded, axis)


def profile(banded, axis):
    """Return the line along an axis of a volume that is uniform across it."""
    line = np.moveaxis(banded, axis, 0).reshape(banded.shape[axis], -1)
    assert np.ptp(line, axis=1).max() < 1e-3
    return line[:, 0].astype(float)


def flat(n_voxels, axis):
    shape = [8, 8, 8]
    shape[axis] = n_voxels
    return np.full(shape, 100, np.float32)


def steady_state_by_iteration(theta, flip_deg, e1, e2):
    """Return |M| of balanced SSFP after very many repetitions of the Bloch matrices."""
    a = np.deg2rad(flip_deg)
    pulse = np.array([[1, 0, 0], [0, np.cos(a), np.sin(a)], [0, -np.sin(a), np.cos(a)]])
    turn = [[np.cos(theta), np.sin(theta), 0], [-np.sin(theta), np.cos(theta), 0]]
    step = np.diag([e2, e2, e1]) @ np.array([*turn, [0, 0, 1]])
    # After the pulse: M = P (S M + (0, 0, 1 - e1)), whose fixed point is solved for.
    m = np.linalg.solve(np.eye(3) - pulse @ step, pulse @ [0, 0, 1 - e1])
    return np.hypot(m[0], m[1])


@pytest.mark.parametrize("turns", [1.5, 3.0])
@pytest.mark.parametrize("spacing_mm", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_nulls_are_where_the_field_makes_whole_turns(axis, spacing_mm, turns):
    banding = Banding(kind="bssfp")
    drawn = {**banding.draw(1, random_state=0), "turns": turns}
    spacing = [1.0, 1.0, 1.0]
    spacing[axis] = spacing_mm
    line = in_linear_field(banding, flat(300, axis), drawn, axis, 0.01, spacing)
    nulls = argrelmin(line[3:-3], mode="clip")[0] + 3
    nulls = nulls[(nulls > 3) & (nulls < 296)]
    # .01 turns per voxel for each of the turns; voxel n is centred on n + .5.
    period = 100 / turns
    first = -drawn["phase_turns"] * period % period
    expected = np.arange(first, 300, period) - 0.5
    expected = expected[(expected > 4) & (expected < 295)]
    assert len(nulls) == len(expected) >= 3
    assert np.abs(nulls - expected).max() <= 0.75


@pytest.mark.parametrize("strength", [0.25, 0.5, 0.9])
def test_signal_is_the_steady_state_of_bloch_s_equation(strength):
    banding = Banding(kind="bssfp")
    drawn = {**banding.draw(strength, random_state=1), "turns": 2.0}
    line = in_linear_field(banding, flat(101, 0), drawn, 0, 0.01)
    theta = 2 * np.pi * (0.02 * (np.arange(101) + 0.5) + drawn["phase_turns"])
    recovery = np.exp(-drawn["repetition_time_ms"] / 1000)
    expected = np.array(
        [
            steady_state_by_iteration(
                t, drawn["flip_angle_deg"], recovery, drawn["coherence"]
            )
            for t in theta
        ]
    )
    inner = slice(4, -4)  # beyond the centres of the outermost blocks, it is constant
    line, expected = (part / part.max() for part in (line, expected))
    np.testing.assert_allclose(line[inner], expected[inner], atol=0.004)


@pytest.mark.parametrize("kind", ["bssfp", "slab"])
@pytest.mark.parametrize(("strength", "depth"), [(0.25, 0.225), (0.5, 0.45), (1, 0.9)])
@pytest.mark.parametrize("seed", range(4))
def test_the_deepest_band_has_the_stated_depth(kind, strength, depth, seed):
    banding = Banding(kind=kind, axis=0)
    drawn = banding.draw(strength, random_state=seed)
    spacing_mm = (0.25, 1, 1)
    line = in_linear_field(banding, flat(800, 0), drawn, 0, 0.002, spacing_mm)
    assert line.max() == pytest.approx(100, rel=0.005)
    assert 1 - line.min() / 100 == pytest.approx(depth, abs=0.005)


@pytest.mark.parametrize("seed", range(3))
def test_steady_state_bands_deepen_where_they_are(seed):
    banding = Banding(kind="bssfp")
    lines = [
        in_linear_field(
            banding, flat(200, 1), banding.draw(s, random_state=seed), 1, 0.01
        )
        for s in (0.3, 0.6, 1)
    ]
    nulls = [np.argsort(line)[:1] for line in lines]
    assert np.ptp(nulls) <= 1
    assert lines[0].min() > lines[1].min() > lines[2].min()


def test_bands_are_contours_of_the_field_and_no_planes():
    data = np.full((48, 48, 48), 100, np.float32)
    banding = Banding(kind="bssfp")
    drawn = banding.draw(1, random_state=0)
    field = {"cosines": np.zeros((4, 4, 4)).tolist(), "bump": 1.0}
    field |= {"centre": [0.5] * 3, "width": [0.3] * 3}
    drawn["acquisition"]["field"] |= field
    banded = banding.apply(data, drawn)
    # A bump in the middle is as high wherever one is as far from the middle.
    assert np.ptp(banded) > 50
    np.testing.assert_allclose(banded, banded.transpose(1, 2, 0), atol=0.5)
    np.testing.assert_allclose(banded, banded[::-1], atol=0.5)


@pytest.mark.parametrize("kind", [None, "bssfp"])
def test_bands_of_steady_states_need_a_balanced_sequence(kind):
    for sequence in ("gradient_echo", "spin_echo", "balanced"):
        acquisition = Acquisition(sequence=sequence).draw(random_state=0)
        if kind == "bssfp" and sequence != "balanced":
            with pytest.raises(ValueError, match="sequence='balanced', got"):
                Banding(kind=kind).draw(0.5, acquisition=acquisition)
            continue
        drawn = Banding(kind=kind).draw(0.5, acquisition=acquisition, random_state=0)
        assert (drawn["kind"] == "bssfp") == (sequence == "balanced")
    drawn = Banding(kind="bssfp").draw(0.5, random_state=0)
    assert drawn["acquisition"]["sequence"] == "balanced"


def test_slabs_fit_any_sequence():
    for sequence in ("gradient_echo", "balanced"):
        acquisition = Acquisition(sequence=sequence).draw(random_state=0)
        banding = Banding(kind="slab")
        assert banding.draw(0.5, acquisition=acquisition)["kind"] == "slab"


def test_what_is_left_in_a_deep_band_is_rician():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(2, 24, 24, 240))
    signal = np.full(noise.shape[1:], 20.0)
    signal[..., :40] = 0
    data = np.hypot(signal + noise[0], noise[1])
    banding = Banding(kind="slab", axis=2)
    band = {"position": 0.5, "width_mm": 30.0, "relative_depth": 1.0}
    drawn = {**banding.draw(1, random_state=0), "depth": 0.99, "bands": [band]}
    weak = banding.apply(data, drawn)[..., 118:123]
    # Hardly any signal: Rayleigh noise, of mean 1.25 and deviation .66.
    assert weak.mean() == pytest.approx(np.sqrt(np.pi / 2), rel=0.1)
    assert weak.std() == pytest.approx(np.sqrt(2 - np.pi / 2), rel=0.1)


def test_slab_bands_of_a_lower_strength_stay():
    banding = Banding(kind="slab")
    drawn = [banding.draw(s, random_state=8)["bands"] for s in (0.3, 0.6, 1)]
    assert [len(bands) for bands in drawn] == [1, 2, 3]
    assert all(drawn[-1][: len(bands)] == bands for bands in drawn)


def test_a_slab_band_is_a_raised_cosine_of_its_width():
    band = {"position": 0.5, "width_mm": 8.0, "relative_depth": 1.0}
    drawn = Banding(kind="slab", axis=0).draw(0.5, random_state=0)
    drawn |= {"depth": 0.5, "bands": [band]}
    banded = Banding().apply(flat(40, 0), drawn, spacing_mm=2.0)
    # Half the depth at half the width of 8 mm, two voxels from the centre.
    around = profile(banded, 0)[15:26]
    half = 100 * (1 - 0.25)
    assert around[[3, 7]] == pytest.approx(half)
    assert around[5] == pytest.approx(50)
    assert around[[0, 1, 9, 10]] == pytest.approx(100)


def test_slab_edges_of_a_thin_scan_darken_whole_slices():
    acquisition = Acquisition().draw(random_state=0)
    for seed in range(4):
        drawn = Banding(kind="slab").draw(1, acquisition=acquisition, random_state=seed)
        banded = Banding().apply(np.ones((64, 48, 4)), drawn)
        assert np.ptp(banded, axis=(0, 1)).max() == 0
        assert banded.min() < 0.5


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"depth": 1.0}, "depth must be below 1"),
        ({"depth": 0.5, "kind": "epi"}, "kind must be 'bssfp', 'slab', or None"),
        ({"depth": 0.5, "axis": 5}, "axis must be 0, 1 or 2"),
    ],
)
def test_impossible_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        Banding(**parameters).draw()
