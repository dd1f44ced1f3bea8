"""Batch samplers: which scans share a batch, decided from the labels alone."""

from imblearn.over_sampling import RandomOverSampler

from briqa_sk._validation import resolve
from briqa_sk.sampling._base import BatchPlan
from briqa_sk.sampling.balanced import BalancedBatches, BalancedBatchSampler
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

#: Name -> configuration.
BATCHES = {
    "balanced": BalancedBatches(),
    "resampled": ResampledBatches(RandomOverSampler()),
    "rotating": RotatingBatches(),
    "shuffled": ShuffledBatches(),
}


def resolve_batches(value, *, caller):
    """Return the batch plan that a name or an object stands for.

    Parameters
    ----------
    value : str, BatchPlan or callable
        A key of :data:`BATCHES`, or a callable with the signature of
        :class:`BatchPlan`.
    caller : str
        Opens the error message.

    Returns
    -------
    plan : callable
        Builds the batch sampler when called.

    Raises
    ------
    ValueError
        If the name is unknown.
    TypeError
        If ``value`` is neither a name nor callable.
    """
    return resolve(value, BATCHES, caller=caller, parameter="batches")
