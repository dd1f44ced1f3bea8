"""Thermal noise of the receiver."""

import numpy as np
import torch

from briqa_sk.simulation._base import Artifact
from briqa_sk.simulation._tables import COSINES, RADII, look_up, random_words

_BLOCK = 1 << 16  # voxels whose intermediate results fit into the processor's cache


class Noise(Artifact):
    r"""Add Rician noise of a given signal-to-noise ratio.

    Thermal noise is complex, white and Gaussian in k-space; the Fourier transform,
    being unitary, leaves it so in the image, whose magnitude is then Rician [1]_:

    .. math:: \sqrt{(s + \sigma n_1)^2 + (\sigma n_2)^2}, \qquad
              \sigma = \bar s / \mathrm{SNR}

    with standard normal :math:`n_1, n_2` and the mean tissue signal :math:`\bar s`. In
    the air, :math:`s = 0`, noise has the mean :math:`\sigma \sqrt{\pi / 2}`. The noise
    that a scan has already stays in it.

    - "uniform": the noise of one coil, the same everywhere.
    - "g_factor": what parallel imaging makes of it [2]_, more in the middle of the
      head, where coils hear the same, than at its edge: :math:`\sigma` times a bump
      along the phase axis and across it, whose mean square over the field of view is 1.
      One draw in four.

    ======== ========= ===========
    Severity Strength  SNR
    ======== ========= ===========
    0        0         as acquired
    1        .12-.25   17 to 8
    2        .4-1      5 to 2
    ======== ========= ===========

    Parameters
    ----------
    snr : float or None, default=None
        Mean tissue signal over the standard deviation of the noise in each of the two
        receiver channels. None: 2 / strength.
    kind : {"uniform", "g_factor"} or None, default=None
        None draws one.

    References
    ----------
    .. [1] H. Gudbjartsson and S. Patz, "The Rician distribution of noisy MRI data",
       Magnetic Resonance in Medicine 34, 1995, equation 1.
    .. [2] K. P. Pruessmann, M. Weiger, M. B. Scheidegger and P. Boesiger, "SENSE:
       sensitivity encoding for fast MRI", Magnetic Resonance in Medicine 42, 1999.

    Examples
    --------
    >>> from briqa_sk.datasets import make_head_phantom
    >>> from briqa_sk.simulation import Noise
    >>> noisy = Noise(snr=5.0)(make_head_phantom(24), random_state=0)
    >>> noisy.history[-1]
    'noise: snr=5'
    """

    NAME = "noise"
    PHYSICAL = "snr"
    LARGEST = 2.0  # the lowest one: it is the noise that grows
    KINDS = ("uniform", "g_factor")
    RANGES = ((0.0, 0.0), (0.12, 0.25), (0.4, 1.0))

    def __init__(self, snr=None, kind=None):
        self.snr = snr
        self.kind = kind

    def _at(self, strength):
        return self.LARGEST / strength if strength else None

    def _draw(self, snr, acquisition, rng):
        kind = str(rng.choice(self.KINDS, p=(0.75, 0.25)))
        bump = {
            "height": float(rng.uniform(0.5, 2.0)),
            "centre": rng.uniform(0.4, 0.6, size=3).tolist(),
            "width": rng.uniform(0.15, 0.3, size=3).tolist(),
        }
        return {
            "kind": self.kind or kind,
            "g_factor": bump,
            "seed": int(rng.integers(2**63)),
        }

    def _apply(self, data, parameters, scan):
        sigma = scan.levels.tissue / parameters["snr"]
        # SFC64 is NumPy's fastest generator; its bits are the same on every machine.
        bits = np.random.SFC64(parameters["seed"])
        gains = None
        if parameters["kind"] == "g_factor":
            gains = _g_factor(parameters["g_factor"], data).view(-1).split(_BLOCK)
        radii = np.float32(sigma) * RADII
        for index, block in enumerate(data.view(-1).split(_BLOCK)):
            _add_rician(block, radii, bits, gains and gains[index])
        return data


def add_noise(volume, strength, *, spacing_mm=(1.0, 1.0, 1.0), random_state=None):
    """Add Rician noise; see :class:`Noise`.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor of shape (i, j, k)
        Magnitude image, not negative; left untouched.
    strength : float
        In [0, 1]: the noise, as a fraction of half the mean tissue signal. 0 returns
        the voxels unchanged.
    spacing_mm, random_state
        As in :class:`Noise` and its call.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    return Noise()(volume, strength, spacing_mm=spacing_mm, random_state=random_state)


def _add_rician(signal, radii, bits, gain):
    """Overwrite a block with its magnitude under noise; 32 random bits per voxel."""
    n = len(signal)
    words = random_words(bits, 2 * n)
    radius = look_up(radii, words[:n], signal.device)
    cosine = look_up(COSINES, words[n:], signal.device)
    if gain is not None:
        radius.mul_(gain)
    # Box and Muller: a complex Gaussian has a Rayleigh radius r and a uniform angle a,
    # and |s + r e^{ia}| = sqrt(s^2 + r (2 s cos a + r)).
    cosine.mul_(signal).mul_(2).add_(radius)
    signal.square_().addcmul_(radius, cosine).abs_().sqrt_()


def _g_factor(bump, data):
    """Return a map that is highest in the middle, and 1 in the mean square."""
    factors = [
        torch.exp(-(((torch.arange(n) + 0.5) / n - centre) ** 2) / (2 * width**2))
        for n, centre, width in zip(
            data.shape, bump["centre"], bump["width"], strict=True
        )
    ]
    i, j, k = (factor.to(data.device) for factor in factors)
    gain = 1 + bump["height"] * i[:, None, None] * j[:, None] * k
    return gain / gain.square().mean().sqrt()
