"""Cross-entropy that takes the frequencies of the grades out of the logits."""

import torch
from torch.nn import functional as F

from briqa_sk._validation import check_real
from briqa_sk.losses._base import Criterion, LossConfig, shares


class LogitAdjusted(LossConfig):
    r"""Cross-entropy of logits to which the log-frequency of each grade is added.

    A network that has learnt :math:`f_k + \tau \log \pi_k` with the frequencies
    :math:`\pi_k` of the batches has learnt a :math:`f_k` that is free of them: its
    softmax minimises the balanced error [1]_, equation 10. Unlike a weight, the offset
    also moves the border between two grades that can be told apart.

    Parameters
    ----------
    tau : float, default=1.0
        How much of the frequencies to take out, at least 0; 0 is plain cross-entropy.

    References
    ----------
    .. [1] Menon, Jayasumana, Rawat, Jain, Veit, Kumar. "Long-tail learning via logit
       adjustment", ICLR 2021, arXiv:2007.07314.

    Examples
    --------
    >>> import torch
    >>> from briqa_sk.losses import LogitAdjusted
    >>> criterion = LogitAdjusted()(class_counts=[8, 2])
    >>> criterion(torch.zeros(1, 2), torch.tensor([1]))  # log(10 / 2)
    tensor(1.6094)
    """

    def __init__(self, tau=1.0):
        self.tau = tau

    def __call__(self, class_counts):
        """Build the criterion; see :class:`LossConfig`."""
        check_real(self.tau, "tau", caller="LogitAdjusted")
        if self.tau < 0:
            raise ValueError(f"LogitAdjusted: tau must be at least 0, got {self.tau}.")
        share = torch.as_tensor(shares(class_counts), dtype=torch.float32)
        return LogitAdjustedCriterion(self.tau * share.log())

    def prior(self, class_counts):
        """Return what is left of that of the batches; see :class:`LossConfig`."""
        left = shares(class_counts) ** (1 - self.tau)
        return left / left.sum()


class LogitAdjustedCriterion(Criterion):
    """The criterion of :class:`LogitAdjusted`.

    Parameters
    ----------
    offset : Tensor of shape (n_classes,)
        What is added to the logits in training, from the best grade to the worst.
    """

    def __init__(self, offset):
        super().__init__(len(offset))
        self.register_buffer("offset", offset)

    def per_sample(self, logits, target):
        """Return (batch,) losses."""
        return F.cross_entropy(logits + self.offset, target, reduction="none")
