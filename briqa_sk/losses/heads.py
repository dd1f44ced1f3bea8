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

    def correct_priors(self, dealt, shown, weight):
        """Let the priors follow ranks that were raised after they were dealt.

        Parameters
        ----------
        dealt, shown : Tensor of shape (n_shown, n_heads), dtype int64
            Ranks of all samples of a training, before and after an augmentation.
        weight : Tensor of shape (n_shown,)
            Their weights.
        """
        for number in range(len(self.heads)):
            prior = getattr(self, f"prior_{number}")
            before, after = (
                _count(ranks[:, number], weight, len(prior)).to(prior)
                for ranks in (dealt, shown)
            )
            prior *= after / before
            prior /= prior.sum()

    def mix_priors(self, other, share):
        """Let the priors follow an earlier training too, which had a share of all."""
        for number in range(len(self.heads)):
            prior = getattr(self, f"prior_{number}")
            earlier = getattr(other, f"prior_{number}").to(prior.device)
            prior.lerp_(earlier, share)

    def prior_of(self, number):
        """Return for which frequencies a head speaks, (n_classes,), or None."""
        prior = getattr(self, f"prior_{number}").cpu().numpy()
        return None if np.isnan(prior).any() else prior


def _count(ranks, weight, n_classes):
    """Return the weight of each rank, at least 1."""
    is_rated = ranks != UNRATED
    counts = torch.bincount(ranks[is_rated], weight[is_rated], minlength=n_classes)
    return counts.clamp(min=1)


def _loss_of_rated(head, logits, ranks, sample_weight, features):
    is_rated = ranks != UNRATED  # (batch,)
    if is_rated.all():
        return head(logits, ranks, sample_weight, features)
    if not is_rated.any():
        return logits.new_zeros(())
    rest = [None if a is None else a[is_rated] for a in (sample_weight, features)]
    return head(logits[is_rated], ranks[is_rated], *rest)
