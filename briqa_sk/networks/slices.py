"""A 2-D network over the slices of a volume."""

from contextlib import contextmanager, nullcontext
from functools import partial
from math import ceil, inf
from numbers import Integral

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from briqa_sk._validation import check_positive, resolve
from briqa_sk.networks._base import ConvNetConfig, NetworkConfig
from briqa_sk.networks.backbones import BACKBONES
from briqa_sk.networks.head import build_encoder

ENCODERS = {
    name: config
    for name, config in BACKBONES.items()
    if isinstance(config, ConvNetConfig)
}
POOLINGS = ("mean", "max", "attention")
#: Slices that are encoded at a time.
MAX_IMAGES = 64


class SliceNet(NetworkConfig):
    """One 2-D encoder for all slices, their features pooled, and one linear layer.

    A baseline for the 3-D networks: it sees what happens within a slice and knows
    nothing of the order of the slices. Slices are encoded 64 at a time; if there are
    more in a batch, their activations are computed a second time in the backward pass
    instead of being kept, so memory hardly grows with the number of slices. Together,
    all 64s of a step move the running statistics of batch norms as far as one batch.

    Parameters
    ----------
    encoder : str, NetworkConfig or callable, default="resnet18"
        Name or configuration of a convolutional network, which is built with two
        dimensions instead of three, or any callable ``(in_channels, n_outputs) ->
        nn.Module`` for images of (batch, in_channels, rows, columns). Its head is left
        out.
    axis : {0, 1, 2}, default=2
        Slices are cut across this axis of a volume.
    pooling : {"mean", "max", "attention"}, default="mean"
        How the features of a scan's slices become those of the scan. ``"attention"``
        is gated attention [1]_: a weighted mean, whose weights are learnt.
    n_slices : int or None, default=None
        Look only at so many slices, the centres of as many equal parts of the axis.
        With None, and in volumes that have fewer, at all of them.

    References
    ----------
    .. [1] Ilse, Tomczak, Welling. "Attention-based deep multiple instance learning",
       ICML 2018, equation 9.

    Examples
    --------
    >>> import torch
    >>> from briqa_sk.networks import CompactNet, SliceNet
    >>> config = SliceNet(encoder=CompactNet(n_filters=4), pooling="attention")
    >>> config(in_channels=1, n_outputs=3)(torch.zeros(2, 1, 48, 40, 5)).shape
    torch.Size([2, 3])
    """

    def __init__(self, encoder="resnet18", axis=2, pooling="mean", n_slices=None):
        self.encoder = encoder
        self.axis = axis
        self.pooling = pooling
        self.n_slices = n_slices

    @property
    def min_shape(self):
        """Smallest volume (i, j, k): one slice that the encoder can take."""
        self._check_choice("axis", (0, 1, 2))
        shape = list(getattr(self._encoder_config(), "min_shape", (1, 1, 1)))
        shape[self.axis] = 1
        return tuple(shape)

    def __call__(self, in_channels, n_outputs):
        """Build the network; see :class:`NetworkConfig`."""
        self._check_choice("axis", (0, 1, 2))
        self._check_choice("pooling", POOLINGS)
        if self.n_slices is not None:
            check_positive(self.n_slices, "n_slices", caller="SliceNet", kind=Integral)
        build = config = self._encoder_config()
        if isinstance(config, ConvNetConfig):
            build = partial(config.build, 2)
        encoder, n_features = build_encoder(build, in_channels)
        return SliceModule(
            encoder, n_features, n_outputs, self.axis, self.pooling, self.n_slices
        )

    def _encoder_config(self):
        config = resolve(self.encoder, ENCODERS, caller="SliceNet", parameter="encoder")
        if isinstance(config, NetworkConfig) and not isinstance(config, ConvNetConfig):
            raise TypeError(
                "SliceNet: encoder must be a network that exists for images, got "
                f"{config!r}, which is for volumes only. Choose one of "
                f"{', '.join(sorted(ENCODERS))}."
            )
        return config


