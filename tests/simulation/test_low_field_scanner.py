"""The scanner: what it blurs and where its noise is loud follow from its samples."""

import numpy as np
import pytest
import torch

from briqa_sk import read_volume
from briqa_sk.simulation.low_field_scanner import (
    LowFieldScanner,
    draw_low_field_scanner,
)

FLAT = (1e3, 1e3, 1e3)
SPACING_MM = (1.0, 1.0, 1.0)


def receive(scanner, shape=(64, 60, 20), seed=0, signal=1000.0):
    """One channel of the noise: far above the noise, a magnitude is the real part."""
    clean = torch.full(shape, signal)
    return scanner.add_noise(clean, 1.0, SPACING_MM, random_state=seed).numpy() - signal


def neighbour_correlation(noise, axis, lag=1):
    noise = np.moveaxis(noise, axis, 0)
    return (noise[lag:] * noise[:-lag]).mean() / noise.var()


def test_a_sample_per_voxel_without_taper_is_white_noise():
    scanner = LowFieldScanner(sample_mm=SPACING_MM, taper_width=FLAT)
    noise = receive(scanner)
    for axis in range(3):
        assert abs(neighbour_correlation(noise, axis)) < 0.02
    assert noise.std() == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize("sample_mm", [1.25, 2.0, 3.0])
@pytest.mark.parametrize("lag", [1, 2])
def test_fewer_samples_correlate_noise_as_a_sinc(sample_mm, lag):
    scanner = LowFieldScanner(sample_mm=(1, sample_mm, 1), taper_width=FLAT)
    noise = receive(scanner, (60, 60, 40))
    expected = np.sinc(lag / sample_mm)
    assert neighbour_correlation(noise, 1, lag) == pytest.approx(expected, abs=0.03)
    assert abs(neighbour_correlation(noise, 0, lag)) < 0.03


def test_a_taper_correlates_noise_as_the_transform_of_its_square():
    """A Gaussian of width s over u is one of width 1 / (sqrt(2) s pi) over voxels."""
    scanner = LowFieldScanner(sample_mm=SPACING_MM, taper_width=(0.3, 1e3, 1e3))
    noise = receive(scanner, (100, 60, 40))
    expected = np.exp(-((0.3 * np.pi / 2) ** 2))
    assert neighbour_correlation(noise, 0) == pytest.approx(expected, abs=0.02)


def test_noise_in_air_has_the_rayleigh_distribution():
    air = torch.zeros(64, 64, 32)
    noise = LowFieldScanner().add_noise(air, 2.0, SPACING_MM, random_state=0).numpy()
    assert np.sqrt((noise**2).mean() / 2) == pytest.approx(2, rel=1e-4)
    ratio = np.sqrt(np.pi / (4 - np.pi))
    assert noise.mean() / noise.std() == pytest.approx(ratio, rel=0.02)


def test_noise_is_louder_where_its_frequency_is_received_louder():
    scanner = LowFieldScanner(
        readout=0, sample_mm=SPACING_MM, loudness_of_positions=(1, 3)
    )
    rows = receive(scanner).std(axis=(1, 2))
    assert rows[-4:].mean() / rows[:4].mean() == pytest.approx(2.9, rel=0.1)


@pytest.mark.parametrize(("name", "axis"), [("lines", 0), ("samples", 1)])
def test_noise_is_louder_where_k_space_is(name, axis):
    scanner = LowFieldScanner(
        readout=1,
        sample_mm=SPACING_MM,
        taper_width=FLAT,
        **{f"loudness_of_{name}": (3, 1, 3)},
    )
    spectrum = np.abs(np.fft.fft(receive(scanner), axis=axis)) ** 2
    others = tuple({0, 1, 2} - {axis})
    amplitude = np.sqrt(spectrum.mean(axis=others))
    middle = len(amplitude) // 2
    edge_over_centre = amplitude[middle] / amplitude[1:4].mean()
    assert edge_over_centre == pytest.approx(3, rel=0.15)


def test_scatter_makes_some_lines_loud_and_leaves_the_readout_alone():
    scanner = LowFieldScanner(
        readout=1, sample_mm=SPACING_MM, taper_width=FLAT, line_scatter=0.5
    )
    noise = receive(scanner, (64, 64, 1))
    spread = []
    for axis in (0, 1):
        spectrum = np.abs(np.fft.fft(noise, axis=axis)) ** 2
        power = spectrum.mean(axis=tuple({0, 1, 2} - {axis}))[1:32]
        spread.append(np.log(power).std() / 2)
    assert spread[0] > 0.3
    assert spread[1] < 0.15


