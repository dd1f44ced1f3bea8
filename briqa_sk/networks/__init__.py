"""3-D networks, each from (batch, in_channels, i, j, k) volumes to logits."""

from briqa_sk._validation import resolve
from briqa_sk.networks._base import NetworkConfig, check_network_shape
from briqa_sk.networks.backbones import BACKBONES
from briqa_sk.networks.compact import CompactNet
from briqa_sk.networks.densenet import DenseNet
from briqa_sk.networks.efficientnet import EfficientNet
from briqa_sk.networks.frequency import FrequencyFusion
from briqa_sk.networks.head import find_head, record_features
from briqa_sk.networks.mednext import MedNeXt
from briqa_sk.networks.resnet import ResNet
from briqa_sk.networks.slices import POOLINGS, SliceNet
from briqa_sk.networks.vit import ViT

__all__ = [
    "NETWORKS",
    "CompactNet",
    "DenseNet",
    "EfficientNet",
    "FrequencyFusion",
    "MedNeXt",
    "NetworkConfig",
    "ResNet",
    "SliceNet",
    "ViT",
    "check_network_shape",
    "find_head",
    "network_names",
    "record_features",
    "resolve_network",
]

#: Name -> configuration.
NETWORKS = {
    **BACKBONES,
    "fusion": FrequencyFusion(),
    **{f"slices_{pooling}": SliceNet(pooling=pooling) for pooling in POOLINGS},
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
