"""What every criterion and every loss configuration promises."""

from abc import abstractmethod

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
            Training samples of each grade, from best to worst.

        Returns
        -------
        criterion : Criterion
            The loss.
        """


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


def at_least_float32(values):
    """Return half-precision values of mixed precision as float32, others unchanged."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
