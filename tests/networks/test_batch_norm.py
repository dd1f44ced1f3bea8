import pytest
import torch
from torch import nn

from briqa_sk.networks._batch_norm import BatchNorm2d, BatchNorm3d, replace_batch_norms


def make_pair():
    """Torch's layer and ours, with the same weights and statistics."""
    generator = torch.Generator().manual_seed(0)
    peer, ours = nn.BatchNorm3d(4), BatchNorm3d(4)
    for values in (peer.weight, peer.bias, peer.running_mean):
        values.data.normal_(generator=generator)
    ours.load_state_dict(peer.state_dict())
    return peer, ours


def test_several_values_per_channel_are_torchs_batch_norm():
    peer, ours = make_pair()
    x = torch.randn(2, 4, 1, 1, 1, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(ours(x), peer(x))
    torch.testing.assert_close(ours.running_var, peer.running_var)


def test_one_value_per_channel_goes_by_the_running_statistics():
    peer, ours = make_pair()
    x = torch.randn(1, 4, 1, 1, 1, generator=torch.Generator().manual_seed(1))
    before = ours.running_mean.clone()
    torch.testing.assert_close(ours.train()(x), peer.eval()(x))
    assert torch.equal(ours.running_mean, before)
    assert ours.num_batches_tracked == 0


@pytest.mark.parametrize(
    ("kind", "ours"), [(nn.BatchNorm2d, BatchNorm2d), (nn.BatchNorm3d, BatchNorm3d)]
)
def test_every_batch_norm_of_a_network_is_exchanged_with_its_settings(kind, ours):
    net = nn.Sequential(nn.Sequential(kind(2, eps=0.1, momentum=0.3)))
    net[0][0].bias.data.fill_(5)
    replace_batch_norms(net)
    norm = net[0][0]
    assert type(norm) is ours
    assert (norm.eps, norm.momentum, norm.bias.tolist()) == (0.1, 0.3, [5.0, 5.0])
