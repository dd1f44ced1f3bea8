"""Transformers that prepare scans for a network, or measure their quality."""

from briqa_sk.preprocessing.cache import CacheVolumes
from briqa_sk.preprocessing.foreground import CropForeground
from briqa_sk.preprocessing.histogram import MatchHistogram
from briqa_sk.preprocessing.image_metrics import ImageQualityMetrics
from briqa_sk.preprocessing.intensity import (
    ClipIntensity,
    RescaleIntensity,
    StandardizeIntensity,
)
from briqa_sk.preprocessing.loading import LoadVolumes
from briqa_sk.preprocessing.spatial import CropOrPad, Reorient, Resample

__all__ = [
    "CacheVolumes",
    "ClipIntensity",
    "CropForeground",
    "CropOrPad",
    "ImageQualityMetrics",
    "LoadVolumes",
    "MatchHistogram",
    "Reorient",
    "Resample",
    "RescaleIntensity",
    "StandardizeIntensity",
]
