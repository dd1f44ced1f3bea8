"""Grade the quality of MRI scans with scikit-learn estimators."""

from importlib import import_module

from briqa_sk._version import __version__

#: Public name -> module that defines it. Resolved on first use (PEP 562), so that
#: ``briqa-sk --help`` does not pay for importing torch.
_PUBLIC = {
    "ArtifactSimulator": "briqa_sk.simulation",
    "CacheVolumes": "briqa_sk.preprocessing",
    "ClipIntensity": "briqa_sk.preprocessing",
    "CropForeground": "briqa_sk.preprocessing",
    "CropOrPad": "briqa_sk.preprocessing",
    "ImageQualityMetrics": "briqa_sk.preprocessing",
    "LoadVolumes": "briqa_sk.preprocessing",
    "MatchHistogram": "briqa_sk.preprocessing",
    "MultiArtifactClassifier": "briqa_sk.estimators",
    "Reorient": "briqa_sk.preprocessing",
    "RescaleIntensity": "briqa_sk.preprocessing",
    "Resample": "briqa_sk.preprocessing",
    "SeverityClassifier": "briqa_sk.estimators",
    "SimulatedArtifactSampler": "briqa_sk.simulation",
    "StandardizeIntensity": "briqa_sk.preprocessing",
    "Volume": "briqa_sk.io",
    "VolumeSequence": "briqa_sk.io",
    "load": "briqa_sk.persistence",
    "read_volume": "briqa_sk.io",
    "save": "briqa_sk.persistence",
}
__all__ = ["__version__", *sorted(_PUBLIC)]


def __getattr__(name):
    if name not in _PUBLIC:
        raise AttributeError(f"module 'briqa_sk' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__():
    return [*globals(), *__all__]
