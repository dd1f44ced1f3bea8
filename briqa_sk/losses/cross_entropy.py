"""Cross-entropy, with and without class weights."""

from collections.abc import Mapping

import numpy as np
import torch
from torch.nn import functional as F

from briqa_sk.losses._base import Criterion, LossConfig, shares


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

    def prior(self, class_counts):
        """Return that of the batches; see :class:`LossConfig`."""
        return shares(class_counts)


class CrossEntropyCriterion(Criterion):
    """The criterion of :class:`CrossEntropy`."""

    def per_sample(self, logits, target):
        """Return (batch,) losses."""
        return F.cross_entropy(logits, target, reduction="none")


#: Of the effective number of samples.
_BETA = 0.999


class WeightedCrossEntropy(LossConfig):
    r"""Cross-entropy in which rare grades weigh more.

    .. math:: L = \frac{1}{n} \sum_i w_{y_i} l_i, \quad \sum_c \pi_c w_c = 1,

    with :math:`\pi_c` the share of grade :math:`c` in the batches. Unlike in
    ``torch.nn.CrossEntropyLoss(weight=...)``, the weights of a batch are not divided by
    their mean, which would weigh a sample by its company, so the loss stays proper: its
    probabilities are those of a population in which grade :math:`c` has the share
    :math:`\pi_c w_c`. With "balanced" all grades are equally frequent there, whatever
    the batches are; where every batch holds every grade in the same ratio, it is the
    mean of the losses of the grades.

    Parameters
    ----------
    class_weight : {"balanced", "effective"}, dict or array-like, default="balanced"
        Weight of each grade: (n_classes,) from best to worst, or a dict with one for
        each label; only their ratios matter. "balanced" is :math:`1 / \pi_c`.
        "effective" is the inverse of the effective number of samples,
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
        return WeightedCrossEntropyCriterion(
            torch.as_tensor(self._weights(class_counts), dtype=torch.float32)
        )

    def prior(self, class_counts):
        """Return that of the batches times the weights; see :class:`LossConfig`."""
        return shares(class_counts) * self._weights(class_counts)

    def of_grades(self, grades):
        """Return an equal configuration without a dict, for grades best to worst."""
        if not isinstance(self.class_weight, Mapping):
            return self
        labels = list(np.asarray(grades).tolist())
        if set(self.class_weight) != set(labels):
            raise ValueError(
                "WeightedCrossEntropy: class_weight must have a weight for each of the "
                f"grades {labels} and for no other, got {self.class_weight}."
            )
        return WeightedCrossEntropy([self.class_weight[label] for label in labels])

    def _weights(self, class_counts):
        """Return weights whose mean over what the batches show is 1."""
        counts = np.maximum(np.asarray(class_counts, dtype=float), 1)
        if isinstance(self.class_weight, str) and self.class_weight == "balanced":
            weights = 1 / counts
        elif isinstance(self.class_weight, str) and self.class_weight == "effective":
            weights = (1 - _BETA) / (1 - _BETA**counts)
        else:
            weights = self._given_weights(len(counts))
        return weights * counts.sum() / (weights * counts).sum()

    def _given_weights(self, n_classes):
        try:
            weights = np.asarray(self.class_weight, dtype=float)
        except (TypeError, ValueError) as error:
            raise ValueError(self._expectation(n_classes)) from error
        is_good = np.isfinite(weights) & (weights > 0)
        if weights.shape != (n_classes,) or not is_good.all():
            raise ValueError(self._expectation(n_classes))
        return weights

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
        loss = F.cross_entropy(logits, target, reduction="none")
        return self.class_weight.to(logits.dtype)[target] * loss
