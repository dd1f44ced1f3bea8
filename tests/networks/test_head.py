import pickle

import pytest
import torch
from torch import nn

from briqa_sk.networks import find_head, record_features
from briqa_sk.networks.head import build_encoder


def test_the_head_is_the_last_linear_layer_of_this_size():
    net = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 3), nn.Linear(3, 5))
    assert find_head(net, n_outputs=3) is net[1]


def test_a_network_without_head_is_refused():
    with pytest.raises(ValueError, match="with 3 outputs, got Sequential, which has"):
        find_head(nn.Sequential(nn.Linear(4, 2)), n_outputs=3)


def test_a_head_without_bias_is_refused():
    with pytest.raises(ValueError, match=r"must have a bias, got Linear.* bias=True"):
        find_head(nn.Sequential(nn.Linear(4, 3, bias=False)), n_outputs=3)


def test_an_encoder_returns_what_enters_the_head():
    def build(in_channels, n_outputs):
        return nn.Sequential(nn.Linear(in_channels, 4), nn.Linear(4, n_outputs))

    encoder, n_features = build_encoder(build, in_channels=2)
    x = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(encoder(x), encoder[0](x))
    assert n_features == 4


def test_a_network_that_is_nothing_but_its_head_encodes_by_the_identity():
    encoder, n_features = build_encoder(nn.Linear, in_channels=2)
    assert (type(encoder), n_features) == (nn.Identity, 2)


def test_every_pass_renews_the_features():
    net = nn.Sequential(nn.ReLU(), nn.Linear(2, 3))
    with record_features(net[1]) as record:
        assert record.features is None
        for value in (1.0, 2.0):
            net(torch.full((1, 2), value))
            assert record.features.tolist() == [[value, value]]


def test_the_hook_goes_with_the_block_even_after_an_error():
    net = nn.Sequential(nn.ReLU(), nn.Linear(2, 3))
    with pytest.raises(KeyError), record_features(net[1]):
        raise KeyError
    assert not net[1]._forward_pre_hooks
    assert pickle.dumps(net)
