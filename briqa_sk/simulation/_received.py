"""Noise is received once, whatever an artifact does to the signal.

An artifact acts on the signal of a scan. Averaging, interpolation and gains would act
on its noise, too, and so give the artifact away to anybody who measures noise. So

- a signal that changes where it is changes by what a scan without noise would
  (:func:`signal_of`), and a signal that is added gets the phase that noise has in air
  (:func:`receive`);
- a signal that moves takes its finest texture along voxel by voxel, without
  interpolation (:func:`split_tissue`), and leaves the air where it is
  (:func:`settle`).

How much texture a scan needs is a matter of :mod:`~briqa_sk.simulation._roughness`; a
head that moves while it is scanned has air that moves, too, in
:mod:`~briqa_sk.simulation._moving_head`.
"""

import torch

from briqa_sk.kernels.noise import finest_texture, local_means, smooth_means
from briqa_sk.simulation._tables import COSINES, NORMAL, RADII, look_up, random_words

_RANGE_SIGMAS = 2.6  # neighbours that differ by more belong to another tissue
_AIR_MEANS = (1.6, 2.8)  # of sigma: local means, 1.25 in air, that are air and tissue
_AIR_VALUES = (2.5, 4.0)  # the same for single voxels
_BLOCK = 1 << 16  # voxels whose intermediate results fit into the processor's cache


def signal_of(data, scan, own=None):
    """Return a scan without its noise: local means in tissue, 0 in air.

    Parameters
    ----------
    data : Tensor of shape (i, j, k), dtype float32
        Magnitude; left untouched.
    scan : Scan
        What is known of it.
    own : Tensor of shape (i, j, k), dtype float32, or None, default=None
        See :func:`~briqa_sk.kernels.noise.local_means`.

    Returns
    -------
    signal : Tensor of shape (i, j, k), dtype float32
        Edges higher than 2.6 standard deviations of the noise are as sharp as in the
        scan.
    """
    means = local_means(data, _RANGE_SIGMAS * scan.sigma, own)
    share = _ramp(means, _AIR_MEANS, scan)
    share.masked_fill_(data == 0, 0)  # a masked voxel beside tissue stays masked
    return means.mul_(share)


def receive(data, scan, real, imaginary=None):
    r"""Add a signal to a scan, in place.

    The scan counts as :math:`|x| e^{i \psi}`, where :math:`\psi` is 0 in tissue and
    uniform in air. So a signal in air gets Rician noise of the level that air has. In
    tissue, a signal that is added out of phase brings the noise of that channel, which
    the magnitude did not have. Where nothing is added, nothing changes, bit for bit.

    Parameters
    ----------
    data : Tensor of any shape, dtype float32
        Magnitude; overwritten.
    scan : Scan
        What is known of it.
    real : Tensor of the same shape, dtype float32
        What is added.
    imaginary : Tensor of the same shape, dtype float32, or None, default=None
        What is added out of phase. None is nothing.

    Returns
    -------
    received : Tensor of the same shape, dtype float32
        ``data``, a magnitude; a copy if it is not contiguous.
    """
    data = data.contiguous()
    bits = [scan.fresh_bits() for _ in range(2)]
    parts = [data, real] if imaginary is None else [data, real, imaginary]
    for part in zip(*(p.reshape(-1).split(_BLOCK) for p in parts), strict=True):
        _add_signal(*part, scan=scan, bits=bits)
    return data


def split_tissue(data, scan):
    """Split tissue into what can be interpolated and what can't.

    Parameters
    ----------
    data : Tensor of shape (i, j, k), dtype float32
        Magnitude; left untouched.
    scan : Scan
        What is known of it.

    Returns
    -------
    coarse : Tensor of shape (i, j, k), dtype float32
        Tissue without its finest texture, 0 in air.
    texture : Tensor of shape (i, j, k), dtype float32
        The rest of the tissue: to be moved to the nearest voxel.
    """
    means = smooth_means(data, scan.fine_axes)
    share = _ramp(means, _AIR_MEANS, scan)
    share.masked_fill_(data == 0, 0)  # a masked voxel beside tissue stays masked
    texture = finest_texture(data, means, scan.levels.floor).mul_(share)
    return share.mul_(data).sub_(texture), texture


def settle(moved, data, scan):
    """Return tissue that has moved, in the air of the scan that it moved in.

    Air stays where it was, and gives way where tissue comes. Where tissue was and none
    is now, there is new air of the same level.

    Parameters
    ----------
    moved : Tensor of shape (i, j, k), dtype float32
        Tissue in its new place, coarse and fine; 0 elsewhere. Overwritten.
    data : Tensor of shape (i, j, k), dtype float32
        The scan before.
    scan : Scan
        What is known of it.

    Returns
    -------
    settled : Tensor of shape (i, j, k), dtype float32
        ``moved``, a magnitude.
    """
    sigma = scan.levels.air_sigma
    moved.abs_()
    if sigma == 0:
        return moved
    means = smooth_means(data, scan.fine_axes)
    bits = scan.fresh_bits()
    blocks = (part.reshape(-1).split(_BLOCK) for part in (moved, data, means))
    for new, old, mean in zip(*blocks, strict=True):
        fresh = look_up(RADII, random_words(bits, len(new)), new.device)
        air = old.lerp(fresh.mul_(sigma), _ramp(mean, _AIR_MEANS, scan))
        air.mul_(_ramp(new, _AIR_VALUES, scan).neg_().add_(1))
        cosine = look_up(COSINES, random_words(bits, len(new)), new.device)
        cosine.mul_(new).mul_(2).add_(air)
        new.square_().addcmul_(air, cosine).clamp_(min=0).sqrt_()
    return moved


def _add_signal(data, real, imaginary=None, *, scan, bits):
    """Overwrite a block with its magnitude under a signal that is added."""
    words = random_words(bits[0], len(data))
    cosine, sine = _phase_of_air(data, words, scan)
    along, added = cosine.mul_(real), real.square()
    if imaginary is not None:
        words = random_words(bits[1], len(data))
        imaginary = _with_noise(imaginary, data, words, scan)
        along.addcmul_(sine, imaginary)
        added.addcmul_(imaginary, imaginary)
    added.addcmul_(data, along, value=2)
    square = data.square().add_(added).clamp_(min=0)
    # The root of a square is not exact.
    data.copy_(torch.where(added == 0, data, square.sqrt_()))


def _with_noise(imaginary, data, words, scan):
    """Return a signal with the noise of its channel, where it is tissue's only one."""
    noise = look_up(NORMAL, words, data.device).mul_(scan.sigma)
    noise.mul_(_ramp(data, _AIR_VALUES, scan))
    size = imaginary.abs()
    return imaginary + noise.mul_(size).div_(size.add_(scan.sigma or 1.0))


def _ramp(values, limits, scan):
    """Return 0 in air, 1 in tissue; tissue is everywhere if the air is exactly 0."""
    low, high = (n * scan.levels.air_sigma for n in limits)
    if high == 0:
        return torch.ones_like(values)
    return values.sub(low).mul_(1 / (high - low)).clamp_(0, 1)


def _phase_of_air(data, words, scan):
    """Return cosine and sine of phases that are uniform in air and 0 in tissue."""
    cosine = look_up(COSINES, words, data.device)
    cosine.lerp_(torch.ones_like(cosine), _ramp(data, _AIR_VALUES, scan))
    sine = (1 - cosine.square()).clamp_(min=0).sqrt_()
    is_below = torch.from_numpy((words & 1).astype(bool)).to(data.device)
    return cosine, torch.where(is_below, -sine, sine)
