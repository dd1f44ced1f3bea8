"""What every network promises, checked over all of them."""

import copy
import csv
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn
from torch.nn import functional as F

from briqa_sk import networks
from briqa_sk.networks import (
    NETWORKS,
    NetworkConfig,
    check_network_shape,
    find_head,
    network_names,
    record_features,
    resolve_network,
)
from briqa_sk.networks.head import build_encoder

GUIDE = Path(__file__).parents[2] / "docs" / "user_guide" / "networks.tsv"
LARGE = {
    "densenet201",
    "densenet264",
    "efficientnet-b3",
    "efficientnet-b4",
    "mednext_l",
    "mednext_m",
    "resnet34",
    "resnet50",
    "resnet101",
}
NAMES = [
    pytest.param(name, marks=[pytest.mark.slow] if name in LARGE else [])
    for name in NETWORKS
]
#: The first name of every kind; the others repeat the same blocks more often.
ONE_OF_EACH = [
    *{type(config): name for name, config in [*NETWORKS.items()][::-1]}.values()
]
every_network = pytest.mark.parametrize("name", NAMES)


def draw(shape, n_samples=2, n_channels=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_samples, n_channels, *shape, generator=generator)


@pytest.fixture(scope="module", params=NAMES)
def built(request):
    """A configuration, its network of three outputs, and volumes of minimal size."""
    config = resolve_network(request.param, caller="test")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = config(in_channels=1, n_outputs=3)
    return config, net, draw(config.min_shape)


def configurations(kind=NetworkConfig):
    """Every configuration class that somebody can build a network from."""
    below = {c for child in kind.__subclasses__() for c in configurations(child)}
    is_base = kind.__module__ == "briqa_sk.networks._base"
    return below if is_base else below | {kind}


def test_every_configuration_is_public_and_has_a_name():
    kinds = {k for k in configurations() if k.__module__.startswith("briqa_sk.")}
    assert {type(config) for config in NETWORKS.values()} == kinds
    assert {kind.__name__ for kind in kinds} <= set(networks.__all__)


def test_every_name_is_tested_and_stands_in_the_guide():
    with GUIDE.open(newline="") as file:
        rows = [*csv.reader(file, delimiter="\t")]
    assert [row[0] for row in rows[1:]] == [*NETWORKS]
    assert [param.values[0] for param in NAMES] == [*NETWORKS]


def test_the_guide_knows_the_number_of_parameters(request, built):
    _, net, _ = built
    name = request.node.callspec.params["built"]
    with GUIDE.open(newline="") as file:
        row = next(
            r for r in csv.DictReader(file, delimiter="\t") if name in r.values()
        )
    count = sum(parameter.numel() for parameter in net.parameters())
    assert row["parameters / 10^6"] == f"{count / 1e6:.2f}"


def test_the_names_are_listed_sorted():
    assert network_names() == sorted(NETWORKS)


@every_network
def test_any_number_of_channels_and_outputs(name):
    config = NETWORKS[name]
    for n_channels, n_outputs in [(1, 1), (2, 2), (1, 5)]:
        with torch.device("meta"):  # shapes only, nothing is computed
            net = config(n_channels, n_outputs).eval()
            logits = net(torch.empty(2, n_channels, *config.min_shape))
        assert logits.shape == (2, n_outputs)


@every_network
def test_an_encoder_is_the_network_without_its_head(name):
    config = NETWORKS[name]
    with torch.device("meta"):
        encoder, n_features = build_encoder(config, in_channels=2)
        features = encoder.eval()(torch.empty(2, 2, *config.min_shape))
    assert features.shape == (2, n_features)


