"""Loss of contrast between tissues."""

import numpy as np
import torch

from briqa_sk.kernels import signal_levels
from briqa_sk.kernels.levels import SignalLevels
from briqa_sk.simulation._base import Artifact
from briqa_sk.simulation.bias_field import BiasField

_LARGEST_LOSS = 0.9
_RANGE_SIGMAS = 2.6  # neighbours that differ by more belong to another tissue
_CENTRE = 0.5  # weight of a voxel in its own mean; its neighbours have up to 1
_DARKEST_TISSUE = 0.24  # of the mean tissue: CSF in T1w has a quarter
_BRIGHTEST_AIR = 0.05  # of the mean tissue, where noise is less
_AIR_SIGMAS = 1.65  # the mean of Rayleigh noise, 1.25, and 3 standard errors of it
_QUARTILE = 0.3186  # of |n| for a standard normal n
_SLAB_VOXELS = 1 << 18
_SAMPLE_VOXELS = 1 << 19


class Contrast(Artifact):
    r"""Lose tissue contrast, as by a wrong flip angle or inversion time.

    Contrast is the difference between tissues, so it can't be lost by a gamma curve,
    which only moves grey levels: here every tissue moves towards the mean of all,

    .. math:: x' = x - \lambda \, w(m) \, (m - \bar m), \qquad
              \bar m = \sum w(m) \, m / \sum w(m)

    with the loss :math:`\lambda` and the local tissue signal :math:`m`, a mean over
    those neighbours that differ by no more than noise does (a bilateral filter, taken
    along one axis after the other [1]_). What noise does comes from the second
    differences inside the head. The weight :math:`w` rises from 0 in air to 1 in the
    darkest tissue, CSF in T1w. So the differences between tissue means fall by the
    factor :math:`1 - \lambda`, while noise, air and the mean signal stay: contrast
    falls, the contrast-to-noise ratio with it, and no later normalisation brings it
    back.

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
        Share of the tissue differences that is lost, in (0, 1). None: .9 strength.
    bias_field : float, default=0.0
        Largest deviation of a smooth sensitivity from 1 that comes with a loss of .9,
        and in proportion with others; see :class:`BiasField`. In [0, 1).

    References
    ----------
    .. [1] T. Q. Pham and L. J. van Vliet, "Separable bilateral filtering for fast video
       preprocessing", IEEE International Conference on Multimedia and Expo, 2005.

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
    RANGES = ((0.0, 0.0), (0.5, 0.72), (0.85, 1.0))

    def __init__(self, loss=None, *, bias_field=0.0):
        self.loss = loss
        self.bias_field = bias_field

    def _check_params(self):
        super()._check_params()
        if self.loss is not None and self.loss >= 1:
            raise ValueError(
                f"Contrast: loss must be below 1, got {self.loss}. At 1, nothing could "
                "be told from anything."
            )
        if not 0 <= self.bias_field < 1:
            raise ValueError(
                f"Contrast: bias_field must be in [0, 1), got {self.bias_field}."
            )

    def _draw(self, strength, rng):
        loss = self.loss if strength is None else _LARGEST_LOSS * strength
        deviation = self.bias_field * min(1, loss / _LARGEST_LOSS)
        if deviation == 0:
            return {"loss": loss}
        field = BiasField(deviation=deviation).draw(random_state=rng)
        return {"loss": loss, "bias_field": field}

    def _apply(self, data, parameters, spacing_mm):
        levels = signal_levels(data.cpu().numpy())
        width = _RANGE_SIGMAS * noise_level(data, levels.floor)
        local, weights = _local_means(data, width), _Weights(levels)
        rows = _rows_per_slab(data)
        total = share = 0.0
        for part in local.split(rows):
            weight = weights.of(part)
            share += float(weight.sum(dtype=torch.float64))
            total += float(weight.mul_(part).sum(dtype=torch.float64))
        mean = total / share if share else 0.0
        for slab, part in zip(data.split(rows), local.split(rows), strict=True):
            change = part.sub(mean).mul_(weights.of(part))
            change.mul_(slab > 0)  # a masked voxel beside tissue stays masked
            slab.sub_(change, alpha=parameters["loss"]).clamp_(min=0)
        if "bias_field" in parameters:
            data = BiasField()._apply(data, parameters["bias_field"], spacing_mm)
        return data


def add_contrast(volume, strength, *, spacing_mm=(1.0, 1.0, 1.0), random_state=None):
    """Lose tissue contrast; see :class:`Contrast`.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor of shape (i, j, k)
        Magnitude image, not negative; left untouched.
    strength : float
        In [0, 1]: the share of the tissue differences that is lost, over .9. 0 returns
        the voxels unchanged.
    spacing_mm : float or tuple of 3 float, default=(1.0, 1.0, 1.0)
        Voxel size, which contrast does not depend on.
    random_state : int, Generator, RandomState or None, default=None
        Nothing is random; taken for the sake of the other artifacts.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32.
    """
    return Contrast()(
        volume, strength, spacing_mm=spacing_mm, random_state=random_state
    )


def noise_level(data, floor):
    """Estimate the standard deviation of noise in tissue; needs no air.

    Second differences along all three axes leave little of the anatomy. Their lower
    quartile is taken, because what they do leave is large (compare Immerkaer 1996,
    *Computer Vision and Image Understanding* 64:300). Slabs in the middle of the volume
    stand for all of it.

    Parameters
    ----------
    data : Tensor of shape (i, j, k)
        Magnitude.
    floor : float
        Brightest value that counts as air.

    Returns
    -------
    sigma : float
        In the units of the data; 0 without tissue.
    """
    n_rows = max(3, _SAMPLE_VOXELS // max(1, data[0].numel()))
    start = max(0, (len(data) - n_rows) // 2)
    part = data[start : start + n_rows]
    axes = [axis for axis in range(3) if part.shape[axis] >= 3]
    rough, inside = part, part
    for axis in axes:
        n = rough.shape[axis] - 2
        middle = rough.narrow(axis, 1, n)
        rough = rough.narrow(axis, 0, n) + rough.narrow(axis, 2, n) - 2 * middle
        inside = inside.narrow(axis, 1, n)
    rough = rough[inside > floor].abs().cpu().numpy()
    if rough.size == 0:
        return 0.0
    return float(np.quantile(rough, 0.25)) / _QUARTILE / 6 ** (len(axes) / 2)


class _Weights:
    """How much of a tissue a local signal is: 0 in air, 1 in the darkest tissue."""

    def __init__(self, levels: SignalLevels):
        self.low = max(_AIR_SIGMAS * levels.air_sigma, _BRIGHTEST_AIR * levels.tissue)
        self.high = max(_DARKEST_TISSUE * levels.tissue, 1.2 * self.low) or 1.0

    def of(self, local):
        ramp = local.sub(self.low).mul_(1 / (self.high - self.low)).clamp_(0, 1)
        return ramp.square_()  # a soft start, or the floor would draw specks in air


def _rows_per_slab(data):
    return max(1, _SLAB_VOXELS // max(1, data[0].numel()))


def _local_means(data, width):
    """Average each voxel with its neighbours that are within a width of it."""
    local = torch.empty_like(data)
    n_rows = _rows_per_slab(data)
    for start in range(0, len(data), n_rows):
        first, last = max(0, start - 1), min(len(data), start + n_rows + 1)
        slab = data[first:last]
        if width > 0:
            for axis in range(3):
                slab = _averaged(slab, axis, width)
        local[start : start + n_rows] = slab[start - first :][:n_rows]
    return local


def _averaged(data, axis, width):
    """Average along one axis with weights 1 - (difference / width)^2."""
    n = data.shape[axis] - 1
    step = data.narrow(axis, 1, n) - data.narrow(axis, 0, n)
    weight = step.square().mul_(-1 / width**2).add_(1).clamp_(min=0)
    step *= weight
    total = torch.full_like(data, _CENTRE)
    total.narrow(axis, 0, n).add_(weight)
    total.narrow(axis, 1, n).add_(weight)
    shift = torch.zeros_like(data)
    shift.narrow(axis, 0, n).add_(step)
    shift.narrow(axis, 1, n).sub_(step)
    return shift.div_(total).add_(data)
