"""Names of the networks."""

from briqa_sk._validation import resolve
from briqa_sk.networks.compact import CompactNet
from briqa_sk.networks.densenet import BLOCKS as DENSENETS
from briqa_sk.networks.densenet import DenseNet
from briqa_sk.networks.efficientnet import VARIANTS as EFFICIENTNETS
from briqa_sk.networks.efficientnet import EfficientNet
from briqa_sk.networks.mednext import VARIANTS as MEDNEXTS
from briqa_sk.networks.mednext import MedNeXt
from briqa_sk.networks.resnet import BLOCKS as RESNETS
from briqa_sk.networks.resnet import ResNet
from briqa_sk.networks.vit import ViT

#: Name -> configuration.
NETWORKS = {
    "compact": CompactNet(),
    **{f"densenet{layers}": DenseNet(layers) for layers in DENSENETS},
    **{f"efficientnet-{variant}": EfficientNet(variant) for variant in EFFICIENTNETS},
    **{f"mednext_{variant}": MedNeXt(variant) for variant in MEDNEXTS},
    **{f"resnet{layers}": ResNet(layers) for layers in RESNETS},
    "vit": ViT(),
}


def network_names():
    """Return the names that ``module`` accepts, sorted."""
    return sorted(NETWORKS)


def resolve_network(value, *, caller):
    """Return the configuration that a name or an object stands for.

    Parameters
    ----------
    value : str, NetworkConfig or callable
        A name of :func:`network_names`, or ``(in_channels, n_outputs) -> nn.Module``.
    caller : str
        Opens the error message.

    Returns
    -------
    config : callable
        Builds the network when called.

    Raises
    ------
    ValueError
        If the name is unknown.
    TypeError
        If ``value`` is neither a name nor callable.
    """
    return resolve(value, NETWORKS, caller=caller, parameter="module")
