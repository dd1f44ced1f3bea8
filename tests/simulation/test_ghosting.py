"""Ghosts: the same image as from modulated lines of k-space, by numpy.fft."""

import numpy as np
import pytest

from briqa_sk.datasets import make_head_phantom
from briqa_sk.simulation import Ghosting, add_ghosting


def parameters(intensity=0.2, axis=0, period_lines=2, phase_deg=0.0):
    drawn = {"strength": 0.5, "intensity": intensity, "axes": [axis]}
    return drawn | {"period_lines": period_lines, "phase_deg": phase_deg}


@pytest.fixture
def bar():
    """One bright plane across axis 1, in air."""
    data = np.zeros((8, 60, 10), np.float32)
    data[:, 7] = 100
    return data


@pytest.mark.parametrize("period_lines", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_ghosts_equal_periodically_modulated_lines_of_k_space(axis, period_lines):
    head = make_head_phantom((60, 60, 60), random_state=0).data[::1, ::1, ::1]
    drawn = parameters(0.3, axis, period_lines, 72.0)
    line = np.arange(60)
    n_ghosts = 1 if period_lines == 2 else 2
    gain = n_ghosts * 0.3 * np.exp(1j * np.deg2rad(72))
    gain = 1 + gain * np.cos(2 * np.pi * line / period_lines)
    spectrum = np.fft.fft(head.astype(float), axis=axis)
    shape = [60 if a == axis else 1 for a in range(3)]
    expected = abs(np.fft.ifft(spectrum * gain.reshape(shape), axis=axis))
    ghosted = Ghosting().apply(head, drawn)
    np.testing.assert_allclose(ghosted, expected, atol=1e-5 * head.max())


@pytest.mark.parametrize("period_lines", [3, 4, 5, 6])
def test_ghosts_are_a_fraction_of_the_field_of_view_away(bar, period_lines):
    ghosted = Ghosting().apply(bar, parameters(0.2, 1, period_lines))
    shift = 60 // period_lines
    expected = sorted([7, 7 + shift, (7 - shift) % 60])
    assert np.flatnonzero(ghosted[3, :, 5]).tolist() == expected


@pytest.mark.parametrize(("strength", "intensity"), [(0.25, 12.5), (0.5, 25), (1, 50)])
@pytest.mark.parametrize("seed", range(5))
def test_each_ghost_has_the_stated_intensity(bar, strength, intensity, seed):
    ghosted = add_ghosting(bar, strength, axis=1, random_state=seed)
    ghosts = np.delete(ghosted[3, :, 5], 7)
    assert ghosts[ghosts > 0] == pytest.approx(intensity, rel=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_ghosts_move_along_their_axis_only(axis):
    data = np.zeros((16, 18, 20), np.float32)
    data[4, 5, 6] = 100
    ghosted = add_ghosting(data, 0.5, axis=axis, random_state=0)
    elsewhere = [4, 5, 6]
    elsewhere[axis] = slice(None)
    line = ghosted[tuple(elsewhere)].sum()
    assert line > 100
    assert ghosted.sum() == line


def test_a_ghost_of_opposite_phase_is_subtracted():
    flat = np.full((8, 8, 8), 100, np.float32)
    ghosted = Ghosting().apply(flat, parameters(0.2, phase_deg=180.0))
    assert ghosted == pytest.approx(80)


def test_strength_changes_the_intensity_only():
    weak, strong = (Ghosting().draw(s, random_state=6) for s in (0.25, 1))
    assert weak | {"strength": 1.0, "intensity": 0.5} == strong


@pytest.mark.parametrize("seed", range(5))
def test_ghosts_of_a_thin_scan_stay_in_plane(seed):
    thin = np.zeros((40, 32, 4), np.float32)
    thin[10:20, 10:20, 1] = 100
    ghosted = add_ghosting(thin, 0.5, spacing_mm=(1, 1, 5), random_state=seed)
    assert ghosted[:, :, [0, 2, 3]].max() == 0
    assert ghosted.sum() > thin.sum()


def test_an_axis_that_no_volume_has_is_refused():
    with pytest.raises(ValueError, match="Ghosting: axis must be 0, 1 or 2"):
        Ghosting(axis=-4).draw(0.5)
