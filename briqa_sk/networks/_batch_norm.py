"""Batch normalisation that survives a last batch of one."""

from torch import nn
from torch.nn import functional as F


class _OneValueWillDo:
    """Take one value per channel in training, too.

    A single scan that the network has reduced to a single voxel has no spread to
    normalise by, and torch raises. Here such a batch is normalised by the running
    statistics, as in evaluation, and leaves them as they are.
    """

    def forward(self, x):
        """Return (batch, channels, ...) features, normalised."""
        n_values = x.numel() // x.shape[1]
        if n_values > 1 or not self.training:
            return super().forward(x)
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


class BatchNorm2d(_OneValueWillDo, nn.BatchNorm2d):
    """``torch.nn.BatchNorm2d`` that takes one value per channel in training, too."""


class BatchNorm3d(_OneValueWillDo, nn.BatchNorm3d):
    """``torch.nn.BatchNorm3d`` that takes one value per channel in training, too."""


OURS = {nn.BatchNorm2d: BatchNorm2d, nn.BatchNorm3d: BatchNorm3d}


def replace_batch_norms(module):
    """Exchange every batch norm inside a network, in place, weights included."""
    for name, child in module.named_children():
        if type(child) in OURS:
            kind = OURS[type(child)]
            norm = kind(child.num_features, child.eps, child.momentum)
            norm.load_state_dict(child.state_dict())
            setattr(module, name, norm)
        else:
            replace_batch_norms(child)
