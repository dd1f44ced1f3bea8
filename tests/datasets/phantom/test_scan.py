import numpy as np
import pytest

from briqa_sk.datasets import make_head_phantom
from briqa_sk.kernels import signal_levels

SMALL = (24, 28, 24)


def test_a_seed_repeats_the_scan_bit_by_bit():
    first = make_head_phantom(SMALL, snr=10, bias_field=1.5, random_state=3)
    second = make_head_phantom(SMALL, snr=10, bias_field=1.5, random_state=3)
    np.testing.assert_array_equal(first.data, second.data)
    assert first.data.dtype == np.float32


def test_the_whole_head_is_in_view_by_default():
    data = make_head_phantom(SMALL, random_state=0).data
    sides = [data[0], data[-1], data[:, 0], data[:, -1], data[:, :, -1]]
    assert max(side.max() for side in sides) < 50  # below, the neck goes on


def test_the_grid_is_centred_and_has_the_spacing_asked_for():
    volume = make_head_phantom((10, 12, 14), spacing_mm=(9, 8, 7), random_state=0)
    assert volume.spacing_mm == (9, 8, 7)
    middle = volume.affine @ [4.5, 5.5, 6.5, 1]
    assert middle.tolist() == [0, -8, 0, 1]


def test_a_finer_grid_shows_the_same_head():
    coarse = make_head_phantom((24, 28, 24), random_state=0).data
    fine = make_head_phantom((48, 56, 48), random_state=0).data
    averaged = fine.reshape(24, 2, 28, 2, 24, 2).mean(axis=(1, 3, 5))
    assert np.corrcoef(coarse.ravel(), averaged.ravel())[0, 1] > 0.95


def test_the_brightest_voxels_of_flair_are_not_csf():
    t2w = make_head_phantom(SMALL, contrast="T2w", random_state=0).data
    flair = make_head_phantom(SMALL, contrast="FLAIR", random_state=0).data
    assert flair[t2w > 400].mean() < t2w[t2w > 400].mean() / 2


@pytest.fixture
def clean():
    return make_head_phantom(SMALL, random_state=0).data


def test_noise_in_air_has_the_mean_of_a_rayleigh_law(clean):
    noisy = make_head_phantom(SMALL, snr=5, random_state=0).data
    sigma = signal_levels(clean).tissue / 5
    mean = noisy[clean == 0].mean()
    assert mean == pytest.approx(sigma * np.sqrt(np.pi / 2), rel=0.02)


def test_noise_in_strong_signal_has_the_asked_standard_deviation(clean):
    noisy = make_head_phantom(SMALL, snr=20, random_state=0).data
    tissue = signal_levels(clean).tissue
    deviation = (noisy - clean)[clean > tissue].std()
    assert deviation == pytest.approx(tissue / 20, rel=0.05)


def test_the_head_is_as_many_times_brighter_on_one_side_as_asked(clean):
    biased = make_head_phantom(SMALL, bias_field=2.5, random_state=0).data
    head = clean > 100
    low, high = np.percentile(biased[head] / clean[head], [2, 98])
    assert high / low == pytest.approx(2.5, rel=0.05)


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"contrast": "T3w"}, "one of T1w, T2w, FLAIR, got 'T3w'"),
        ({"snr": 0}, "snr must be positive, got 0"),
        ({"snr": float("nan")}, "snr must be positive, got nan"),
        ({"shape": (8, 8)}, r"shape must be a whole number .*got \(8, 8\)"),
        ({"spacing_mm": -1.0}, "spacing_mm must be a number above 0"),
        ({"bias_field": 0.3}, "bias_field must be 1 or more, got 0.3"),
    ],
)
def test_what_is_out_of_range_is_refused(keywords, said):
    with pytest.raises(ValueError, match=said):
        make_head_phantom(**{"shape": SMALL, **keywords})


def test_the_head_of_an_infant_is_smaller():
    grid = {"shape": (96, 28, 24), "spacing_mm": (2, 8, 8), "random_state": 4}
    adult, infant = (
        np.ptp(np.flatnonzero((volume.data > 50).any(axis=(1, 2))))
        for volume in (make_head_phantom(**grid, age_years=age) for age in (None, 0.5))
    )
    assert infant / adult == pytest.approx(0.76, abs=0.03)


def test_an_old_child_looks_like_an_adult():
    adult, child = (
        make_head_phantom(SMALL, age_years=age, random_state=1).data
        for age in (None, 90.0)
    )
    np.testing.assert_allclose(child, adult, atol=0.02)
