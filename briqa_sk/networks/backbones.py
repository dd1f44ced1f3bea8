"""Names of the plain networks, of which others are composed."""

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
BACKBONES = {
    "compact": CompactNet(),
    **{f"densenet{layers}": DenseNet(layers) for layers in DENSENETS},
    **{f"efficientnet-{variant}": EfficientNet(variant) for variant in EFFICIENTNETS},
    **{f"mednext_{variant}": MedNeXt(variant) for variant in MEDNEXTS},
    **{f"resnet{layers}": ResNet(layers) for layers in RESNETS},
    "vit": ViT(),
}
