"""Spikes: the same image as from a sample of k-space, by numpy.fft."""

import numpy as np
import pytest

from briqa_sk.datasets import make_head_phantom
from briqa_sk.kernels import signal_levels
from briqa_sk.simulation import Spike, add_spike


@pytest.fixture(scope="module")
def head():
    return make_head_phantom((24, 30, 20), random_state=0).data


def cycles(frequency, shape):
    """Fractions of Nyquist's frequency as whole cycles per field of view."""
    pairs = zip(frequency, shape, strict=True)
    return tuple(round(f * n / 2) % n if n >= 8 else 0 for f, n in pairs)


def spiked_by_fft(data, parameters):
    spectrum = np.fft.fftn(data.astype(float))
    for spike in parameters["spikes"]:
        size = parameters["amplitude"] * spike["relative_amplitude"]
        wave = size * signal_levels(data).tissue * data.size
        place = cycles(spike["frequency"], data.shape)
        spectrum[place] += wave * np.exp(1j * np.deg2rad(spike["phase_deg"]))
    return abs(np.fft.ifftn(spectrum))


@pytest.mark.parametrize("strength", [0.2, 0.6, 1])
@pytest.mark.parametrize("seed", range(3))
def test_spikes_equal_samples_added_to_k_space(head, strength, seed):
    parameters = Spike().draw(strength, random_state=seed)
    spiked = Spike().apply(head, parameters)
    expected = spiked_by_fft(head, parameters)
    np.testing.assert_allclose(spiked, expected, atol=1e-4 * head.max())


@pytest.mark.parametrize(("strength", "amplitude"), [(0.25, 20), (0.5, 40), (1, 80)])
def test_the_strongest_sample_of_k_space_has_the_stated_size(strength, amplitude):
    tissue = np.full((32, 32, 32), 100, np.float32)
    parameters = Spike().draw(strength, random_state=4)
    parameters["spikes"][1:] = []
    spectrum = np.fft.fftn(Spike().apply(tissue, parameters) ** 2) / tissue.size
    place = cycles(parameters["spikes"][0]["frequency"], tissue.shape)
    # |s + w|^2 = s^2 + |w|^2 + 2 s Re w, whose line at k is s w.
    assert abs(spectrum[place]) / 100 == pytest.approx(amplitude, rel=1e-4)


def test_spikes_keep_away_from_the_centre_of_k_space():
    for seed in range(50):
        for spike in Spike().draw(1, random_state=seed)["spikes"]:
            assert 0.1 <= np.abs(spike["frequency"]).max() <= 0.8


def test_no_spike_is_at_zero_frequency():
    flat = np.full((20, 20, 20), 100, np.float32)
    for seed in range(10):
        assert add_spike(flat, 0.1, random_state=seed).std() > 1


def test_spikes_of_a_lower_strength_stay():
    drawn = [Spike().draw(s, random_state=8)["spikes"] for s in (0.3, 0.6, 1)]
    assert [len(spikes) for spikes in drawn] == [1, 2, 3]
    assert all(drawn[-1][: len(spikes)] == spikes for spikes in drawn)


def test_an_amplitude_draws_the_spikes_of_its_strength():
    by_amplitude = Spike(amplitude=0.4).draw(random_state=1)
    assert by_amplitude["spikes"] == Spike().draw(0.5, random_state=1)["spikes"]


@pytest.mark.parametrize("seed", range(3))
def test_in_a_2d_acquisition_one_slice_is_hit(seed):
    thick = np.full((40, 32, 12), 100, np.float32)
    spiked = add_spike(thick, 1, spacing_mm=(1, 1, 5), random_state=seed)
    is_hit = (spiked != thick).any(axis=(0, 1))
    assert is_hit.sum() == 1
    assert spiked[:, :, is_hit].std() > 10


def test_a_volume_without_8_voxels_along_any_axis_is_refused():
    with pytest.raises(ValueError, match="at least 8 voxels along its phase axis"):
        add_spike(np.ones((4, 4, 4)), 0.5)
