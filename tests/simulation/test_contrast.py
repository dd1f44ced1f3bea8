"""Contrast: grey and white matter approach each other; the rest stays apart."""

from functools import cache

import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from sklearn.pipeline import make_pipeline

from briqa_sk import read_volume
from briqa_sk.datasets import make_head_phantom
from briqa_sk.datasets.phantom.anatomy import draw_head, tissue_fractions
from briqa_sk.datasets.phantom.scan import head_affine, scan_head
from briqa_sk.kernels.tissues import TISSUES
from briqa_sk.preprocessing import StandardizeIntensity
from briqa_sk.simulation.contrast import Contrast, add_contrast

SHAPE = (80, 94, 80)
COARSE = (48, 56, 48)  # the phantom's default; the cortex is one voxel thick
SCANS = [
    ("T1w", SHAPE, 20),
    ("T2w", SHAPE, 40),
    ("FLAIR", SHAPE, 60),
    ("T1w", COARSE, 40),
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


def clean_scan(contrast, shape):
    head, affine, _ = anatomy(shape)
    return scan_head(head, shape, affine, contrast)


def with_noise(clean, snr, seed):
    sigma = clean[clean > 0].mean() / snr
    rng = np.random.default_rng(seed)
    real, imaginary = sigma * rng.standard_normal((2, *clean.shape))
    return np.hypot(clean + real, imaginary).astype(np.float32)


@pytest.fixture(
    scope="module",
    params=SCANS,
    ids=lambda scan: f"{scan[0]}-{scan[1][0]}-snr{scan[2]}",
)
def scan(request):
    """Contrast, clean and noisy scan, and masks."""
    contrast, shape, snr = request.param
    clean = clean_scan(contrast, shape)
    return contrast, clean, with_noise(clean, snr, 1), anatomy(shape)[2]


def difference(data, pure):
    return float(data[pure["white"]].mean() - data[pure["grey"]].mean())


def standard_deviations_apart(one, other):
    return abs(one.mean() - other.mean()) / np.sqrt((one.var() + other.var()) / 2)


@pytest.mark.parametrize("kind", Contrast.KINDS)
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_grey_and_white_matter_lose_the_stated_share(scan, strength, kind):
    _, _, noisy, pure = scan
    flat = Contrast(kind=kind)(noisy, strength, random_state=0)
    left = difference(flat, pure) / difference(noisy, pure)
    assert left == pytest.approx(1 - 0.9 * strength, abs=0.04)


@pytest.mark.parametrize("kind", Contrast.KINDS)
def test_fluid_and_fat_stay_apart_from_the_brain(scan, kind):
    contrast, _, noisy, pure = scan
    flat = Contrast(kind=kind)(noisy, 1.0, random_state=0)
    # In a spin echo of 100 ms, fat is no brighter than grey matter to begin with.
    for other in ["csf"] if contrast == "T2w" else ["csf", "fat"]:
        for tissue in ("white", "grey"):
            apart = standard_deviations_apart(flat[pure[other]], flat[pure[tissue]])
            assert apart > 2


@pytest.mark.parametrize("number", [1, 7, 12])
@pytest.mark.parametrize("kind", Contrast.KINDS)
def test_labelled_tissues_of_real_scans_do_so_too(number, kind, real_data):
    stem = real_data / "nichart_pairs" / f"sub-{number:02d}"
    volume = read_volume(f"{stem}_T1w.nii.gz")
    regions = read_volume(f"{stem}_space-T1w_dseg.nii.gz").data
    flat = Contrast(kind=kind)(volume, 1.0, random_state=0).data
    pure = {
        "white": ndimage.binary_erosion((regions >= 81) & (regions <= 88)),
        "grey": (regions >= 100) & (regions <= 207),
        "csf": ndimage.binary_erosion((regions >= 49) & (regions <= 52)),
    }
    left = difference(flat, pure) / difference(volume.data, pure)
    assert 0.1 < left < 0.25
    for tissue in ("white", "grey"):
        assert standard_deviations_apart(flat[pure["csf"]], flat[pure[tissue]]) > 2


@pytest.mark.parametrize("contrast", ["T1w", "T2w", "FLAIR"])
def test_no_voxel_gets_brighter_than_one_that_was_brighter(contrast):
    """So partial volume stays between its tissues, and no border has an outline."""
    clean = clean_scan(contrast, SHAPE).astype(np.float32)
    flat = Contrast(loss=0.9)(clean, random_state=0)
    order = np.argsort(clean, axis=None, kind="stable")
    assert np.diff(flat.ravel()[order]).min() > -1e-4 * clean.max()


def test_fluid_comes_closer_with_the_inversion_time_but_not_with_the_echo_time():
    """Truth: fluid that an inversion nulls recovers with TI, and has no echo at any TE.

    The head has white and grey matter, fluid, bone and fat, from inside out.
    """
    inside_out = [(24, 100), (29, 65), (31, 30), (35, 12), (38, 180)]
    distance = np.linalg.norm(np.indices((80, 80, 80)) - 39.5, axis=0)
    inside = [distance < radius for radius, _ in inside_out]
    head = np.select(inside, [level for _, level in inside_out], 0)
    ratio = {}
    for kind in ("inversion_time", "echo_time"):
        flat = Contrast(loss=0.9, kind=kind)(head, random_state=0)
        ratio[kind] = flat[head == 30].mean() / flat[head == 100].mean()
    assert ratio["inversion_time"] > 1.15 * ratio["echo_time"]


SHELLS = [(0, 0.125), (0.125, 0.25), (0.25, 0.375), (0.375, 0.9)]


def noise_of_shells(noise, mask):
    frequency = np.sqrt(
        sum(f**2 for f in np.meshgrid(*map(np.fft.fftfreq, noise.shape), indexing="ij"))
    )
    power = abs(np.fft.fftn(np.where(mask, noise, 0))) ** 2
    return np.sqrt(
        [power[(frequency > a) & (frequency <= b)].mean() for a, b in SHELLS]
    )


@pytest.mark.parametrize("kind", ["inversion_time", "echo_time"])
@pytest.mark.parametrize("strength", [0.6, 1.0])
def test_noise_stays_at_every_frequency(strength, kind):
    clean = clean_scan("T1w", SHAPE).astype(np.float32)
    sigma = clean[clean > 0].mean() / 20
    artifact = Contrast(kind=kind)
    parameters = artifact.draw(strength, random_state=0)
    pair = [with_noise(clean, 20, seed) for seed in (1, 2)]
    flat = [artifact.apply(noisy, parameters) for noisy in (clean, *pair)]
    for is_part, within in [(np.greater, 5 * sigma), (np.less, 0.5 * sigma)]:
        part = is_part(clean, within) & is_part(flat[0], within)
        before = noise_of_shells(pair[0] - pair[1], part)
        after = noise_of_shells(flat[1] - flat[2], part)
        np.testing.assert_allclose(after / before, 1, atol=0.05)


def test_air_stays(scan):
    _, clean, noisy, pure = scan
    change = np.abs(add_contrast(noisy, 1.0, random_state=0) - noisy)[pure["air"]]
    assert (change == 0).mean() > 0.995
    assert change.mean() < 0.001 * noisy[clean > 0].mean()


def test_a_masked_scan_loses_as_much_and_stays_masked(scan):
    _, clean, noisy, pure = scan
    masked = np.where(clean > 0, noisy, 0)
    flat = Contrast(loss=0.6)(masked, random_state=0)
    left = difference(flat, pure) / difference(masked, pure)
    assert left == pytest.approx(0.4, abs=0.04)
    assert (flat[pure["air"]] == 0).all()


def test_standardising_does_not_bring_the_contrast_back(scan):
    """The spread that the z-score divides by is that of tissue against air."""
    _, _, noisy, pure = scan
    standardize = make_pipeline(StandardizeIntensity())
    before, after = standardize.fit_transform(
        np.stack([noisy, Contrast(loss=0.8)(noisy, random_state=0)])
    )
    assert abs(difference(after, pure)) < 0.45 * abs(difference(before, pure))


def test_the_change_grows_with_strength(scan):
    _, _, noisy, _ = scan
    strengths = np.linspace(0, 1, 6)
    changes = [
        abs(add_contrast(noisy, s, random_state=0) - noisy).mean() for s in strengths
    ]
    assert stats.spearmanr(strengths, changes)[0] == 1


def test_the_record_names_what_was_wrong_whatever_the_strength():
    drawn = [
        {Contrast().draw(s, random_state=seed)["kind"] for s in (0.1, 1.0)}
        for seed in range(20)
    ]
    assert all(len(kinds) == 1 for kinds in drawn)
    assert set.union(*drawn) == set(Contrast.KINDS)


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e20, 1e30])
def test_the_unit_of_the_voxels_does_not_matter(scale):
    data = make_head_phantom(24, random_state=0).data
    expected = add_contrast(data, 0.8, random_state=0)
    scaled = add_contrast(data * np.float32(scale), 0.8, random_state=0)
    np.testing.assert_allclose(
        scaled / np.float32(scale), expected, atol=1e-3 * data.max()
    )


