import math

import pytest
import torch

from briqa_sk.networks import ViT
from briqa_sk.networks.vit import embed_positions

SMALL = ViT(patch_size=4, hidden_size=12, mlp_dim=16, num_layers=2, num_heads=2)


def test_positions_are_sines_and_cosines_of_three_coordinates():
    embedding = embed_positions((2, 3, 4), n_features=12)
    i, j, k = 1, 2, 3  # the last of 24 patches
    expected = [
        wave(position * frequency)
        for position in (i, j, k)
        for wave in (math.sin, math.cos)
        for frequency in (1.0, 0.01)
    ]
    torch.testing.assert_close(embedding[-1], torch.tensor(expected))


@pytest.mark.parametrize("shape", [(8, 8, 8), (4, 5, 9), (4, 4, 4)])
def test_volumes_are_padded_to_whole_patches(shape):
    net = SMALL(in_channels=1, n_outputs=3).eval()
    volumes = torch.randn(2, 1, *shape, generator=torch.Generator().manual_seed(0))
    whole = torch.zeros(2, 1, *(-(-size // 4) * 4 for size in shape))
    whole[:, :, : shape[0], : shape[1], : shape[2]] = volumes
    torch.testing.assert_close(net(volumes), net(whole))


def test_the_place_of_a_patch_matters():
    net = SMALL(in_channels=1, n_outputs=3).eval()
    volumes = torch.randn(1, 1, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    swapped = torch.cat([volumes[:, :, 4:], volumes[:, :, :4]], dim=2)
    assert not torch.allclose(net(volumes), net(swapped))


def test_the_smallest_volume_is_one_patch():
    assert SMALL.min_shape == (4, 4, 4)
