"""Loss of contrast between tissues."""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import torch

from briqa_sk.kernels.tissue_classes import brain_signal
from briqa_sk.kernels.tissues import CONTRASTS, TISSUES, signal
from briqa_sk.simulation._base import Artifact
from briqa_sk.simulation._received import signal_of
from briqa_sk.simulation._tables import look_up

#: What is wrong, and the field of a sequence that says it.
_FIELDS = {
    "inversion_time": "ti_ms",
    "repetition_time": "tr_ms",
    "echo_time": "te_ms",
    "flip_angle": "flip",
}
_FACTORS = (1 / 16, 64.0)  # by which a parameter is wrong, at most
_N_FACTORS = 400
_LEAST_LOSS = 0.1  # of contrast; a parameter that loses less does not matter
_BEYOND = 0.5  # fluid and fat are this far from the brain, as a part of its signal
_LEAST_SLOPES = (0.6, 0.85)  # below and above the brain, so that tissues stay apart
_BEND = 0.1  # part of the signal over which one slope passes into the next
_N_STEPS = 1 << 16
_BLOCK = 1 << 16  # voxels whose intermediate results fit into the processor's cache
_OWN = (0.26, 0.79)  # weight of a voxel in its own mean among all neighbours, and few
_SIGMA_OF_BYTES = math.sqrt(2 * (256**2 - 1) / 12)  # of a sum of two random bytes


class Contrast(Artifact):
    r"""Lose contrast between tissues, as by a wrong inversion time or flip angle.

    The signal x of the scan without its noise changes by a curve,
    :math:`x' = x + f(\bar x) - \bar x`, where :math:`\bar x` is a mean over those
    neighbours that differ by no more than noise does. Within the brain, between the
    darker and the brighter one of grey and white matter, the slope of f is
    :math:`1 - \lambda` with the loss :math:`\lambda`. Its slope is between .6 and 1
    from there to fluid and fat, and 1 beyond them: they stay apart from the brain, no
    tissue gets brighter than one that was brighter, a voxel of two tissues stays
    between them, and air stays air. So what is lost is the contrast of the brain, and
    signal: what the brain loses in brightness, the noise does not.

    Which of the tissues lie where is told from the brightness of the most homogeneous
    voxels in the middle of the head, and from whether the others are brighter, as in
    T2w scans, or darker. How close fluid and fat come to the brain follows from the
    signal equations of the contrast that the scan looks like: one parameter of the
    sequence is changed until grey and white matter have lost as much contrast,

    - "inversion_time": longer in T1w scans, and shorter in FLAIR;
    - "repetition_time": shorter in T1w and T2w scans;
    - "echo_time": shorter in T2w scans and FLAIR, and longer in T1w scans;
    - "flip_angle": smaller in T1w scans.

    Where contrast does not depend on the parameter, fluid and fat keep their distance
    to the brain. Fluid that is as dark as bone stays as dark, and tissues that differ
    by less than 2.6 standard deviations of the noise lose less where they are thin.
    Noise passes unchanged but for what the local means keep of it; what is lost of that
    is given back, white or as smooth as they are.

    ======== ======== ==========================
    Severity Strength Contrast that is left
    ======== ======== ==========================
    0        0        all
    1        .5-.72   55 to 35 %
    2        .85-1    23 to 10 %
    ======== ======== ==========================

    Parameters
    ----------
    loss : float or None, default=None
        Share of the difference between grey and white matter that is lost, in (0, 1).
        None: .9 strength.
    kind : str or None, default=None
        "inversion_time", "repetition_time", "echo_time" or "flip_angle": what was
        wrong. None draws it.

    Examples
    --------
    >>> from briqa_sk.datasets import make_head_phantom
    >>> from briqa_sk.simulation import Contrast
    >>> flat = Contrast(loss=0.6)(make_head_phantom(24, random_state=0), random_state=0)
    >>> flat.history[-1]
    'contrast: loss=0.6'
    """

    NAME = "contrast"
    PHYSICAL = "loss"
    LARGEST = 0.9
    KINDS = tuple(_FIELDS)
    RANGES = ((0.0, 0.0), (0.5, 0.72), (0.85, 1.0))

    def __init__(self, loss=None, kind=None):
        self.loss = loss
        self.kind = kind

    def _check_params(self):
        super()._check_params()
        if self.loss is not None and self.loss >= 1:
            raise ValueError(
                f"{self._name}: loss must be below 1, got {self.loss}. At 1, nothing "
                "could be told from anything."
            )

    def _draw(self, loss, acquisition, rng):
        kind = self.KINDS[rng.integers(len(self.KINDS))]
        return {"kind": self.kind or kind}

    def _apply(self, data, parameters, scan):
        own = torch.empty_like(data)
        clean = signal_of(data, scan, own)
        brain = brain_signal(clean, scan.levels.floor)
        if brain is None:
            return data
        left = _distances_left(brain.contrast, parameters["kind"], parameters["loss"])
        curve = _Curve(brain, parameters["loss"], left)
        _give_back(own, scan)
        curve.add_to(data, clean, own)
        return data.abs_()


