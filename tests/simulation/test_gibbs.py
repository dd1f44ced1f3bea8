"""Gibbs ringing: overshoots and wavelengths that are known beforehand."""

import numpy as np
import pytest
from scipy.special import sici

from briqa_sk.simulation import GibbsRinging, add_gibbs_ringing

SHARP = {"strength": 1.0, "filter": 0.0, "slice_share": 0.0}


def truncated(data, missing, axis=0, **changes):
    acquisition = GibbsRinging(missing=missing, axis=axis).draw(random_state=0)
    parameters = {**acquisition, **SHARP, "missing": missing, **changes}
    return GibbsRinging().apply(data, parameters)


@pytest.fixture(scope="module")
def step():
    """A wide plateau of 100 in air of 0, with edges across axis 0."""
    data = np.zeros((256, 8, 8), np.float32)
    data[64:192] = 100
    return data


def test_a_sharp_cut_overshoots_by_nine_percent(step):
    # Wilbraham and Gibbs: Si(pi) / pi + 1 / 2 is how high the first ripple goes.
    highest = 100 * (sici(np.pi)[0] / np.pi + 0.5)
    out = truncated(step, 0.75)
    assert highest == pytest.approx(108.95, abs=0.01)
    assert out.max() == pytest.approx(highest, abs=0.6)


@pytest.mark.parametrize("missing", [0.5, 0.75])
def test_a_ripple_is_as_wide_as_two_voxels_of_the_lines_that_are_left(step, missing):
    ripples = truncated(step, missing)[80:176, 0, 0] - 100
    spectrum = np.abs(np.fft.rfft(ripples * np.hanning(96)))
    wavelength = 96 / np.argmax(spectrum)
    assert wavelength == pytest.approx(2 / (1 - missing), rel=0.05)


def test_a_filter_weakens_the_ripples(step):
    heights = [truncated(step, 0.6, filter=depth).max() for depth in (0, 0.3, 0.5)]
    assert np.all(np.diff(heights) < -1)


def test_lines_along_the_slices_are_missing_only_in_3d(step):
    data = np.swapaxes(step, 0, 2)[:, :, 40:80].copy()
    data = np.broadcast_to(data, (8, 8, 40)).copy()
    acquisition = {"axis": 0, "slice_share": 1.0}
    thin = truncated(np.tile(data, (2, 1, 1)), 0.5, **acquisition)
    parameters = GibbsRinging(missing=0.5, axis=0).draw(random_state=0)
    parameters = {**parameters, **SHARP, "slice_share": 1.0, "missing": 0.5}
    parameters["acquisition"] = {
        **parameters["acquisition"],
        "mode": "2d",
        "given": {"phase": 0, "slice": 2},
    }
    flat = GibbsRinging().apply(np.tile(data, (2, 1, 1)), parameters)
    np.testing.assert_allclose(flat, np.tile(data, (2, 1, 1)), atol=1e-2)
    assert thin.shape == flat.shape


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_nothing_rings_along_other_axes(step, axis):
    data = np.moveaxis(np.tile(step[48:80], (1, 4, 4)), 0, (axis + 1) % 3)
    np.testing.assert_allclose(truncated(data, 0.6, axis=axis), data, atol=1e-2)


def test_the_edge_of_the_field_of_view_does_not_ring():
    data = np.full((40, 10, 10), 70.0)
    np.testing.assert_allclose(truncated(data, 0.7), data, rtol=1e-5)


def test_mean_signal_stays(step):
    # No magnitude is taken of a plateau far from 0.
    data = step + 100
    assert truncated(data, 0.6).mean() == pytest.approx(data.mean(), rel=1e-5)


def test_ripples_reach_into_air_and_leave_masked_air_beside_the_lines_alone(step):
    data = step.copy()
    data[:, :4] = 0
    out = truncated(data, 0.6)
    assert (out[:64, 4:] > 1).any()
    assert (out[:, :4] == 0).all()


@pytest.mark.parametrize("strength", [0.25, 0.5, 1.0])
def test_strength_scales_the_lines_that_are_missing(strength):
    drawn = GibbsRinging().draw(strength, random_state=0)
    assert drawn["missing"] == pytest.approx(0.7 * strength)
    assert drawn["filter"] == GibbsRinging().draw(1, random_state=0)["filter"]


def test_the_function_is_the_class(step):
    out = add_gibbs_ringing(step, 0.5, axis=0, random_state=0)
    assert (out == GibbsRinging(axis=0)(step, 0.5, random_state=0)).all()


def test_a_scan_cannot_miss_all_of_its_lines(step):
    with pytest.raises(ValueError, match="missing must be a share of the lines"):
        GibbsRinging(missing=1.0)(step)
