"""Cross-entropy, with and without class weights."""

import torch
from torch.nn import functional as F

from briqa_sk.losses._base import Criterion, LossConfig


class CrossEntropy(LossConfig):
    """Plain cross-entropy, the mean of ``-log p(true grade)``.

    Examples
    --------
    >>> import torch
    >>> from briqa_sk.losses import CrossEntropy
    >>> criterion = CrossEntropy()(class_counts=[8, 2])
    >>> criterion(torch.zeros(1, 2), torch.tensor([0]))  # log 2
    tensor(0.6931)
    """

    def __call__(self, class_counts):
        """Build the criterion; see :class:`LossConfig`."""
        return CrossEntropyCriterion(len(class_counts))


class CrossEntropyCriterion(Criterion):
    """The criterion of :class:`CrossEntropy`."""

    def per_sample(self, logits, target):
        """Return (batch,) losses."""
        return F.cross_entropy(logits, target, reduction="none")


_BETA = 0.999
_EFFECTIVE = {
    "balanced": lambda counts: counts,
    "effective": lambda counts: (1 - _BETA**counts) / (1 - _BETA),
}


class WeightedCrossEntropy(LossConfig):
    r"""Cross-entropy in which rare grades weigh more.

    The same as ``torch.nn.CrossEntropyLoss(weight=...)``: the weights of a batch are
    divided by their mean.

    Parameters
    ----------
    class_weight : {"balanced", "effective"} or array-like, default="balanced"
        Weight of each grade, (n_classes,), from best to worst. "balanced" is
        scikit-learn's ``n_samples / (n_classes * class_counts)``. "effective" is the
        inverse of the effective number of samples,
        :math:`(1 - \beta^n) / (1 - \beta)` with :math:`\beta = 0.999` [1]_, which no
        longer grows where a grade has thousands. A grade without any sample counts as
        if it had one.

    References
    ----------
    .. [1] Cui, Jia, Lin, Song, Belongie. "Class-balanced loss based on effective number
       of samples", CVPR 2019, equation 2.

    Examples
    --------
    >>> from briqa_sk.losses import WeightedCrossEntropy
    >>> WeightedCrossEntropy()(class_counts=[8, 2]).class_weight
    tensor([0.6250, 2.5000])
    """

    def __init__(self, class_weight="balanced"):
        self.class_weight = class_weight

    def __call__(self, class_counts):
        """Build the criterion; see :class:`LossConfig`."""
        counts = torch.as_tensor(class_counts, dtype=torch.float64)
        if isinstance(self.class_weight, str) and self.class_weight in _EFFECTIVE:
            effective = _EFFECTIVE[self.class_weight](counts.clamp(min=1))
            weight = (counts.sum() / (len(counts) * effective)).float()
        else:
            weight = self._given_weight(len(counts))
        return WeightedCrossEntropyCriterion(weight)

    def _given_weight(self, n_classes):
        try:
            weight = torch.as_tensor(self.class_weight, dtype=torch.float32)
        except (TypeError, ValueError) as error:
            raise ValueError(self._expectation(n_classes)) from error
        is_good = (weight > 0) & weight.isfinite()
        if weight.shape != (n_classes,) or not is_good.all():
            raise ValueError(self._expectation(n_classes))
        return weight

    def _expectation(self, n_classes):
        return (
            "WeightedCrossEntropy: class_weight must be 'balanced', 'effective' or one "
            f"finite number above 0 for each of the {n_classes} grades, "
            f"got {self.class_weight!r}."
        )


class WeightedCrossEntropyCriterion(Criterion):
    """The criterion of :class:`WeightedCrossEntropy`.

    Parameters
    ----------
    class_weight : Tensor of shape (n_classes,)
        Weight of each grade, from best to worst.
    """

    def __init__(self, class_weight):
        super().__init__(len(class_weight))
        self.register_buffer("class_weight", class_weight)

    def per_sample(self, logits, target):
        """Return (batch,) losses."""
        weight = self.class_weight.to(logits.dtype)[target]  # (batch,)
        loss = F.cross_entropy(logits, target, reduction="none")
        return weight * loss / weight.mean()
