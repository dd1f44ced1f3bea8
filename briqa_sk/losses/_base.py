"""What every criterion and every loss configuration promises."""

from abc import abstractmethod

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import nn


class LossConfig(BaseEstimator):
    """Parameters of a loss, and a call that builds the criterion.

    Attributes
    ----------
    is_ordinal : bool
        Whether the loss depends on the order of the grades.
    """

    is_ordinal = False

    @abstractmethod
    def __call__(self, class_counts):
        """Build the criterion.

        Parameters
        ----------
        class_counts : array-like of shape (n_classes,)
            Samples of each grade that the batches show, from best to worst: those of
            the training set where each is shown as often, others where the batches are
            balanced. Only their ratios matter to the losses of this package.

        Returns
        -------
        criterion : Criterion
            The loss.
        """

    def prior(self, class_counts):
        """Return for which frequencies of the grades the probabilities speak.

        A proper loss, minimised over batches in which grades have some frequencies,
        ends at the probabilities that belong to these, or to others that follow from
        them. The probabilities of a loss that is not proper belong to no population.

        Parameters
        ----------
        class_counts : array-like of shape (n_classes,)
            As for the criterion.

        Returns
        -------
        prior : ndarray of shape (n_classes,) or None
            Sums to 1, from best to worst; None if the loss is not proper.
        """
        return None


class Criterion(nn.Module):
    """A loss of logits, and the probabilities that these logits stand for.

    A subclass writes ``per_sample``; one that has no loss per sample writes
    ``forward``.

    Parameters
    ----------
    n_classes : int
        Number of grades.

    Attributes
    ----------
    n_outputs : int
        Number of logits that the head must have.
    reads_features : bool
        Whether ``forward`` needs the input of the head in training.
    """

    reads_features = False

    def __init__(self, n_classes):
        super().__init__()
        self.n_classes = n_classes
        self.n_outputs = n_classes

    def forward(self, logits, target, sample_weight=None, features=None):
        """Return the mean loss of a batch.

        Parameters
        ----------
        logits : Tensor of shape (batch, n_outputs)
            Output of the head.
        target : Tensor of shape (batch,), dtype int64
            Rank of the true grade, 0 for the best.
        sample_weight : Tensor of shape (batch,) or None, default=None
            Weights with mean 1 over the training set. They multiply the losses and are
            not normalised by the batch, so a heavy sample stays heavy in any company.
        features : Tensor of shape (batch, n_features) or None, default=None
            Input of the head; only read if ``reads_features``.

        Returns
        -------
        loss : Tensor of shape ()
            The mean over the batch.
        """
        loss = self.per_sample(at_least_float32(logits), target)  # (batch,)
        return loss.mean() if sample_weight is None else (sample_weight * loss).mean()

    def per_sample(self, logits, target):
        """Return (batch,) losses, whose mean is the loss of the batch."""
        raise NotImplementedError

    def log_proba(self, logits):
        """Return the log-probability of each grade.

        Parameters
        ----------
        logits : Tensor of shape (batch, n_outputs)
            Output of the head.

        Returns
        -------
        log_proba : Tensor of shape (batch, n_classes)
            From the best grade to the worst; ``exp`` of a row sums to 1.
        """
        return at_least_float32(logits).log_softmax(dim=1)


def shares(class_counts):
    """Return the share of each grade; one without any sample counts as if it had one.

    Examples
    --------
    >>> shares([6, 3, 0])
    array([0.6, 0.3, 0.1])
    """
    counts = np.maximum(np.asarray(class_counts, dtype=float), 1)
    return counts / counts.sum()


def at_least_float32(values):
    """Return half-precision values of mixed precision as float32, others unchanged."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