def test_lost_noise_comes_back_with_the_seed_and_not_to_noiseless_scans(scan):
    _, clean, noisy, _ = scan
    one, other = (Contrast(0.5, "echo_time")(noisy, random_state=s) for s in (0, 1))
    assert (one != other)[clean > 0].mean() > 0.3
    one, other = (Contrast(0.5, "echo_time")(clean, random_state=s) for s in (0, 1))
    np.testing.assert_allclose(one, other, atol=1e-3 * clean.max())


@pytest.mark.parametrize("shape", [(48, 48, 4), (4, 48, 48), (48, 48, 1), (9, 9, 9)])
def test_thin_volumes_are_no_exception(shape):
    """Truth: tissues of 70 and 100 in air are 15 apart after half is lost."""
    axis = int(np.argmax(shape))
    steps = np.resize(np.repeat([0.0, 70.0, 100.0], 3), shape[axis])
    others = [a for a in range(3) if a != axis]
    data = np.broadcast_to(np.expand_dims(steps, others), shape)
    flat = Contrast(loss=0.5)(data)
    assert (flat[data == 0] == 0).all()
    assert flat[data == 100].mean() - flat[data == 70].mean() == pytest.approx(15, 0.05)


def test_a_constant_or_empty_volume_stays():
    for value in (0, 7):
        data = np.full((9, 9, 9), value, np.float32)
        np.testing.assert_allclose(Contrast(loss=0.5)(data), data, rtol=1e-6)


def test_a_volume_without_air_stays_finite_and_positive():
    rng = np.random.default_rng(0)
    data = torch.from_numpy(rng.normal(100, 10, (24, 24, 24)).astype(np.float32))
    flat = add_contrast(data, 1.0, random_state=0)
    assert torch.isfinite(flat).all()
    assert 50 < flat.mean() <= 100


@pytest.mark.parametrize(
    ("loss", "said"),
    [(0, "loss must be a number above 0, got 0"), (1.0, "must be below 1, got 1.0")],
)
def test_an_impossible_loss_is_refused(loss, said):
    with pytest.raises(ValueError, match=said):
        Contrast(loss=loss)(np.ones((8, 8, 8)))
