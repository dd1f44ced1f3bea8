"""Cross-entropy that a wrong label can't dominate."""

import torch
from torch.nn import functional as F

from briqa_sk._validation import check_real
from briqa_sk.losses._base import Criterion, LossConfig


class GeneralizedCrossEntropy(LossConfig):
    r"""Cross-entropy that a wrong label can't dominate.

    .. math:: L = (1 - p^q) / q,

    with :math:`p` the probability of the label: equation 6 of [1]_. Near q = 0 it is
    the cross-entropy, at q = 1 the mean absolute error. The gradient of the
    cross-entropy is multiplied by :math:`p^q`, so a scan whose label the network finds
    implausible hardly moves it, and no scan costs more than 1 / q. Raters err, and
    rebalancing shows every rare scan many times, those with a wrong label, too.

    Parameters
    ----------
    q : float, default=0.7
        How little an implausible label counts, in (0, 1]. The default is that of the
        paper.

    References
    ----------
    .. [1] Zhang, Sabuncu. "Generalized cross entropy loss for training deep neural
       networks with noisy labels", NeurIPS 2018, arXiv:1805.07836.

    Examples
    --------
    >>> import torch
    >>> from briqa_sk.losses import GeneralizedCrossEntropy
    >>> criterion = GeneralizedCrossEntropy(q=1.0)(class_counts=[8, 2])
    >>> criterion(torch.zeros(1, 2), torch.tensor([0]))  # 1 - 1 / 2
    tensor(0.5000)
    """

    def __init__(self, q=0.7):
        self.q = q

    def __call__(self, class_counts):
        """Build the criterion; see :class:`LossConfig`."""
        check_real(self.q, "q", caller="GeneralizedCrossEntropy")
        if not 0 < self.q <= 1:
            raise ValueError(
                f"GeneralizedCrossEntropy: q must be in (0, 1], got {self.q}. Take "
                "CrossEntropy for the limit of q = 0."
            )
        return GeneralizedCriterion(len(class_counts), self.q)


class GeneralizedCriterion(Criterion):
    """The criterion of :class:`GeneralizedCrossEntropy`.

    Parameters
    ----------
    n_classes : int
        Number of grades.
    q : float
        In (0, 1].
    """

    def __init__(self, n_classes, q):
        super().__init__(n_classes)
        self.q = q

    def per_sample(self, logits, target):
        """Return (batch,) losses."""
        # The exponential of a logarithm: a power of p has an infinite slope at p = 0.
        log_p = -F.cross_entropy(logits, target, reduction="none")
        return -torch.expm1(self.q * log_p) / self.q
