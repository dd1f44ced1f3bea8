"""Batches from any imbalanced-learn sampler that selects."""

import numpy as np
from imblearn.over_sampling import RandomOverSampler
from sklearn.base import clone

from briqa_sk.sampling._base import BatchPlan, SeededBatchSampler


class ResampledBatches(BatchPlan):
    """Resample every epoch anew; see :class:`ResampledBatchSampler`.

    Parameters
    ----------
    sampler : imbalanced-learn sampler or None, default=None
        What selects the samples of an epoch; None means ``RandomOverSampler()``.

    Examples
    --------
    >>> from imblearn.under_sampling import RandomUnderSampler
    >>> from briqa_sk.sampling import ResampledBatches
    >>> plan = ResampledBatches(RandomUnderSampler())
    >>> len(plan([0, 0, 0, 1], 2, grades=[0, 1], random_state=0))
    1
    """

    def __init__(self, sampler=None):
        self.sampler = sampler

    def __call__(self, y, batch_size, grades, random_state):
        """Build the sampler; see :class:`BatchPlan`."""
        sampler = RandomOverSampler() if self.sampler is None else self.sampler
        return ResampledBatchSampler(y, batch_size, sampler, random_state)

    def prior(self, class_counts, grades):
        """Return what the sampler makes of the training set; see :class:`BatchPlan`."""
        y = np.repeat(np.arange(len(class_counts)), class_counts)
        if len(np.unique(y)) < 2:
            return None
        sampler = self(y, len(y), grades, random_state=0)
        dealt = y[np.concatenate(list(sampler))]
        return np.bincount(dealt, minlength=len(class_counts)) / len(dealt)


class ResampledBatchSampler(SeededBatchSampler):
    """Let an imbalanced-learn sampler select indices, then shuffle and cut them.

    The sampler sees the indices in place of volumes, so nothing is loaded. Of the
    distances between samples it therefore learns nothing; choose one that goes by the
    labels, such as ``RandomOverSampler`` or ``RandomUnderSampler``. It is seeded anew
    every epoch and selects others each time.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Label of each sample, at least two classes.
    batch_size : int
        Samples per batch; the last one may be short.
    sampler : imbalanced-learn sampler
        Anything with ``fit_resample`` that returns rows it was given. It is cloned.
    random_state : int, Generator, RandomState or None, default=None
        Seed of the selections and the shuffles.

    Raises
    ------
    ValueError
        If ``y`` has one class, or if the sampler makes new samples, as SMOTE does,
        instead of selecting.

    Examples
    --------
    >>> import numpy as np
    >>> from imblearn.over_sampling import RandomOverSampler
    >>> from briqa_sk.sampling import ResampledBatchSampler
    >>> y = np.array([0, 0, 0, 1])
    >>> batches = ResampledBatchSampler(y, 3, RandomOverSampler(), random_state=0)
    >>> [np.bincount(y[sum(batches, start=[])]) for epoch in range(2)]
    [array([3, 3]), array([3, 3])]
    """

    def __init__(self, y, batch_size, sampler, random_state=None):
        super().__init__(y, batch_size, random_state)
        grades = np.unique(self.y).tolist()
        if len(grades) == 1:
            raise ValueError(
                f"{self._name}: y must have at least two grades to resample, got only "
                f"{grades[0]!r}. Use batches='shuffled', or give it more scans at once."
            )
        self.sampler = clone(sampler)
        self._latest = None, None  # an epoch and its indices
        self._select(self.epoch)

    @property
    def _n_dealt(self):
        return len(self._select(self.epoch))

    def _deal(self, epoch):
        return self._stream(epoch).permutation(self._select(epoch))

    def _select(self, epoch):
        """Return the indices that the sampler chooses for an epoch."""
        key = self.seed, epoch
        if self._latest[0] != key:
            self._latest = key, self._resample(epoch)
        return self._latest[1]

    def _resample(self, epoch):
        # Floats: a sampler that interpolates cannot hide it by rounding.
        indices = np.arange(len(self.y), dtype=float)[:, None]
        chosen, _ = self._seeded(epoch).fit_resample(indices, self.y)
        chosen = np.asarray(chosen)[:, 0]
        if not np.isin(chosen, indices).all():
            raise ValueError(
                f"{self._name}: the sampler must select samples that exist, got "
                f"{self.sampler}, which makes new ones. Use RandomOverSampler or "
                "RandomUnderSampler."
            )
        return chosen.astype(np.intp)

    def _seeded(self, epoch):
        seed = int(self._stream(epoch).integers(2**31 - 1))
        seeds = {
            name: seed
            for name in self.sampler.get_params()
            if name.split("__")[-1] == "random_state"
        }
        return clone(self.sampler).set_params(**seeds)
