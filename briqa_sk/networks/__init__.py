"""3-D networks, each from (batch, in_channels, i, j, k) volumes to logits."""

from briqa_sk.networks._base import NetworkConfig, check_network_shape
from briqa_sk.networks.compact import CompactNet
from briqa_sk.networks.densenet import DenseNet
from briqa_sk.networks.efficientnet import EfficientNet
from briqa_sk.networks.frequency import FrequencyFusion
from briqa_sk.networks.head import find_head, record_features
from briqa_sk.networks.mednext import MedNeXt
from briqa_sk.networks.registry import NETWORKS, network_names, resolve_network
from briqa_sk.networks.resnet import ResNet
from briqa_sk.networks.slices import SliceNet
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
