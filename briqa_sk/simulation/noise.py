"""Thermal noise of the receiver."""

import numpy as np

from briqa_sk.kernels import signal_levels
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

    References
    ----------
    .. [1] H. Gudbjartsson and S. Patz, "The Rician distribution of noisy MRI data",
       Magnetic Resonance in Medicine 34, 1995, equation 1.

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
    RANGES = ((0.0, 0.0), (0.12, 0.25), (0.4, 1.0))

    def __init__(self, snr=None):
        self.snr = snr

    def _at(self, strength):
        return self.LARGEST / strength if strength else None

    def _draw(self, snr, rng):
        return {"seed": int(rng.integers(2**63))}

    def _apply(self, data, parameters, spacing_mm):
        sigma = signal_levels(data.cpu().numpy()).tissue / parameters["snr"]
        # SFC64 is NumPy's fastest generator; its bits are the same on every machine.
        bits = np.random.SFC64(parameters["seed"])
        radii = np.float32(sigma) * RADII
        for block in data.view(-1).split(_BLOCK):
            _add_rician(block, radii, bits)
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
    spacing_mm : float or tuple of 3 float, default=(1.0, 1.0, 1.0)
        Voxel size, which noise does not depend on.
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    return Noise()(volume, strength, spacing_mm=spacing_mm, random_state=random_state)


def _add_rician(signal, radii, bits):
    """Overwrite a block with its magnitude under noise; 32 random bits per voxel."""
    n = len(signal)
    words = random_words(bits, 2 * n)
    radius = look_up(radii, words[:n], signal.device)
    cosine = look_up(COSINES, words[n:], signal.device)
    # Box and Muller: a complex Gaussian has a Rayleigh radius r and a uniform angle a,
    # and |s + r e^{ia}| = sqrt(s^2 + r (2 s cos a + r)).
    cosine.mul_(signal).mul_(2).add_(radius)
    signal.square_().addcmul_(radius, cosine).abs_().sqrt_()
