"""Residual networks."""

from briqa_sk.networks._base import ConvNetConfig
from briqa_sk.networks._monai import build_monai

BLOCKS = {
    10: ("basic", (1, 1, 1, 1)),
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
}


class ResNet(ConvNetConfig):
    """MONAI's 3-D ResNet [1]_, with the strides of MedicalNet.

    Parameters
    ----------
    layers : {10, 18, 34, 50, 101}, default=18
        Depth.
    width : float, default=1.0
        Factor on the number of channels, which starts at 64.

    References
    ----------
    .. [1] He, Zhang, Ren, Sun. "Deep residual learning for image recognition",
       CVPR 2016.

    Examples
    --------
    >>> from briqa_sk.networks import ResNet, find_head
    >>> net = ResNet(layers=10, width=0.25)(in_channels=1, n_outputs=3)
    >>> find_head(net, n_outputs=3)
    Linear(in_features=128, out_features=3, bias=True)
    """

    def __init__(self, layers=18, width=1.0):
        self.layers = layers
        self.width = width

    @property
    def min_shape(self):
        """Smallest volume (i, j, k): one voxel, because every stride is padded."""
        return (1, 1, 1)

    def build(self, spatial_dims, in_channels, n_outputs):
        """Build the network; see :class:`ConvNetConfig`."""
        self._check_choice("layers", BLOCKS)
        block, n_blocks = BLOCKS[self.layers]
        return build_monai(
            "ResNet",
            spatial_dims,
            block=block,
            layers=n_blocks,
            block_inplanes=(64, 128, 256, 512),
            n_input_channels=in_channels,
            num_classes=n_outputs,
            conv1_t_stride=2,
            # "A" would cut the gradient of the shortcut, and a bias before a batch norm
            # does nothing.
            shortcut_type="B",
            bias_downsample=False,
            widen_factor=self.width,
        )
