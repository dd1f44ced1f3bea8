"""A head that moves, and takes its noise along."""

import math

import numpy as np
import torch

from briqa_sk.kernels.noise import middle_slabs, smooth_means
from briqa_sk.kernels.quality.sample import second_differences
from briqa_sk.kernels.rigid import move_rigidly
from briqa_sk.simulation._received import split_tissue
from briqa_sk.simulation._roughness import roughness
from briqa_sk.simulation._tables import COSINES, look_up, normal_like, random_words
from briqa_sk.simulation.poses import rms_displacement

_MOST = 127  # whole numbers of 8 bits
_N_SIGMAS = 4.0  # of noise, that they reach at least
_STILL_MM = 1e-6
_ROUGHNESS_OF_WHITE = 0.6745 * 6**1.5  # median size of its second differences
_DEVIATION_OF_AIR = 0.6745 * 0.655  # likewise, of a Rayleigh distribution
_WHITE = 0.6  # share of that, from which on air counts as white
_DEVIATION_OF_MEANS = 0.375  # of white noise over 3 x 3 voxels, weights 1, 2, 1
_BLOCK = 4  # voxels
_QUARTER = np.uint16(3 << 14)  # of a turn, backwards: cosine to sine


class MovingHead:
    """A complex image, as what can be interpolated, and the rest in whole numbers.

    A scan has lost its phase. Here, that of tissue is 0, and that of air is random.
    Lines from two poses would take half of the noise from the real part of tissue to
    the imaginary one, so that this has noise of the same level from the start. What is
    not interpolated, the finest texture and the noise, moves to the nearest voxel.

    Parameters
    ----------
    data : Tensor of shape (i, j, k), dtype float32
        The scan; overwritten.
    scan : Scan
        What is known of it.

    Attributes
    ----------
    coarse : Tensor of shape (i, j, k), dtype float16
        Real part without its finest texture.
    texture : Tensor of shape (i, j, k), dtype int8
        The rest of the real part.
    imaginary : Tensor of shape (i, j, k), dtype int8
        Imaginary part.
    unit : float
        That of both.
    """

    def __init__(self, data, scan):
        coarse, texture = split_tissue(data, scan)
        rough = roughness(coarse, texture, scan)
        noise_sigma = min(scan.sigma, rough / _ROUGHNESS_OF_WHITE)
        share = coarse.add_(texture).div_(data).nan_to_num_(0.0)
        # Noise that is alike in neighbours needs less than voxel by voxel.
        texture.mul_(noise_sigma / (scan.sigma or 1.0))
        largest = max(map(abs, map(float, torch.aminmax(texture))))
        largest = max(largest, _N_SIGMAS * max(noise_sigma, scan.levels.air_sigma))
        self.unit = largest / _MOST or 1.0
        self.texture = torch.empty_like(data, dtype=torch.int8)
        self.imaginary = torch.empty_like(self.texture)
        bits = scan.fresh_bits()
        phases = _phases_of_air(data, scan)
        fields = (data, texture, share, self.texture, self.imaginary)
        for whole, finest, tissue, fine, other in zip(*fields, strict=True):
            words = next(phases)
            cosine = look_up(COSINES, words, whole.device).view(whole.shape)
            sine = look_up(COSINES, words + _QUARTER, whole.device).view(whole.shape)
            noise = _noise(bits, whole, noise_sigma, scan.sigma)
            air = (1 - tissue).mul_(whole)
            real = cosine.mul_(air)
            imaginary = sine.mul_(air).addcmul_(noise, tissue)
            whole.mul_(tissue).add_(real)
            fine.copy_(self._whole_numbers(real.add_(finest)))
            other.copy_(self._whole_numbers(imaginary))
            whole.sub_(fine, alpha=self.unit)
        # Before there is another copy.
        del coarse, texture, share, finest, tissue, fields
        self.coarse = data.half()

    def _whole_numbers(self, values):
        return values.div_(self.unit).round_().clamp_(-_MOST, _MOST)

    def move(self, real, motion, spacing_mm, n_lobes):
        """Move the head.

        Parameters
        ----------
        real : Tensor of shape (i, j, k), dtype float32
            Overwritten with the real part of the moved head.
        motion : tuple of (ndarray, ndarray)
            Rotation matrix, and translation in millimetres.
        spacing_mm : tuple of 3 float
            Voxel size.
        n_lobes : int
            Of the kernel that interpolates.

        Returns
        -------
        imaginary : Tensor of shape (i, j, k), dtype int8
            Imaginary part, in ``unit``.
        """
        real.copy_(self.coarse)
        texture, imaginary = self.texture, self.imaginary
        if rms_displacement(motion) > _STILL_MM:
            move_rigidly(real, *motion, spacing_mm, n_lobes=n_lobes)
            texture = _moved_noise(texture, motion, spacing_mm)
        for plane, fine in zip(real, texture, strict=True):
            plane.add_(fine, alpha=self.unit)
        del texture
        if rms_displacement(motion) > _STILL_MM:
            imaginary = _moved_noise(imaginary, motion, spacing_mm)
        return imaginary


def _moved_noise(noise, motion, spacing_mm):
    return move_rigidly(noise.clone(), *motion, spacing_mm, n_lobes=0, fades=False)


def _noise(bits, like, white, total):
    """Return noise of a slice, part of it white, the rest smooth in the slice."""
    noise = normal_like(like, bits).mul_(white)
    if white < total:
        smooth = math.sqrt(total**2 - white**2) / _DEVIATION_OF_MEANS
        noise.add_(smooth_means(normal_like(like, bits)[None])[0], alpha=smooth)
    return noise


def _phases_of_air(data, scan):
    """Yield a phase for each voxel of each slice, (j * k,) words of 16 bits.

    It is the same in blocks of 4 x 4 x 4 voxels where air is smoother than white noise.
    """
    n_rows, *shape = data.shape
    size = 1 if _air_is_white(data, scan) else _BLOCK
    n_blocks = [-(-n // size) for n in shape]
    bits = scan.fresh_bits()
    for row in range(n_rows):
        if row % size == 0:
            words = random_words(bits, math.prod(n_blocks)).reshape(n_blocks)
            words = words.repeat(size, 0).repeat(size, 1)[: shape[0], : shape[1]]
            words = words.ravel()
        yield words


def _air_is_white(data, scan):
    """Return whether second differences of air are as large as those of white noise."""
    rest = middle_slabs(data)
    is_air = rest <= scan.levels.floor
    for axis, n in enumerate(rest.shape):
        if n >= 3:
            rest = second_differences(rest, axis) / math.sqrt(6)
            is_air = is_air.narrow(axis, 1, n - 2)
    size = rest[is_air].abs()
    size = float(size.median()) if len(size) else 0.0
    return size > _WHITE * _DEVIATION_OF_AIR * scan.levels.air_sigma
