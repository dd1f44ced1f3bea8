"""Transformers that change voxel intensities and leave the grid alone."""

import numpy as np

from briqa_sk._validation import check_real
from briqa_sk.base import VolumeTransformer
from briqa_sk.kernels import foreground_mask

_TINY = np.finfo(np.float32).tiny  # a smaller scale is none: dividing by it overflows


class ClipIntensity(VolumeTransformer):
    """Clip each volume to its own intensity percentiles.

    Vessels and spikes put a few voxels far above the tissue range; clipping keeps them
    from setting the scale of everything that follows.

    Parameters
    ----------
    lower : float, default=1.0
        Lower percentile, in [0, 100).
    upper : float, default=99.0
        Upper percentile, in (0, 100], greater than ``lower``.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk import ClipIntensity
    >>> X = np.arange(1000.0).reshape(1, 10, 10, 10)
    >>> Xt = ClipIntensity(lower=10, upper=90).fit_transform(X)
    >>> round(float(Xt.min()), 1), round(float(Xt.max()), 1)
    (99.9, 899.1)
    """

    def __init__(self, lower=1.0, upper=99.0):
        self.lower = lower
        self.upper = upper

    def _check_params(self):
        _check_percentiles(self)

    def _transform_volume(self, volume):
        low, high = np.percentile(volume.data, [self.lower, self.upper])
        data = np.clip(volume.data, np.float32(low), np.float32(high))
        step = f"ClipIntensity(lower={self.lower}, upper={self.upper})"
        return volume.derive(data, step=step)


class StandardizeIntensity(VolumeTransformer):
    """Give each volume mean 0 and standard deviation 1.

    MR intensities have no unit: the same tissue differs between scanners by a factor
    that says nothing about quality.

    Parameters
    ----------
    foreground_only : bool, default=False
        Whether mean and standard deviation are those of the voxels above Otsu's
        threshold, so that they don't depend on how much air is around the head. All
        voxels are shifted and scaled either way.

    Notes
    -----
    The standard deviation divides by the number of voxels. Where it is 0, as in a
    constant volume, or too small for float32, voxels are shifted only: a constant
    volume becomes zeros.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk import StandardizeIntensity
    >>> X = np.array([2.0, 4.0]).reshape(1, 2, 1, 1)
    >>> StandardizeIntensity().fit_transform(X).ravel().tolist()
    [-1.0, 1.0]
    """

    scales_intensity = True

    def __init__(self, foreground_only=False):
        self.foreground_only = foreground_only

    def _transform_volume(self, volume):
        data = volume.data
        chosen = data[foreground_mask(data)] if self.foreground_only else data
        # Sums in float64: a float32 sum of millions of voxels drifts.
        mean, std = chosen.mean(dtype=np.float64), chosen.std(dtype=np.float64)
        shifted = data - np.float32(mean)
        if std >= _TINY:
            shifted /= np.float32(std)
        step = f"StandardizeIntensity(foreground_only={self.foreground_only})"
        return volume.derive(shifted, step=step)


class RescaleIntensity(VolumeTransformer):
    """Map each volume linearly to a fixed range.

    Parameters
    ----------
    out_min : float, default=0.0
        Value of the lower percentile, and of everything below it.
    out_max : float, default=1.0
        Value of the upper percentile, and of everything above it; more than
        ``out_min``.
    lower : float, default=0.0
        Lower percentile, in [0, 100).
    upper : float, default=100.0
        Upper percentile, in (0, 100], greater than ``lower``.

    Notes
    -----
    A volume whose two percentiles are equal, or differ by less than float32 can
    divide by, becomes ``out_min`` everywhere.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk import RescaleIntensity
    >>> X = np.array([5.0, 6.0, 9.0]).reshape(1, 3, 1, 1)
    >>> RescaleIntensity(out_max=100).fit_transform(X).ravel().tolist()
    [0.0, 25.0, 100.0]
    """

    scales_intensity = True

    def __init__(self, out_min=0.0, out_max=1.0, lower=0.0, upper=100.0):
        self.out_min = out_min
        self.out_max = out_max
        self.lower = lower
        self.upper = upper

    def _check_params(self):
        _check_percentiles(self)
        check_out_range(self)

    def _transform_volume(self, volume):
        low, high = np.percentile(volume.data, [self.lower, self.upper])
        span = high - low if high - low >= _TINY else np.inf
        data = np.clip(volume.data, np.float32(low), np.float32(high))
        data -= np.float32(low)
        data /= np.float32(span)
        data *= np.float32(self.out_max - self.out_min)
        data += np.float32(self.out_min)
        # Rounding may leave the range by one digit.
        np.clip(data, np.float32(self.out_min), np.float32(self.out_max), out=data)
        step = (
            f"RescaleIntensity(out_min={self.out_min}, out_max={self.out_max}, "
            f"lower={self.lower}, upper={self.upper})"
        )
        return volume.derive(data, step=step)


def check_out_range(transformer):
    """Raise unless ``out_min`` and ``out_max`` are numbers in this order."""
    caller = type(transformer).__name__
    out_min, out_max = transformer.out_min, transformer.out_max
    check_real(out_min, "out_min", caller=caller)
    check_real(out_max, "out_max", caller=caller)
    if not out_min < out_max:
        raise ValueError(
            f"{caller}: out_min must be less than out_max, got out_min={out_min}, "
            f"out_max={out_max}."
        )


def _check_percentiles(transformer):
    caller = type(transformer).__name__
    lower, upper = transformer.lower, transformer.upper
    check_real(lower, "lower", caller=caller)
    check_real(upper, "upper", caller=caller)
    if not 0 <= lower < upper <= 100:
        raise ValueError(
            f"{caller}: lower and upper must satisfy 0 <= lower < upper <= 100, "
            f"got lower={lower}, upper={upper}."
        )
