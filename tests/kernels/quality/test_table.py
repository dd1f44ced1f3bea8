"""What holds for all metrics, and how each follows its artifact."""

import numpy as np
import pandas as pd
import pytest

from briqa_sk.datasets import make_head_phantom
from briqa_sk.io import read_volume
from briqa_sk.kernels.quality import METRICS, quality_metrics
from briqa_sk.simulation import (
    add_banding,
    add_bias_field,
    add_contrast,
    add_ghosting,
    add_low_resolution,
    add_motion,
    add_noise,
    add_positioning,
    add_spike,
    add_zipper,
)

TABLES = [
    "mrart_mriqc_group_T1w.tsv",
    "abide_iqms_raters.tsv",
    "ds030_iqms_raters.tsv",
]
#: Metric -> columns of MRIQC's tables with the same definition, but for the mask.
SAME = {
    "efc": ["efc"],
    "fber": ["fber"],
    "snr": ["snr_csf", "snr_gm", "snr_wm"],  # of one tissue
    "snr_dietrich": ["snrd_csf", "snrd_gm", "snrd_wm"],
    "cjv": ["cjv"],
    "cnr": ["cnr"],
    "fwhm_min": ["fwhm_x", "fwhm_y", "fwhm_z"],
    "fwhm_max": ["fwhm_x", "fwhm_y", "fwhm_z"],
}


@pytest.fixture(scope="module")
def scan():
    """A phantom with a little noise, 3 mm."""
    head = make_head_phantom((64, 72, 64), random_state=0)
    return add_noise(head, 0.1, random_state=0).data


def hostile():
    """Yield finite volumes that are not constant, each bad in its own way."""
    rng = np.random.default_rng(0)
    for shape in [(1, 1, 2), (1, 3, 40), (5, 5, 5), (40, 9, 4), (70, 66, 12)]:
        normal = rng.normal(size=shape)
        one = np.zeros(shape)
        one.flat[-1] = 1
        yield from (normal, np.abs(normal), -np.abs(normal), 1e37 * normal)
        yield from (1e-42 * np.abs(normal), 1 + 1e-6 * normal, normal > 0.5)
        yield from (one, 1 - one, -one, 1e30 * one + np.abs(normal))
    blocks = np.zeros((90, 90, 90))
    blocks[::2, ::2, ::2] = 1  # the means of all blocks are equal
    yield blocks


@pytest.mark.parametrize("data", list(hostile()))
@pytest.mark.filterwarnings("error")
def test_every_metric_is_a_finite_number(data):
    metrics = quality_metrics(data.astype(np.float32))
    assert tuple(metrics) == METRICS
    assert np.isfinite(list(metrics.values())).all()


def test_nothing_can_be_measured_in_a_constant_volume():
    assert quality_metrics(np.full((4, 5, 6), 3.0)) == dict.fromkeys(METRICS, 0.0)


def test_there_are_59_names_and_none_twice():
    assert len(METRICS) == len(set(METRICS)) == 59


@pytest.mark.parametrize("factor", [1e-6, 0.3, 1e6])
def test_the_scale_of_the_voxels_does_not_matter(scan, factor):
    expected = pd.Series(quality_metrics(scan))
    scaled = pd.Series(quality_metrics(scan * np.float32(factor)))
    pd.testing.assert_series_equal(scaled, expected, rtol=1e-3, atol=1e-5)


def test_the_layout_in_memory_does_not_matter(scan):
    expected = quality_metrics(scan)
    assert quality_metrics(np.asfortranarray(scan)) == expected
    assert quality_metrics(np.repeat(scan, 2, axis=1)[:, ::2]) == expected


def test_the_order_of_the_axes_matters_to_ghosts_alone(scan):
    expected = quality_metrics(scan)
    turned = quality_metrics(scan.transpose(2, 0, 1))
    differ = [m for m in METRICS if turned[m] != pytest.approx(expected[m], rel=1e-3)]
    assert set(differ) <= {"gsr_i", "gsr_j", "gsr_k"}
    assert turned["gsr_i"] == pytest.approx(expected["gsr_k"])


def test_a_standardized_scan_has_nearly_the_same_metrics(scan):
    expected = quality_metrics(scan)
    metrics = quality_metrics((scan - scan.mean()) / scan.std())
    for name in ("snr", "cjv", "efc", "entropy", "residual", "band_max", "offset_max"):
        assert metrics[name] == pytest.approx(expected[name], rel=0.05)


@pytest.mark.parametrize(
    ("add", "strengths", "rises"),
    [
        (add_noise, (0.2, 0.5, 1), ["residual", "residual_air", "air_spread", "cjv"]),
        (add_noise, (0.2, 0.5, 1), ["efc", "air_median"]),
        (add_zipper, (0, 0.3, 1), ["line_max", "lines_max"]),
        (add_banding, (0, 0.4, 1), ["band_max"]),
        (add_motion, (0, 0.3, 1), ["efc", "air_median", "fwhm_min"]),
        (add_ghosting, (0, 0.2, 0.4), ["shadow_max", "air_p99"]),
        (add_spike, (0, 0.4, 1), ["peak_max"]),
        (add_positioning, (0, 0.4, 1), ["offset_max", "asymmetry_grid"]),
        (add_low_resolution, (0, 0.4, 1), ["fwhm_max"]),
        (add_bias_field, (0, 0.4, 1), ["nonuniformity"]),
    ],
)
def test_metrics_rise_with_their_artifact(scan, add, strengths, rises):
    graded = [quality_metrics(add(scan, s, random_state=1)) for s in strengths]
    for name in rises:
        low, middle, high = (metrics[name] for metrics in graded)
        assert low < middle < high, name


@pytest.mark.parametrize(
    ("add", "strengths", "falls"),
    [
        (add_noise, (0.2, 0.5, 1), ["snr", "snr_dietrich", "cnr", "fber"]),
        (add_contrast, (0, 0.5, 1), ["contrast", "block_iqr", "local_deviation"]),
        (add_low_resolution, (0, 0.4, 1), ["gradient_min"]),
    ],
)
def test_metrics_fall_with_their_artifact(scan, add, strengths, falls):
    graded = [quality_metrics(add(scan, s, random_state=1)) for s in strengths]
    for name in falls:
        low, middle, high = (metrics[name] for metrics in graded)
        assert low > middle > high, name


@pytest.mark.parametrize("name", sorted(SAME))
def test_real_scans_lie_in_the_range_of_the_published_tables(real_metrics, name):
    values, published = real_metrics
    columns = published[SAME[name]]
    assert values[name].between(columns.min().min(), columns.max().max()).all()


@pytest.fixture(scope="module")
def real_metrics(real_data):
    """Metrics of scans at full resolution, and what MRIQC found in 1,802 others."""
    paths = sorted((real_data / "fullres").glob("*.nii.gz"))
    values = pd.DataFrame([quality_metrics(read_volume(p).data) for p in paths])
    folder = real_data / "tables"
    published = [pd.read_csv(folder / table, sep="\t") for table in TABLES]
    return values, pd.concat(published)
