"""Cross-entropy whose class weights follow the gradient of the head."""

import torch
from torch.nn import functional as F

from briqa_sk.losses._base import Criterion, LossConfig, at_least_float32

# Below this a gradient counts as zero: the class is learnt, its weight is 1.
SMALLEST_GRADIENT = 1e-12

RULES = ("smallest", "proportional")


class ReweightedCrossEntropy(LossConfig):
    r"""Weigh the grades of a batch by the gradients that they cause.

    The gradient-based reweighting of BRIQA [1]_, which pulls every grade down to the
    smallest gradient of the batch. With :math:`L_c` the mean
    cross-entropy of the batch's samples of grade :math:`c` and :math:`\theta` the
    weight and bias of the last linear layer,

    .. math::
        \phi_c = \lVert \nabla_\theta L_c \rVert_2, \quad
        \alpha_c = \frac{\min_{c'} \phi_{c'}}{\phi_c} \in (0, 1], \quad
        L = \sum_c \alpha_c L_c.

    The rule "proportional" turns that round, :math:`\alpha_c = \phi_c /
    \mathrm{mean}_{c'} \phi_{c'}`: what pulls hardest counts most, so that a grade that
    is not learnt yet is not silenced. With :math:`\alpha_c = 1` for all, and batches
    that hold every grade, it would be :class:`WeightedCrossEntropy`.

    Neither is a proper score: the weights follow what the network says, so its
    probabilities belong to no population until they are calibrated.

    The gradient has a closed form, so there is no second backward pass: with features
    :math:`h_i`, probabilities :math:`p_i` and one-hot truths :math:`y_i`, it is the
    mean over the grade's samples of :math:`(p_i - y_i) h_i^T` for the weight and of
    :math:`p_i - y_i` for the bias.

    Parameters
    ----------
    rule : {"smallest", "proportional"}, default="smallest"
        "smallest" is the published rule.

    Notes
    -----
    The paper leaves open, and we chose: weights are computed per batch; they are
    constants for the gradient; minimum and sum run over the grades present in the
    batch; a gradient below 1e-12 counts as 1e-12. In evaluation mode all
    :math:`\alpha_c` are 1, so that validation losses of different epochs compare.

    Sample weights :math:`w_i` multiply the losses in the sum and nothing else,
    :math:`L = \sum_c \alpha_c \sum_{i \in c} w_i l_i / n_c`: in :math:`\phi_c` they
    would cancel, for a heavier grade would get a smaller :math:`\alpha_c`. A sample of
    weight 0 counts nowhere, not in :math:`n_c` and not in :math:`\phi_c`, as if it
    were left out of the batch.

    References
    ----------
    .. [1] "BRIQA: Balanced Reweighting in Image Quality Assessment of Pediatric Brain
       MRI", arXiv:2510.26661, 2025.

    Examples
    --------
    >>> import torch
    >>> from briqa_sk.losses import ReweightedCrossEntropy
    >>> criterion = ReweightedCrossEntropy()(class_counts=[5, 3, 2])
    >>> logits = torch.tensor([[2.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    >>> loss = criterion(logits, torch.tensor([0, 1]), features=torch.ones(2, 4))
    >>> criterion.gradient_size  # the sample that is wrong has the larger one
    tensor([0.5834, 2.6730, 0.0000])
    """

    def __init__(self, rule="smallest"):
        self.rule = rule

    def __call__(self, class_counts):
        """Build the criterion; see :class:`LossConfig`."""
        if self.rule not in RULES:
            raise ValueError(
                f"ReweightedCrossEntropy: rule must be one of {', '.join(RULES)}, got "
                f"{self.rule!r}."
            )
        return ReweightedCriterion(len(class_counts), self.rule)


class ReweightedCriterion(Criterion):
    """The criterion of :class:`ReweightedCrossEntropy`.

    Parameters
    ----------
    n_classes : int
        Number of grades.
    rule : str
        One of ``RULES``.

    Attributes
    ----------
    gradient_size : Tensor of shape (n_classes,)
        The latest gradient size of each grade; 0 before the first sample.
    """

    reads_features = True

    def __init__(self, n_classes, rule):
        super().__init__(n_classes)
        self.rule = rule
        self.register_buffer("gradient_size", torch.zeros(n_classes))
        self.register_buffer("ranks", torch.arange(n_classes), persistent=False)

    def forward(self, logits, target, sample_weight=None, features=None):
        """Return the loss of a batch; see :class:`Criterion`."""
        logits = at_least_float32(logits)
        loss = F.cross_entropy(logits, target, reduction="none")  # (batch,)
        is_class = target[:, None] == self.ranks  # (batch, n_classes)
        if sample_weight is not None:
            loss = sample_weight * loss
            is_class &= sample_weight[:, None] > 0
        is_class = is_class.to(logits.dtype)
        n_in_class = is_class.sum(dim=0)  # (n_classes,)
        share = is_class / n_in_class.clamp(min=1)  # (batch, n_classes)
        if not self.training:
            return (loss * share.sum(dim=1)).sum()
        if features is None:
            raise ValueError(
                "ReweightedCrossEntropy: features must be the input of the last linear "
                "layer in training, got None. Record it with "
                "briqa_sk.networks.record_features."
            )
        size = _head_gradient_size(logits.detach(), features.detach(), is_class, share)
        alpha = self._class_weight(size, n_in_class == 0)  # (n_classes,)
        # The sum of alpha_c L_c as one sum over samples: nothing but the losses needs a
        # gradient. No matrix product, which autocast would round.
        return (loss * (share * alpha).sum(dim=1)).sum()

    @torch.no_grad()
    def _class_weight(self, size, is_absent):
        """Return alpha; that of grades not in the batch is finite and unused."""
        old = self.gradient_size.to(size.dtype)
        self.gradient_size = torch.where(is_absent, old, size)
        size = size.clamp(min=SMALLEST_GRADIENT)
        if self.rule == "smallest":
            largest = torch.finfo(size.dtype).max  # inf over inf would be NaN
            size = size.masked_fill(is_absent, largest)
            return size.amin() / size
        mean = size.masked_fill(is_absent, 0).sum() / (~is_absent).sum().clamp(min=1)
        return size / mean.clamp(min=SMALLEST_GRADIENT)


@torch.no_grad()
def _head_gradient_size(logits, features, is_class, share):
    """Return the norm of each class loss's gradient for the head, (n_classes,)."""
    # Outside autocast: in half precision a small gradient would vanish.
    with torch.autocast(logits.device.type, enabled=False):
        features = F.pad(features.to(logits.dtype), (0, 1), value=1.0)  # 1 for the bias
        pull = logits.softmax(dim=1) - is_class  # (batch, n_logits)
        pull = share[:, :, None] * pull[:, None, :]  # (batch, n_classes, n_logits)
        gradient = pull.flatten(start_dim=1).T @ features
        return gradient.reshape(is_class.shape[1], -1).norm(dim=1)
