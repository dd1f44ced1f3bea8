"""Ghosts: copies of the head, displaced along the phase axis."""

import math

import torch

from briqa_sk.simulation._axes import acting_axis, draw_axes
from briqa_sk.simulation._base import Artifact


class Ghosting(Artifact):
    r"""Add ghosts, as lines of k-space make them that differ periodically.

    If gain or phase of the lines of k-space changes with a period of m lines, copies
    of the head appear a fraction 1 / m of the field of view before and behind it, along
    the phase axis [1]_. A modulation of the lines by
    :math:`1 + 2 a e^{i \varphi} \cos(2 \pi k / m)` is, in the image,

    .. math:: | s + a e^{i \varphi} (T_d s + T_{-d} s) |, \qquad d = N / m

    with the cyclic shift :math:`T_d` by d of N voxels, rounded to whole ones. So no
    Fourier transform is needed. With m = 2, every other line differs, as in the Nyquist
    ghost of echo-planar imaging: both copies fall on one place, half a field of view
    away, and count once, :math:`1 + a e^{i \varphi} (-1)^k`. Strength scales the
    intensity a.

    ======== ========= =========
    Severity Strength  Intensity
    ======== ========= =========
    0        0         0
    1        .12-.3    .06-.15
    2        .5-1      .25-.5
    ======== ========= =========

    Parameters
    ----------
    intensity : float or None, default=None
        Signal of each ghost over the signal that it copies. None: 0.5 times strength.
    axis : int or None, default=None
        Phase axis, along which ghosts are displaced; 0, 1 or 2. None draws it.

    References
    ----------
    .. [1] M. A. Bernstein, K. F. King and X. J. Zhou, "Handbook of MRI Pulse
       Sequences", Elsevier, 2004, section 16.1.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk.simulation import Ghosting
    >>> clean = np.zeros((12, 8, 8), np.float32)
    >>> clean[0] = 100
    >>> ghosted = Ghosting(intensity=0.1, axis=0)(clean, random_state=0)
    >>> ghosted[:, 0, 0].round().tolist()
    [100.0, 0.0, 0.0, 0.0, 10.0, 0.0, 0.0, 0.0, 10.0, 0.0, 0.0, 0.0]
    """

    NAME = "ghosting"
    PHYSICAL = "intensity"
    LARGEST = 0.5
    RANGES = ((0.0, 0.0), (0.12, 0.3), (0.5, 1.0))

    def __init__(self, intensity=None, axis=None):
        self.intensity = intensity
        self.axis = axis

    def _draw(self, intensity, rng):
        return {
            "axes": draw_axes(self.axis, rng),
            "period_lines": int(rng.integers(2, 7)),
            "phase_deg": float(rng.uniform(0, 360)),
        }

    def _apply(self, data, parameters, spacing_mm):
        axis = acting_axis(
            parameters["axes"], data.shape, spacing_mm, caller=self._name
        )
        period = parameters["period_lines"]
        shift = round(data.shape[axis] / period)
        shifts = [shift] if period == 2 else [shift, -shift]
        phase = math.radians(parameters["phase_deg"])
        real = parameters["intensity"] * math.cos(phase)
        imaginary = parameters["intensity"] * math.sin(phase)
        ghosted = torch.empty_like(data)
        for index, plane in enumerate(ghosted):
            ghosts = sum(_shifted_plane(data, index, axis, shift) for shift in shifts)
            torch.add(data[index], ghosts, alpha=real, out=plane)
            plane.square_().addcmul_(ghosts, ghosts, value=imaginary**2).sqrt_()
        return ghosted


def add_ghosting(
    volume, strength, *, spacing_mm=(1.0, 1.0, 1.0), axis=None, random_state=None
):
    """Add ghosts; see :class:`Ghosting`.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor of shape (i, j, k)
        Magnitude image, not negative; left untouched.
    strength : float
        In [0, 1]: ghosts of half the signal at 1. 0 returns the voxels unchanged.
    spacing_mm : float or tuple of 3 float, default=(1.0, 1.0, 1.0)
        Voxel size of an array or a tensor. A Volume knows its own.
    axis : int or None, default=None
        Phase axis, along which ghosts are displaced. None draws it.
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    return Ghosting(axis=axis)(
        volume, strength, spacing_mm=spacing_mm, random_state=random_state
    )


def _shifted_plane(data, index, axis, shift):
    """Return plane ``data[index]`` of the volume that is shifted cyclically."""
    if axis == 0:
        return data[(index - shift) % len(data)]
    return data[index].roll(shift, axis - 1)