class SliceModule(nn.Module):
    """The network that :class:`SliceNet` builds.

    Parameters
    ----------
    encoder : torch.nn.Module
        From images to features.
    n_features : int
        How many features of an image.
    n_outputs : int
        Number of logits.
    axis : {0, 1, 2}
        As in :class:`SliceNet`.
    pooling : {"mean", "max", "attention"}
        As in :class:`SliceNet`.
    n_slices : int or None
        As in :class:`SliceNet`.
    """

    def __init__(self, encoder, n_features, n_outputs, axis, pooling, n_slices):
        super().__init__()
        self.axis, self.pooling, self.n_slices = axis, pooling, n_slices
        self.encoder = encoder
        self.attention = GatedAttention(n_features) if pooling == "attention" else None
        self.head = nn.Linear(n_features, n_outputs)

    def forward(self, x):
        """Return (batch, n_outputs) logits of (batch, in_channels, i, j, k) volumes."""
        x = x.movedim(self.axis + 2, 0)  # (slices, batch, in_channels, rows, columns)
        if self.n_slices is not None and self.n_slices < len(x):
            x = torch.stack([x[index] for index in centres(len(x), self.n_slices)])
        return self.head(self._pool(self._encode(x)))

    def _encode(self, x):
        """Return (slices, batch, n_features) features, slices in any order."""
        n_slices, batch = x.shape[:2]
        n_parts = min(ceil(n_slices * batch / MAX_IMAGES), n_slices)
        encode = self.encoder
        if n_parts > 1 and torch.is_grad_enabled():
            encode = partial(
                checkpoint,
                self.encoder,
                use_reentrant=False,
                # Running statistics have seen what is computed a second time.
                context_fn=lambda: (nullcontext(), scaled_updates(self.encoder, inf)),
            )
        # Each part has slices of every scan and from everywhere: their batch norms
        # should see no less.
        parts = [x[part::n_parts].flatten(0, 1) for part in range(n_parts)]
        with scaled_updates(self.encoder, n_parts):
            features = torch.cat([encode(images) for images in parts])
        return features.unflatten(0, (n_slices, batch))

    def _pool(self, features):
        if self.pooling == "mean":
            return features.mean(dim=0)
        if self.pooling == "max":
            return features.amax(dim=0)
        return self.attention(features)


@contextmanager
def scaled_updates(encoder, n_parts):
    """Let n_parts batches move running statistics as far as one; of inf, each not."""
    norms = [
        module
        for module in encoder.modules()
        if isinstance(module, _BatchNorm) and module.momentum is not None
    ]
    momenta = [norm.momentum for norm in norms]
    try:
        for norm in norms:
            norm.momentum = 1 - (1 - norm.momentum) ** (1 / n_parts)
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def centres(n_slices, n_parts):
    """Return the indices in the middle of ``n_parts`` equal parts of an axis."""
    return [(2 * part + 1) * n_slices // (2 * n_parts) for part in range(n_parts)]


class GatedAttention(nn.Module):
    """A mean over the slices with learnt weights.

    The weights of a scan's slices ``h_k`` are ``softmax_k(w (tanh(V h_k) *
    sigmoid(U h_k)))``.

    Parameters
    ----------
    n_features : int
        Features of a slice.
    """

    n_hidden = 128  # as in the paper

    def __init__(self, n_features):
        super().__init__()
        self.V = nn.Linear(n_features, self.n_hidden, bias=False)
        self.U = nn.Linear(n_features, self.n_hidden, bias=False)
        self.w = nn.Linear(self.n_hidden, 1, bias=False)

    def forward(self, x):
        """Return (batch, n_features) of (n_slices, batch, n_features)."""
        score = self.w(self.V(x).tanh() * self.U(x).sigmoid())  # (n_slices, batch, 1)
        return (score.softmax(dim=0) * x).sum(dim=0)
