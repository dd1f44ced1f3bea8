"""Contrast: tissue means approach each other; noise, air and the mean stay."""

from functools import cache

import numpy as np
import pytest
import torch
from sklearn.pipeline import make_pipeline

from briqa_sk.datasets import make_head_phantom
from briqa_sk.datasets.anatomy import draw_head, tissue_fractions
from briqa_sk.datasets.phantom import head_affine, scan_head
from briqa_sk.datasets.tissues import TISSUES
from briqa_sk.kernels import signal_levels
from briqa_sk.preprocessing import StandardizeIntensity
from briqa_sk.simulation.contrast import Contrast, add_contrast, noise_level

SHAPE = (80, 94, 80)
COARSE = (48, 56, 48)  # the phantom's default; the cortex is one voxel thick
#: Grey and white matter in FLAIR at SNR 20 differ by twice the noise.
SCANS = [
    ("T1w", SHAPE, 40),
    ("T2w", SHAPE, 40),
    ("FLAIR", SHAPE, 20),
    ("T1w", COARSE, 20),
    ("FLAIR", COARSE, 20),
]


@cache
def anatomy(shape):
    """A head and the voxels that hold one tissue only."""
    head, affine = draw_head(np.random.default_rng(0)), head_affine(shape)
    voxels = np.indices(shape, dtype=np.float32).reshape(3, -1).T
    points_mm = (voxels @ affine[:3, :3].T + affine[:3, 3]).astype(np.float32)
    fractions = tissue_fractions(head, points_mm, affine[0, 0]).reshape(*shape, -1)
    pure = {name: fractions[..., i] > 0.99 for i, name in enumerate(TISSUES)}
    return head, affine, pure | {"air": fractions.sum(axis=-1) == 0}


@pytest.fixture(
    scope="module",
    params=SCANS,
    ids=lambda scan: f"{scan[0]}-{scan[1][0]}-snr{scan[2]}",
)
def scan(request):
    """Clean and noisy scan, the masks, and the tissues that give signal."""
    contrast, shape, snr = request.param
    head, affine, pure = anatomy(shape)
    clean = scan_head(head, shape, affine, contrast)
    rng = np.random.default_rng(1)
    sigma = clean[clean > 0].mean() / snr
    real, imaginary = sigma * rng.standard_normal((2, *shape))
    noisy = np.hypot(clean + real, imaginary).astype(np.float32)
    # The inversion pulse nulls CSF in all but T2w: nothing tells it from air.
    third = "csf" if contrast == "T2w" else "fat"
    return clean, noisy, pure, ["white", "grey", third]


def relative_means(data, clean, pure, names):
    mean = data[clean > 0].mean()
    return np.array([data[pure[name]].mean() for name in names]) / mean


@pytest.mark.parametrize("strength", [0.25, 0.5, 1.0])
def test_tissue_differences_fall_by_the_stated_factor(scan, strength):
    clean, noisy, pure, names = scan
    flat = add_contrast(noisy, strength, random_state=0)
    before, after = (relative_means(d, clean, pure, names) for d in (noisy, flat))
    left = 1 - Contrast().draw(strength)["loss"]
    assert left == pytest.approx(1 - 0.9 * strength)
    for i, j in [(0, 1), (0, 2), (1, 2)]:
        measured = (after[i] - after[j]) / (before[i] - before[j])
        assert measured == pytest.approx(left, abs=0.02)


@pytest.mark.parametrize("shape", [SHAPE, COARSE])
def test_without_noise_the_factor_is_exact(shape):
    head, affine, pure = anatomy(shape)
    clean = scan_head(head, shape, affine, "T2w")
    flat = Contrast(loss=0.6)(clean)
    names = ["white", "grey", "csf"]
    before, after = (relative_means(d, clean, pure, names) for d in (clean, flat))
    np.testing.assert_allclose(np.diff(after), 0.4 * np.diff(before), rtol=1e-3)


@pytest.mark.parametrize("strength", [0.25, 0.5, 1.0])
def test_noise_stays(scan, strength):
    _, noisy, pure, names = scan
    flat = add_contrast(noisy, strength, random_state=0)
    for name in names:
        before, after = (d[pure[name]].std() for d in (noisy, flat))
        assert after == pytest.approx(before, rel=0.1)


def test_air_stays(scan):
    clean, noisy, pure, _ = scan
    change = np.abs(add_contrast(noisy, 1.0, random_state=0) - noisy)[pure["air"]]
    assert (change == 0).mean() > 0.995
    assert change.mean() < 0.001 * noisy[clean > 0].mean()