def test_evaluation_repeats_itself_whatever_shares_the_batch(built):
    _, net, volumes = built
    net = net.eval()
    with torch.no_grad():
        logits = net(volumes)
        assert torch.equal(net(volumes), logits)
        torch.testing.assert_close(net(volumes[:1]), logits[:1], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_an_exported_network_gives_the_same_logits(name):
    config = NETWORKS[name]
    volumes = draw(config.min_shape)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        net = config(in_channels=1, n_outputs=3).eval()
        exported = torch.export.export(net, (volumes,)).module()
        torch.testing.assert_close(exported(volumes), net(volumes))


def test_a_gradient_reaches_every_parameter(built):
    _, net, volumes = built
    net = copy.deepcopy(net).train()
    F.cross_entropy(net(volumes), torch.tensor([0, 1])).backward()
    unreached = [
        name
        for name, parameter in net.named_parameters()
        if parameter.grad is None or not torch.isfinite(parameter.grad).all()
    ]
    assert unreached == []


def test_the_logits_are_the_head_of_the_recorded_features(built):
    _, net, volumes = built
    head = find_head(net.eval(), n_outputs=3)
    assert type(head) is nn.Linear
    with torch.no_grad(), record_features(head) as record:
        logits = net(volumes)
    torch.testing.assert_close(head(record.features), logits)


def test_a_last_batch_of_one_trains_on_the_smallest_volume(built):
    _, net, volumes = built
    net = copy.deepcopy(net).train()
    before = find_head(net, 3).bias.detach().clone()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    F.cross_entropy(net(volumes[:1]), torch.tensor([2])).backward()
    optimizer.step()
    assert not torch.equal(find_head(net, 3).bias, before)


def test_the_statistics_of_an_efficientnet_catch_up_within_80_batches():
    config = networks.EfficientNet("b2")
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        net, volumes = config(in_channels=1, n_outputs=3), draw((8, 8, 8), n_samples=4)
        for _ in range(80):
            net.train()(volumes)
        logits = net.eval()(volumes)
    assert (logits.std(dim=0) > 0.01).all()


def test_a_smaller_volume_is_refused_with_the_minimum(built):
    config, _, _ = built
    check_network_shape(config, config.min_shape, caller="test")
    for axis in range(3):
        shape = np.array(config.min_shape)
        shape[axis] -= 1
        said = f"at least {config.min_shape} voxels, got {tuple(shape.tolist())}"
        with pytest.raises(ValueError, match=re.escape(said)):
            check_network_shape(config, shape, caller="test")


def test_networks_survive_pickle_and_state_dict(built):
    config, net, volumes = built
    net = net.eval()
    pickled = pickle.loads(pickle.dumps(net))
    with torch.device("meta"):
        loaded = config(in_channels=1, n_outputs=3).eval()
    loaded.load_state_dict(net.state_dict(), assign=True)
    with torch.no_grad():
        expected = net(volumes)
        assert torch.equal(pickled(volumes), expected)
        assert torch.equal(loaded(volumes), expected)


@every_network
def test_a_configuration_survives_clone(name):
    assert clone(NETWORKS[name]).get_params() == NETWORKS[name].get_params()


@pytest.mark.parametrize(
    "name", ["densenet121", "mednext_s", *(f"efficientnet-b{n}" for n in range(5))]
)
def test_the_minimum_is_no_larger_than_needed(name):
    config = NETWORKS[name]
    net = config(in_channels=1, n_outputs=2).train()
    shape = tuple(size - 1 for size in config.min_shape)
    with pytest.raises((RuntimeError, ValueError)):
        net(draw(shape, n_samples=1))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (networks.CompactNet(n_filters=1), "n_filters must be at least 2, got 1"),
        (networks.DenseNet(layers=7), "layers must be one of 121, 169, 201, 264, got"),
        (networks.EfficientNet(variant="b9"), "variant must be one of 'b0', 'b1'"),
        (
            networks.FrequencyFusion(fusion="sum"),
            "must be one of 'concat', 'attention'",
        ),
        (networks.FrequencyFusion(spectral="fft"), "spectral must be one of compact,"),
        (networks.MedNeXt(variant="xl"), "variant must be one of 's', 'b', 'm', 'l'"),
        (networks.ResNet(layers=20), "layers must be one of 10, 18, 34, 50, 101, got"),
        (networks.SliceNet(axis=3), "axis must be one of 0, 1, 2, got 3"),
        (networks.SliceNet(encoder="vit"), "encoder must be one of compact, .* 'vit'"),
        (networks.SliceNet(n_slices=0), "n_slices must be a whole number above 0"),
        (networks.SliceNet(pooling="sum"), "pooling must be one of 'mean', 'max', 'a"),
        (networks.ViT(hidden_size=64), "multiple of 6 .* num_heads=6, got 64"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_parameters_that_cannot_work_are_refused(config, said):
    with pytest.raises(ValueError, match=said):
        config(in_channels=1, n_outputs=3)


def test_a_function_may_take_any_volume():
    def any_net(in_channels, n_outputs):
        return nn.Linear(in_channels, n_outputs)

    assert resolve_network(any_net, caller="test") is any_net
    assert check_network_shape(any_net, (1, 1, 1), caller="test") is None


def test_an_unknown_name_is_answered_with_the_names():
    with pytest.raises(ValueError, match=r"one of compact, densenet121, .* got 'vgg'"):
        resolve_network("vgg", caller="test")
