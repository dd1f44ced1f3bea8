"""Zipper lines: radio frequencies from outside that leak into the receiver."""

import math

import numpy as np
import torch

from briqa_sk.simulation._base import Artifact
from briqa_sk.simulation._received import receive

_MOST_LINES = 7
_MOST_WAVES = 4  # in the envelope of an alternating line
_APART = 0.02  # of the field of view: lines are at least this far from each other
_AT_CENTRE = 0.2  # of the draws have a line in the middle
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
    voxels fills both planes, the second with 0.7 of the amplitude. Lines lie anywhere,
    one of five in the middle of the field of view, where the scanner's own frequency
    is. In a 2-D acquisition the interference lasts as long as one slice, and the line
    is in that slice alone.

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
    >>> len(np.flatnonzero((zipped != clean).any(axis=(1, 2))))
    1
    """

    NAME = "zipper"
    PHYSICAL = "amplitude"
    AXIS = "readout"
    LARGEST = 0.9
    RANGES = ((0.0, 0.0), (0.25, 0.45), (0.65, 1.0))

    def __init__(self, amplitude=None, axis=None):
        self.amplitude = amplitude
        self.axis = axis

    def _draw(self, amplitude, acquisition, rng):
        places = _draw_places(rng)
        lines = [_draw_line(place, rng) for place in places]
        lines[0]["relative_amplitude"] = 1.0
        return {"lines": self._first(lines, amplitude)}

    def _apply(self, data, parameters, scan):
        axis = scan.axis("readout", caller=self._name)
        level = parameters["amplitude"] * scan.levels.tissue
        for line in parameters["lines"]:
            size = level * line["relative_amplitude"]
            planes = _readout_first(_in_slice(data, line, scan, self._name), axis)
            for index, pattern in _patterns(line, planes.shape):
                wave = torch.from_numpy(np.stack([pattern.real, pattern.imag]) * size)
                real, imaginary = wave.to(data.device, torch.float32)
                plane = planes[index]
                plane.copy_(receive(plane.clone(), scan, real, imaginary))
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
    spacing_mm, axis, random_state
        As in :class:`Zipper` and its call.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    return Zipper(axis=axis)(
        volume, strength, spacing_mm=spacing_mm, random_state=random_state
    )


def _draw_places(rng):
    """Return fractions of the field of view, in random order and no comb."""
    places = []
    while len(places) < _MOST_LINES:
        place = float(rng.uniform(0.04, 0.96))
        # Two lines on one place would count as one.
        if all(abs(place - other) > _APART for other in places):
            places.append(place)
    if rng.random() < _AT_CENTRE:
        places[int(np.argmin(np.abs(np.array(places) - 0.5)))] = 0.5
    return places


def _draw_line(place, rng):
    """Draw one line at a fraction of the field of view."""
    return {
        "position": place,
        "relative_amplitude": float(rng.uniform(0.6, 1)),
        "slice": float(rng.uniform(0.2, 0.8)),
        "n_planes": int(rng.choice([1, 2], p=[0.6, 0.4])),
        "pattern": str(rng.choice(["noise", "alternating"])),
        "seed": int(rng.integers(2**63)),
    }


def _in_slice(data, line, scan, caller):
    """Return a view of what a line goes through: all slices, or one in 2-D."""
    if not scan.is_2d:
        return data
    axis = scan.axis("slice", caller=caller, n_least=1)
    return data.narrow(axis, int(line["slice"] * data.shape[axis]), 1)


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
