"""Noise is received once: Rice's distribution, and nothing where nothing is added."""

import numpy as np
import pytest
import torch
from scipy import stats

from briqa_sk.simulation import Acquisition
from briqa_sk.simulation._received import receive, settle, signal_of, split_tissue
from briqa_sk.simulation._scan import Scan

SIGMA = 5.0


def scan_of(data):
    return Scan(data, (1.0, 1.0, 1.0), Acquisition("3d").draw(random_state=0))


@pytest.fixture
def box():
    """A box of signal 100 in air, with Rician noise."""
    clean = torch.zeros(48, 48, 48)
    clean[8:40, 8:40, 8:40] = 100
    return clean


@pytest.fixture
def noisy(box):
    generator = torch.Generator().manual_seed(0)
    real, imaginary = SIGMA * torch.randn(2, *box.shape, generator=generator)
    return torch.hypot(box + real, imaginary)


def test_a_signal_has_no_noise_and_its_edges(box, noisy):
    signal = signal_of(noisy, scan_of(noisy))
    assert (signal[box == 0] == 0).float().mean() > 0.98
    inside = signal[10:38, 10:38, 10:38]
    assert inside.std() < 0.5 * SIGMA
    assert inside.mean() == pytest.approx(100, rel=0.01)
    assert abs(signal[8, 10:38, 10:38].mean() - 100) < 1


def test_what_is_added_to_air_is_distributed_as_rice_has_it(box, noisy):
    scan = scan_of(noisy)
    received = receive(noisy.clone(), scan, torch.full_like(noisy, 20.0))
    air = received[box == 0].numpy()[::9]
    assert stats.kstest(air, stats.rice(20 / SIGMA, scale=SIGMA).cdf).pvalue > 0.01


def test_what_is_added_out_of_phase_brings_noise_of_its_own(box, noisy):
    scan = scan_of(noisy)
    nothing, much = torch.zeros_like(noisy), torch.full_like(noisy, 300.0)
    tissue = receive(noisy.clone(), scan, nothing, much)[box > 0]
    assert tissue.mean() == pytest.approx(np.hypot(100, 300), rel=0.01)
    assert tissue.std() == pytest.approx(SIGMA, rel=0.05)


def test_nothing_changes_where_nothing_is_added(noisy):
    added = torch.zeros_like(noisy)
    added[20] = 30.0
    received = receive(noisy.clone(), scan_of(noisy), added, 0.5 * added)
    same = torch.arange(48) != 20
    assert torch.equal(received[same], noisy[same])
    assert not torch.equal(received[20], noisy[20])


def test_tissue_is_split_into_two_parts_that_add_up(box, noisy):
    coarse, texture = split_tissue(noisy, scan_of(noisy))
    tissue = box > 0
    inside = torch.zeros_like(tissue)
    inside[9:39, 9:39, 9:39] = True
    torch.testing.assert_close((coarse + texture)[inside], noisy[inside])
    assert ((coarse + texture)[~tissue] == 0).float().mean() > 0.8
    # An edge is no texture: it is cut at 4 times the level of noise.
    assert texture.abs().max() < 5 * SIGMA


def test_tissue_that_stays_leaves_the_scan_as_it_was(noisy):
    scan = scan_of(noisy)
    coarse, texture = split_tissue(noisy, scan)
    settled = settle(coarse + texture, noisy, scan)
    # A few voxels of noise are bright enough for tissue, and get a phase of their own.
    assert ((settled - noisy).abs() < SIGMA / 50).float().mean() > 0.9


def test_tissue_that_leaves_makes_room_for_air(box, noisy):
    scan = scan_of(noisy)
    settled = settle(torch.zeros_like(noisy), noisy, scan).numpy()
    for place in (box > 0, box == 0):
        air = settled[place][::7]
        assert air.mean() == pytest.approx(SIGMA * np.sqrt(np.pi / 2), rel=0.03)
        assert air.std() == pytest.approx(SIGMA * np.sqrt(2 - np.pi / 2), rel=0.05)


def test_tissue_that_comes_makes_the_air_give_way(box, noisy):
    scan = scan_of(noisy)
    coarse, texture = split_tissue(noisy, scan)
    moved = (coarse + texture).roll(10, 0)
    settled = settle(moved.clone(), noisy, scan)
    arrived = (box == 0) & (box.roll(10, 0) > 0)
    assert settled[arrived].mean() == pytest.approx(100, rel=0.01)
    assert settled[arrived].std() == pytest.approx(SIGMA, rel=0.05)


def test_air_that_is_0_stays_0(box):
    scan = scan_of(box)
    coarse, texture = split_tissue(box, scan)
    settled = settle(coarse + texture, box, scan)
    torch.testing.assert_close(settled, box)
    assert (signal_of(box, scan)[box == 0] == 0).all()
