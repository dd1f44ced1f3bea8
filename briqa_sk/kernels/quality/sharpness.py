"""How sharp edges are, and what the spectrum holds along each axis."""

import math

import numpy as np
from scipy import fft, ndimage

from briqa_sk.kernels.quality.sample import extremes

_N_LINES = 8192
_LOWEST = 4  # frequencies below it belong to the shape of the head
_NEIGHBOURS = 9
_NOTHING = 1e-12  # power far below one grey level


def sharpness_metrics(head):
    """Measure gradients, smoothness, high frequencies and spectral peaks.

    Parameters
    ----------
    head : HeadAndAir
        A scan. Axes of fewer than 8 voxels are left out.

    Returns
    -------
    metrics : dict of str to float
        See the user guide.
    """
    axes = head.long_axes
    variance = head.data[head.foreground].var(dtype=np.float64)
    steps = [_steps(head, axis) for axis in axes]
    spectra = [log_spectrum(head.data, axis) for axis in axes]
    return {
        **extremes("gradient", [absolute for absolute, _ in steps]),
        **extremes("fwhm", [smoothness(square, variance) for _, square in steps]),
        **extremes("fine", [_fine_share(spectrum) for spectrum in spectra]),
        "peak_max": max(map(_highest_peak, spectra), default=0.0),
    }


def smoothness(mean_square_step, variance):
    r"""Return the full width at half maximum, in voxels, of what smoothed an image.

    :math:`\sqrt{-2 \ln 2 / \ln(1 - s / 2v)}` with the mean square :math:`s` of the
    difference of neighbours and the variance :math:`v`: Forman et al. 1995, as in
    AFNI's 3dFWHMx. 0 for white noise or a constant, which nothing smoothed.
    """
    if variance == 0 or mean_square_step == 0:
        return 0.0
    correlation = 1 - mean_square_step / (2 * variance)
    if not 0 < correlation < 1:
        return 0.0
    return math.sqrt(-2 * math.log(2) / math.log(correlation))


def log_spectrum(data, axis):
    """Return the decimal logarithm of the mean power along an axis.

    Parameters
    ----------
    data : ndarray of shape (i, j, k), dtype float32
        Voxels.
    axis : int
        0, 1 or 2. About 8192 lines along it are averaged, evenly spaced, under a Hann
        window, so that tissue cut at the edge is no jump.

    Returns
    -------
    spectrum : ndarray of shape (n // 2 + 1,)
        From frequency 0 to half a cycle per voxel.
    """
    shape = data.shape[:axis] + data.shape[axis + 1 :]
    step = max(1, math.isqrt(math.prod(shape) // _N_LINES))
    thin = [slice(None) if a == axis else slice(None, None, step) for a in range(3)]
    lines = np.moveaxis(data[tuple(thin)], axis, -1)
    window = np.hanning(data.shape[axis]).astype(np.float32)
    spectrum = fft.rfft(np.ascontiguousarray(lines) * window, axis=-1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    return np.log10(power.mean(axis=(0, 1), dtype=np.float64) + _NOTHING)


def _steps(head, axis):
    """Return the mean absolute and mean square difference of foreground neighbours."""
    low = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
    high = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
    both = head.foreground[low] & head.foreground[high]
    difference = (head.data[high] - head.data[low])[both]
    if difference.size == 0:
        return 0.0, 0.0
    square = np.square(difference).mean(dtype=np.float64)
    return float(np.abs(difference).mean(dtype=np.float64)), float(square)


def _fine_share(spectrum):
    """Return how much lower the highest quarter is than the second, in decades."""
    n = len(spectrum)
    return float(spectrum[3 * n // 4 :].mean() - spectrum[n // 4 : n // 2].mean())


def _highest_peak(spectrum):
    """Return how far one frequency stands out of its neighbours, in decades."""
    around = ndimage.median_filter(spectrum, _NEIGHBOURS, mode="nearest")
    return float((spectrum - around)[min(_LOWEST, len(spectrum) - 1) :].max())
