"""EfficientNets."""

from briqa_sk.networks._base import ConvNetConfig
from briqa_sk.networks._monai import build_monai

#: Variant -> smallest axis of a volume. MONAI pads for the image size that the variant
#: was made for, which is why the minimum goes up and down.
VARIANTS = {"b0": 32, "b1": 16, "b2": 4, "b3": 12, "b4": 28}


class EfficientNet(ConvNetConfig):
    """MONAI's 3-D EfficientNet [1]_.

    It drops features and whole blocks at random in training, by the rates of the
    variant. The running statistics of its normalisation follow with torch's momentum of
    0.1 instead of MONAI's 0.01: until they have caught up, all scans get the same
    prediction, and that takes some 60 training steps instead of 600.

    Parameters
    ----------
    variant : {"b0", "b1", "b2", "b3", "b4"}, default="b0"
        Size.

    References
    ----------
    .. [1] Tan, Le. "EfficientNet: rethinking model scaling for convolutional neural
       networks", ICML 2019.

    Examples
    --------
    >>> from briqa_sk.networks import EfficientNet, find_head
    >>> find_head(EfficientNet("b0")(in_channels=1, n_outputs=3), n_outputs=3)
    Linear(in_features=1280, out_features=3, bias=True)
    """

    def __init__(self, variant="b0"):
        self.variant = variant

    @property
    def min_shape(self):
        """Smallest volume (i, j, k)."""
        self._check_choice("variant", VARIANTS)
        return (VARIANTS[self.variant],) * 3

    def build(self, spatial_dims, in_channels, n_outputs):
        """Build the network; see :class:`ConvNetConfig`."""
        self._check_choice("variant", VARIANTS)
        return build_monai(
            "EfficientNetBN",
            spatial_dims,
            model_name=f"efficientnet-{self.variant}",
            pretrained=False,
            in_channels=in_channels,
            num_classes=n_outputs,
            norm=("batch", {"eps": 1e-3, "momentum": 0.1}),
        )
