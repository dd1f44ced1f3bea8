"""Ghosts: the same image as from modulated lines of k-space, by numpy.fft."""

import numpy as np
import pytest

from briqa_sk.datasets import make_head_phantom
from briqa_sk.simulation import Acquisition, Ghosting, add_ghosting


def parameters(intensity=0.2, axis=0, period_lines=2, phase_deg=0.0, kind="swing"):
    acquisition = Acquisition("3d", phase_axis=axis).draw(random_state=0)
    drawn = {"strength": 0.5, "intensity": intensity, "kind": kind, "spared": 0.0}
    drawn |= {"offset": 0.0, "period_lines": period_lines, "phase_deg": phase_deg}
    return drawn | {"acquisition": acquisition}


def modulation(kind, period, intensity, phase_deg):
    """Gain of the 60 lines of k-space, in the order of an FFT."""
    line, turn = np.arange(60), np.exp(1j * np.deg2rad(phase_deg))
    if kind == "skip":
        loss = intensity * period / np.sqrt(period - 1)
        return 1 - turn * loss * (line % period == 0)
    size = intensity if period == 2 else np.sqrt(2) * intensity
    return 1 + turn * size * np.cos(2 * np.pi * line / period)


@pytest.fixture
def bar():
    """One bright plane across axis 1, in air."""
    data = np.zeros((8, 60, 10), np.float32)
    data[:, 7] = 100
    return data


@pytest.mark.parametrize("kind", ["swing", "skip"])
@pytest.mark.parametrize("period_lines", [2, 3, 5, 10])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_ghosts_equal_periodically_modulated_lines_of_k_space(axis, period_lines, kind):
    head = make_head_phantom((60, 60, 60), random_state=0).data
    drawn = parameters(0.3, axis, period_lines, 72.0, kind)
    gain = modulation(kind, period_lines, 0.3, 72.0)
    spectrum = np.fft.fft(head.astype(float), axis=axis)
    shape = [60 if a == axis else 1 for a in range(3)]
    expected = abs(np.fft.ifft(spectrum * gain.reshape(shape), axis=axis))
    ghosted = Ghosting().apply(head, drawn)
    np.testing.assert_allclose(ghosted, expected, atol=1e-5 * head.max())


@pytest.mark.parametrize("period_lines", [3, 4, 5, 6])
def test_two_ghosts_lie_a_fraction_of_the_field_of_view_away(bar, period_lines):
    ghosted = Ghosting().apply(bar, parameters(0.2, 1, period_lines))
    shift = 60 // period_lines
    expected = sorted([7, 7 + shift, (7 - shift) % 60])
    assert np.flatnonzero(ghosted[3, :, 5] > 1e-3).tolist() == expected


@pytest.mark.parametrize("period_lines", [2, 4, 10])
def test_a_line_that_is_skipped_makes_a_ghost_at_every_fraction(bar, period_lines):
    ghosted = Ghosting().apply(bar, parameters(0.2, 1, period_lines, kind="skip"))
    shift = 60 // period_lines
    expected = sorted((7 + n * shift) % 60 for n in range(period_lines))
    assert np.flatnonzero(ghosted[3, :, 5] > 1e-3).tolist() == expected


@pytest.mark.parametrize("kind", ["swing", "skip"])
@pytest.mark.parametrize("period_lines", [2, 3, 6])
def test_all_ghosts_together_have_the_stated_intensity(bar, period_lines, kind):
    ghosted = Ghosting().apply(bar, parameters(0.2, 1, period_lines, kind=kind))
    ghosts = np.delete(ghosted[3, :, 5], 7)
    assert np.sqrt((ghosts**2).sum()) == pytest.approx(20, rel=1e-4)


def test_lines_that_are_spared_leave_flat_tissue_alone():
    flat = np.full((60, 60, 60), 100, np.float32)
    drawn = parameters(0.3, 1, 2) | {"spared": 0.1}
    np.testing.assert_allclose(Ghosting().apply(flat, drawn), 100, rtol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_ghosts_move_along_their_axis_only(axis):
    data = np.zeros((16, 18, 20), np.float32)
    data[4, 5, 6] = 100
    ghosted = add_ghosting(data, 0.5, axis=axis, random_state=0)
    elsewhere = [4, 5, 6]
    elsewhere[axis] = slice(None)
    line = ghosted[tuple(elsewhere)].sum()
    assert line > 100
    assert ghosted.sum() == pytest.approx(line)


def test_a_ghost_of_opposite_phase_is_subtracted():
    flat = np.full((8, 8, 8), 100, np.float32)
    ghosted = Ghosting().apply(flat, parameters(0.2, phase_deg=180.0))
    assert ghosted == pytest.approx(80)


def test_strength_changes_the_intensity_only():
    weak, strong = (Ghosting().draw(s, random_state=6) for s in (0.25, 1))
    assert weak | {"strength": 1.0, "intensity": pytest.approx(0.55)} == strong


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
