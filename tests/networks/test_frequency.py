import numpy as np
import pytest
import torch
from sklearn.base import clone

from briqa_sk.networks import CompactNet, FrequencyFusion, ResNet, SliceNet, find_head
from briqa_sk.networks.frequency import spectrum

SMALL = CompactNet(n_filters=2)
SHAPE = (8, 9, 6)


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def make(**parameters):
    config = FrequencyFusion(**{"spatial": SMALL, "spectral": SMALL, **parameters})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return config(in_channels=1, n_outputs=3)


def test_the_spectrum_is_that_of_the_formula():
    volumes = draw(2, 3, *SHAPE)
    got = spectrum(volumes)
    for index in np.ndindex(2, 3):
        volume = volumes[index].double().numpy()
        magnitude = np.abs(np.fft.fftshift(np.fft.fftn(volume)))
        level = np.log(magnitude / magnitude.mean() + 1e-6)
        expected = (level - level.mean()) / level.std()
        np.testing.assert_allclose(got[index], expected, atol=1e-3)


def test_a_wave_is_a_pair_of_peaks_around_the_centre():
    wave = torch.cos(2 * torch.pi * 3 * torch.arange(16) / 16)  # 3 periods along i
    volume = wave[:, None, None].expand(16, 16, 16)[None, None]
    got = spectrum(volume)[0, 0]
    assert (got > got.max() - 0.1).nonzero().tolist() == [[5, 8, 8], [11, 8, 8]]


def test_the_magnitude_knows_neither_scale_nor_place():
    volume = draw(1, 1, *SHAPE)
    moved = 7 * volume.roll((1, 2, 3), dims=(2, 3, 4))
    torch.testing.assert_close(spectrum(moved), spectrum(volume), atol=1e-3, rtol=0)


def test_the_phase_of_a_moved_point_is_a_ramp():
    point = torch.zeros(1, 1, 8, 1, 1)
    point[0, 0, 1] = 1.0
    phase = spectrum(point, phase=True)[0, 1].flatten()
    expected = -torch.arange(-4, 4) / 4  # -2 pi f / 8, in units of pi
    torch.testing.assert_close(phase, expected.float(), atol=1e-6, rtol=0)


def test_half_precision_is_transformed_in_float32():
    volume = (100 * draw(1, 1, 32, 32, 32)).to(torch.bfloat16)
    got = spectrum(volume)
    assert got.dtype == torch.bfloat16
    torch.testing.assert_close(got, spectrum(volume.float()).to(torch.bfloat16))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = spectrum(volume.float())
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed, spectrum(volume.float()))


@pytest.mark.parametrize("fusion", ["concat", "attention"])
def test_training_in_mixed_precision_gives_finite_gradients(fusion):
    net = make(fusion=fusion, phase=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = net(draw(2, 1, *SHAPE)).float().square().sum()
    loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters())


@pytest.mark.parametrize("phase", [False, True])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_an_empty_or_constant_volume_is_no_trouble(value, phase):
    volume = torch.full((1, 1, *SHAPE), value, requires_grad=True)
    logits = make(phase=phase)(volume)
    logits.sum().backward()
    assert torch.isfinite(logits).all()
    assert torch.isfinite(volume.grad).all()


def test_a_gradient_reaches_the_volume_through_the_spectrum_alone():
    net, volume = make(), draw(1, 1, *SHAPE).requires_grad_()
    with torch.no_grad():
        net.head.weight[:, : 2 * 16] = 0  # what comes from the spatial encoder
    net(volume).square().sum().backward()
    assert volume.grad.abs().max() > 0


def test_both_encoders_meet_before_one_head():
    net = make()
    a, b = SMALL(1, 1).head.in_features, ResNet(10, width=0.25)(1, 1).fc.in_features
    wider = FrequencyFusion(SMALL, ResNet(10, width=0.25))(1, 3)
    assert find_head(net, 3) is net.head
    assert (net.head.in_features, wider.head.in_features) == (2 * a, a + b)


def test_the_spectral_encoder_gets_a_channel_for_the_phase():
    first = [make(phase=phase).spectral.encoder[0][0] for phase in (False, True)]
    assert [conv.in_channels for conv in first] == [1, 2]


def test_attention_starts_as_concatenation():
    plain, gated = make(), make(fusion="attention")
    gated.load_state_dict(plain.state_dict(), strict=False)
    volumes = draw(2, 1, *SHAPE)
    torch.testing.assert_close(gated(volumes), plain(volumes))


def test_an_open_gate_shuts_the_spectrum_out():
    net = make(fusion="attention")
    with torch.no_grad():
        net.gate.linear.bias.fill_(100)
        features = net.spatial(draw(2, 1, *SHAPE))
        only_spatial = torch.cat([2 * features, torch.zeros_like(features)], dim=1)
        torch.testing.assert_close(net(draw(2, 1, *SHAPE)), net.head(only_spatial))


def test_the_smallest_volume_suits_both_encoders():
    assert FrequencyFusion("vit", "densenet121").min_shape == (29, 29, 29)
    assert FrequencyFusion("vit", SliceNet("mednext_s")).min_shape == (17, 17, 16)
    assert FrequencyFusion(torch.nn.Linear, "compact").min_shape == (1, 1, 1)


def test_parameters_of_the_encoders_nest():
    config = FrequencyFusion(spatial=ResNet(10), spectral=CompactNet())
    config.set_params(spatial__width=0.25, spectral__n_filters=4)
    assert clone(config)(1, 3).head.in_features == 512 // 4 + (4 + 8 + 16 + 32) + 32
