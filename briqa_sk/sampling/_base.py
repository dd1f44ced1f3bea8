"""What every batch sampler and every batch plan promises."""

from abc import abstractmethod
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator
from torch.utils.data import Sampler

from briqa_sk._random import draw_seed
from briqa_sk._validation import as_labels, check_positive


class BatchPlan(BaseEstimator):
    """Parameters of a batch sampler, and a call that builds it.

    Attributes
    ----------
    is_ordinal : bool
        Whether the batches depend on the order of the grades.
    """

    is_ordinal = False

    @abstractmethod
    def __call__(self, y, batch_size, grades, random_state):
        """Build the sampler.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            Labels of any type. Only ``y`` is read: no volume is loaded.
        batch_size : int
            Samples per batch.
        grades : ndarray of shape (n_classes,)
            The labels of ``y``, from best to worst.
        random_state : int
            Seed of the batches.

        Returns
        -------
        sampler : torch.utils.data.Sampler
            Yields lists of indices into ``y``.
        """

    def prior(self, class_counts, grades):
        """Return the share of each grade in the batches.

        Parameters
        ----------
        class_counts : ndarray of shape (n_classes,)
            Samples of each grade, from best to worst.
        grades : ndarray of shape (n_classes,)
            Their labels.

        Returns
        -------
        prior : ndarray of shape (n_classes,) or None
            Sums to 1; a grade without samples has 0. None if it is not known.
        """
        return None


class SeededBatchSampler(Sampler):
    """Batches whose order depends on nothing but a seed and the epoch.

    Every pass deals one epoch and moves on to the next. A pass that is broken off
    leaves the sampler in its epoch: the next pass deals that epoch again from the
    start, unless :meth:`load_state_dict` said where to continue. A subclass writes
    ``_deal`` and ``_n_dealt``.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Label of each sample.
    batch_size : int
        Samples per batch.
    random_state : int, Generator, RandomState or None, default=None
        Source of the seed.
    """

    def __init__(self, y, batch_size, random_state=None):
        super().__init__()
        check_positive(batch_size, "batch_size", caller=self._name, kind=Integral)
        self.y = as_labels(y, caller=self._name)
        self.batch_size = batch_size
        self.seed = draw_seed(random_state)
        self.epoch = self.batch = self._first_batch = 0
        if self.y.ndim != 1 or self.y.size == 0:
            raise ValueError(
                f"{self._name}: y must be 1-D with at least 1 label, "
                f"got shape {self.y.shape}."
            )

    @property
    def _name(self):
        return type(self).__name__

    @property
    def _dealt_per_batch(self):
        return self.batch_size

    def __len__(self):
        """Return the number of batches of a whole epoch."""
        return -(-self._n_dealt // self._dealt_per_batch)  # ceil

    def __iter__(self):
        epoch, first = self.epoch, self._first_batch
        self._first_batch = 0
        order, size = self._deal(epoch), self._dealt_per_batch
        starts = range(0, len(order), size)
        for batch in range(first, len(starts)):
            # Before the yield: a state saved while a batch is in use is after it.
            is_last = batch + 1 == len(starts)
            self.epoch, self.batch = (epoch + 1, 0) if is_last else (epoch, batch + 1)
            yield order[starts[batch] : starts[batch] + size].tolist()

    def state_dict(self):
        """Return where the sampler stands, to be saved between two batches.

        Returns
        -------
        state : dict
            The seed, the epoch, and the batch to be dealt next, all int. Worker
            processes of a DataLoader fetch ahead; with them, save between epochs.
        """
        return {"seed": self.seed, "epoch": self.epoch, "batch": self.batch}

    def load_state_dict(self, state):
        """Let the next pass continue where another sampler of the same ``y`` stood.

        Parameters
        ----------
        state : dict
            From :meth:`state_dict`.
        """
        self.seed, self.epoch = state["seed"], state["epoch"]
        self.batch = self._first_batch = state["batch"]

    def _stream(self, epoch):
        """Return the random numbers of one epoch."""
        return np.random.default_rng([self.seed, epoch])

    @property
    @abstractmethod
    def _n_dealt(self):
        """Number of indices of the current epoch."""

    @abstractmethod
    def _deal(self, epoch):
        """Return the indices of an epoch, batch after batch, as one array."""
