"""Loss of contrast between tissues."""

import math

import numpy as np
import torch
from torch.nn.functional import avg_pool3d, max_pool3d

from briqa_sk.kernels import signal_levels
from briqa_sk.kernels.levels import SignalLevels
from briqa_sk.simulation._base import Artifact
from briqa_sk.simulation._tables import NORMAL, look_up, random_words
from briqa_sk.simulation.bias_field import BiasField

_RANGE_SIGMAS = 2.6  # neighbours that differ by more belong to another tissue
_CENTRE = 0.5  # weight of a voxel in its own mean; its neighbours have up to 1
_DARKEST_TISSUE = 0.24  # of the mean tissue: CSF in most T1w scans has a quarter
_BRIGHTEST_AIR = 0.05  # of the mean tissue, where noise is less
_AIR_SIGMAS = 1.65  # the mean of Rayleigh noise, 1.25, and 3 standard errors of it
_SLAB_VOXELS = 1 << 18
_SAMPLE_VOXELS = 1 << 19
_N_STEPS = 12
_BELOW_SIGMA = 0.903  # median of the spreads of 27 normal numbers that are below 1
_BLOCK = 1 << 16  # voxels whose noise fits into the cache of the processor
# Equally likely values of a standard normal number: 16 random bits look one up.


class Contrast(Artifact):
    r"""Lose tissue contrast, as by a wrong flip angle or inversion time.

    Contrast is the difference between tissues, so it can't be lost by a gamma curve,
    which only moves grey levels: here every tissue moves towards the mean of all,

    .. math:: x' = \left| x - a \, (x - \bar x) + \sqrt{a \, (2 - a)} \, \sigma n
              \right|, \qquad a = \lambda \, w(m), \qquad
              \bar x = \sum w(m) \, x / \sum w(m)

    with the loss :math:`\lambda`. The differences between tissue means fall by the
    factor :math:`1 - \lambda`, however small the tissue or the difference. Noise would
    fall by it, too; as the receiver adds as much whatever the contrast, standard normal
    :math:`n` times the standard deviation :math:`\sigma` of the noise, see
    :func:`noise_level`, brings it back to what it was. The weight :math:`w` rises from
    0 in air to 1 in the darkest tissue with the local signal :math:`m`, a mean over
    those neighbours that differ by no more than noise does (a bilateral filter, taken
    along one axis after the other [1]_). So noise, air and the mean signal stay:
    contrast falls, the contrast-to-noise ratio with it, and no later normalisation
    brings it back.

    What is as dark as air is taken for air: bone, and fluid that the inversion pulse
    nulls (CSF in FLAIR, and in the T1w phantom), keep their contrast to the other
    tissues. Between 5 and 24 % of the mean tissue, part of it goes. Noise is white and
    of one level everywhere; where that of the scan is smooth or uneven, as after
    interpolation or parallel imaging, the loss makes it less so.

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
    LARGEST = 0.9
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

    def _draw(self, loss, rng):
        drawn = {"seed": int(rng.integers(2**63))}
        deviation = self.bias_field * min(1, loss / self.LARGEST)
        if deviation > 0:
            field = BiasField(deviation=deviation).draw(random_state=rng)
            drawn["bias_field"] = field
        return drawn

    def _apply(self, data, parameters, spacing_mm):
        # Squares of very large or small voxels are no float32; powers of 2 are exact.
        unit = 2.0 ** max(math.frexp(float(data.max()))[1] - 1, -125)
        data /= unit
        levels = signal_levels(data.cpu().numpy())
        sigma = noise_level(data, levels.floor)
        share = _Weights(levels).of(_local_means(data, _RANGE_SIGMAS * sigma))
        share.masked_fill_(data == 0, 0)  # a masked voxel beside tissue stays masked
        _contract(data, share, parameters["loss"])
        if sigma > 0:
            share *= parameters["loss"]
            _add_noise(data, share, sigma, np.random.SFC64(parameters["seed"]))
        data *= unit
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
        Seeds the noise.

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

    Most cubes of 3 x 3 x 3 voxels hold some anatomy. Those that do not have the lowest
    spread, and it scatters about that of the noise: half of what is below the noise is
    below .903 of it, which is solved from the lower end. Slabs in the middle of the
    volume stand for all of it.

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
    part = data[start : start + n_rows][None].double()  # (1, n_rows, j, k)
    size = [min(3, n) for n in part.shape[1:]]
    n = math.prod(size)
    mean = avg_pool3d(part, size, 1)
    variance = avg_pool3d(part.square(), size, 1).sub_(mean.square())
    is_tissue = -max_pool3d(-part, size, 1) > floor
    spread = variance[is_tissue].clamp_(min=0).mul_(n / max(1, n - 1)).sqrt_()
    return _lowest_level(np.sort(spread.cpu().numpy()))


def _lowest_level(spread):
    """Level about which the lowest of sorted spreads scatter."""
    if spread.size == 0:
        return 0.0
    level = float(spread[len(spread) // 20])
    for _ in range(_N_STEPS):
        n_below = np.searchsorted(spread, level, side="right")
        level = float(spread[n_below // 2]) / _BELOW_SIGMA
    return level


def _contract(data, share, loss):
    """Move tissue towards its mean, in place."""
    rows = _rows_per_slab(data)
    slabs = list(zip(data.split(rows), share.split(rows), strict=True))
    # Slab by slab, for a sum in float64 makes a copy in float64.
    signal = sum(float((slab * part).sum(dtype=torch.float64)) for slab, part in slabs)
    weight = sum(float(part.sum(dtype=torch.float64)) for _, part in slabs)
    mean = signal / weight if weight else 0.0
    for slab, part in slabs:
        slab.sub_((slab - mean).mul_(part), alpha=loss)


def _add_noise(data, loss, sigma, bits):
    """Add what noise was lost, in place; the result is a magnitude."""
    normal = np.float32(sigma) * NORMAL
    for block, lost in zip(
        data.view(-1).split(_BLOCK), loss.view(-1).split(_BLOCK), strict=True
    ):
        noise = look_up(normal, random_words(bits, len(block)), block.device)
        block.addcmul_(noise, (2 - lost).mul_(lost).sqrt_()).abs_()


class _Weights:
    """How much of a tissue a local signal is: 0 in air, 1 in the darkest tissue."""

    def __init__(self, levels: SignalLevels):
        self.low = max(_AIR_SIGMAS * levels.air_sigma, _BRIGHTEST_AIR * levels.tissue)
        self.high = max(_DARKEST_TISSUE * levels.tissue, 1.2 * self.low) or 1.0

    def of(self, local):
        """Overwrite local signals with their weights."""
        ramp = local.sub_(self.low).mul_(1 / (self.high - self.low)).clamp_(0, 1)
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
