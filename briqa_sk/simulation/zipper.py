"""Zipper lines: radio frequencies from outside that leak into the receiver."""

import math

import numpy as np
import torch

from briqa_sk.kernels import signal_levels
from briqa_sk.simulation._axes import acting_axis, draw_axes
from briqa_sk.simulation._base import Artifact

_MOST_LINES = 7
_MOST_WAVES = 4  # in the envelope of an alternating line
_NEIGHBOUR = 0.7  # amplitude of the second plane of a line, relative to the first


class Zipper(Artifact):
    r"""Draw zipper lines: interference of discrete frequencies during readout.

    A frequency from outside is one position along the readout axis, because position
    is frequency there. It has no relation to the phase encoding, so its energy spreads
    over the whole voxel plane at that position [1]_. The image is
    :math:`|s + \bar s \, a_l \, z_l|` on the planes of line :math:`l`, with the mean
    tissue signal :math:`\bar s`, and bit for bit the input elsewhere. The complex
    pattern :math:`z_l` has root mean square 1. It is noise, if the interference has a
    new phase in each repetition, or it alternates in sign from voxel to voxel along
    the phase direction, under a slowly varying envelope. A frequency between two
    voxels fills both planes, the second with 0.7 of the amplitude.

    Strength scales the amplitude and the number of lines; the lines of a lower
    strength stay where they are.

    ======== ========= ========= =====
    Severity Strength  Amplitude Lines
    ======== ========= ========= =====
    0        0         0         0
    1        .25-.45   .23-.41   2-4
    2        .65-1     .59-.9    5-7
    ======== ========= ========= =====

    Parameters
    ----------
    amplitude : float or None, default=None
        Root mean square of the strongest line over the mean tissue signal. The number
        of lines follows from it. None: 0.9 times strength.
    axis : int or None, default=None
        Readout axis, along which the lines have their positions; 0, 1 or 2. None draws
        it.

    References
    ----------
    .. [1] R. B. Graves and D. G. Mitchell, "Body MRI artifacts in clinical practice: a
       physicist's and radiologist's perspective", Journal of Magnetic Resonance
       Imaging 38, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk.simulation import Zipper
    >>> clean = np.ones((20, 16, 16), np.float32)
    >>> zipped = Zipper(amplitude=0.1, axis=0)(clean, random_state=0)
    >>> np.flatnonzero((zipped != clean).any(axis=(1, 2))).tolist()
    [12]
    """

    NAME = "zipper"
    PHYSICAL = "amplitude"
    LARGEST = 0.9
    RANGES = ((0.0, 0.0), (0.25, 0.45), (0.65, 1.0))

    def __init__(self, amplitude=None, axis=None):
        self.amplitude = amplitude
        self.axis = axis

    def _draw(self, amplitude, rng):
        axes = draw_axes(self.axis, rng)
        # One line per seventh of the field of view, so that lines don't hide others.
        lines = [_draw_line(part, rng) for part in rng.permutation(_MOST_LINES)]
        lines[0]["relative_amplitude"] = 1.0
        return {"axes": axes, "lines": self._first(lines, amplitude)}

    def _apply(self, data, parameters, spacing_mm):
        axis = acting_axis(
            parameters["axes"], data.shape, spacing_mm, caller=self._name
        )
        level = parameters["amplitude"] * signal_levels(data.cpu().numpy()).tissue
        planes = _readout_first(data, axis)
        for line in parameters["lines"]:
            size = level * line["relative_amplitude"]
            for index, pattern in _patterns(line, planes.shape):
                wave = torch.from_numpy(np.stack([pattern.real, pattern.imag]) * size)
                real, imaginary = wave.to(data.device, torch.float32)
                planes[index].add_(real).hypot_(imaginary)
        return data


def add_zipper(
    volume, strength, *, spacing_mm=(1.0, 1.0, 1.0), axis=None, random_state=None
):
    """Draw zipper lines; see :class:`Zipper`.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor of shape (i, j, k)
        Magnitude image, not negative; left untouched.
    strength : float
        In [0, 1]: 0.9 of the mean tissue signal in the strongest of 7 lines at 1. 0
        returns the voxels unchanged.
    spacing_mm : float or tuple of 3 float, default=(1.0, 1.0, 1.0)
        Voxel size of an array or a tensor. A Volume knows its own.
    axis : int or None, default=None
        Readout axis, along which the lines have their positions. None draws it.
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    return Zipper(axis=axis)(
        volume, strength, spacing_mm=spacing_mm, random_state=random_state
    )


def _draw_line(part, rng):
    """Draw one line in a part of the field of view."""
    return {
        "position": float((part + rng.uniform(0.1, 0.7)) / _MOST_LINES),
        "relative_amplitude": float(rng.uniform(0.6, 1)),
        "n_planes": int(rng.choice([1, 2], p=[0.6, 0.4])),
        "pattern": str(rng.choice(["noise", "alternating"])),
        "seed": int(rng.integers(2**63)),
    }


def _readout_first(data, axis):
    """Return a view as (readout, phase, other); the longer axis is the phase axis."""
    others = [other for other in range(3) if other != axis]
    phase, other = sorted(others, key=lambda a: data.shape[a], reverse=True)
    return data.permute(axis, phase, other)


def _patterns(line, shape):
    """Yield the index of each plane of a line and its complex pattern."""
    n_readout, *plane = shape
    rng = np.random.default_rng(line["seed"])
    make = {"noise": _noise, "alternating": _alternating}[line["pattern"]]
    first = min(int(line["position"] * n_readout), n_readout - line["n_planes"])
    for offset in range(line["n_planes"]):
        pattern = make(plane, rng) * (-1) ** offset
        root_mean_square = math.sqrt(np.mean(np.abs(pattern) ** 2))
        yield first + offset, pattern * (_NEIGHBOUR**offset / root_mean_square)


def _noise(plane, rng):
    """Return complex noise: the interference has a new phase in each repetition."""
    real, imaginary = rng.standard_normal((2, *plane))
    return real + 1j * imaginary


def _alternating(plane, rng):
    """Return (-1)^p under a smooth envelope: bursts in the outermost phase lines."""
    n_phase, n_other = plane
    size, phase = rng.standard_normal(_MOST_WAVES), rng.random(_MOST_WAVES)
    along, across = rng.uniform(1, 8, _MOST_WAVES), rng.uniform(-4, 4, _MOST_WAVES)
    # cos(a + b) is the real part of e^{ia} e^{ib}: one product of matrices.
    turns = along * np.linspace(0, 1, n_phase)[:, None] + phase
    others = across[:, None] * np.linspace(0, 1, n_other)
    waves = (size * np.exp(2j * np.pi * turns)) @ np.exp(2j * np.pi * others)
    sign = (-1.0) ** np.arange(n_phase)[:, None]
    # Nearly in phase with the tissue, or nothing of the sign is left in a magnitude.
    return sign * waves.real * np.exp(1j * rng.uniform(-0.8, 0.8))
