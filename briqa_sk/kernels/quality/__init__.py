"""Image quality metrics of one scan, by what they look at."""

from briqa_sk.kernels.quality.table import METRICS, quality_metrics

__all__ = ["METRICS", "quality_metrics"]
