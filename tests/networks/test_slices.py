import numpy as np
import pytest
import torch
from torch import nn

from briqa_sk.networks import CompactNet, SliceNet, ViT
from briqa_sk.networks.slices import ENCODERS, MAX_IMAGES, GatedAttention, centres

SMALL = CompactNet(n_filters=2)
#: One name of every kind and smallest size; the others repeat the same blocks.
DISTINCT = {(type(c), c.min_shape): name for name, c in reversed(ENCODERS.items())}
POOLINGS = pytest.mark.parametrize("pooling", ["mean", "max", "attention"])


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def make(encoder=SMALL, **parameters):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SliceNet(encoder, **parameters)(in_channels=1, n_outputs=3)


def features_of(net, volume):
    """Features of the slices of one (i, j, k) volume, one by one."""
    slices = [volume[None, None, :, :, k] for k in range(volume.shape[2])]
    return torch.cat([net.encoder(image) for image in slices])


@pytest.mark.parametrize(("pooling", "reduce"), [("mean", np.mean), ("max", np.max)])
@torch.no_grad()
def test_the_features_of_the_slices_are_pooled_over_each_scan(pooling, reduce):
    net, volumes = make(pooling=pooling), draw(2, 1, 9, 8, 5)
    pooled = [reduce(features_of(net, v).numpy(), axis=0) for v in volumes[:, 0]]
    expected = net.head(torch.tensor(np.array(pooled)))
    torch.testing.assert_close(net(volumes), expected)


@torch.no_grad()
def test_gated_attention_is_equation_9_of_its_paper():
    pool, H = GatedAttention(6), draw(4, 2, 6)  # 4 slices of 2 scans
    V, U, w = (layer.weight.double().numpy() for layer in (pool.V, pool.U, pool.w))
    for scan, got in enumerate(pool(H)):
        h = H[:, scan].double().numpy()
        score = (np.tanh(h @ V.T) / (1 + np.exp(-h @ U.T))) @ w[0]
        weight = np.exp(score) / np.exp(score).sum()
        np.testing.assert_allclose(got, weight @ h, rtol=1e-4, atol=1e-6)


@POOLINGS
@torch.no_grad()
def test_the_order_of_the_slices_does_not_matter(pooling):
    net, volumes = make(pooling=pooling), draw(2, 1, 8, 8, 6)
    torch.testing.assert_close(net(volumes.flip(4)), net(volumes))


@pytest.mark.parametrize("axis", [0, 1])
@torch.no_grad()
def test_slices_are_cut_across_the_axis(axis):
    volumes = draw(2, 1, 7, 8, 9)
    expected = make(axis=2)(volumes.movedim(axis + 2, 4))
    torch.testing.assert_close(make(axis=axis)(volumes), expected)


def test_chosen_slices_are_the_centres_of_equal_parts():
    assert centres(9, 3) == [1, 4, 7]
    assert centres(64, 1) == [32]
    assert centres(5, 5) == [0, 1, 2, 3, 4]


@torch.no_grad()
def test_other_slices_are_not_looked_at():
    net, volumes = make(n_slices=3), draw(1, 1, 8, 8, 9)
    torch.testing.assert_close(net(volumes), make()(volumes[..., [1, 4, 7]]))


@torch.no_grad()
def test_a_volume_with_fewer_slices_is_taken_whole():
    volumes = draw(1, 1, 8, 8, 2)
    torch.testing.assert_close(make(n_slices=3)(volumes), make()(volumes))


@POOLINGS
def test_many_slices_give_what_few_at_a_time_give(pooling, monkeypatch):
    volumes, results = draw(3, 1, 4, 4, MAX_IMAGES), []
    for limit in (MAX_IMAGES, 10**6):
        monkeypatch.setattr("briqa_sk.networks.slices.MAX_IMAGES", limit)
        net = make(pooling=pooling)
        logits = net(volumes)
        logits.square().sum().backward()
        results.append([logits, *(p.grad for p in net.parameters())])
    for got, expected in zip(*results, strict=True):
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("n_parts", [1, 2, 5])
def test_one_step_moves_the_running_statistics_as_far_as_one_batch(n_parts):
    norm = nn.BatchNorm2d(1, momentum=0.1)
    net = SliceNet(lambda *_: nn.Sequential(norm, nn.Flatten(), nn.Linear(16, 1)))
    net = net(in_channels=1, n_outputs=2)
    image = draw(4, 4)
    net(image[..., None].expand(1, 1, 4, 4, n_parts * MAX_IMAGES)).sum().backward()
    part = image.expand(MAX_IMAGES, 4, 4)
    torch.testing.assert_close(norm.running_mean.squeeze(), 0.1 * part.mean())
    torch.testing.assert_close(norm.running_var.squeeze(), 0.9 + 0.1 * part.var())
    assert norm.momentum == 0.1


def kept_for_backward(net, volumes):
    """Number of values that a forward pass keeps."""
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: kept.append(tensor.numel()), lambda _: None
    ):
        net(volumes)
    return sum(kept)


def test_memory_hardly_grows_with_the_slices():
    net = make(CompactNet(n_filters=8))
    few = kept_for_backward(net, draw(1, 1, 32, 32, MAX_IMAGES))
    many = kept_for_backward(net, draw(1, 1, 32, 32, 4 * MAX_IMAGES))
    assert many < few


@pytest.mark.parametrize("name", DISTINCT.values())
def test_every_kind_of_convolutional_network_trains_on_one_slice_of_its_smallest_size(
    name,
):
    config = SliceNet(ENCODERS[name])
    with torch.device("meta"):
        net = config(in_channels=2, n_outputs=3).train()
        net(torch.empty(1, 2, *config.min_shape)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    assert config.min_shape[2] == 1


def test_any_function_that_makes_a_2d_network_will_do():
    def flat(in_channels, n_outputs):
        return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * 12, n_outputs))

    assert SliceNet(flat).min_shape == (1, 1, 1)
    assert make(flat)(draw(2, 1, 3, 4, 5)).shape == (2, 3)


def test_a_network_for_volumes_only_is_refused():
    with pytest.raises(TypeError, match=r"exists for images, got ViT\(\), .* compact,"):
        make(ViT())
