"""Spikes in k-space: stripes and herringbones all over the image."""

import numpy as np
import torch

from briqa_sk.simulation._axes import MIN_VOXELS
from briqa_sk.simulation._base import Artifact
from briqa_sk.simulation._received import receive

_MOST_SPIKES = 3
_HIGHEST = 0.8  # of the Nyquist frequency, along each axis
_LOWEST = 0.1  # along the fastest of them; slower waves look like a bias field


class Spike(Artifact):
    r"""Add spikes to k-space: stripes, or with several of them a herringbone.

    A discharge in the scanner room hits one sample of k-space [1]_, which is one plane
    wave all over the image:

    .. math:: \Big| s(r) + \bar s \sum_n a_n e^{2 \pi i k_n \cdot r + i \varphi_n} \Big|

    with the mean tissue signal :math:`\bar s` and whole numbers :math:`k_n` of cycles
    per field of view, up to 0.8 of the Nyquist frequency along each axis and at least
    0.1 along one. Axes with fewer than 8 voxels get 0 cycles. In a 2-D acquisition, the
    discharge hits one slice, and the wave lies in it. A plane wave is a product of
    three vectors, so no Fourier transform is needed.

    Strength scales the amplitudes and the number of spikes; the spikes of a lower
    strength stay where they are.

    ======== ========= ========= ======
    Severity Strength  Amplitude Spikes
    ======== ========= ========= ======
    0        0         0         0
    1        .15-.33   .12-.26   1
    2        .5-1      .4-.8     2-3
    ======== ========= ========= ======

    Parameters
    ----------
    amplitude : float or None, default=None
        Amplitude of the strongest wave over the mean tissue signal. The number of
        spikes follows from it. None: 0.8 times strength.

    References
    ----------
    .. [1] T. B. Smith and K. S. Nayak, "MRI artifacts and correction strategies",
       Imaging in Medicine 2, 2010.

    Examples
    --------
    >>> from briqa_sk.datasets import make_head_phantom
    >>> from briqa_sk.simulation import Spike
    >>> striped = Spike(amplitude=0.3)(make_head_phantom(24), random_state=0)
    >>> striped.history[-1]
    'spike: amplitude=0.3'
    """

    NAME = "spike"
    PHYSICAL = "amplitude"
    LARGEST = 0.8
    RANGES = ((0.0, 0.0), (0.15, 0.33), (0.5, 1.0))

    def __init__(self, amplitude=None):
        self.amplitude = amplitude

    def _draw(self, amplitude, acquisition, rng):
        spikes = [_draw_spike(rng) for _ in range(_MOST_SPIKES)]
        spikes[0]["relative_amplitude"] = 1.0
        return {
            "spikes": self._first(spikes, amplitude),
            "slice": float(rng.uniform(0.25, 0.75)),
        }

    def _apply(self, data, parameters, scan):
        scan.axis("phase", caller=self._name)
        level = parameters["amplitude"] * scan.levels.tissue
        part, shape = data, list(scan.shape)
        if scan.is_2d:
            axis = scan.axis("slice", caller=self._name, n_least=1)
            part = data.narrow(axis, int(parameters["slice"] * shape[axis]), 1)
            shape[axis] = 1
        rows, columns = _factors(parameters["spikes"], shape)
        rows = torch.from_numpy(level * rows).to(data.device, torch.float32)
        columns = torch.from_numpy(columns).to(data.device)
        for plane, row in zip(part, rows, strict=True):
            real, imaginary = (row @ columns).view(2, *plane.shape)
            plane.copy_(receive(plane.clone(), scan, real, imaginary))
        return data


def add_spike(volume, strength, *, spacing_mm=(1.0, 1.0, 1.0), random_state=None):
    """Add spikes to k-space; see :class:`Spike`.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor of shape (i, j, k)
        Magnitude image, not negative; left untouched.
    strength : float
        In [0, 1]: 0.8 of the mean tissue signal in the strongest of 3 waves at 1. 0
        returns the voxels unchanged.
    spacing_mm, random_state
        As in :class:`Spike` and its call.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    return Spike()(volume, strength, spacing_mm=spacing_mm, random_state=random_state)


def _draw_spike(rng):
    """Draw the place of one spike in k-space, its size and its phase."""
    frequency = rng.uniform(-_HIGHEST, _HIGHEST, 3)
    frequency *= max(1.0, _LOWEST / np.abs(frequency).max())
    return {
        "frequency": frequency.tolist(),
        "relative_amplitude": float(rng.uniform(0.5, 1)),
        "phase_deg": float(rng.uniform(0, 360)),
    }


def _n_cycles(frequency, n_voxels):
    """Return the whole number of cycles nearest to a fraction of Nyquist's."""
    return round(frequency * n_voxels / 2) if n_voxels >= MIN_VOXELS else 0


def _factors(spikes, shape):
    """Return the sum of waves as a product of matrices.

    Parameters
    ----------
    spikes : list of dict
        n spikes, as drawn.
    shape : tuple of 3 int
        Voxels along i, j, k.

    Returns
    -------
    rows : ndarray of shape (i, 2, 2n), dtype float64
        Times ``columns``, the real and the imaginary part of plane i.
    columns : ndarray of shape (2n, j * k), dtype float32
        Real and imaginary parts of the waves within a plane.
    """
    sizes = [
        spike["relative_amplitude"] * np.exp(1j * np.deg2rad(spike["phase_deg"]))
        for spike in spikes
    ]
    wave_i, wave_j, wave_k = (
        np.stack([_wave(spike["frequency"][axis], n) for spike in spikes])
        for axis, n in enumerate(shape)
    )
    u = (np.array(sizes)[:, None] * wave_i).T  # (i, n)
    v = (wave_j[:, :, None] * wave_k[:, None, :]).reshape(len(spikes), -1)
    # (a + ib)(c + id) = (ac - bd) + i (bc + ad)
    rows = np.stack([np.hstack([u.real, -u.imag]), np.hstack([u.imag, u.real])], axis=1)
    return rows, np.concatenate([v.real, v.imag]).astype(np.float32)


def _wave(frequency, n_voxels):
    turns = _n_cycles(frequency, n_voxels) * np.arange(n_voxels) / n_voxels
    return np.exp(2j * np.pi * turns)
