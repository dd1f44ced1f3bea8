"""Losses that know the grades are ordered."""

import torch
from torch.nn import functional as F

from briqa_sk.losses._base import Criterion, LossConfig, at_least_float32, shares


class Corn(LossConfig):
    r"""Conditional ordinal regression: "worse than grade k?", one grade after another.

    Output :math:`f_k` answers for the samples that are at least grade :math:`k` whether
    they are worse, so :math:`P(y > k) = \prod_{j \le k} \sigma(f_j)` never increases
    with :math:`k`. The loss is the binary cross-entropy of these answers, averaged over
    all of them in the batch (equation 5 of [1]_):

    .. math::
        L = -\frac{1}{\sum_k |S_k|} \sum_k \sum_{i \in S_k}
            \mathbb{1}[y_i > k] \log \sigma(f_{ik})
            + \mathbb{1}[y_i \le k] \log (1 - \sigma(f_{ik})),
            \quad S_k = \{i : y_i \ge k\}.

    References
    ----------
    .. [1] Shi, Cao, Raschka. "Deep neural networks for rank-consistent ordinal
       regression based on conditional probabilities", arXiv:2111.08851, 2021.

    Examples
    --------
    >>> import torch
    >>> from briqa_sk.losses import Corn
    >>> Corn()(class_counts=[5, 3, 2]).log_proba(torch.zeros(1, 2)).exp()
    tensor([[0.5000, 0.2500, 0.2500]])
    """

    is_ordinal = True

    def __call__(self, class_counts):
        """Build the criterion; see :class:`LossConfig`."""
        return CornCriterion(len(class_counts))

    def prior(self, class_counts):
        """Return that of the batches; see :class:`LossConfig`."""
        return shares(class_counts)


class CornCriterion(Criterion):
    """The criterion of :class:`Corn`; its head has one logit less than grades.

    Parameters
    ----------
    n_classes : int
        Number of grades, at least 2.
    """

    def __init__(self, n_classes):
        super().__init__(n_classes)
        self.n_outputs = n_classes - 1

    def per_sample(self, logits, target):
        """Return (batch,) losses."""
        task = torch.arange(self.n_outputs, device=logits.device)
        is_worse = (target[:, None] > task).to(logits.dtype)  # (batch, n_outputs)
        is_asked = (target[:, None] >= task).to(logits.dtype)
        loss = F.binary_cross_entropy_with_logits(logits, is_worse, reduction="none")
        n_asked = is_asked.sum(dim=1)  # (batch,)
        return (loss * is_asked).sum(dim=1) / n_asked.mean()

    def log_proba(self, logits):
        """Return (batch, n_classes) log-probabilities; see :class:`Criterion`."""
        logits = at_least_float32(logits)
        log_worse = F.logsigmoid(logits).cumsum(dim=1)  # log P(y > k)
        log_reached = F.pad(log_worse, (1, 0))  # log P(y >= k), from log 1
        log_stops = F.pad(F.logsigmoid(-logits), (0, 1))  # the worst grade always stops
        return log_reached + log_stops


class SquaredEMD(LossConfig):
    r"""Squared distance between cumulative distributions.

    The squared earth mover's distance of [1]_: a far miss costs more than a near one.

    .. math:: L = \sum_{k=0}^{K-1} \left( \sum_{j \le k} p_j - [y \le k] \right)^2,

    with :math:`p` the softmax of the logits. It is not divided by :math:`K`, so a sure
    answer that is :math:`d` grades off costs :math:`d`.

    References
    ----------
    .. [1] Hou, Yu, Samaras. "Squared earth mover's distance-based loss for training
       deep neural networks", arXiv:1611.05916, 2016.

    Examples
    --------
    >>> import torch
    >>> from briqa_sk.losses import SquaredEMD
    >>> criterion = SquaredEMD()(class_counts=[5, 3, 2])
    >>> criterion(torch.tensor([[99.0, 0.0, 0.0]]), torch.tensor([2]))
    tensor(2.)
    """

    is_ordinal = True

    def __call__(self, class_counts):
        """Build the criterion; see :class:`LossConfig`."""
        return SquaredEMDCriterion(len(class_counts))

    def prior(self, class_counts):
        """Return that of the batches; see :class:`LossConfig`."""
        return shares(class_counts)


class SquaredEMDCriterion(Criterion):
    """The criterion of :class:`SquaredEMD`."""

    def per_sample(self, logits, target):
        """Return (batch,) losses."""
        rank = torch.arange(self.n_classes, device=logits.device)
        truth = (target[:, None] <= rank).to(logits.dtype)  # (batch, n_classes)
        return (logits.softmax(dim=1).cumsum(dim=1) - truth).square().sum(dim=1)
