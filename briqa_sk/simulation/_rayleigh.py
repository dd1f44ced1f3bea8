"""Magnitude of noise in air (Rayleigh), as a table."""

import math

import numpy as np

# 2^16 values that are equally likely, so that 16 random bits and a look-up are all it
# takes, and no word of bits gives a logarithm of 0.
STEPS = (np.arange(1 << 16) + 0.5) / (1 << 16)
#: Radii of a complex Gaussian with a standard deviation of 1 in each channel.
RADII = np.sqrt(-2 * np.log(STEPS)).astype(np.float32)
MEAN = math.sqrt(math.pi / 2)