def test_a_flat_volume_stays_flat():
    scanner = draw_low_field_scanner(0)
    flat = torch.full((30, 40, 12), 7.0)
    blurred = scanner.blur(flat, (1.5, 1.5, 5.0))
    np.testing.assert_allclose(blurred, 7, rtol=1e-5)


def test_a_point_becomes_the_transform_of_the_sampled_k_space():
    point = torch.zeros(64, 64, 32)
    point[32, 32, 16] = 1
    scanner = LowFieldScanner(sample_mm=(1, 2, 1), taper_width=FLAT)
    blurred = scanner.blur(point, SPACING_MM).numpy()
    distance = np.arange(-6, 7)
    np.testing.assert_allclose(
        blurred[32, 26:39, 16], np.abs(np.sinc(distance / 2)) / 2, atol=0.01
    )
    np.testing.assert_allclose(blurred[26:39, 32, 16], 0.5 * (distance == 0), atol=0.01)


@pytest.mark.parametrize("centre", [-0.25, 0.0, 0.25])
def test_an_edge_stays_where_it_was(centre):
    """Also with a taper that is off the centre: its phase is lost in a magnitude."""
    step = torch.zeros(80, 8, 8)
    step[20:60] = 100
    scanner = LowFieldScanner(taper_centre=(centre, 0, 0), taper_width=(0.6,) * 3)
    blurred = scanner.blur(step, SPACING_MM).numpy()[:, 4, 4]
    middle = (blurred * np.arange(80)).sum() / blurred.sum()
    assert middle == pytest.approx(39.5, abs=0.1)
    assert 0.35 < blurred[20] / 100 < 0.75
    assert blurred[18] > 1


def test_one_end_of_the_volume_does_not_ring_into_the_other():
    neck = torch.zeros(24, 24, 36)
    neck[..., :10] = 100
    scanner = LowFieldScanner(sample_mm=(1, 1, 1.6), taper_width=(1.0,) * 3)
    assert scanner.blur(neck, SPACING_MM)[..., -1].max() < 1


def test_the_input_is_left_untouched():
    clean = torch.full((10, 10, 10), 5.0)
    scanner = LowFieldScanner()
    scanner.blur(clean, SPACING_MM)
    scanner.add_noise(clean, 1.0, SPACING_MM, random_state=0)
    assert (clean == 5).all()


@pytest.mark.parametrize("level", [1e-30, 1e38])
@pytest.mark.parametrize("shape", [(120, 146, 36), (16, 1, 16), (1, 1, 1)])
def test_extreme_voxels_and_shapes_give_finite_scans(level, shape):
    clean = torch.full(shape, level)
    scanner = draw_low_field_scanner(0)
    blurred = scanner.blur(clean, (1.5, 1.5, 5.0))
    noisy = scanner.add_noise(blurred, level / 20, (1.5, 1.5, 5.0), random_state=0)
    assert noisy.isfinite().all()
    assert noisy.double().mean() == pytest.approx(level, rel=0.2)


def test_the_same_seed_draws_the_same_scanner_and_another_one_another():
    assert draw_low_field_scanner(3) == draw_low_field_scanner(3)
    assert draw_low_field_scanner(3) != draw_low_field_scanner(4)


@pytest.mark.parametrize("contrast", ["T1w", "T2w", "FLAIR"])
def test_real_noise_at_55_millitesla_lies_within_what_is_drawn(real_data, contrast):
    """By the correlation of neighbours in the air beside the head, along both axes."""
    path = real_data / "ulf_0055T" / f"pt-4_acq-ulf_{contrast}.nii.gz"
    scan = read_volume(path)
    air = scan.data[6:36].astype(float)
    air -= air.mean()
    real = sorted(neighbour_correlation(air, axis) for axis in (0, 1))
    drawn = []
    for seed in range(40):
        scanner = draw_low_field_scanner(seed)
        noise = scanner.add_noise(
            torch.zeros(128, 128, 2), 1.0, scan.spacing_mm, random_state=seed
        ).numpy()
        noise -= noise.mean()
        drawn.append(sorted(neighbour_correlation(noise, axis) for axis in (0, 1)))
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    assert (low < real).all()
    assert (real < high).all()