def add_contrast(volume, strength, *, spacing_mm=(1.0, 1.0, 1.0), random_state=None):
    """Lose contrast between tissues; see :class:`Contrast`.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor of shape (i, j, k)
        Magnitude image, not negative; left untouched.
    strength : float
        In [0, 1]: the share of the contrast of the brain that is lost, over .9. 0
        returns the voxels unchanged.
    spacing_mm, random_state
        As in :class:`Contrast` and its call.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    return Contrast()(
        volume, strength, spacing_mm=spacing_mm, random_state=random_state
    )


class _Curve:
    """New signals of old ones, and the noise that they lack then.

    Parameters
    ----------
    brain : BrainSignal
        Of the scan.
    loss : float
        Of contrast in the brain.
    left : tuple of 2 float
        Parts of the distance to the brain that are left of what is darker, and of what
        is brighter.
    """

    def __init__(self, brain, loss, left):
        dark, bright = brain.low * (1 - _BEYOND), brain.high * (1 + _BEYOND)
        top = bright * (1 + _BEND)
        signals = np.linspace(0, top, _N_STEPS)
        slopes = _slopes(brain, loss, left, dark, bright)
        slope = np.interp(signals, *zip(*slopes, strict=True))
        lost = 1 - slope
        self.change = -np.cumsum(lost).astype(np.float32) * np.float32(signals[1])
        self.noise = np.sqrt(lost * (2 - lost)).astype(np.float32)
        self.per_signal = (_N_STEPS - 1) / top

    def add_to(self, data, clean, noise):
        """Add the change of the clean signal to the data, and noise, in place."""
        blocks = (part.reshape(-1).split(_BLOCK) for part in (data, clean, noise))
        for voxels, signals, fresh in zip(*blocks, strict=True):
            if signals.amax() == 0:  # air
                continue
            steps = (signals * self.per_signal).clamp_(max=_N_STEPS - 1)
            words = steps.cpu().numpy().astype(np.uint16)
            voxels.add_(look_up(self.change, words, data.device))
            voxels.addcmul_(fresh, look_up(self.noise, words, data.device))


def _slopes(brain, loss, left, dark, bright):
    """Return pairs of a signal and the slope of the curve there."""
    middle, far = 0.5 * (brain.low + brain.high), 1 - loss
    below, above = (far * (middle - brain.low), far * (brain.high - middle))
    # What is dark stays, so the brain comes closer; then what is bright does.
    level = dark / (1 - left[0] * (1 - dark / middle))
    before = (level - below - dark) / (brain.low - dark)
    before = min(1.0, max(_LEAST_SLOPES[0], before))
    level = dark + before * (brain.low - dark) + below
    distance = left[1] * (bright / middle - 1) * level
    after = (distance - above) / (bright - brain.high)
    after = min(1.0, max(_LEAST_SLOPES[1], after))
    return [
        (dark * (1 - _BEND), 1.0),
        (dark * (1 + _BEND), before),
        (brain.low * (1 - _BEND), before),
        (brain.low, far),
        (brain.high, far),
        (brain.high * (1 + _BEND), after),
        (bright * (1 - _BEND), after),
        (bright, 1.0),
    ]


def _distances_left(contrast, kind, loss):
    """Return what a wrong sequence leaves of the distances of fluid and fat.

    Parameters
    ----------
    contrast : {"T1w", "T2w", "FLAIR"}
        What the scan looks like.
    kind : str
        What is wrong.
    loss : float
        Of contrast between grey and white matter.

    Returns
    -------
    left : tuple of 2 float
        Distances to the brain of what is darker and of what is brighter, relative to
        the signal of the brain, over what they were; 1 where it is no fluid or fat.
    """
    losses, fluid, fat = _physics(contrast, kind)
    if losses[-1] < _LEAST_LOSS:
        return 1.0, 1.0
    fluid, fat = (float(np.interp(loss, losses, way)) for way in (fluid, fat))
    return (1.0, fluid) if contrast == "T2w" else (fluid, fat)


@cache
def _physics(contrast, kind):
    """Return losses of contrast, and distances left of fluid and of fat at each."""
    ways = [_way(contrast, _FIELDS[kind], factor) for factor in _FACTORS]
    return max(ways, key=lambda way: way[0][-1])


def _way(contrast, field, most):
    """Follow a parameter as long as contrast falls."""
    right = CONTRASTS[contrast]
    value = getattr(right, field)
    n_factors = _N_FACTORS if value is not None else 1
    wrong = [
        replace(right, **{field: None if value is None else float(value * factor)})
        for factor in np.geomspace(1, most, n_factors)
    ]
    csf, grey, white, fat = (
        np.array([signal(TISSUES[name], sequence) for sequence in wrong])
        for name in ("csf", "grey", "white", "fat")
    )
    brain = 0.5 * (grey + white)
    difference = (white - grey) / brain
    losses = 1 - difference / difference[0]
    n = 1 + int(np.argmin(np.append(np.diff(losses) > 0, False)))
    distances = (tissue / brain - 1 for tissue in (csf, fat))
    return losses[:n], *((d / d[0])[:n] for d in distances)


def _give_back(own, scan):
    """Overwrite the weights of voxels in their own means by noise as of these means.

    Where all neighbours count, it is the mean of two along each axis; where none do, it
    is white. In between, for each axis along which none do, a third is white.
    """
    bits = scan.fresh_bits()
    extra = [int(n > 1) for n in own.shape]
    size = [n + one for n, one in zip(own.shape[1:], extra[1:], strict=True)]
    n_rows = max(1, 4 * _BLOCK // math.prod(size))
    white = _white(bits, [extra[0], *size])
    for rows in own.split(n_rows):
        white = torch.cat(
            [white[len(white) - extra[0] :], _white(bits, [len(rows), *size])]
        )
        mean = white
        for axis, one in enumerate(extra):
            n = mean.shape[axis] - one
            mean = mean.narrow(axis, 0, n) + mean.narrow(axis, one, n)
        mean = (mean.float() / 2 ** sum(extra)).to(own.device)
        inner = white[tuple(slice(n) for n in rows.shape)].to(own.device)
        rows.sub_(_OWN[0]).mul_(1 / (_OWN[1] - _OWN[0])).clamp_(0, 1)
        rows.mul_(inner - mean).add_(mean).mul_(scan.sigma / _SIGMA_OF_BYTES)


def _white(bits, size):
    """Return sums of two random bytes, centred."""
    n = math.prod(size)
    words = bits.random_raw((2 * n + 7) // 8).view(np.uint8).astype(np.int16)
    return torch.from_numpy(words[:n] + words[n : 2 * n] - 255).view(size)
