"""Random numbers as tables of 2^16 values that are equally likely.

16 random bits and a look-up are all that a voxel takes, and no word of bits gives a
logarithm of 0.
"""

import math

import numpy as np
import torch
from scipy.special import ndtri

_BLOCK = 1 << 16  # numbers that are made at once
_STEPS = (np.arange(1 << 16) + 0.5) / (1 << 16)

#: Radii of a complex Gaussian, standard deviation 1 in each channel (Rayleigh).
RADII = np.sqrt(-2 * np.log(_STEPS)).astype(np.float32)
MEAN_RADIUS = math.sqrt(math.pi / 2)
#: Cosines of its angles.
COSINES = np.cos(2 * np.pi * _STEPS).astype(np.float32)
#: A real Gaussian with a standard deviation of 1.
NORMAL = ndtri(_STEPS).astype(np.float32)


def random_words(bits, n):
    """Return the next n words of a stream, (n,) of 16 bits.

    Parameters
    ----------
    bits : numpy.random.BitGenerator
        The stream.
    n : int
        How many.
    """
    return bits.random_raw((n + 3) // 4).view(np.uint16)[:n]


def look_up(table, words, device):
    """Return the values of a table at random words, (n,).

    Parameters
    ----------
    table : ndarray of shape (65536,), dtype float32
        Values.
    words : ndarray of shape (n,), dtype uint16
        Which.
    device : torch.device
        Where to.
    """
    # Any word is an index. "wrap" says so, and spares NumPy a copy of them to check.
    out = np.empty(len(words), np.float32)
    return torch.from_numpy(np.take(table, words, out=out, mode="wrap")).to(device)


def normal_like(like, bits):
    """Return standard normal numbers, as many and on the device of a tensor's voxels.

    Parameters
    ----------
    like : Tensor
        Its values don't matter.
    bits : numpy.random.BitGenerator
        The stream.

    Returns
    -------
    numbers : Tensor of the same shape, dtype float32
        C-contiguous.
    """
    numbers = torch.empty(like.shape, dtype=torch.float32, device=like.device)
    for part in numbers.view(-1).split(_BLOCK):
        part.copy_(look_up(NORMAL, random_words(bits, len(part)), like.device))
    return numbers
