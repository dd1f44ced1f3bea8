"""Several criteria side by side, one for each head."""

import numpy as np
import torch
from torch import nn

from briqa_sk.losses._base import Criterion

#: Rank of a sample that a head has no label for.
UNRATED = -1


class HeadsCriterion(Criterion):
    """Weighted sum of criteria, each of its own part of the logits.

    One linear layer that makes the logits of all heads is the same as one linear layer
    for each head. So every network has as many heads as there are criteria without
    being changed, and a loss that follows the gradient of its head follows that of its
    own logits only.

    Parameters
    ----------
    makers : sequence of callable
        ``() -> Criterion``, one for each head.
    weights : sequence of float
        What each head's loss is multiplied by in the sum.
    priors : sequence of ndarray of shape (n_classes,) or None
        For which frequencies the probabilities of each head speak; None if for none.

    Examples
    --------
    >>> import torch
    >>> from briqa_sk.losses import CrossEntropy
    >>> make = lambda: CrossEntropy()(class_counts=[8, 2])
    >>> criterion = HeadsCriterion([make, make], [1.0, 0.5], priors=[[0.8, 0.2], None])
    >>> criterion.n_outputs
    4
    >>> criterion(torch.zeros(2, 4), torch.tensor([[0, 1], [1, -1]]))  # 1.5 log 2
    tensor(1.0397)
    >>> criterion.prior_of(0), criterion.prior_of(1)
    (array([0.8, 0.2]), None)
    """

    def __init__(self, makers, weights, priors):
        heads = [make() for make in makers]
        super().__init__(heads[0].n_classes)
        self.heads = nn.ModuleList(heads)
        self.weights = tuple(map(float, weights))
        self.n_outputs = sum(head.n_outputs for head in heads)
        self.reads_features = any(head.reads_features for head in heads)
        for number, (head, prior) in enumerate(zip(heads, priors, strict=True)):
            known = np.full(head.n_classes, np.nan) if prior is None else prior
            known = torch.as_tensor(known, dtype=torch.float64)
            self.register_buffer(f"prior_{number}", known)
            raised = torch.zeros(2, head.n_classes, dtype=torch.float64)
            self.register_buffer(f"raised_{number}", raised)

    def forward(self, logits, target, sample_weight=None, features=None):
        """Return the weighted sum of the heads' losses.

        Parameters
        ----------
        logits : Tensor of shape (batch, n_outputs)
            Those of the first head, then those of the second, and so on.
        target : Tensor of shape (batch, n_heads), dtype int64
            Ranks; -1 where a sample is not rated. A head's loss is that of the samples
            that it has a label for, and 0 if there are none.
        sample_weight : Tensor of shape (batch,) or None, default=None
            See :class:`Criterion`.
        features : Tensor of shape (batch, n_features) or None, default=None
            See :class:`Criterion`.

        Returns
        -------
        loss : Tensor of shape ()
            The sum.
        """
        parts = zip(self.heads, self.weights, self.split(logits), target.T, strict=True)
        losses = [
            weight * _loss_of_rated(head, part, ranks, sample_weight, features)
            for head, weight, part, ranks in parts
        ]
        return torch.stack(losses).sum()

    def split(self, logits):
        """Return the logits of each head, a list of (batch, n_outputs) tensors."""
        return logits.split([head.n_outputs for head in self.heads], dim=1)

    def log_proba(self, logits):
        """Return those of the first head; see :class:`Criterion`."""
        return self.log_proba_of_heads(logits)[0]

    def log_proba_of_heads(self, logits):
        """Return the log-probabilities of each head, a list of (batch, n_classes)."""
        parts = zip(self.heads, self.split(logits), strict=True)
        return [head.log_proba(part) for head, part in parts]

    def count_raised(self, dealt, shown, weight):
        """Count ranks that an augmentation raised, so that the priors follow them.

        Parameters
        ----------
        dealt, shown : Tensor of shape (batch, n_heads), dtype int64
            Ranks before and after the augmentation.
        weight : Tensor of shape (batch,) or None
            Weights of the samples.
        """
        if weight is None:
            weight = torch.ones(len(dealt))
        for number in range(len(self.heads)):
            raised = getattr(self, f"raised_{number}")
            for total, ranks in zip(raised, (dealt, shown), strict=True):
                total += _count(ranks[:, number], weight, len(total)).to(total)

    def mix_priors(self, other, share):
        """Let the priors follow an earlier training too, which had a share of all."""
        for number in range(len(self.heads)):
            earlier, latest = other.prior_of(number), self.prior_of(number)
            if earlier is None or latest is None:
                mixed = torch.full((self.heads[number].n_classes,), torch.nan)
            else:
                mixed = torch.as_tensor(share * earlier + (1 - share) * latest)
            getattr(self, f"prior_{number}").copy_(mixed)
            getattr(self, f"raised_{number}").zero_()

    def prior_of(self, number):
        """Return for which frequencies a head speaks, (n_classes,), or None."""
        prior = getattr(self, f"prior_{number}").cpu().numpy()
        if np.isnan(prior).any():
            return None
        dealt, shown = getattr(self, f"raised_{number}").clamp(min=1).cpu().numpy()
        prior = prior * shown / dealt
        return prior / prior.sum()


def _count(ranks, weight, n_classes):
    """Return the weight of each rank, (n_classes,)."""
    is_rated = ranks != UNRATED
    return torch.bincount(ranks[is_rated], weight[is_rated], minlength=n_classes)


def _loss_of_rated(head, logits, ranks, sample_weight, features):
    is_rated = ranks != UNRATED  # (batch,)
    if is_rated.all():
        return head(logits, ranks, sample_weight, features)
    if not is_rated.any():
        return logits.new_zeros(())
    rest = [None if a is None else a[is_rated] for a in (sample_weight, features)]
    return head(logits[is_rated], ranks[is_rated], *rest)
