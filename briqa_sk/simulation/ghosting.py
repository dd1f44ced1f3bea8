"""Ghosts: copies of the head, displaced along the phase axis."""

import math

import numpy as np

from briqa_sk.kernels.averaging import multiply_along
from briqa_sk.simulation._base import Artifact
from briqa_sk.simulation._received import receive, signal_of

_LONGEST_PERIOD = 10  # lines
_MOST_SPARED = 0.06  # of the lines, next to the centre of k-space


class Ghosting(Artifact):
    r"""Add ghosts, as lines of k-space make them that differ periodically.

    If gain or phase of the lines of k-space changes with a period of m lines, copies
    of the head appear at multiples of a fraction 1 / m of the field of view, along the
    phase axis [1]_. The lines k are those of the head times

    .. math:: 1 + a \sqrt 2 \, e^{i \varphi} \cos(2 \pi k / m + \theta)
              \quad \text{or} \quad
              1 - a \frac{m}{\sqrt{m - 1}} \, e^{i \varphi} \, [k \equiv o \bmod m]

    - "swing": lines change smoothly, as with breathing or pulsation; there are two
      ghosts (with m = 2, the Nyquist ghost of echo-planar imaging, there is one).
    - "skip": every m-th line is received badly; there are m - 1 ghosts.

    The a is the intensity of all ghosts together: the root of the sum of the squares of
    their amplitudes over the signal that they copy. Lines next to the centre are spared
    in one draw of two, so that ghosts are outlines of the head. Noise is received with
    the lines, and not changed with them.

    ======== ========= =========
    Severity Strength  Intensity
    ======== ========= =========
    0        0         0
    1        .12-.25   .07-.14
    2        .65-1     .36-.55
    ======== ========= =========

    Parameters
    ----------
    intensity : float or None, default=None
        Of all ghosts together, over the signal that they copy. None: 0.55 times
        strength.
    kind : {"swing", "skip"} or None, default=None
        None draws one.
    axis : int or None, default=None
        Phase axis, along which ghosts are displaced; 0, 1 or 2. None draws it.

    References
    ----------
    .. [1] M. A. Bernstein, K. F. King and X. J. Zhou, "Handbook of MRI Pulse
       Sequences", Elsevier, 2004, section 16.1.

    Examples
    --------
    >>> from briqa_sk.datasets import make_head_phantom
    >>> from briqa_sk.simulation import Ghosting
    >>> ghosting = Ghosting(intensity=0.3, kind="swing", axis=1)
    >>> ghosting(make_head_phantom(24), random_state=0).history[-1]
    'ghosting: intensity=0.3'
    """

    NAME = "ghosting"
    PHYSICAL = "intensity"
    AXIS = "phase"
    LARGEST = 0.55
    KINDS = ("swing", "skip")
    RANGES = ((0.0, 0.0), (0.12, 0.25), (0.65, 1.0))

    def __init__(self, intensity=None, kind=None, axis=None):
        self.intensity = intensity
        self.kind = kind
        self.axis = axis

    def _draw(self, intensity, acquisition, rng):
        kind = str(rng.choice(self.KINDS))
        spared = float(rng.uniform(0.0, _MOST_SPARED))
        return {
            "kind": self.kind or kind,
            "period_lines": int(rng.integers(2, _LONGEST_PERIOD + 1)),
            "offset": float(rng.random()),
            "phase_deg": float(rng.uniform(0, 360)),
            "spared": spared if rng.random() < 0.5 else 0.0,
        }

    def _apply(self, data, parameters, scan):
        axis = scan.axis("phase", caller=self._name)
        signal = signal_of(data, scan)
        ghosts = _ghost_matrix(parameters, data.shape[axis])
        real = multiply_along(signal, ghosts.real, axis)
        imaginary = multiply_along(signal, ghosts.imag, axis)
        return receive(data, scan, real, imaginary)


def add_ghosting(
    volume, strength, *, spacing_mm=(1.0, 1.0, 1.0), axis=None, random_state=None
):
    """Add ghosts; see :class:`Ghosting`.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor of shape (i, j, k)
        Magnitude image, not negative; left untouched.
    strength : float
        In [0, 1]: ghosts of 0.55 of the signal at 1. 0 returns the voxels unchanged.
    spacing_mm, axis, random_state
        As in :class:`Ghosting` and its call.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    return Ghosting(axis=axis)(
        volume, strength, spacing_mm=spacing_mm, random_state=random_state
    )


def _ghost_matrix(parameters, n_lines):
    """Return what makes the ghosts of a line of voxels, (n_lines, n_lines), complex."""
    line = np.fft.fftfreq(n_lines, 1 / n_lines).astype(int)
    period, a = parameters["period_lines"], parameters["intensity"]
    if parameters["kind"] == "swing":
        # With a period of 2 lines both ghosts fall on one place, and count once.
        turns = line / period + (0 if period == 2 else parameters["offset"])
        size = a if period == 2 else math.sqrt(2) * a
        change = size * np.cos(2 * np.pi * turns)
    else:
        is_hit = line % period == int(parameters["offset"] * period)
        change = -a * period / math.sqrt(period - 1) * is_hit
    change = np.where(np.abs(line) < parameters["spared"] * n_lines / 2, 0, change)
    kernel = np.fft.ifft(change * np.exp(1j * math.radians(parameters["phase_deg"])))
    place = np.arange(n_lines)
    return kernel[(place[:, None] - place) % n_lines]
