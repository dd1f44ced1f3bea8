"""Every sample once per epoch, in random order."""

import numpy as np

from briqa_sk.sampling._base import BatchPlan, SeededBatchSampler


class ShuffledBatches(BatchPlan):
    """Deal every sample once per epoch; see :class:`ShuffledBatchSampler`.

    Examples
    --------
    >>> from briqa_sk.sampling import ShuffledBatches
    >>> sampler = ShuffledBatches()([0, 0, 1], 2, grades=[0, 1], random_state=0)
    >>> [len(batch) for batch in sampler]
    [2, 1]
    """

    def __call__(self, y, batch_size, grades, random_state):
        """Build the sampler; see :class:`BatchPlan`."""
        return ShuffledBatchSampler(y, batch_size, random_state)

    def prior(self, class_counts, grades):
        """Return the shares in the training set; see :class:`BatchPlan`."""
        return np.asarray(class_counts) / np.sum(class_counts)


class ShuffledBatchSampler(SeededBatchSampler):
    """Shuffle all samples and cut them into batches; the last one may be short.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Label of each sample.
    batch_size : int
        Samples per batch.
    random_state : int, Generator, RandomState or None, default=None
        Seed of the shuffles.

    Examples
    --------
    >>> from briqa_sk.sampling import ShuffledBatchSampler
    >>> sampler = ShuffledBatchSampler([0, 0, 1, 0, 1], batch_size=2, random_state=0)
    >>> len(sampler), sorted(sum(sampler, start=[]))
    (3, [0, 1, 2, 3, 4])
    """

    @property
    def _n_dealt(self):
        return len(self.y)

    def _deal(self, epoch):
        return self._stream(epoch).permutation(len(self.y))
