import numpy as np
import pytest

from briqa_sk import ClipIntensity, RescaleIntensity, StandardizeIntensity

RAMP = np.arange(1000.0).reshape(1, 10, 10, 10)


def test_clip_intensity_clips_at_the_two_percentiles():
    Xt = ClipIntensity(lower=10, upper=90).fit_transform(RAMP)
    np.testing.assert_allclose(Xt, np.clip(RAMP, 99.9, 899.1), rtol=1e-6)


def test_standardize_gives_mean_0_and_deviation_1(volumes):
    Xt = StandardizeIntensity().fit_transform(1000 + 50 * volumes)
    np.testing.assert_allclose(Xt.mean(axis=(1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(Xt.std(axis=(1, 2, 3)), 1, rtol=1e-5)


def test_standardize_ignores_gain_and_offset(volumes):
    scale = StandardizeIntensity()
    np.testing.assert_allclose(
        scale.fit_transform(volumes), scale.fit_transform(7 * volumes - 3), atol=1e-5
    )


def test_standardize_makes_zeros_of_a_constant_volume():
    assert not StandardizeIntensity().fit_transform(np.full((1, 2, 2, 2), 9.1)).any()


def test_standardize_on_the_foreground_does_not_see_the_air():
    X = np.zeros((1, 4, 4, 8))
    X[..., :2] = np.random.default_rng(0).normal(100, 5, size=(1, 4, 4, 2))
    Xt = StandardizeIntensity(foreground_only=True).fit_transform(X)
    assert Xt[..., :2].mean() == pytest.approx(0, abs=1e-5)
    assert Xt[..., :2].std() == pytest.approx(1, rel=1e-5)
    air = (0 - X[..., :2].mean()) / X[..., :2].std()
    np.testing.assert_allclose(Xt[..., 2:], air, rtol=1e-4)


def test_standardize_keeps_its_precision_far_from_zero():
    X = 1e6 + np.tile([0.0, 1.0], 32).reshape(1, 4, 4, 4)
    Xt = StandardizeIntensity().fit_transform(X)
    np.testing.assert_allclose(np.abs(Xt), 1, rtol=0.1)


def test_rescale_maps_the_extremes_to_the_range():
    Xt = RescaleIntensity(out_min=-1, out_max=1).fit_transform(RAMP)
    np.testing.assert_allclose(Xt, RAMP / 999 * 2 - 1, atol=1e-6)


def test_rescale_clips_beyond_the_percentiles():
    Xt = RescaleIntensity(lower=10, upper=90).fit_transform(RAMP)
    truth = np.clip((RAMP - 99.9) / (899.1 - 99.9), 0, 1)
    np.testing.assert_allclose(Xt, truth, atol=1e-6)


def test_rescale_gives_out_min_to_a_constant_volume():
    Xt = RescaleIntensity(out_min=3, out_max=4).fit_transform(np.ones((1, 2, 2, 2)))
    np.testing.assert_array_equal(Xt, 3)


@pytest.mark.parametrize("Transformer", [ClipIntensity, RescaleIntensity])
@pytest.mark.parametrize(
    "percentiles", [(90, 10), (-1, 50), (5, 101), (50, 50), (np.nan, 99)]
)
def test_percentiles_out_of_order_are_refused(volumes, Transformer, percentiles):
    lower, upper = percentiles
    with pytest.raises(ValueError, match="lower"):
        Transformer(lower=lower, upper=upper).fit(volumes)


def test_a_percentile_must_be_a_number(volumes):
    with pytest.raises(TypeError, match="ClipIntensity: upper must be a number"):
        ClipIntensity(upper="99").fit(volumes)


def test_an_empty_range_is_refused(volumes):
    with pytest.raises(ValueError, match="got out_min=1, out_max=1"):
        RescaleIntensity(out_min=1, out_max=1).fit(volumes)


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e-40, 1e30])
def test_rescale_never_leaves_its_range(volumes, scale):
    rescale = RescaleIntensity(out_min=-0.7, out_max=123.3)
    Xt = rescale.fit_transform(volumes * np.float32(scale))
    assert Xt.min() == np.float32(-0.7)
    assert Xt.max() <= np.float32(123.3)


@pytest.mark.parametrize("step", [RescaleIntensity(), StandardizeIntensity()])
def test_a_range_too_small_for_float32_counts_as_constant(volumes, step):
    Xt = step.fit_transform(volumes * np.float32(1e-40))
    np.testing.assert_allclose(Xt, 0, atol=1e-30)