def test_the_mean_signal_stays(scan):
    clean, noisy, _, _ = scan
    flat = add_contrast(noisy, 1.0, random_state=0)
    assert flat[clean > 0].mean() == pytest.approx(noisy[clean > 0].mean(), rel=0.01)


def test_standardising_does_not_bring_the_contrast_back(scan):
    """White and grey matter, .86 z apart in T1w and .49 in T2w, end .20 and .12 apart.

    The spread that the z-score divides by is that of tissue against air, which stays.
    """
    _, noisy, pure, _ = scan
    standardize = make_pipeline(StandardizeIntensity())
    before, after = standardize.fit_transform(
        np.stack([noisy, Contrast(loss=0.8)(noisy, random_state=0)])
    )
    apart_before, apart_after = (
        abs(z[pure["white"]].mean() - z[pure["grey"]].mean()) for z in (before, after)
    )
    assert apart_after < 0.3 * apart_before


def test_without_air_the_factor_holds_too(scan):
    clean, noisy, pure, names = scan
    masked = np.where(clean > 0, noisy, 0)
    flat = Contrast(loss=0.6)(masked, random_state=0)
    before, after = (relative_means(d, clean, pure, names) for d in (masked, flat))
    ratio = (after[0] - after[1]) / (before[0] - before[1])
    assert ratio == pytest.approx(0.4, abs=0.02)
    assert (flat[pure["air"]] == 0).all()


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e20, 1e30])
def test_the_unit_of_the_voxels_does_not_matter(scale):
    data = make_head_phantom(24, snr=20, random_state=0).data
    expected = add_contrast(data, 0.8, random_state=0)
    scaled = add_contrast(data * np.float32(scale), 0.8, random_state=0)
    np.testing.assert_allclose(scaled / np.float32(scale), expected, rtol=1e-3)


def test_noise_comes_from_the_seed_and_stays_away_from_noiseless_scans(scan):
    clean, noisy, _, _ = scan
    one, other = (Contrast(loss=0.5)(noisy, random_state=seed) for seed in (0, 1))
    assert (one != other)[clean > 0].mean() > 0.5
    one, other = (Contrast(loss=0.5)(clean, random_state=seed) for seed in (0, 1))
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_noise_is_measured_where_there_is_no_air():
    rng = np.random.default_rng(0)
    flat = torch.from_numpy(rng.normal(1000, 20, (40, 40, 40)).astype(np.float32))
    assert noise_level(flat, 0.0) == pytest.approx(20, rel=0.03)


def test_noise_is_told_from_anatomy(scan):
    """Truth: the mean square of Rayleigh noise in the air is 2 sigma^2."""
    _, noisy, pure, _ = scan
    sigma = np.sqrt((noisy[pure["air"]] ** 2).mean() / 2)
    floor = signal_levels(noisy).floor
    assert noise_level(torch.from_numpy(noisy), floor) == pytest.approx(sigma, rel=0.07)


@pytest.mark.parametrize("shape", [(48, 48, 4), (4, 48, 48), (9, 9, 9)])
def test_thin_volumes_are_no_exception(shape):
    signal = np.select([np.arange(9) < 3, np.arange(9) < 6], [0, 50], 100)
    data = np.broadcast_to(np.resize(signal, shape[1])[:, None], shape)
    flat = Contrast(loss=0.5)(data)
    assert (flat[data == 0] == 0).all()
    np.testing.assert_allclose(np.ptp(flat[data > 0]), 25, rtol=1e-3)


def test_a_constant_or_empty_volume_stays():
    for value in (0, 7):
        data = np.full((9, 9, 9), value, np.float32)
        np.testing.assert_allclose(Contrast(loss=0.5)(data), data, rtol=1e-6)


def test_the_bias_field_deviates_as_stated_and_in_proportion_to_the_loss():
    data = np.full((17, 17, 17), 100, np.float32)
    for loss, deviation in [(0.9, 0.4), (0.45, 0.2)]:
        biased = Contrast(loss=loss, bias_field=0.4)(data, random_state=0)
        assert abs(biased / 100 - 1).max() == pytest.approx(deviation, rel=1e-3)


def test_an_impossible_bias_field_is_refused():
    with pytest.raises(ValueError, match=r"bias_field must be in \[0, 1\), got 1"):
        Contrast(loss=0.5, bias_field=1)(np.ones((8, 8, 8)))


@pytest.mark.parametrize(
    ("loss", "said"),
    [(0, "loss must be a number above 0, got 0"), (1.0, "must be below 1, got 1.0")],
)
def test_an_impossible_loss_is_refused(loss, said):
    with pytest.raises(ValueError, match=said):
        Contrast(loss=loss)(np.ones((8, 8, 8)))
