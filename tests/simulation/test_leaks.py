"""Noise of known spectrum and level: the meter must read what is there."""

import numpy as np
import pytest
from scipy import stats

from briqa_sk import Volume
from briqa_sk.datasets import make_head_phantom
from briqa_sk.simulation import ARTIFACTS, Artifact
from briqa_sk.simulation.leaks import blind_metric_auc, noise_ratio, rician_deviation


class Known(Artifact):
    """Does to every voxel what is known, more of it the stronger."""

    NAME, PHYSICAL, LARGEST = "known", "amount", 1.0

    def __init__(self, *, amount=None):
        self.amount = amount

    def _draw(self, amount, *args):
        return {}


class Dimmed(Known):
    """Half the signal and half the noise."""

    def _apply(self, data, parameters, scan):
        return data / 2


class Averaged(Known):
    """The mean of each voxel and its neighbour."""

    def _apply(self, data, parameters, scan):
        return (data + data.roll(1, 2)) / 2


class Brightened(Known):
    """One more image, without noise, in the first half of the volume."""

    def _apply(self, data, parameters, scan):
        data[: len(data) // 2] += 500 * parameters["amount"]
        return data


@pytest.fixture(scope="module")
def phantom():
    return make_head_phantom(56, random_state=0)


def ratios(artifact, phantom, n_draws=3):
    table = noise_ratio(artifact, phantom, n_draws=n_draws, random_state=0)
    return table.set_index(["severity", "place", "band"])["ratio"]


@pytest.mark.parametrize("level", [1e-9, 0.5, 1.0, 3.0, 10.0])
def test_the_deviation_of_rician_noise_is_that_of_scipy(level):
    assert rician_deviation(level) == pytest.approx(stats.rice.std(level), rel=1e-6)


def test_the_deviation_of_rician_noise_is_1_far_above_it():
    np.testing.assert_allclose(rician_deviation([50.0, 1e3, 1e9]), 1, atol=1e-3)


def test_half_the_noise_is_half_the_ratio(phantom):
    found = ratios(Dimmed(), phantom)
    fine = found[found.index.get_level_values("band") != "0-.25"]
    np.testing.assert_allclose(fine, 0.5, atol=0.015)
    np.testing.assert_allclose(found, 0.5, atol=0.05)


def test_an_image_that_is_added_is_no_noise(phantom):
    found = ratios(Brightened(), phantom)
    fine = found[found.index.get_level_values("band") != "0-.25"]
    np.testing.assert_allclose(fine, 1, atol=0.03)


def test_averaging_two_neighbours_takes_noise_from_high_frequencies(phantom):
    found = ratios(Averaged(), phantom)[2]
    for place in ("air", "tissue"):
        bands = found[place].to_numpy()
        assert (np.diff(bands) < 0).all()
        assert bands[0] > 0.95
        # cos^2(pi f) of frequencies in the cube is 1/2, less in its corners.
        assert 0.6 < bands[-1] < 0.72


def test_a_place_that_is_nowhere_has_no_ratio(phantom):
    bright = Volume(phantom.data + 300, phantom.affine)
    found = ratios(Brightened(), bright, n_draws=1)
    assert found.xs("air", level="place").isna().all()
    assert found.xs("tissue", level="place").notna().all()


def test_voxel_size_of_an_array_and_of_a_volume_mean_the_same(phantom):
    array = noise_ratio(
        "motion",
        phantom.data,
        spacing_mm=phantom.spacing_mm,
        n_draws=1,
        random_state=0,
    )
    volume = noise_ratio("motion", phantom, n_draws=1, random_state=0)
    np.testing.assert_allclose(array["ratio"], volume["ratio"], rtol=1e-3)


@pytest.mark.parametrize("name", [name for name in ARTIFACTS if name != "noise"])
def test_no_artifact_changes_the_noise(name, phantom):
    found = ratios(name, phantom, n_draws=6).dropna()
    fine = found[found.index.get_level_values("band") != "0-.25"]
    # Where signal piles up, or is lost to dephasing, its noise is a little less.
    np.testing.assert_allclose(fine, 1, atol=0.08 if name == "distortion" else 0.05)


def test_a_blind_metric_tells_a_blurred_scan_and_not_one_that_is_dimmer():
    heads = [make_head_phantom(24, snr=20, random_state=n) for n in range(8)]
    blurred = blind_metric_auc(Averaged(), heads, random_state=0)
    assert blurred[0, 1] == 0  # what is left is always less
    assert blurred[1, 2] == pytest.approx(0.5)  # and equally so
    dimmed = blind_metric_auc(Dimmed(), heads, random_state=0)
    np.testing.assert_allclose(dimmed, 0.5)  # metrics have no unit


def test_what_cannot_be_measured_is_refused(phantom):
    with pytest.raises(ValueError, match="snr must be"):
        noise_ratio("motion", phantom, snr=0)
    with pytest.raises(ValueError, match="n_draws must be"):
        noise_ratio("motion", phantom, n_draws=0)
    with pytest.raises(ValueError, match="metric must be a column"):
        blind_metric_auc("motion", [phantom], metric="loudness")
    with pytest.raises(ValueError, match="volumes must have at least one"):
        blind_metric_auc("motion", [])
    with pytest.raises(ValueError, match="artifact must come without"):
        noise_ratio(Dimmed(amount=0.5), phantom)
