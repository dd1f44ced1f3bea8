"""Batch samplers: which scans share a batch, decided from the labels alone."""

from briqa_sk.sampling._base import BatchPlan
from briqa_sk.sampling.balanced import BalancedBatches, BalancedBatchSampler
from briqa_sk.sampling.registry import BATCHES, resolve_batches
from briqa_sk.sampling.resampled import ResampledBatches, ResampledBatchSampler
from briqa_sk.sampling.rotating import RotatingBatches, RotatingBatchSampler
from briqa_sk.sampling.shuffled import ShuffledBatches, ShuffledBatchSampler

__all__ = [
    "BATCHES",
    "BalancedBatchSampler",
    "BalancedBatches",
    "BatchPlan",
    "ResampledBatchSampler",
    "ResampledBatches",
    "RotatingBatchSampler",
    "RotatingBatches",
    "ShuffledBatchSampler",
    "ShuffledBatches",
    "resolve_batches",
]
