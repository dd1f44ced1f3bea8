"""Densely connected networks."""

from briqa_sk.networks._base import ConvNetConfig
from briqa_sk.networks._monai import build_monai

BLOCKS = {
    121: (6, 12, 24, 16),
    169: (6, 12, 32, 32),
    201: (6, 12, 48, 32),
    264: (6, 12, 64, 48),
}


class DenseNet(ConvNetConfig):
    """MONAI's 3-D DenseNet [1]_.

    Parameters
    ----------
    layers : {121, 169, 201, 264}, default=121
        Depth.
    growth_rate : int, default=32
        Channels that each layer adds.
    init_features : int, default=64
        Channels of the first convolution.
    dropout : float, default=0.0
        Part of each layer's output that is dropped in training, in [0, 1].

    References
    ----------
    .. [1] Huang, Liu, van der Maaten, Weinberger. "Densely connected convolutional
       networks", CVPR 2017.

    Examples
    --------
    >>> from briqa_sk.networks import DenseNet, find_head
    >>> net = DenseNet(growth_rate=4, init_features=8)(in_channels=1, n_outputs=3)
    >>> find_head(net, n_outputs=3)
    Linear(in_features=128, out_features=3, bias=True)
    """

    def __init__(self, layers=121, growth_rate=32, init_features=64, dropout=0.0):
        self.layers = layers
        self.growth_rate = growth_rate
        self.init_features = init_features
        self.dropout = dropout

    @property
    def min_shape(self):
        """Smallest volume (i, j, k): 29 is halved five times before nothing is left."""
        return (29, 29, 29)

    def build(self, spatial_dims, in_channels, n_outputs):
        """Build the network; see :class:`ConvNetConfig`."""
        self._check_choice("layers", BLOCKS)
        return build_monai(
            "DenseNet",
            spatial_dims,
            in_channels=in_channels,
            out_channels=n_outputs,
            init_features=self.init_features,
            growth_rate=self.growth_rate,
            block_config=BLOCKS[self.layers],
            dropout_prob=self.dropout,
        )
