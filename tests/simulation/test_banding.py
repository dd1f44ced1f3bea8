"""Bands: where the sequence and the field have them, as deep as stated."""

import numpy as np
import pytest
from scipy.signal import argrelmin

from briqa_sk.simulation import Banding, add_banding


def profile(banded, axis):
    """Return the line along an axis of a volume that is uniform across it."""
    line = np.moveaxis(banded, axis, 0).reshape(banded.shape[axis], -1)
    assert np.ptp(line, axis=1).max() == 0
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


@pytest.mark.parametrize(
    ("gradient_hz_per_mm", "time_ms"), [(4, 5), (2.5, 10), (10, 4)]
)
@pytest.mark.parametrize("spacing_mm", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_nulls_are_1_over_g_and_tr_apart(axis, spacing_mm, gradient_hz_per_mm, time_ms):
    banding = Banding(
        gradient_hz_per_mm=gradient_hz_per_mm, repetition_time_ms=time_ms, axis=axis
    )
    spacing = [1.0, 1.0, 1.0]
    spacing[axis] = spacing_mm
    banded = banding(flat(300, axis), 1, spacing_mm=spacing, random_state=0)
    line = profile(banded, axis)
    nulls = argrelmin(line, mode="clip")[0]
    nulls = nulls[(nulls > 0) & (nulls < 299)]
    # Between voxels, a null is the vertex of the parabola through three of them.
    before, at, after = (line[nulls + step] for step in (-1, 0, 1))
    places_mm = (nulls + (before - after) / (before - 2 * at + after) / 2) * spacing_mm
    expected_mm = 1000 / (gradient_hz_per_mm * time_ms)
    assert len(places_mm) >= 3
    apart_mm = places_mm - places_mm[0]
    n_apart = np.arange(len(places_mm))
    assert abs(apart_mm - n_apart * expected_mm).max() <= spacing_mm / 2


@pytest.mark.parametrize("strength", [0.25, 0.5, 0.9])
def test_signal_is_the_steady_state_of_bloch_s_equation(strength):
    banding = Banding(gradient_hz_per_mm=4, repetition_time_ms=5, axis=0)
    drawn = banding.draw(strength, random_state=1)
    line = profile(banding.apply(flat(101, 0), drawn), 0)
    theta = 2 * np.pi * (4 * 0.005 * (np.arange(101) - 50) + drawn["phase_turns"])
    expected = np.array(
        [
            steady_state_by_iteration(
                t, drawn["flip_angle_deg"], np.exp(-5 / 1000), drawn["coherence"]
            )
            for t in theta
        ]
    )
    np.testing.assert_allclose(line / line.max(), expected / expected.max(), rtol=1e-4)


@pytest.mark.parametrize("kind", ["bssfp", "slab"])
@pytest.mark.parametrize(("strength", "depth"), [(0.25, 0.225), (0.5, 0.45), (1, 0.9)])
@pytest.mark.parametrize("seed", range(4))
def test_the_deepest_band_has_the_stated_depth(kind, strength, depth, seed):
    spacing = (0.25, 1, 1)
    banding = Banding(kind=kind, axis=0)
    banded = banding(flat(800, 0), strength, spacing_mm=spacing, random_state=seed)
    line = profile(banded, 0)
    assert line.max() == pytest.approx(100, rel=0.005)
    assert 1 - line.min() / 100 == pytest.approx(depth, abs=0.005)


@pytest.mark.parametrize("seed", range(3))
def test_steady_state_bands_deepen_where_they_are(seed):
    lines = [
        profile(Banding(kind="bssfp", axis=1)(flat(200, 1), s, random_state=seed), 1)
        for s in (0.3, 0.6, 1)
    ]
    nulls = [set(argrelmin(line)[0]) for line in lines]
    assert nulls[0]
    assert nulls[0] == nulls[1] == nulls[2]
    assert all((line[list(nulls[0])] < 100).all() for line in lines)


def test_slab_bands_of_a_lower_strength_stay():
    banding = Banding(kind="slab")
    drawn = [banding.draw(s, random_state=8)["bands"] for s in (0.3, 0.6, 1)]
    assert [len(bands) for bands in drawn] == [1, 2, 3]
    assert all(drawn[-1][: len(bands)] == bands for bands in drawn)


def test_a_slab_band_is_a_raised_cosine_of_its_width():
    band = {"position": 0.5, "width_mm": 8.0, "relative_depth": 1.0}
    drawn = {"strength": 0.5, "depth": 0.5, "kind": "slab", "axes": [0]}
    banded = Banding().apply(flat(40, 0), drawn | {"bands": [band]}, spacing_mm=2.0)
    # Half the depth at half the width of 8 mm, two voxels from the centre.
    around = profile(banded, 0)[15:26]
    half = 100 * (1 - 0.25)
    assert around[[3, 7]] == pytest.approx(half)
    assert around[5] == pytest.approx(50)
    assert around[[0, 1, 9, 10]] == pytest.approx(100)


def test_a_given_field_is_linear_and_of_kind_bssfp():
    for seed in range(5):
        drawn = Banding(gradient_hz_per_mm=3.0).draw(0.5, random_state=seed)
        assert (drawn["kind"], drawn["bend_per_mm"]) == ("bssfp", 0)
    kinds = {Banding().draw(0.5, random_state=seed)["kind"] for seed in range(10)}
    assert kinds == {"bssfp", "slab"}


def test_bands_of_a_thin_scan_lie_in_plane():
    for seed in range(4):
        banded = add_banding(np.ones((64, 48, 4)), 1, random_state=seed)
        assert np.ptp(banded, axis=2).max() == 0
        assert banded.min() < 0.5


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"depth": 1.0}, "depth must be below 1"),
        ({"depth": 0.5, "kind": "epi"}, "kind must be 'bssfp', 'slab', or None"),
        ({"depth": 0.5, "repetition_time_ms": 0}, "repetition_time_ms must be"),
        ({"depth": 0.5, "repetition_time_ms": 500}, "must be 100 at most"),
        ({"depth": 0.5, "gradient_hz_per_mm": -1}, "gradient_hz_per_mm must be"),
        (
            {"depth": 0.5, "kind": "slab", "gradient_hz_per_mm": 2},
            "gradient_hz_per_mm must be None for kind='slab'",
        ),
        ({"depth": 0.5, "axis": 5}, "axis must be 0, 1 or 2"),
    ],
)
def test_impossible_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        Banding(**parameters).draw()
