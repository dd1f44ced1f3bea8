"""A network small enough for a laptop, for volumes of any size."""

from itertools import pairwise

import torch
from torch import nn

from briqa_sk.networks._base import ConvNetConfig

CONV = {2: nn.Conv2d, 3: nn.Conv3d}


class CompactNet(ConvNetConfig):
    """Four strided convolutions, the mean after each, one linear layer.

    The head sees what is fine and what is coarse: noise is a matter of neighbouring
    voxels, a shifted head is not. From the last convolution it also sees the maximum,
    for what is somewhere and not everywhere, as a zipper line. Small enough to train
    from scratch on a CPU, and without dropout or batch statistics: a scan is graded the
    same whatever shares its batch, and weighting a scan by two equals showing it twice.
    Strided convolutions round up, so every axis may be as short as one voxel.

    Parameters
    ----------
    n_filters : int, default=8
        Channels of the first convolution, at least 2; each next one has twice as many.

    Examples
    --------
    >>> import torch
    >>> from briqa_sk.networks import CompactNet
    >>> net = CompactNet(n_filters=4)(in_channels=1, n_outputs=3)
    >>> net(torch.zeros(2, 1, 48, 40, 1)).shape
    torch.Size([2, 3])
    """

    def __init__(self, n_filters=8):
        self.n_filters = n_filters

    @property
    def min_shape(self):
        """Smallest volume (i, j, k): one voxel."""
        return (1, 1, 1)

    def build(self, spatial_dims, in_channels, n_outputs):
        """Build the network; see :class:`ConvNetConfig`."""
        # Normalising one channel of one voxel would leave nothing but zero.
        if self.n_filters < 2:
            raise ValueError(
                f"CompactNet: n_filters must be at least 2, got {self.n_filters}."
            )
        return CompactModule(spatial_dims, in_channels, n_outputs, self.n_filters)


class CompactModule(nn.Module):
    """The network that :class:`CompactNet` builds.

    Parameters
    ----------
    spatial_dims : {2, 3}
        For images or for volumes.
    in_channels : int
        Channels of a volume.
    n_outputs : int
        Number of logits.
    n_filters : int
        Channels of the first convolution.
    """

    def __init__(self, spatial_dims, in_channels, n_outputs, n_filters):
        super().__init__()
        widths = [in_channels, *(n_filters * 2**stage for stage in range(4))]
        self.encoder = nn.ModuleList(
            _stage(CONV[spatial_dims], *ends) for ends in pairwise(widths)
        )
        self.head = nn.Linear(sum(widths[1:]) + widths[-1], n_outputs)

    def forward(self, x):
        """Return (batch, n_outputs) logits of (batch, in_channels, i, j, k) volumes."""
        features = []
        for stage in self.encoder:
            x = stage(x)  # (batch, n_filters * 2 ** stage, i / 2, j / 2, k / 2)
            features.append(x.flatten(start_dim=2).mean(dim=2))
        # Not the maxima of the first stages: by them, a few scans are known by heart.
        features.append(x.flatten(start_dim=2).amax(dim=2))
        return self.head(torch.cat(features, dim=1))


def _stage(conv, n_in, n_out):
    return nn.Sequential(
        conv(n_in, n_out, kernel_size=3, stride=2, padding=1),
        # One group: the pattern over the channels survives even for a single voxel.
        nn.GroupNorm(1, n_out),
        nn.ReLU(inplace=True),
    )
