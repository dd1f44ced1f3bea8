"""The last linear layer of a network, and what it is given."""

from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn


def find_head(module, n_outputs):
    """Return the linear layer that makes the logits.

    Parameters
    ----------
    module : torch.nn.Module
        A network.
    n_outputs : int
        Number of logits.

    Returns
    -------
    head : torch.nn.Linear
        The linear layer registered last, of those with ``n_outputs`` outputs.

    Raises
    ------
    ValueError
        If there is none, or if it has no bias, which a loss that reads the features
        counts on.

    Examples
    --------
    >>> from torch import nn
    >>> find_head(nn.Sequential(nn.Flatten(), nn.Linear(8, 3)), n_outputs=3)
    Linear(in_features=8, out_features=3, bias=True)
    """
    heads = [
        layer
        for layer in module.modules()
        if isinstance(layer, nn.Linear) and layer.out_features == n_outputs
    ]
    if not heads:
        raise ValueError(
            f"find_head: the network must end in nn.Linear with {n_outputs} outputs, "
            f"got {type(module).__name__}, which has no such layer. Give it one, or "
            "take a loss that doesn't look at it, such as criterion='cross_entropy'."
        )
    if heads[-1].bias is None:
        raise ValueError(
            f"find_head: the last linear layer must have a bias, got {heads[-1]}. "
            "Build it with bias=True."
        )
    return heads[-1]


def build_encoder(build, in_channels):
    """Build a network without its head.

    Parameters
    ----------
    build : callable
        ``(in_channels, n_outputs) -> nn.Module``, such as a network configuration.
    in_channels : int
        Channels of what the network sees.

    Returns
    -------
    encoder : torch.nn.Module
        The network, which returns what entered its head.
    n_features : int
        How many that are.

    Examples
    --------
    >>> import torch
    >>> from briqa_sk.networks import CompactNet
    >>> encoder, n_features = build_encoder(CompactNet(), in_channels=1)
    >>> encoder(torch.zeros(2, 1, 8, 8, 8)).shape == (2, n_features)
    True
    """
    module = build(in_channels, 1)
    head = find_head(module, n_outputs=1)
    path = next(name for name, layer in module.named_modules() if layer is head)
    if not path:
        return nn.Identity(), head.in_features
    parent, _, name = path.rpartition(".")
    setattr(module.get_submodule(parent), name, nn.Identity())
    return module, head.in_features


@dataclass
class FeatureRecord:
    """What a head was given in the latest forward pass.

    Parameters
    ----------
    features : Tensor of shape (batch, n_features) or None, default=None
        Input of the head, part of the graph; None before the first pass.
    """

    features: torch.Tensor = None


@contextmanager
def record_features(head):
    """Record the input of a head while the block runs.

    The hook is gone after the block, so nothing of it is ever pickled with the
    network.

    Parameters
    ----------
    head : torch.nn.Linear
        From :func:`find_head`.

    Yields
    ------
    record : FeatureRecord
        ``record.features`` is renewed by every forward pass.

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Linear(2, 3))
    >>> with record_features(find_head(net, n_outputs=3)) as record:
    ...     logits = net(torch.tensor([[-1.0, 2.0]]))
    >>> record.features
    tensor([[0., 2.]])
    """
    record = FeatureRecord()

    def keep(_, inputs):
        record.features = inputs[0]

    hook = head.register_forward_pre_hook(keep)
    try:
        yield record
    finally:
        hook.remove()
