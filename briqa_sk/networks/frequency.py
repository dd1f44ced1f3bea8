"""A network that sees a volume and its spectrum."""

import torch
from torch import nn
from torch.nn import functional as F

from briqa_sk._validation import resolve
from briqa_sk.networks._base import NetworkConfig
from briqa_sk.networks.backbones import BACKBONES
from briqa_sk.networks.head import build_encoder

FUSIONS = ("concat", "attention")
#: What is added to the magnitudes, whose mean is 1, before the logarithm: keeps the
#: rounding errors of an empty part of k-space from filling it with structure.
FLOOR = 1e-6
#: Mean magnitude below which a volume counts as empty.
EMPTY = 1e-12


class FrequencyFusion(NetworkConfig):
    """Two encoders, one for the volume and one for its spectrum, and one head [1]_.

    An artifact that is spread over the whole volume can be a single point of its
    spectrum: a zipper is a line of k-space, periodic banding a pair of peaks. The
    spectrum of a volume ``x`` is the centred log-magnitude of its three-dimensional
    discrete Fourier transform, standardised over the volume::

        M = abs(fftshift(fftn(x)))
        L = log(M / mean(M) + 1e-6)
        spectrum = (L - mean(L)) / std(L)

    It is the same for ``x`` and ``3 * x``. The paper says "DFT" and no more; the
    logarithm and the centring are our reading of it.

    Parameters
    ----------
    spatial : str, NetworkConfig or callable, default="resnet18"
        Encoder of the volume: the name of a plain network, or any configuration, whose
        head is left out.
    spectral : str, NetworkConfig or callable, default="compact"
        Encoder of the spectrum.
    fusion : {"concat", "attention"}, default="concat"
        How the features ``a`` of the volume and ``b`` of the spectrum meet before the
        head: ``[a, b]``, or ``[2 z a, 2 (1 - z) b]`` with the gate ``z = sigmoid(w [a,
        b] + c)`` of each scan, as in gated multimodal units [2]_. A gate starts at one
        half, where both are the same.
    phase : bool, default=False
        Show the spectral encoder the phase of the transform as well, in units of pi,
        in [-1, 1]; it knows where things are, which the magnitude does not.

    References
    ----------
    .. [1] BRIQA, arXiv:2510.26661.
    .. [2] Arevalo, Solorio, Montes-y-Gomez, Gonzalez. "Gated multimodal units for
       information fusion", arXiv:1702.01992.

    Examples
    --------
    >>> from briqa_sk.networks import CompactNet, FrequencyFusion, find_head
    >>> config = FrequencyFusion(spatial="resnet10", spectral=CompactNet(n_filters=4))
    >>> find_head(config(in_channels=1, n_outputs=3), n_outputs=3)
    Linear(in_features=604, out_features=3, bias=True)
    """

    def __init__(
        self, spatial="resnet18", spectral="compact", fusion="concat", phase=False
    ):
        self.spatial = spatial
        self.spectral = spectral
        self.fusion = fusion
        self.phase = phase

    @property
    def min_shape(self):
        """Smallest volume (i, j, k): what both encoders can take."""
        shapes = [getattr(config, "min_shape", (1, 1, 1)) for config in self._configs()]
        return tuple(map(max, *shapes))

    def __call__(self, in_channels, n_outputs):
        """Build the network; see :class:`NetworkConfig`."""
        self._check_choice("fusion", FUSIONS)
        spatial, spectral = self._configs()
        return FusionModule(
            build_encoder(spatial, in_channels),
            build_encoder(spectral, in_channels * (1 + bool(self.phase))),
            n_outputs,
            self.fusion,
            self.phase,
        )

    def _configs(self):
        return [
            resolve(
                getattr(self, name),
                BACKBONES,
                caller=type(self).__name__,
                parameter=name,
            )
            for name in ("spatial", "spectral")
        ]


class FusionModule(nn.Module):
    """The network that :class:`FrequencyFusion` builds.

    Parameters
    ----------
    spatial, spectral : tuple of (torch.nn.Module, int)
        Encoders and how many features they return.
    n_outputs : int
        Number of logits.
    fusion : {"concat", "attention"}
        As in :class:`FrequencyFusion`.
    phase : bool
        As in :class:`FrequencyFusion`.
    """

    def __init__(self, spatial, spectral, n_outputs, fusion, phase):
        super().__init__()
        self.spatial, n_spatial = spatial
        self.spectral, n_spectral = spectral
        n_features = n_spatial + n_spectral
        self.phase = phase
        self.gate = Gate(n_features) if fusion == "attention" else None
        self.head = nn.Linear(n_features, n_outputs)

    def forward(self, x):
        """Return (batch, n_outputs) logits of (batch, in_channels, i, j, k) volumes."""
        a = self.spatial(x)  # (batch, n_spatial)
        b = self.spectral(spectrum(x, self.phase))  # (batch, n_spectral)
        if self.gate is not None:
            z = self.gate(torch.cat([a, b], dim=1))  # (batch, 1)
            a, b = 2 * z * a, 2 * (1 - z) * b
        return self.head(torch.cat([a, b], dim=1))


class Gate(nn.Module):
    """One number in (0, 1) for each row of features; 0.5 before training.

    Parameters
    ----------
    n_features : int
        Features of a row.
    """

    def __init__(self, n_features):
        super().__init__()
        self.linear = nn.Linear(n_features, 1)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x):
        """Return the (batch, 1) gates of (batch, n_features) rows."""
        return self.linear(x).sigmoid()


def spectrum(x, phase=False):
    """Return the centred, standardised log-magnitude spectrum of volumes.

    Parameters
    ----------
    x : Tensor of shape (batch, channels, i, j, k)
        Volumes, of any real dtype; what is narrower than float32 is transformed in
        float32, because a transform sums over the whole volume.
    phase : bool, default=False
        Append the phase in units of pi.

    Returns
    -------
    spectrum : Tensor of shape (batch, channels, i, j, k)
        Frequency 0 lies at ``(i // 2, j // 2, k // 2)``. Twice as many channels with
        the phase. Of the dtype of ``x``.
    """
    dims = (2, 3, 4)
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    transform = torch.fft.fftshift(torch.fft.fftn(wide, dim=dims), dim=dims)
    magnitude = transform.abs()
    mean = magnitude.mean(dim=dims, keepdim=True)
    level = (magnitude / mean.clamp_min(EMPTY) + FLOOR).log()
    channels = [F.layer_norm(level, level.shape[2:])]
    if phase:
        channels.append(transform.angle() / torch.pi)
    return torch.cat(channels, dim=1).to(x.dtype)
