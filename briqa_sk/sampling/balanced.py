"""Rotating batches for any labels and any batch size."""

from numbers import Integral

import numpy as np

from briqa_sk._validation import as_labels, check_positive
from briqa_sk.sampling._base import BatchPlan
from briqa_sk.sampling.rotating import RotatingBatchSampler
from briqa_sk.sampling.slots import shares_of


class BalancedBatches(BatchPlan):
    """Deal balanced batches; see :class:`BalancedBatchSampler`.

    Examples
    --------
    >>> from briqa_sk.sampling import BalancedBatches
    >>> y = ["good"] * 9 + ["bad"] * 2
    >>> sampler = BalancedBatches()(y, 4, grades=["good", "bad"], random_state=0)
    >>> [[y[index] for index in batch] for batch in sampler]
    [['good', 'bad', 'good', 'bad']]
    """

    def __call__(self, y, batch_size, grades, random_state):
        """Build the sampler; see :class:`BatchPlan`."""
        return BalancedBatchSampler(y, batch_size, random_state)

    def prior(self, class_counts, grades):
        """Return the places of each grade in a round; see :class:`BatchPlan`."""
        return shares_of(_share(np.repeat(grades, class_counts)), grades)


class BalancedBatchSampler(RotatingBatchSampler):
    """Give every other place to the majority, and the rest to the other grades in turn.

    The rotation of :class:`RotatingBatchSampler`, for labels and batch sizes of any
    kind. The most frequent grade rotates, whether it is the best one or not; the next
    frequent one is dealt once per epoch. The places 0 1 0 2 0 1 0 2 ... are cut into
    batches, so a batch of two holds one scan of the majority and one other, and a batch
    of eight is a rotating batch. Where the majority is less frequent than all others
    together would need, it gets fewer places: one per round where all are equally
    frequent.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Grade of each scan. Only ``y`` is read: no volume is loaded.
    batch_size : int
        Scans per batch; the last one of an epoch may be smaller.
    random_state : int, Generator, RandomState or None, default=None
        Seed of every shuffle.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk.sampling import BalancedBatchSampler
    >>> y = np.repeat([0, 1, 2], [8, 3, 2])
    >>> sampler = BalancedBatchSampler(y, batch_size=5, random_state=0)
    >>> [y[batch].tolist() for batch in sampler]
    [[0, 1, 0, 2, 0], [1, 0, 2, 0, 1], [0, 2]]
    """

    def __init__(self, y, batch_size, random_state=None):
        check_positive(batch_size, "batch_size", caller=self._name, kind=Integral)
        ratio = _share(as_labels(y, caller=self._name))
        super().__init__(
            y, sum(ratio.values()), ratio, grades=list(ratio), random_state=random_state
        )
        self.batch_size = batch_size

    @property
    def _dealt_per_batch(self):
        return self.batch_size

    @property
    def _n_dealt(self):
        return self.n_batches * sum(self.slots.values())

    def _deal(self, epoch):
        rounds = super()._deal(epoch).reshape(self.n_batches, -1)
        n_majority = self.slots[self.best]
        place = np.arange(rounds.shape[1])
        is_other = place >= n_majority
        turn = np.where(is_other, place - n_majority, place)
        return rounds[:, np.lexsort([is_other, turn])].ravel()


def _share(labels):
    """Return the places of each grade in one round, the most frequent grade first."""
    grades, counts = np.unique(labels, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    ratio = dict.fromkeys(grades[order].tolist(), 1)
    majority, *others = ratio
    if others:
        times = counts[order[0]] // counts[order[1]]
        ratio[majority] = int(min(times, len(others)))
    return ratio
