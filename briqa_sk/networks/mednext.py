"""MedNeXt."""

from torch import nn

from briqa_sk.networks._base import ConvNetConfig
from briqa_sk.networks._monai import build_monai

#: Variant -> expansion of the encoder stages, expansion of the bottleneck, blocks of
#: the encoder stages, blocks of the bottleneck (table 1 of the paper).
VARIANTS = {
    "s": ((2, 2, 2, 2), 2, (2, 2, 2, 2), 2),
    "b": ((2, 3, 4, 4), 4, (2, 2, 2, 2), 2),
    "m": ((2, 3, 4, 4), 4, (3, 4, 4, 4), 4),
    "l": ((3, 4, 8, 8), 8, (3, 4, 8, 8), 8),
}


class MedNeXt(ConvNetConfig):
    """The encoder of MONAI's MedNeXt [1]_, global average, one linear layer.

    Parameters
    ----------
    variant : {"s", "b", "m", "l"}, default="s"
        Size.
    init_filters : int, default=32
        Channels of the first stage; every next one has twice as many.
    kernel_size : int, default=3
        Of the depthwise convolutions; odd.

    References
    ----------
    .. [1] Roy et al. "MedNeXt: transformer-driven scaling of ConvNets for medical image
       segmentation", MICCAI 2023.

    Examples
    --------
    >>> from briqa_sk.networks import MedNeXt, find_head
    >>> net = MedNeXt(init_filters=4)(in_channels=1, n_outputs=3)
    >>> find_head(net, n_outputs=3)
    Linear(in_features=64, out_features=3, bias=True)
    """

    def __init__(self, variant="s", init_filters=32, kernel_size=3):
        self.variant = variant
        self.init_filters = init_filters
        self.kernel_size = kernel_size

    @property
    def min_shape(self):
        """Smallest volume (i, j, k): 17 leaves two voxels for the last normalisation.

        Every channel of every scan is normalised over its voxels, so a map of one voxel
        would carry no signal.
        """
        return (17, 17, 17)

    def build(self, spatial_dims, in_channels, n_outputs):
        """Build the network; see :class:`ConvNetConfig`."""
        self._check_choice("variant", VARIANTS)
        expansion, bottleneck_expansion, n_blocks, n_bottleneck = VARIANTS[self.variant]
        net = build_monai(
            "MedNeXt",
            spatial_dims,
            in_channels=in_channels,
            init_filters=self.init_filters,
            encoder_expansion_ratio=expansion,
            bottleneck_expansion_ratio=bottleneck_expansion,
            kernel_size=self.kernel_size,
            use_residual_connection=True,
            blocks_down=n_blocks,
            blocks_bottleneck=n_bottleneck,
            blocks_up=(),  # no decoder: what follows the bottleneck is out_0
        )
        n_features = self.init_filters * 2 ** len(n_blocks)
        mean = {2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}[spatial_dims](1)
        net.out_0 = nn.Sequential(mean, nn.Flatten(), nn.Linear(n_features, n_outputs))
        return net
