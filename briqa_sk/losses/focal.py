"""Focal loss."""

import torch
from torch.nn import functional as F

from briqa_sk._validation import check_real
from briqa_sk.losses._base import Criterion, LossConfig


class FocalLoss(LossConfig):
    r"""Cross-entropy that lets go of the samples it is sure about.

    .. math:: L = -(1 - p)^\gamma \log p,

    with :math:`p` the probability of the true grade: equation 4 of [1]_, over the
    softmax instead of the sigmoid. It is no proper score: its probabilities are less
    sure than the frequencies that they should be.

    Parameters
    ----------
    gamma : float, default=2.0
        Focus, at least 0; 0 is plain cross-entropy.

    References
    ----------
    .. [1] Lin, Goyal, Girshick, He, Dollar. "Focal loss for dense object detection",
       ICCV 2017.

    Examples
    --------
    >>> import torch
    >>> from briqa_sk.losses import FocalLoss
    >>> criterion = FocalLoss(gamma=2.0)(class_counts=[8, 2])
    >>> criterion(torch.zeros(1, 2), torch.tensor([0]))  # log(2) / 4
    tensor(0.1733)
    """

    def __init__(self, gamma=2.0):
        self.gamma = gamma

    def __call__(self, class_counts):
        """Build the criterion; see :class:`LossConfig`."""
        check_real(self.gamma, "gamma", caller="FocalLoss")
        if self.gamma < 0:
            raise ValueError(f"FocalLoss: gamma must be at least 0, got {self.gamma}.")
        return FocalCriterion(len(class_counts), self.gamma)


class FocalCriterion(Criterion):
    """The criterion of :class:`FocalLoss`.

    Parameters
    ----------
    n_classes : int
        Number of grades.
    gamma : float
        Focus, at least 0.
    """

    def __init__(self, n_classes, gamma):
        super().__init__(n_classes)
        self.gamma = gamma

    def per_sample(self, logits, target):
        """Return (batch,) losses."""
        loss = F.cross_entropy(logits, target, reduction="none")
        # 1 - p without cancellation. The slope of a power below 1 is infinite at 0, and
        # infinity times the loss of 0 would be NaN.
        p_other = -torch.expm1(-loss)
        return p_other.clamp(min=torch.finfo(loss.dtype).tiny) ** self.gamma * loss
