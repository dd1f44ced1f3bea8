"""Numbers that stay finite, from samples that stay small."""

import numpy as np

_MOST = 1e5
_SAMPLE = 300_000


def ratio(top, bottom):
    """Return a quotient of two numbers that are not negative, 1e5 at most.

    Nothing over nothing is 0. So a signal without any noise has a large number as its
    signal-to-noise ratio, and not infinity, which few estimators take.
    """
    top, bottom = float(top), float(bottom)
    if top <= 0:
        return 0.0
    return top / bottom if bottom > top / _MOST else _MOST


def sample(values):
    """Return a 1-D array as it is, or every n-th of many values, 300,000 or more."""
    return values[:: max(1, values.size // _SAMPLE)]


def spread_of(values):
    """Return the median and the scaled median absolute deviation, 0 for no value.

    The deviation is multiplied by 1.4826, which makes it the standard deviation of
    normal numbers. Where it is 0, because most voxels of integer air are one number,
    the standard deviation stands in, as in MRIQC.
    """
    if values.size == 0:
        return 0.0, 0.0
    values = sample(values)
    median = np.median(values)
    spread = 1.4826 * float(np.median(np.abs(values - median)))
    return float(median), spread or float(values.std(dtype=np.float64))


def extremes(name, values):
    """Return the smallest and the largest of up to three numbers by name, 0 for none.

    Which axis is which depends on how a scan lies in its file, so that what happens
    along one axis is found in the largest of three numbers, whatever the axis.
    """
    return {
        f"{name}_min": float(min(values, default=0.0)),
        f"{name}_max": float(max(values, default=0.0)),
    }


def second_differences(data, axis):
    """Return x[n - 1] - 2 x[n] + x[n + 1] along an axis of 3 voxels or more."""
    low, mid, high = (
        data[tuple(part if a == axis else slice(None) for a in range(data.ndim))]
        for part in (slice(None, -2), slice(1, -1), slice(2, None))
    )
    difference = low + high
    difference -= mid
    difference -= mid
    return difference
