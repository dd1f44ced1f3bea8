"""What a model file may be made of."""

from importlib import import_module

#: Every class that a model file may name, and where it lives. Closed on purpose: a
#: file can choose from this list and cannot make anything else run.
REGISTRY = {
    "Pipeline": "sklearn.pipeline",
    "RandomOverSampler": "imblearn.over_sampling",
    "RandomUnderSampler": "imblearn.under_sampling",
    **dict.fromkeys(
        [
            "ClipIntensity",
            "CropForeground",
            "CropOrPad",
            "LoadVolumes",
            "MatchHistogram",
            "Reorient",
            "Resample",
            "RescaleIntensity",
            "StandardizeIntensity",
        ],
        "briqa_sk.preprocessing",
    ),
    **dict.fromkeys(
        [
            "CompactNet",
            "DenseNet",
            "EfficientNet",
            "FrequencyFusion",
            "MedNeXt",
            "ResNet",
            "SliceNet",
            "ViT",
        ],
        "briqa_sk.networks",
    ),
    **dict.fromkeys(
        [
            "Corn",
            "CrossEntropy",
            "FocalLoss",
            "LogitAdjusted",
            "ReweightedCrossEntropy",
            "SquaredEMD",
            "WeightedCrossEntropy",
        ],
        "briqa_sk.losses",
    ),
    **dict.fromkeys(
        ["BalancedBatches", "ResampledBatches", "RotatingBatches", "ShuffledBatches"],
        "briqa_sk.sampling",
    ),
    "ConstantGrade": "briqa_sk.estimators.multi_artifact",
    "MultiArtifactClassifier": "briqa_sk.estimators",
    "SeverityClassifier": "briqa_sk.estimators",
    "SharedEncoder": "briqa_sk.estimators.multi_artifact",
}


def is_registered(value):
    """Return whether an object's class is one that a model file may name."""
    name = type(value).__name__
    return name in REGISTRY and type(value) is find_class(name)


def find_class(name):
    """Return a class of the registry by name."""
    return getattr(import_module(REGISTRY[name]), name)
